"""What left the vault: an entry for every handover, so that the owner can say later what she gave to whom, and when."""

from __future__ import annotations

from leeward.vault.records import Schema, register

__all__ = ["HANDOVER"]

HANDOVER = register(
    Schema(
        "handover",
        1,
        {
            "form": "bundle, backup or export",
            "items": "ids of the items that left",
            "whole_archives": "true when whole original files went with it",
            "period": "what was asked for: from, to, person",
            "sha256": "SHA-256 of the file that was written",
            "sealed_to": "public key it was encrypted to, when it was",
            "checkpoint": "the signed checkpoint that went with it",
        },
    )
)

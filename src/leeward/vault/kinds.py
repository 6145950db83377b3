"""The kinds of entries the vault itself needs. Areas register their own beside their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leeward.vault.records import COMMON, Schema, register

__all__ = ["AMENDMENT", "ARCHIVE", "ASIDE", "READING", "REMOVAL", "SETTING", "changes_of"]

SETTING = register(
    Schema(
        "setting",
        1,
        {"name": "which setting: zone, language", "value": "its value from now on"},
    )
)

AMENDMENT = register(
    Schema(
        "amendment",
        1,
        {
            "of": "id of the entry that is changed",
            "was": "commitment of that entry, hex: what exactly is being changed",
            "unset": "names of fields that no longer hold",
        },
    )
)
"""Beside these it carries the changed fields themselves, under their own names: each can be opened alone."""

REMOVAL = register(
    Schema(
        "removal",
        1,
        {
            "of": "id of the entry whose key and files were destroyed",
            "was_kind": "its kind",
            "was": "its commitment, hex: the place in the tree stays",
            "reason": "why, in her words, if she gave one",
        },
    )
)

ASIDE = register(
    Schema(
        "aside",
        1,
        {"of": "id of an item: an entry, or a record as archive:n", "aside": "true to set aside, false to bring back"},
    )
)

ARCHIVE = register(
    Schema(
        "archive",
        1,
        {
            "name": "file name as given",
            "file": "blob, size and SHA-256 of the original",
            "sha256": "SHA-256 of the original, for opening alone",
            "type": "media type by content",
            "obtained": "whose device or account it is from, and how it was obtained, in her words",
            "hints": "what she said when she gave it, so that an interrupted import can be finished as she meant it",
        },
    )
)

READING = register(
    Schema(
        "reading",
        1,
        {
            "archive": "id of the archive that was read",
            "original": "SHA-256 of its original",
            "reader": "name of the reader",
            "reader_version": "its version",
            "records": "root, number of segments and width of the tree of records",
            "index": "where rows are: records, rows and bytes of each block, root of each segment",
            "receipt": "the account of the reading",
            "hints": "what she said that the file cannot say: zone, order, who she is",
            "service": "whatsapp, sms, …",
        },
    )
)


def changes_of(amendment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an amendment changes: field to new value, None for a field it takes away."""
    own = (*COMMON, *AMENDMENT.fields)
    changes: dict[str, Any] = dict.fromkeys(amendment.get("unset", []))
    changes.update((name, value) for name, value in amendment.items() if name not in own)
    return changes

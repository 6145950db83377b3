"""The keys of one compartment, all derived from its root. Follows docs/formats/vault.md."""

from __future__ import annotations

from leeward.vault.primitives import expand
from leeward.vault.seal import Sealer

__all__ = ["KeyRing"]


class KeyRing:
    """Derives once what is used often; the root itself is not kept.

    Args:
        compartment: id, 16 bytes.
        root: 32 bytes.
    """

    def __init__(self, compartment: bytes, root: bytes) -> None:
        self.sealer = Sealer(compartment, expand(root, b"leeward/v1/locator"))
        self.head = expand(root, b"leeward/v1/head")
        self.batch = expand(root, b"leeward/v1/batch")
        self.snapshot = expand(root, b"leeward/v1/snapshot")
        self.secrets = expand(root, b"leeward/v1/secrets")
        self._epochs = {0: expand(root, b"leeward/v1/epoch" + bytes(4))}

    def epoch(self, number: int) -> bytes:
        """Return the key that wraps the key pages of epoch *number*. Version 1 writes epoch 0 only."""
        return self._epochs[number]

    def __repr__(self) -> str:
        return "KeyRing(****)"

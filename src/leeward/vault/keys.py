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
        self._pages = expand(root, b"leeward/v1/keys")

    def epoch(self, number: int, secret: bytes) -> bytes:
        """Return the key that wraps the key pages of epoch *number*; *secret* is what the head says of that epoch."""
        return expand(self._pages, b"leeward/v1/epoch" + number.to_bytes(4, "big") + secret)

    def snapshot_of(self, secret: bytes) -> bytes:
        """Return the key that opens one snapshot; *secret* is what the head says of it."""
        return expand(self.snapshot, b"leeward/v1/snapshot" + secret)

    def __repr__(self) -> str:
        return "KeyRing(****)"

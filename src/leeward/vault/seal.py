"""Padding and sealing of named objects: one scheme, one place that builds contexts.

Follows docs/formats/vault.md §3. `Place` ties a kind and its parts to an object's name and to its sealing context, so
that an object moved elsewhere does not open::

    name     HMAC-SHA256(locator key, kind 0x00 part 0x00 part …)
    context  leeward/v1|kind|compartment|part|part…
    padded   length[4] content zeros…
"""

from __future__ import annotations

from leeward.core.errors import OurMistake, VaultDamaged
from leeward.core.units import KiB, MiB
from leeward.vault.primitives import SealBroken, keyed_name, seal, unseal

__all__ = ["PIECE", "Place", "Sealer", "padded_size", "padme"]

PIECE = MiB
"""Bytes of plain text in one piece of a file: large enough that sealing costs nothing, small enough to hold."""

_BUCKETS = tuple(size * KiB for size in (1, 2, 4, 8, 16, 64))
_LENGTH = 4


def padme(length: int) -> int:
    """Return the Padmé size: at most 12 % more, and only about log2(log2) bits of the length show.

    Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019, algorithm 1.
    """
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask


def padded_size(length: int) -> int:
    """Return the sealed-over size in bytes of an object with *length* bytes of content."""
    need = length + _LENGTH
    for bucket in _BUCKETS:
        if need <= bucket:
            return bucket
    return padme(need)


class Place:
    """Where an object stands: its kind and what tells it from others of its kind."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: str, *parts: str | int) -> None:
        self.kind = kind
        self.parts = tuple(str(part) for part in parts)

    def __str__(self) -> str:
        return " ".join((self.kind, *self.parts))


class Sealer:
    """Seals and opens objects of one compartment.

    Args:
        compartment: its id, 16 bytes.
        locator: the key that makes names.
    """

    def __init__(self, compartment: bytes, locator: bytes) -> None:
        self._compartment = compartment.hex()
        self._locator = locator

    def name(self, place: Place) -> str:
        """Return the storage name of *place*."""
        return keyed_name(self._locator, "\0".join((place.kind, *place.parts)).encode())

    def _context(self, place: Place) -> bytes:
        return "|".join(("leeward/v1", place.kind, self._compartment, *place.parts)).encode()

    def close(self, key: bytes, place: Place, content: bytes) -> bytes:
        """Pad to the next bucket and seal."""
        padding = bytes(padded_size(len(content)) - len(content) - _LENGTH)
        return seal(key, self._context(place), len(content).to_bytes(_LENGTH, "big") + content + padding)

    def open(self, key: bytes, place: Place, sealed: bytes) -> bytes:
        """Open what `close` made. Raises `VaultDamaged`, naming the place."""
        plain = self.open_piece(key, place, sealed)
        length = int.from_bytes(plain[:_LENGTH], "big")
        if length > len(plain) - _LENGTH:
            raise OurMistake("A sealed part holds less than it says.")
        return plain[_LENGTH : _LENGTH + length]

    def close_piece(self, key: bytes, place: Place, piece: bytes) -> bytes:
        """Seal a piece of a file as it is: the caller pads the whole file."""
        return seal(key, self._context(place), piece)

    def open_piece(self, key: bytes, place: Place, sealed: bytes) -> bytes:
        """Open what `close_piece` made. Raises `VaultDamaged`, naming the place."""
        try:
            return unseal(key, self._context(place), sealed)
        except SealBroken as error:
            raise VaultDamaged(
                f"A part of the vault ({place}) was changed or does not belong here.",
                lost="The other parts are not touched by this.",
                next_step="Run a check of the whole vault, and keep your backups.",
            ) from error

"""Blinded commitments: one field, one entry, one batch, one record, one segment.

Follows docs/formats/log.md §2–3 and docs/formats/archive.md §3, §5. The same functions are used to make and to check.
What only the owner can do (derive salts from seeds) is here too, so that the vectors can be recomputed by anyone who is
given a seed.

An entry commitment hashes 32 digests; a record commitment hashes 8::

    entry   H("e1" || r[32] || digest[32 x 32])
    record  H("r1" || r[32] || digest[8 x 32])
    field   H("f1" || salt[32] || len(name)[1] || name || value)
    padding H("d1" || r[32])
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

__all__ = [
    "BATCH_PLACES",
    "ENTRY_SLOTS",
    "FIXED_FIELDS",
    "RECORD_BLIND",
    "RECORD_FIELDS",
    "RECORD_SLOTS",
    "SEGMENT",
    "Batch",
    "EntryBlind",
    "canonical",
    "entry_blind",
    "entry_commitment",
    "entry_digests",
    "field_digest",
    "lay_out_batch",
    "order_of",
    "padding_commitment",
    "read_canonical",
    "record_commitment",
    "record_digests",
    "record_keystream",
    "segment_order",
    "segment_width",
]

ENTRY_SLOTS = 32
FIXED_FIELDS = (
    "attachments",
    "happened",
    "injuries",
    "kind",
    "original",
    "quotes",
    "reader",
    "reader_version",
    "records",
    "reports",
    "sha256",
    "text",
    "was",
    "where",
    "witnesses",
    "written",
)
"""Fields with a place of their own, 0 to 15, for ever: all that a bundle shows. Two values of one of them cannot stand
behind one commitment, whoever made it."""
RECORD_SLOTS = 8
BATCH_PLACES = 64
SEGMENT = 65_536
RECORD_BLIND = 288
"""Keystream bytes a record owns: 32 for ``r``, 8 slots of 32."""
RECORD_FIELDS = ("raw", "place", "sender", "time", "media")
"""The facts a record always has, which a bundle may open. A sixth, ``private``, is there for some and stays closed."""

_RECORD_VALUES = (*RECORD_FIELDS, "private")

_MAX_SAFE = 2**53 - 1


def canonical(value: Any) -> bytes:
    """Return *value* as canonical JSON (docs/formats/log.md §1).

    Raises:
        ValueError: a float, an integer beyond 2**53-1, a lone surrogate, or a type JSON does not have.
    """
    _refuse_inexact(value)
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8")
    except TypeError as error:
        raise ValueError("only JSON types can be committed to") from error


def read_canonical(data: bytes) -> Any:
    """Return the value that *data* is the canonical JSON of.

    Raises:
        ValueError: not JSON, nested too deeply, or another spelling than `canonical` writes: white space, a name twice
            or out of order, a fraction, a number beyond 2**53-1, a needless escape.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_int=_exact, parse_float=_refuse, parse_constant=_refuse)
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Writing it again is what finds every second spelling, a name that stands twice included.
    if again != data:
        raise ValueError("not the canonical spelling")
    return value


def _exact(text: str) -> int:
    if len(text) > 17 or abs(value := int(text)) > _MAX_SAFE:
        raise ValueError("number too large")
    return value


def _refuse(_text: str) -> Any:
    raise ValueError("not a whole number")


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("numbers with a fraction have no canonical form here; use text")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MAX_SAFE:
        raise ValueError("integer too large to be exact everywhere; use text")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError("names must be text")
            _refuse_inexact(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_inexact(inner)


def _expand(seed: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(algorithm=SHA512(), length=length, info=info).derive(seed)


def order_of(keys: Sequence[int]) -> list[int]:
    """Return the items in the order of their sort keys: ``result[position]`` is the item that stands there."""
    return sorted(range(len(keys)), key=keys.__getitem__)


def field_digest(salt: bytes, name: str, value: bytes) -> bytes:
    """Return the blinded digest of one field; *value* is canonical JSON for entries, raw bytes for records."""
    encoded = name.encode("ascii")
    return sha256(b"f1" + salt + bytes([len(encoded)]) + encoded + value).digest()


def padding_commitment(r: bytes) -> bytes:
    """Return the commitment that fills an unused place."""
    return sha256(b"d1" + r).digest()


class EntryBlind(NamedTuple):
    """What hides one entry.

    Attributes:
        r: 32 bytes.
        salts: 32 bytes for each of the 32 positions.
        others: the positions of the fields that have no place of their own, in the order of their names.
    """

    r: bytes
    salts: tuple[bytes, ...]
    others: list[int]

    def places(self, names: Iterable[str]) -> dict[str, int]:
        """Return the position of each name.

        Raises:
            ValueError: more than 16 names have no place of their own.
        """
        own = {name: place for place, name in enumerate(FIXED_FIELDS)}
        free = iter(self.others)
        try:
            return {name: own[name] if name in own else next(free) for name in sorted(names)}
        except StopIteration:
            raise ValueError("an entry has at most 16 fields without a place of their own") from None


def entry_blind(seed: bytes) -> EntryBlind:
    """Derive the blind of an entry from its 32-byte seed."""
    stream = _expand(seed, b"leeward/v1/entry", 1184)
    salts = tuple(stream[at : at + 32] for at in range(32, 1056, 32))
    free = len(FIXED_FIELDS)
    return EntryBlind(stream[:32], salts, [free + place for place in order_of(struct.unpack(">16Q", stream[1056:]))])


def entry_digests(blind: EntryBlind, fields: Mapping[str, bytes]) -> list[bytes]:
    """Return the 32 digests by position; *fields* maps names to canonical JSON.

    Raises:
        ValueError: too many fields without a place of their own.
    """
    digests = list(blind.salts)
    for name, place in blind.places(fields).items():
        digests[place] = field_digest(digests[place], name, fields[name])
    return digests


def entry_commitment(r: bytes, digests: Sequence[bytes]) -> bytes:
    """Return the commitment of an entry over its 32 digests by position."""
    if len(digests) != ENTRY_SLOTS:
        raise ValueError("an entry has exactly 32 digests")
    return sha256(b"e1" + r + b"".join(digests)).digest()


class Batch(NamedTuple):
    """A closed batch: 64 commitments by position, and the position of each entry in log order."""

    commitments: list[bytes]
    positions: list[int]


def lay_out_batch(seed: bytes, entries: Sequence[bytes]) -> Batch:
    """Fill up and shuffle up to 64 entry commitments (docs/formats/log.md §3)."""
    if len(entries) > BATCH_PLACES:
        raise ValueError("a batch has at most 64 entries")
    stream = _expand(seed, b"leeward/v1/batch", 2560)
    items = list(entries)
    items += [padding_commitment(stream[32 * j : 32 * j + 32]) for j in range(len(entries), BATCH_PLACES)]
    order = order_of(struct.unpack(">64Q", stream[2048:2560]))
    positions = [0] * BATCH_PLACES
    for position, item in enumerate(order):
        positions[item] = position
    return Batch([items[item] for item in order], positions[: len(entries)])


def _keystream(key: bytes, block: int) -> Callable[[int], bytes]:
    """Return a function that gives the next n bytes of AES-256-CTR, starting at 16-byte block *block*."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(block.to_bytes(16, "big"))).encryptor()
    return lambda length: encryptor.update(bytes(length))


def record_keystream(seed: bytes, first: int) -> Callable[[int], bytes]:
    """Return a reader of the archive's keystream from record *first* on; 288 bytes a record."""
    return _keystream(_expand(seed, b"leeward/v1/records", 32), first * RECORD_BLIND // 16)


def record_digests(blind: bytes, values: Sequence[bytes]) -> list[bytes]:
    """Return the 8 digests of a record.

    Args:
        blind: the 288 bytes of keystream this record owns.
        values: raw, place, sender, time, media, and private where there is any, as docs/formats/archive.md §3 says.
    """
    digests = [blind[at : at + 32] for at in range(32, RECORD_BLIND, 32)]
    for slot, (name, value) in enumerate(zip(_RECORD_VALUES, values, strict=False)):
        if value or name != "private":
            digests[slot] = field_digest(digests[slot], name, value)
    return digests


def record_commitment(r: bytes, digests: Sequence[bytes]) -> bytes:
    """Return the commitment of a record over its 8 digests."""
    if len(digests) != RECORD_SLOTS:
        raise ValueError("a record has exactly 8 digests")
    return sha256(b"r1" + r + b"".join(digests)).digest()


def segment_width(records: int, only_one: bool) -> int:
    """Return the number of leaves of a segment with *records* records (docs/formats/archive.md §5)."""
    if not only_one or records >= SEGMENT:
        return SEGMENT
    return max(64, 1 << (records - 1).bit_length() if records > 1 else 64)


def segment_order(seed: bytes, segment: int, width: int) -> list[int]:
    """Return which item stands at each position of a segment."""
    key = _expand(seed, b"leeward/v1/order" + segment.to_bytes(4, "big"), 32)
    return order_of(struct.unpack(f">{width}Q", _keystream(key, 0)(8 * width)))

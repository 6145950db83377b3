"""One message, call or other row as every layer above knows it, and as a reading keeps it.

A `Record` is what a reader yields and what the blocks of a reading hold (MessagePack, one array a record). In a block
``raw`` is empty: the source bytes stay in the sealed original, and ``member``, ``offset`` and ``length`` say where.
Follows docs/formats/archive.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import msgspec

__all__ = ["FIELDS", "Direction", "Kind", "MediaRef", "Record", "decode_block", "encode_block", "held_back"]


class Kind(IntEnum):
    """What a record is. ``receipt.records`` is the sum of all four."""

    MESSAGE = 0
    SYSTEM = 1
    CALL = 2
    OTHER = 3


class Direction(IntEnum):
    """Who sent it, as far as the file itself says so."""

    UNKNOWN = 0
    IN = 1
    OUT = 2


class MediaRef(msgspec.Struct, array_like=True, frozen=True):
    """A picture, sound, video or file that a record refers to.

    The bytes stay where they are, in the sealed original; this says how to find them again.

    Attributes:
        name: as written in the record, or in the part.
        place: ``""`` when the bytes are not in this archive, ``"member"`` when they are member `member` of the zip,
            ``"base64"`` when they are base64 text at `offset`, `length` of member `member`.
        sha256: lower-case hex of the decoded bytes, ``""`` when absent.
        size: decoded bytes, -1 when absent.
        type: media type by content, ``""`` when absent.
    """

    name: str
    place: str = ""
    member: str = ""
    offset: int = 0
    length: int = 0
    sha256: str = ""
    size: int = -1
    type: str = ""


class Record(msgspec.Struct, array_like=True):
    """One parsed row of an archive, in source order.

    Attributes:
        kind: a `Kind` value.
        member: path of the zip member it was read from, ``""`` for a plain file.
        offset: first byte in that member.
        length: bytes in that member, so that ``member[offset:offset+length]`` is the source of this record.
        raw: those bytes. When the row carries embedded media (base64 attributes), the *diverted form*: each diverted
            value is replaced as docs/formats/archive.md §4 says, so that a row stays small.
        sender: as written, ``""`` when the row names none.
        time: as written, ``""`` when the row has none.
        at: milliseconds since 1970 UTC when the instant is known, else None.
        wall: milliseconds since 1970 *as if* UTC when only a wall clock is known (floating), else None.
        text: what the person would read.
        handle: number, address or account id as written; ``""`` when the file gives only a name.
        direction: a `Direction` value.
        thread: the conversation as the file names it (chat title, number, group id).
        media: what it refers to, present or not.
        extra: small facts worth keeping (``deleted``, ``edited``, ``status``, ``duration`` in seconds, …), JSON types.
        private: values of the row that `raw` holds back because they could say something about the owner's own phone
            or place; as written, in their order (docs/formats/archive.md §4).
    """

    kind: int
    member: str
    offset: int
    length: int
    raw: bytes
    sender: str
    time: str
    at: int | None
    wall: int | None
    text: str
    handle: str = ""
    direction: int = 0
    thread: str = ""
    media: Sequence[MediaRef] = ()
    extra: dict[str, Any] | None = None
    private: Sequence[str] = ()


FIELDS = Record.__struct_fields__
"""Names of the values of a record, in the order of its array form."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Record])


def encode_block(records: Sequence[Record]) -> bytes:
    """Return records as one block, without their raw bytes. The records lose them: encode last."""
    for record in records:
        record.raw = b""
    return _ENCODER.encode(records)


def held_back(record: Record) -> bytes:
    """Return what a record commits to in the slot ``private``: a JSON array of text, nothing when there is none."""
    return msgspec.json.encode(record.private) if record.private else b""


def decode_block(block: bytes) -> list[Record]:
    """Return the records of a block."""
    return _DECODER.decode(block)

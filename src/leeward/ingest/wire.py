"""What a confined reader and its parent say to each other.

Two pipes, frames both ways::

    frame    length(4, big-endian) · payload(length), at most MAX_FRAME bytes
    up       msgpack of one `Message`: an array that begins with the tag, an integer
    down     the first frame is msgpack of a `Job`; every later one answers a `Need` (raw bytes) or a `More` (msgpack
             of a list of places)

The child speaks first in every exchange and the parent only answers, so neither can wait for the other for ever. The
parent takes everything from the child for hostile: tags, lengths and values are checked before they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from leeward.ingest.base import Hints, MediaRef, Outcome, Recognised, Record, Refused

__all__ = [
    "MAX_ANSWER",
    "MAX_FRAME",
    "PAGE",
    "Done",
    "Found",
    "GarbledFrame",
    "Job",
    "Message",
    "More",
    "Need",
    "Outset",
    "Over",
    "Pieces",
    "Place",
    "Refusal",
    "Rows",
    "Stopped",
    "read_frame",
]

MAX_FRAME: Final = 24 * 2**20
"""Bytes: a list of records is at most 4 MiB of rows, and text, raw bytes and names repeat them a few times."""

MAX_ANSWER: Final = 2**20
"""Bytes of the original that are handed down at once."""

PAGE: Final = 4096
"""Places per answer to a `More`."""

Place = tuple[str, int, int]
"""Member, offset, length: where a record stands."""


class GarbledFrame(Exception):  # a signal between two functions, not an error a person meets
    """What came up the pipe is no frame of this protocol."""


class Job(msgspec.Struct, array_like=True, frozen=True):
    """What the child is to do, and with how much.

    Attributes:
        task: ``"read"``, ``"raws"``, ``"media"``, or ``"nothing"`` (only say what holds it).
        name: the file name as given; hostile.
        size: bytes of the original.
        memory_bytes: address space.
        cpu_seconds: processor time.
        hints: for ``"read"``.
        reader: for ``"raws"``: who made the reading.
        media: for ``"media"``.
    """

    task: str
    name: str
    size: int
    memory_bytes: int
    cpu_seconds: int
    hints: Hints = Hints()
    reader: str = ""
    media: MediaRef | None = None


class Outset(msgspec.Struct, array_like=True, tag=0):
    """Said once, before the first byte of the original is looked at: what holds this child (names of confine.py)."""

    in_force: list[str]


class Need(msgspec.Struct, array_like=True, tag=1):
    """Give me bytes of the original."""

    offset: int
    length: int


class More(msgspec.Struct, array_like=True, tag=2):
    """Give me the next places; an empty list when there are none."""


class Found(msgspec.Struct, array_like=True, tag=3):
    """What the file is."""

    recognised: Recognised


class Rows(msgspec.Struct, array_like=True, tag=4):
    """Records in source order."""

    records: list[Record]


class Refusal(msgspec.Struct, array_like=True, tag=5):
    """An item that could not become a record."""

    refused: Refused


class Over(msgspec.Struct, array_like=True, tag=6):
    """The file was read to its end."""

    outcome: Outcome


class Pieces(msgspec.Struct, array_like=True, tag=7):
    """Bytes that were asked for: whole raws, or the next bytes of one file."""

    parts: list[bytes]


class Stopped(msgspec.Struct, array_like=True, tag=8):
    """It cannot be done; a code of run.py, never a text of the child's own."""

    code: str


class Done(msgspec.Struct, array_like=True, tag=9):
    """Nothing follows."""


Message = Outset | Need | More | Found | Rows | Refusal | Over | Pieces | Stopped | Done


def read_frame(read: Callable[[int], bytes], limit: int = MAX_FRAME) -> bytes | None:
    """
    Return the payload of the next frame, None when the pipe ended between two frames.

    Args:
        read: returns at most the given number of bytes, ``b""`` at the end.
        limit: largest payload that is accepted.

    Raises:
        GarbledFrame: the length is above *limit*, or the pipe ended inside a frame.
    """
    head = _exactly(read, 4)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > limit:
        raise GarbledFrame
    payload = _exactly(read, length)
    if len(payload) < length:
        raise GarbledFrame
    return payload


def _exactly(read: Callable[[int], bytes], length: int) -> bytes:
    """Return *length* bytes, fewer only at the end of the pipe."""
    first = read(length) if length else b""
    if len(first) == length or not first:
        return first
    parts, left = [first], length - len(first)
    while left:
        part = read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)

"""What a reader sees, and what it says: the contract between a file from elsewhere and the rest of Leeward.

A reader is a pure generator over bytes. It gets a `Package` (the sealed original, or the members of a zip), and yields
`Event` values: first one `Recognised`, then lists of `Record` and `Refused` in source order, at the end one `Outcome`.
It opens nothing, stores nothing, knows no key and no vault. It runs in a confined child process (``ingest/run.py``), so
everything here is plain data that msgspec can carry over a pipe.

Rules that bind every reader (docs/formats/archive.md):

* Nothing is dropped: what cannot be understood becomes a `Record` of kind ``OTHER`` or a `Refused` with its reason.
* Times have three parts: text as written, the instant if it is known, and the reason. A wall clock without zone stays
  ``wall`` (floating); file order is the truth, never the wall clock.
* A name is what the file says. Joining names and numbers into a person is a later act of the person herself.
* Memory is bounded: at most one batch of records plus one decoded chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, BinaryIO, Protocol

import msgspec

__all__ = [
    "BATCH",
    "Direction",
    "Event",
    "Flag",
    "Hints",
    "Kind",
    "Match",
    "MediaRef",
    "Outcome",
    "Package",
    "Reader",
    "Recognised",
    "Record",
    "Refused",
    "Source",
]

BATCH = 2048
"""Records per list a reader yields: large enough that the pipe costs little, small enough to stay below 4 MiB."""


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


class Refused(msgspec.Struct, frozen=True):
    """An item that was seen but could not become a record.

    Attributes:
        where: a place a person can find again ("line 12", "row 50 at byte 25,990").
        why: one plain sentence, without text from the file.
    """

    where: str
    why: str


class Flag(msgspec.Struct, frozen=True):
    """Something the person should know about this archive. Codes are the closed list of docs/formats/archive.md §6."""

    code: str
    text: str


class Recognised(msgspec.Struct, frozen=True):
    """What the file is.

    Attributes:
        reader: name of the reader, stable.
        version: its version; changes whenever its output for any file may change.
        service: ``"whatsapp"``, ``"sms"``, …
        detail: one sentence that explains what was recognised.
    """

    reader: str
    version: str
    service: str
    detail: str


class Outcome(msgspec.Struct, frozen=True):
    """Said once, at the end, when the whole file was read.

    Attributes:
        zone_rule: one sentence: how the times of this file are to be understood.
        flags: what the person should know.
        declared: number of rows the file itself claims, None when it claims none.
        order_open: True when day and month could be either way round; then no record carries `wall` or `at`.
        candidates: while the order is open: order name ("DMY") to [first, last] in ISO 8601 without offset.
        title: name of the conversation, ``""`` when the file holds many or none.
    """

    zone_rule: str
    flags: Sequence[Flag] = ()
    declared: int | None = None
    order_open: bool = False
    candidates: dict[str, tuple[str, str]] = {}
    title: str = ""


Event = Recognised | list[Record] | Refused | Outcome


class Hints(msgspec.Struct, frozen=True):
    """What the person said, because the file cannot: who is "me", the zone, the day/month order, a passphrase."""

    me: str | None = None
    zone: str | None = None
    order: str | None = None
    passphrase: str | None = None


class Match(msgspec.Struct, frozen=True):
    """A reader's claim on a package.

    Attributes:
        confidence: 0 to 1; the highest claim reads.
        detail: one sentence that explains what was recognised.
    """

    confidence: float
    detail: str


class Source(Protocol):
    """The sealed original: random access over plain bytes, nothing else.

    `name` is the file name as given. It is a hint and hostile: never a path to open.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset*; shorter only at the end."""


class Package(Protocol):
    """One file given by the person, seen as members: a zip has many, a plain file has one, named ``""``."""

    @property
    def name(self) -> str: ...

    def members(self) -> Sequence[str]:
        """Return the member paths in the order the container lists them, without folders and system litter."""

    def size(self, member: str) -> int:
        """Return the decoded size in bytes that the container declares. Not to be trusted for allocation."""

    def open(self, member: str) -> BinaryIO:
        """Return a sequential stream of the decoded bytes. May be opened again for another pass."""


class Reader(Protocol):
    """One kind of export. Stateless; the same package and hints always give the same events."""

    name: str
    version: str
    service: str

    def sniff(self, package: Package) -> Match | None:
        """Look at the first bytes of the members; None when this is not for us. Reads at most 256 KiB a member."""

    def read(self, package: Package, hints: Hints) -> Iterator[Event]:
        """Yield `Recognised`, then lists of at most `BATCH` records and `Refused` in source order, then `Outcome`."""

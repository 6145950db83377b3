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
from typing import BinaryIO, Protocol

import msgspec

from leeward.messages.record import Direction, Kind, MediaRef, Record

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
    def name(self) -> str:
        """The file name as given."""

    @property
    def size(self) -> int:
        """Bytes of the file."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset*; shorter only at the end."""


class Package(Protocol):
    """One file given by the person, seen as members: a zip has many, a plain file has one, named ``""``."""

    @property
    def name(self) -> str:
        """The file name as given: a hint, never a path."""

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

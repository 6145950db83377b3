"""What stands in ``proof/bundle.json``, as values, after its shape was checked.

Follows docs/formats/bundle.md §5. `parse` refuses everything that is not shaped exactly so: another member,
another type, a second spelling of the same bytes. It checks no commitment; that is `leeward_proof.verify`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from leeward_proof.commit import (
    BATCH_PLACES,
    ENTRY_SLOTS,
    FIXED_FIELDS,
    RECORD_BLIND,
    RECORD_FIELDS,
    SEGMENT,
    read_canonical,
)
from leeward_proof.errors import NotABundle, Unsound
from leeward_proof.note import decode_base64

__all__ = [
    "ENTRY_BLIND",
    "FORMAT",
    "Batch",
    "Bundle",
    "Entry",
    "Field",
    "File",
    "Item",
    "Made",
    "Person",
    "Reading",
    "Record",
    "Segment",
    "encode_bytes",
    "parse",
]

FORMAT = "leeward/bundle/1"
ENTRY_BLIND = 32 + 32 * ENTRY_SLOTS
"""Bytes: ``r`` and one part for each slot."""

_MAX_SAFE = 2**53 - 1
_MAX_DEPTH = 64
"""Levels of an opened value: far more than any entry has, far less than an interpreter can follow."""
_FIELD_NAME = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_KIND = re.compile(r"[a-z_]{1,32}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHECK = re.compile(r"[0-9a-f]{8}", re.ASCII)
_FILE_NAME = re.compile(r"(attachments|originals)/([0-9]{4,5})\.[a-z0-9]{1,5}", re.ASCII)


class Made(NamedTuple):
    """When and by which program version the bundle was made; how its times are to be understood."""

    at: str
    program: str
    zone: str


class Field(NamedTuple):
    """One opened field of an entry: position, name, its JSON value, and that value as canonical JSON."""

    at: int
    name: str
    value: Any
    canonical: bytes


class Entry(NamedTuple):
    """One opened entry; *blind* is ``r`` and 16 parts."""

    at: int
    blind: bytes
    check: str
    open: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return the opened field *name*, None when it is closed."""
        return next((field for field in self.open if field.name == name), None)


class Batch(NamedTuple):
    """A batch with the entries opened in it."""

    number: int
    root: bytes
    helpers: tuple[bytes, ...]
    entries: tuple[Entry, ...]


class Record(NamedTuple):
    """One opened record; *values* are the five of docs/formats/archive.md §3, None when closed."""

    at: int
    blind: bytes
    check: str
    values: tuple[bytes | None, ...]
    sender: str
    time: str
    media: tuple[str, ...] | None

    @property
    def raw(self) -> bytes:
        """The source bytes; always opened."""
        return self.values[0] or b""


class Segment(NamedTuple):
    """A segment with the records opened in it."""

    number: int
    helpers: tuple[bytes, ...]
    records: tuple[Record, ...]


class Reading(NamedTuple):
    """An archive that opened records come from; *entry* and *original* are numbers in the bundle."""

    entry: int
    name: str
    original: int
    received: str
    roots: tuple[bytes, ...]
    segments: tuple[Segment, ...]
    size: int


class Person(NamedTuple):
    """A participant as the items name them."""

    name: str
    handle: str


class File(NamedTuple):
    """A file in the bundle: its member name, SHA-256 in hex, the name it came with, size in bytes, media type."""

    name: str
    sha256: str
    shown: str
    size: int
    type: str


class Item(NamedTuple):
    """One thing the transcript prints. Field by field in docs/formats/bundle.md §5."""

    n: int
    kind: str
    day: str
    clock: str
    zone: str
    person: str
    handle: str
    service: str
    thread: str
    text: str
    written: str
    marks: tuple[str, ...]
    files: tuple[int, ...]
    entries: tuple[int, ...]
    record: int
    words: str


class _Bundle(NamedTuple):
    made: Made
    key: str
    top: tuple[bytes, ...]
    batches: tuple[Batch, ...]
    readings: tuple[Reading, ...]
    people: tuple[Person, ...]
    files: tuple[File, ...]
    items: tuple[Item, ...]


class Bundle(_Bundle):
    """The whole of ``proof/bundle.json``."""

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.key.partition("+")[0]

    @cached_property
    def entries(self) -> list[Entry]:
        """Every opened entry by its number."""
        return [entry for batch in self.batches for entry in batch.entries]

    @cached_property
    def records(self) -> list[Record]:
        """Every opened record by its number."""
        return [record for reading in self.readings for segment in reading.segments for record in segment.records]

    @cached_property
    def reading_of(self) -> list[int]:
        """The reading, from 0, of each record."""
        return [
            number
            for number, reading in enumerate(self.readings)
            for segment in reading.segments
            for _ in segment.records
        ]


def parse(data: bytes) -> Bundle:
    """Read ``proof/bundle.json``.

    Raises:
        NotABundle: it names another format.
        Unsound: layer ``form``; the place is a path in the JSON.
    """
    value = _load(data)
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise _bad("bundle.json", "not the description of a bundle")
    if value["format"] != FORMAT:
        raise NotABundle("a bundle of a format this program does not know")
    _object(value, "bundle.json", {"format", "made", "key", "top", "batches", "readings", "people", "files", "items"})
    made = _object(value["made"], "made", {"at", "program", "zone"})
    bundle = Bundle(
        Made(_text(made["at"], "made"), _text(made["program"], "made"), _text(made["zone"], "made")),
        _text(value["key"], "key"),
        _digests(value["top"], "top"),
        tuple(_batch(batch, f"batch {i}") for i, batch in enumerate(_list(value["batches"], "batches"))),
        tuple(_reading(one, f"reading {i + 1}") for i, one in enumerate(_list(value["readings"], "readings"))),
        tuple(_person(one, f"person {i + 1}") for i, one in enumerate(_list(value["people"], "people"))),
        tuple(_file(one, f"file {i + 1}") for i, one in enumerate(_list(value["files"], "files"))),
        tuple(_item(one, i + 1) for i, one in enumerate(_list(value["items"], "items"))),
    )
    _fit_together(bundle)
    return bundle


def _bad(where: str, what: str) -> Unsound:
    return Unsound("form", where, what)


def _load(data: bytes) -> Any:
    try:
        return read_canonical(data)
    except ValueError:
        raise _bad("bundle.json", "not canonical JSON") from None


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def _object(value: Any, where: str, names: set[str] | frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise _bad(where, "a member is missing or unknown")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(where, "not a list")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _bad(where, "not a text")
    return value


def _number(value: Any, where: str, below: int = _MAX_SAFE + 1, least: int = 0) -> int:
    if type(value) is not int or not least <= value < below:
        raise _bad(where, "not a number that can stand here")
    return value


def _like(value: Any, pattern: re.Pattern[str], where: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _bad(where, "not written as the format says")
    return value


def _bytes(value: Any, where: str) -> bytes:
    try:
        return decode_base64(_text(value, where))
    except ValueError:
        raise _bad(where, "not base64 in its one spelling") from None


def _digests(value: Any, where: str) -> tuple[bytes, ...]:
    data = _bytes(value, where)
    if len(data) % 32:
        raise _bad(where, "not a row of digests")
    return tuple(data[i : i + 32] for i in range(0, len(data), 32))


def _rising(numbers: list[int], where: str) -> None:
    if any(a >= b for a, b in pairwise(numbers)):
        raise _bad(where, "not in rising order")


_PLACE_OF = {name: place for place, name in enumerate(FIXED_FIELDS)}
_BATCH = frozenset({"entries", "helpers", "index", "root"})
_ENTRY = frozenset({"at", "blind", "check", "open"})
_READING = frozenset({"entry", "name", "original", "received", "roots", "segments", "size"})
_SEGMENT = frozenset({"helpers", "index", "records"})
_RECORD = frozenset({"at", "blind", "check", "open"})
_OPENED = frozenset(RECORD_FIELDS)
_ALWAYS = frozenset({"raw", "sender", "time"})
_ITEM = frozenset(Item._fields)
_WORDS = frozenset({"field", "empty", "line", "xml", "json", "source"})


def _batch(value: Any, where: str) -> Batch:
    value = _object(value, where, _BATCH)
    root = _digests(value["root"], where)
    entries = tuple(_entry(one, where) for one in _list(value["entries"], where))
    if len(root) != 1 or not entries:
        raise _bad(where, "a batch has one root and at least one entry")
    _rising([entry.at for entry in entries], where)
    return Batch(_number(value["index"], where), root[0], _digests(value["helpers"], where), entries)


def _entry(value: Any, where: str) -> Entry:
    value = _object(value, where, _ENTRY)
    at = _number(value["at"], where, BATCH_PLACES)
    where = f"{where}, place {at}"
    blind = _bytes(value["blind"], where)
    if len(blind) != ENTRY_BLIND:
        raise _bad(where, "a blind of the wrong length")
    fields = []
    for one in _list(value["open"], where):
        if len(_list(one, where)) != 3:
            raise _bad(where, "an opened field has a position, a name and a value")
        slot, name, plain = _number(one[0], where, ENTRY_SLOTS), one[1], one[2]
        name = _like(name, _FIELD_NAME, where)
        # A name at two places could have two values behind one commitment: hers to choose between, later.
        if _PLACE_OF.get(name, slot) != slot or (slot < len(FIXED_FIELDS) and FIXED_FIELDS[slot] != name):
            raise _bad(where, "a field that is not at its place")
        _not_deep(plain, where, _MAX_DEPTH)
        fields.append(Field(slot, name, plain, _dump(plain)))
    _rising([field.at for field in fields], where)
    if len({field.name for field in fields}) != len(fields):
        raise _bad(where, "a field is opened twice")
    return Entry(at, blind, _like(value["check"], _CHECK, where), tuple(fields))


def _not_deep(value: Any, where: str, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise _bad(where, "nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        _not_deep(inner, where, left - 1)


def _reading(value: Any, where: str) -> Reading:
    value = _object(value, where, _READING)
    roots = _digests(value["roots"], where)
    segments = tuple(_segment(one, where) for one in _list(value["segments"], where))
    _rising([segment.number for segment in segments], where)
    if not segments or segments[-1].number >= len(roots):
        raise _bad(where, "a segment outside the reading, or none")
    return Reading(
        _number(value["entry"], where),
        _text(value["name"], where),
        _number(value["original"], where),
        _text(value["received"], where),
        roots,
        segments,
        _number(value["size"], where),
    )


def _segment(value: Any, where: str) -> Segment:
    value = _object(value, where, _SEGMENT)
    index = _number(value["index"], where)
    where = f"{where}, segment {index}"
    records = tuple(_record(one, where) for one in _list(value["records"], where))
    if not records:
        raise _bad(where, "no record in a segment")
    _rising([record.at for record in records], where)
    return Segment(index, _digests(value["helpers"], where), records)


def _record(value: Any, where: str) -> Record:
    value = _object(value, where, _RECORD)
    at = _number(value["at"], where, SEGMENT)
    blind = _bytes(value["blind"], where)
    opened = value["open"]
    if len(blind) != RECORD_BLIND:
        raise _bad(f"{where}, place {at}", "a blind of the wrong length")
    if not isinstance(opened, dict) or not _ALWAYS <= opened.keys() <= _OPENED:
        raise _bad(f"{where}, place {at}", "raw, sender and time must be opened, and nothing unknown")
    raw = opened["raw"]
    raw = raw.encode() if isinstance(raw, str) else _not_text(raw, f"{where}, place {at}")
    sender, time = _text(opened["sender"], where), _text(opened["time"], where)
    place = _text(opened["place"], where).encode() if "place" in opened else None
    media = None
    if "media" in opened:
        media = tuple(_like(one, _HEX, where) for one in _list(opened["media"], where))
    values = (raw, place, sender.encode(), time.encode(), None if media is None else _dump(media))
    return Record(at, blind, _like(value["check"], _CHECK, where), values, sender, time, media)


def _not_text(value: Any, where: str) -> bytes:
    data = _bytes(_object(value, where, {"base64"})["base64"], where)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    raise _bad(where, "text is written as text, not as base64")


def _person(value: Any, where: str) -> Person:
    value = _object(value, where, {"name", "handle"})
    return Person(_text(value["name"], where), _text(value["handle"], where))


def _file(value: Any, where: str) -> File:
    value = _object(value, where, {"name", "sha256", "shown", "size", "type"})
    return File(
        _like(value["name"], _FILE_NAME, where),
        _like(value["sha256"], _HEX, where),
        _text(value["shown"], where),
        _number(value["size"], where),
        _text(value["type"], where),
    )


def _item(value: Any, n: int) -> Item:
    where = f"item {n}"
    value = _object(value, where, _ITEM)
    if value["n"] != n or _text(value["words"], where) not in _WORDS:
        raise _bad(where, "not numbered from 1, or an unknown way of tying its words")
    item = Item(
        _number(value["n"], where),
        _like(value["kind"], _KIND, where),
        _text(value["day"], where),
        _text(value["clock"], where),
        _text(value["zone"], where),
        _text(value["person"], where),
        _text(value["handle"], where),
        _text(value["service"], where),
        _text(value["thread"], where),
        _text(value["text"], where),
        _text(value["written"], where),
        tuple([_text(mark, where) for mark in _list(value["marks"], where)]),
        tuple([_number(file, where, least=1) for file in _list(value["files"], where)]),
        tuple([_number(entry, where) for entry in _list(value["entries"], where)]),
        _number(value["record"], where, least=-1),
        value["words"],
    )
    if bool(item.entries) == (item.record >= 0):
        raise _bad(where, "an item comes from one record or from entries")
    if bool(item.entries) != (item.words in ("field", "empty")):
        raise _bad(where, "its words are tied in a way that does not fit where it comes from")
    return item


def _fit_together(bundle: Bundle) -> None:
    """Check that numbers point to something, and that nothing is opened that no item shows."""
    if not bundle.batches or not bundle.items:
        raise _bad("bundle.json", "nothing is shown")
    _rising([batch.number for batch in bundle.batches], "batches")
    used: set[int] = {reading.entry for reading in bundle.readings}
    if len(used) != len(bundle.readings):
        raise _bad("readings", "two readings of one entry")
    places = len(used)
    records: set[int] = set()
    files: set[int] = set()
    for item in bundle.items:
        used.update(item.entries)
        places += len(item.entries)
        if len(used) != places:
            raise _bad(f"item {item.n}", "an entry stands in two places")
        files.update(item.files)
        if item.record in records:
            raise _bad(f"item {item.n}", "a record stands in two items")
        if item.record >= 0:
            records.add(item.record)
    if used != set(range(len(bundle.entries))):
        raise _bad("entries", "an entry is missing, or opened without being shown")
    if records != set(range(len(bundle.records))):
        raise _bad("records", "a record is missing, or opened without being shown")
    _files_fit(bundle, files)


def _files_fit(bundle: Bundle, shown: set[int]) -> None:
    counts = {"attachments": 0, "originals": 0}
    for file in bundle.files:
        folder, _, rest = file.name.partition("/")
        counts[folder] += 1
        if (folder == "attachments" and counts["originals"]) or rest.partition(".")[0] != f"{counts[folder]:04d}":
            raise _bad(file.name, "files are not numbered as the format says")
    attachments = counts["attachments"]
    originals = sorted(reading.original for reading in bundle.readings if reading.original)
    if shown != set(range(1, attachments + 1)):
        raise _bad("files", "an attachment is missing, or no item shows it")
    if originals != list(range(attachments + 1, len(bundle.files) + 1)):
        raise _bad("files", "an original is missing, or belongs to no archive")


def encode_bytes(data: bytes) -> str:
    """Return *data* as base64, the way it stands in bundle.json."""
    return base64.b64encode(data).decode("ascii")

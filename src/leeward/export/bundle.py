"""Make a bundle: chosen items, readable by anyone, with a proof that shows nothing about the others.

Follows docs/formats/bundle.md. This module takes plain values and gives bytes. It knows no vault: `app` opens the
entries and records the owner chose and hands them over as the types below. It never sees what was not chosen, apart
from digests.

What it refuses: an attachment that is not the file that was committed to, a bundle too large for one zip, a path
that is already there. Marks, labels, scores and screens have no place in any type here.

Order of work: sort what was opened → build ``proof/bundle.json`` → read it back with the verifier's own parser → make
transcript, PDF and custody record from *that* → hash → sign → write → check the written file as a stranger would.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from leeward.core.errors import CannotWrite, OurMistake, VaultDamaged
from leeward.export.pdf import pdf_available, pdf_transcript
from leeward.export.readme import readme
from leeward_proof.bundle import FORMAT, encode_bytes, parse
from leeward_proof.commit import (
    RECORD_FIELDS,
    canonical,
    entry_blind,
    entry_commitment,
    entry_digests,
    field_digest,
    record_commitment,
    record_digests,
)
from leeward_proof.container import MAX_MEMBERS, MAX_SIZE, Part, container_chunks, container_size, part_of
from leeward_proof.errors import ProofError
from leeward_proof.note import Checkpoint, VerifierKey, open_note, sign_note
from leeward_proof.transcript import custody, transcript
from leeward_proof.tree import helpers_for, leaf_hash
from leeward_proof.verify import check, manifest_text
from leeward_proof.words import rule_for

__all__ = [
    "READING_OPENS",
    "Attachment",
    "Composed",
    "Contents",
    "EntryOpening",
    "Item",
    "LogState",
    "Participant",
    "ReadingOpening",
    "RecordOpening",
    "compose",
    "write_bundle",
    "write_sealed_bundle",
]

READING_OPENS = ("kind", "original", "reader", "reader_version", "records")
"""Fields of a reading's entry that a bundle opens; the others stay closed."""

_MAX_JSON = 256 << 20
_MAX_TRANSCRIPT = 128 << 20
"""Bytes; the limits of docs/formats/bundle.md §4, about 300,000 messages."""

_EXTENSIONS = {
    "application/json": "json",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/vcard": "vcf",
    "text/xml": "xml",
    "video/3gpp": "3gp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}
"""Neutral endings by media type; everything else is ``bin``. The name a file came with stands in the transcript."""


class EntryOpening(msgspec.Struct, frozen=True):
    """An entry of which some fields are shown.

    Attributes:
        fields: every field of the entry, name to canonical JSON, shown or not.
        seed: 32 bytes that its blind is derived from; never leaves this module.
        open: names to show.
        batch: number of its batch, from 0.
        position: its place in that batch, 0 to 63.
    """

    fields: Mapping[str, bytes]
    seed: bytes
    open: Sequence[str]
    batch: int
    position: int


class LogState(msgspec.Struct, frozen=True):
    """The log under the checkpoint that goes into the bundle.

    Attributes:
        note: the signed checkpoint, whole.
        key: verifier key, ``<origin>+<key id>+<base64>``.
        roots: root of every batch under that checkpoint, in order.
        batches: for each batch an opened entry stands in: its 64 commitments by position.
    """

    note: str
    key: str
    roots: Sequence[bytes]
    batches: Mapping[int, Sequence[bytes]]


class RecordOpening(msgspec.Struct, frozen=True):
    """A record of which some values are shown.

    Attributes:
        segment: its segment, from 0.
        position: its place in that segment.
        blind: its 288 bytes of keystream.
        values: raw, place, sender, time, media, and private where there is any, as docs/formats/archive.md §3 says.
            The last one never leaves this module.
        open: values to show; ``media`` is added when its item has attachments.
    """

    segment: int
    position: int
    blind: bytes
    values: tuple[bytes, ...]
    open: Sequence[str] = ("raw", "sender", "time")


class Attachment(msgspec.Struct, frozen=True):
    """A file: the name it came with, SHA-256 in hex, media type, and a function that gives its bytes from the start."""

    name: str
    sha256: str
    type: str
    read: Callable[[], Iterable[bytes]]


class ReadingOpening(msgspec.Struct, frozen=True):
    """An archive some records of which are shown.

    Attributes:
        entry: index of the reading's entry in `Contents.entries`; that one should open `READING_OPENS`.
        name: what the owner calls the file ("WhatsApp export"); a file name can say more than she wants.
        received: when it was received, as text.
        size: bytes of the original.
        segment_roots: root of every segment.
        segments: for each segment a shown record stands in: its leaves by position, 32 bytes each, joined.
        records: what is shown.
        original: the whole file, only when the whole archive is handed over.
    """

    entry: int
    name: str
    received: str
    size: int
    segment_roots: Sequence[bytes]
    segments: Mapping[int, bytes]
    records: Sequence[RecordOpening]
    original: Attachment | None = None


class Participant(msgspec.Struct, frozen=True):
    """Somebody the items name: name as shown, number or account."""

    name: str
    handle: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to print. It comes from one record or from entries, never from nothing.

    Attributes:
        kind: ``message``, ``call``, ``system``, ``incident``, …
        day: the date as printed, ISO 8601; empty when unknown.
        clock: the time of day as printed.
        zone: offset or zone, or "clock time, zone unknown".
        person: who sent or wrote it, as the owner names them.
        handle: their number or account.
        service: ``WhatsApp``, ``SMS``, …
        thread: name of the conversation; empty to leave it out.
        text: the words, never shortened.
        written: when it was written down (incidents).
        marks: what the source says about it: ``edited``, ``deleted``, ``attachment not included``. Never an opinion.
        attachments: indices into `Contents.attachments`.
        entries: indices into `Contents.entries`, an amendment behind what it amends.
        record: index of the reading and of the record in it.
    """

    kind: str
    day: str = ""
    clock: str = ""
    zone: str = ""
    person: str = ""
    handle: str = ""
    service: str = ""
    thread: str = ""
    text: str = ""
    written: str = ""
    marks: Sequence[str] = ()
    attachments: Sequence[int] = ()
    entries: Sequence[int] = ()
    record: tuple[int, int] | None = None


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that goes into one bundle.

    Attributes:
        made: now, with offset; printed in UTC, so that it says nothing about where.
        program: "Leeward 0.1.0".
        zone_note: one sentence on how the times of the items are to be understood.
        log: the state of the log.
        entries: opened entries, in any order.
        readings: opened archives.
        people: participants.
        attachments: files of items.
        items: what is printed, in order.
    """

    made: datetime
    program: str
    zone_note: str
    log: LogState
    items: Sequence[Item]
    entries: Sequence[EntryOpening] = ()
    readings: Sequence[ReadingOpening] = ()
    people: Sequence[Participant] = ()
    attachments: Sequence[Attachment] = ()


class Composed(NamedTuple):
    """A bundle ready to be written.

    Attributes:
        parts: its members in order.
        notes: sentences for the person, such as that the PDF was left out.
    """

    parts: tuple[Part, ...]
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return container_size(self.parts)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bundle from its first byte to its last; for a pipe, or to encrypt it to somebody."""
        return container_chunks(self.parts)


def compose(contents: Contents, sign: Callable[[bytes], bytes], *, pdf: bool = True) -> Composed:
    """Return the bundle of *contents*.

    Args:
        contents: what the owner chose.
        sign: signs a message with the key of the log, 64 bytes.
        pdf: make ``transcript.pdf`` too, when the part that makes it is installed.

    Raises:
        CannotWrite: too large for one bundle. Nothing was written.
        VaultDamaged: an attachment is not the file its SHA-256 says.
        OurMistake: what was handed over does not fit together.
    """
    if not contents.items:
        raise OurMistake("A bundle needs at least one item.")
    files = [_measure(one, "attachments", i + 1) for i, one in enumerate(contents.attachments)]
    originals = [reading.original for reading in contents.readings if reading.original is not None]
    files += [_measure(one, "originals", i + 1) for i, one in enumerate(originals)]
    try:
        key = VerifierKey.parse(contents.log.key)
        head = Checkpoint.parse_text(open_note(contents.log.note, key))
        data = canonical(_Proof(contents, files).value())
        _refuse_large(len(data) <= _MAX_JSON)
        bundle = parse(data)
        text = transcript(bundle)
    except (ProofError, ValueError, LookupError) as error:
        raise OurMistake("The chosen items do not fit together, so no bundle was made.") from error
    _refuse_large(len(text) <= _MAX_TRANSCRIPT)
    notes = []
    parts = [part_of("transcript.txt", text)]
    with_pdf = pdf and pdf_available()
    if with_pdf:
        parts.append(part_of("transcript.pdf", pdf_transcript(bundle, sha256(text).hexdigest(), contents.made)))
    elif pdf:
        notes.append(
            "The part that makes PDF files is not installed. The text transcript stands alone and is complete."
        )
    page = readme(pdf=with_pdf, attachments=len(contents.attachments), originals=len(originals))
    parts = [part_of("README.txt", page), *parts, part_of("custody.txt", custody(bundle, head))]
    parts += [file.part for file in files]
    parts += [part_of("proof/bundle.json", data), part_of("proof/checkpoint", contents.log.note.encode("utf-8"))]
    sums = _sums(parts, {file.part.name: file.sha256 for file in files})
    note = sign_note(manifest_text(key.name, sums), key, sign)
    parts += [part_of("SHA256SUMS", sums), part_of("SHA256SUMS.sig", note.encode("utf-8"))]
    _refuse_large(container_size(parts) <= MAX_SIZE and len(parts) <= MAX_MEMBERS)
    return Composed(tuple(parts), tuple(notes))


def write_bundle(path: Path, composed: Composed) -> None:
    """Write *composed* to *path*, then check it there as a stranger would.

    A file that is already there is left alone. What could not be written whole is removed again.

    Raises:
        CannotWrite: the file is already there, the disk is full, the folder is read-only.
        OurMistake: the written bundle did not pass its own check; it was removed.
    """
    handle = _new_file(path)
    done = False
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in composed.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        report = check(path)
        if not report.sound:
            raise OurMistake("The new bundle did not pass its own check, so it was removed.")
        done = True
    except OSError as error:
        raise _cannot_write(path) from error
    except (ProofError, ValueError) as error:
        raise OurMistake("The bundle could not be made whole, so it was removed.") from error
    finally:
        if not done:
            path.unlink(missing_ok=True)


def write_sealed_bundle(path: Path, composed: Composed, encrypt: Callable[[_Chunks, BinaryIO], None]) -> None:
    """Check *composed* as a stranger would, then write it to *path* encrypted; the open bundle never reaches a disk.

    Args:
        path: must not exist. What could not be written whole is removed again.
        composed: the bundle.
        encrypt: takes the open bundle as a stream and the file to write to.

    Raises:
        CannotWrite, OurMistake: as `write_bundle` does; also whatever *encrypt* raises.
    """
    try:
        report = check(_Chunks(composed))  # type: ignore[arg-type]  # it reads, seeks and tells, which is all a check does
    except (ProofError, ValueError) as error:
        raise OurMistake("The bundle could not be made whole. Nothing was written.") from error
    if not report.sound:
        raise OurMistake("The new bundle did not pass its own check. Nothing was written.")
    handle = _new_file(path)
    done = False
    try:
        with os.fdopen(handle, "wb") as file:
            encrypt(_Chunks(composed), file)
            file.flush()
            os.fsync(file.fileno())
        done = True
    except OSError as error:
        raise _cannot_write(path) from error
    finally:
        if not done:
            path.unlink(missing_ok=True)


class _Chunks:
    """A bundle as a file that is read from the start; going back begins anew."""

    def __init__(self, composed: Composed) -> None:
        self._composed = composed
        self._size = composed.size
        self._begin()

    def _begin(self) -> None:
        self._chunks = self._composed.chunks()
        self._held = b""
        self._at = 0

    def read(self, count: int = -1) -> bytes:
        wanted = self._size - self._at if count < 0 else min(count, self._size - self._at)
        parts = []
        missing = wanted
        while missing:
            if not self._held:
                self._held = next(self._chunks, b"")
                if not self._held:
                    break
            part, self._held = self._held[:missing], self._held[missing:]
            parts.append(part)
            missing -= len(part)
        joined = b"".join(parts)
        self._at += len(joined)
        return joined

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        target = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        if target < self._at:
            self._begin()
        while self._at < target and self.read(min(target - self._at, 1 << 20)):
            pass
        return self._at


def _new_file(path: Path) -> int:
    """Return the descriptor of a new file that only its owner can read; one that is there is left alone."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise CannotWrite(f"{path} is already there and was left as it is.", next_step="Choose another name.") from None
    except OSError as error:
        raise _cannot_write(path) from error


def _cannot_write(path: Path) -> CannotWrite:
    return CannotWrite(
        f"The bundle could not be written to {path}.",
        next_step="Check that there is room, or choose another folder.",
    )


def _refuse_large(fits: bool) -> None:
    if not fits:
        raise CannotWrite(
            "These items are too large for one bundle.",
            next_step="You can choose a shorter time, leave attachments out, or make several bundles.",
        )


class _Measured(NamedTuple):
    part: Part
    sha256: str
    shown: str
    type: str


def _measure(file: Attachment, folder: str, number: int) -> _Measured:
    digest = sha256()
    crc = size = 0
    for chunk in file.read():
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
        _refuse_large(size <= MAX_SIZE)
    if digest.hexdigest() != file.sha256:
        raise VaultDamaged(
            "A file that belongs to these items is not the one that was recorded, so no bundle was made.",
            lost="The items themselves are in your vault.",
            next_step="You can make the bundle without attachments, and check the vault.",
        )
    name = f"{folder}/{number:04d}.{_EXTENSIONS.get(file.type.partition(';')[0].strip().lower(), 'bin')}"
    return _Measured(Part(name, size, crc, file.read), file.sha256, file.name, file.type)


def _sums(parts: Sequence[Part], known: Mapping[str, str]) -> bytes:
    lines = []
    for part in sorted(parts, key=lambda part: part.name):
        digest = known.get(part.name) or sha256(b"".join(part.read())).hexdigest()
        lines.append(f"{digest}  {part.name}\n")
    return "".join(lines).encode("ascii")


class _Proof:
    """Turns `Contents` into the JSON of docs/formats/bundle.md §5: sorted, numbered, without what stays closed."""

    def __init__(self, contents: Contents, files: Sequence[_Measured]) -> None:
        self.contents = contents
        self.files = files
        entries = contents.entries
        self.entry_order = sorted(range(len(entries)), key=lambda i: (entries[i].batch, entries[i].position))
        self.entry_number = {index: number for number, index in enumerate(self.entry_order)}
        self.record_number: dict[tuple[int, int], int] = {}
        self.record_order: list[list[int]] = []
        for one, reading in enumerate(contents.readings):
            records = reading.records
            order = sorted(range(len(records)), key=lambda i: (records[i].segment, records[i].position))
            self.record_order.append(order)
            for index in order:
                self.record_number[one, index] = len(self.record_number)
        self.with_media = {item.record for item in contents.items if item.record is not None and item.attachments}

    def value(self) -> dict[str, Any]:
        contents = self.contents
        opened = sorted({entry.batch for entry in contents.entries})
        leaves = [leaf_hash(root) for root in contents.log.roots]
        made = contents.made.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return {
            "format": FORMAT,
            "made": {"at": made, "program": contents.program, "zone": contents.zone_note},
            "key": contents.log.key,
            "top": _join(helpers_for(leaves, opened)),
            "batches": [self.batch(number) for number in opened],
            "readings": [self.reading(i) for i in range(len(contents.readings))],
            "people": [{"name": one.name, "handle": one.handle} for one in contents.people],
            "files": [
                {
                    "name": file.part.name,
                    "sha256": file.sha256,
                    "shown": file.shown,
                    "size": file.part.size,
                    "type": file.type,
                }
                for file in self.files
            ],
            "items": [self.item(i, item) for i, item in enumerate(contents.items)],
        }

    def batch(self, number: int) -> dict[str, Any]:
        entries = [self.contents.entries[i] for i in self.entry_order if self.contents.entries[i].batch == number]
        commitments = self.contents.log.batches[number]
        helpers = helpers_for([leaf_hash(one) for one in commitments], [entry.position for entry in entries])
        return {
            "index": number,
            "root": encode_bytes(self.contents.log.roots[number]),
            "helpers": _join(helpers),
            "entries": [_entry(entry) for entry in entries],
        }

    def reading(self, one: int) -> dict[str, Any]:
        reading = self.contents.readings[one]
        original = 0
        if reading.original is not None:
            before = sum(1 for other in self.contents.readings[:one] if other.original is not None)
            original = len(self.contents.attachments) + before + 1
        return {
            "entry": self.entry_number[reading.entry],
            "name": reading.name,
            "original": original,
            "received": reading.received,
            "roots": _join(reading.segment_roots),
            "segments": [self.segment(one, s) for s in sorted({record.segment for record in reading.records})],
            "size": reading.size,
        }

    def segment(self, one: int, number: int) -> dict[str, Any]:
        reading = self.contents.readings[one]
        joined = reading.segments[number]
        leaves = [joined[i : i + 32] for i in range(0, len(joined), 32)]
        chosen = [i for i in self.record_order[one] if reading.records[i].segment == number]
        return {
            "index": number,
            "helpers": _join(helpers_for(leaves, [reading.records[i].position for i in chosen])),
            "records": [_record(reading.records[i], (one, i) in self.with_media) for i in chosen],
        }

    def item(self, i: int, item: Item) -> dict[str, Any]:
        if item.record is not None:
            values = self.contents.readings[item.record[0]].records[item.record[1]].values
            sender, time = (values[RECORD_FIELDS.index(name)].decode("utf-8") for name in ("sender", "time"))
            words = rule_for(values[0], sender, item.text, time)
        else:
            entries = [self.contents.entries[number] for number in item.entries]
            words = "field" if any("text" in one.open and "text" in one.fields for one in entries) else "empty"
        return {
            "n": i + 1,
            "kind": item.kind,
            "day": item.day,
            "clock": item.clock,
            "zone": item.zone,
            "person": item.person,
            "handle": item.handle,
            "service": item.service,
            "thread": item.thread,
            "text": item.text,
            "written": item.written,
            "marks": list(item.marks),
            "files": [number + 1 for number in item.attachments],
            "entries": [self.entry_number[number] for number in item.entries],
            "record": -1 if item.record is None else self.record_number[item.record],
            "words": words,
        }


def _join(digests: Iterable[bytes]) -> str:
    return encode_bytes(b"".join(digests))


def _entry(entry: EntryOpening) -> dict[str, Any]:
    blind = entry_blind(entry.seed)
    digests = entry_digests(blind, entry.fields)
    commitment = entry_commitment(blind.r, digests)
    parts = list(digests)
    opened = []
    for name, at in sorted(blind.places(entry.fields).items(), key=lambda pair: pair[1]):
        if name in entry.open:
            parts[at] = blind.salts[at]
            opened.append([at, name, msgspec.json.decode(entry.fields[name])])
    return {
        "at": entry.position,
        "blind": _join([blind.r, *parts]),
        "check": commitment[:4].hex(),
        "open": opened,
    }


def _record(record: RecordOpening, with_media: bool) -> dict[str, Any]:
    blind, values = record.blind, record.values
    opens = {*record.open, "media"} if with_media else set(record.open)
    parts = [blind[at : at + 32] for at in range(32, len(blind), 32)]
    opened: dict[str, Any] = {}
    if len(values) > len(RECORD_FIELDS) and values[-1]:
        parts[len(RECORD_FIELDS)] = field_digest(parts[len(RECORD_FIELDS)], "private", values[-1])
    for slot, (name, value) in enumerate(zip(RECORD_FIELDS, values, strict=False)):
        if name not in opens:
            parts[slot] = field_digest(parts[slot], name, value)
        elif name == "raw":
            opened[name] = _text_or_bytes(value)
        elif name == "media":
            opened[name] = msgspec.json.decode(value)
        else:
            opened[name] = value.decode("utf-8")
    commitment = record_commitment(blind[:32], record_digests(blind, values))
    return {
        "at": record.position,
        "blind": _join([blind[:32], *parts]),
        "check": commitment[:4].hex(),
        "open": opened,
    }


def _text_or_bytes(raw: bytes) -> str | dict[str, str]:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": encode_bytes(raw)}

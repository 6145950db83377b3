"""Check a bundle from the outside in, and say what was proven, what failed and what cannot be proven.

Follows docs/formats/bundle.md §9. The check needs no network and no key but the one in the bundle; give *key* when you
know by another road whose log it should be. It goes on after a problem where the rest still has a meaning.

    report = check("bundle.zip")
    report.sound, report.problems
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from os import PathLike
from typing import Any, BinaryIO, NamedTuple

from leeward_proof.bundle import Batch, Bundle, Entry, Item, Reading, Record, Segment, encode_bytes, parse
from leeward_proof.commit import (
    BATCH_PLACES,
    ENTRY_SLOTS,
    RECORD_FIELDS,
    SEGMENT,
    entry_commitment,
    field_digest,
    record_commitment,
)
from leeward_proof.container import Member, read_container
from leeward_proof.errors import NotABundle, Unsound
from leeward_proof.note import Checkpoint, VerifierKey, open_note
from leeward_proof.transcript import custody, transcript
from leeward_proof.tree import leaf_hash, root, root_from_known
from leeward_proof.words import ties

__all__ = ["MANIFEST_LINE", "NOT_PROVEN", "Problem", "Report", "check", "manifest_text", "read_bundle"]

MANIFEST_LINE = "leeward/bundle/v1 manifest"
"""Second line of the signed manifest: no checkpoint can have it, so neither can pass for the other."""

NOT_PROVEN = (
    "That what is written is true, or who wrote it.",
    "That nothing was left out. The owner selected the items.",
    "When something happened or was recorded. There is no outside time-stamp in this bundle.",
    "The order of entries within one batch of the log, or of messages within one segment of an archive.",
    "That dates, names and numbers in the head of an item were understood rightly, nor its marks;"
    " what the source says is below it.",
    "That a note says nothing more in what was left closed.",
    "That a message stands in the file named as its source, unless that file is included whole and is no zip.",
    "That the PDF shows the same as transcript.txt, and what README.txt says.",
)
_WHOSE = "Whose log this is. Compare the key with one you were given by another road."

_PLACE = RECORD_FIELDS.index("place")
_MIB = 1 << 20
_KEPT = {
    "README.txt": _MIB,
    "transcript.txt": 128 * _MIB,
    "custody.txt": 64 * _MIB,
    "proof/bundle.json": 256 * _MIB,
    "proof/checkpoint": 1_000_000,
    "SHA256SUMS": 16 * _MIB,
    "SHA256SUMS.sig": 1_000_000,
}
_IN_MEMORY = {name: limit for name, limit in _KEPT.items() if name not in ("README.txt", "transcript.txt")}
_ORIGIN = re.compile(r"[0-9a-f]{32}\.vault\.invalid", re.ASCII)
_SIG_LINES = 5
"""Line ends of SHA256SUMS.sig: three of the text, the empty line, one signature. A second would be unsigned room."""
_MAX_PROBLEMS = 100
"""More than this helps nobody to find the flaw; the report says that there are more."""


class Problem(NamedTuple):
    """Something that should prove itself and does not."""

    layer: str
    where: str
    what: str


@dataclass(frozen=True)
class Report:
    """What the check found.

    Attributes:
        sound: every layer held.
        problems: each with its layer, the place in the bundle's own numbering, and one sentence.
        not_proven: what no bundle of this kind can prove; to be read together with `sound`.
        facts: counts of what was proven.
    """

    sound: bool
    problems: tuple[Problem, ...]
    not_proven: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    kind: str = "bundle"

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "kind": self.kind,
            "sound": self.sound,
            "problems": [problem._asdict() for problem in self.problems],
            "not_proven": list(self.not_proven),
            "facts": self.facts,
        }


def check(source: str | PathLike[str] | BinaryIO, *, key: str | None = None) -> Report:
    """Check the bundle at *source*, a path or a seekable binary file.

    Args:
        source: read once from the start; a member a second time only to say where it differs.
        key: verifier key the log must have, when known from elsewhere.

    Raises:
        NotABundle: no bundle, or one of a format this program does not know. Nothing was checked.
        OSError: the file cannot be read.
    """
    return read_bundle(source, key=key)[0]


def read_bundle(source: str | PathLike[str] | BinaryIO, *, key: str | None = None) -> tuple[Report, Bundle | None]:
    """Do what `check` does, and return the values too, None when they could not be read."""
    if isinstance(source, str | PathLike):
        with open(source, "rb") as file:
            return _Check(file, key).run()
    return _Check(source, key).run()


class _Check:
    def __init__(self, file: BinaryIO, key: str | None) -> None:
        self.file = file
        self.expected_key = key
        self.problems: list[Problem] = []
        self.members: dict[str, Member] = {}
        self.facts: dict[str, Any] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Note a failed check and go on behind it."""
        try:
            yield
        except Unsound as error:
            self.note(error)

    def note(self, error: Unsound) -> None:
        self.problems.append(Problem(error.layer, error.where, error.what))

    def run(self) -> tuple[Report, Bundle | None]:
        bundle = None
        with self.step():
            bundle = self.read()
        if bundle is not None:
            with self.step():
                self.check_values(bundle)
        problems = tuple(self.problems[:_MAX_PROBLEMS])
        if len(self.problems) > _MAX_PROBLEMS:
            more = len(self.problems) - _MAX_PROBLEMS
            problems += (Problem(self.problems[-1].layer, "further places", f"{more:,} more problems of this kind"),)
        not_proven = NOT_PROVEN if self.expected_key else (*NOT_PROVEN, _WHOSE)
        return Report(not self.problems, problems, not_proven, self.facts), bundle

    # The outside: container, manifest, signature

    def read(self) -> Bundle:
        members, broken = read_container(self.file, _IN_MEMORY)
        for error in broken:
            self.note(error)
        self.members = {member.name: member for member in members}
        names = [member.name for member in members]
        if len(self.members) != len(names):
            raise Unsound("container", "members", "a name stands twice")
        for name, limit in _KEPT.items():
            if name not in self.members:
                raise Unsound("container", name, "this part of a bundle is missing")
            if self.members[name].size > limit:
                raise Unsound("container", name, "larger than this part of a bundle may be")
        with self.step():
            self.check_manifest(names)
        data = self.data("proof/bundle.json")
        try:
            bundle = parse(data)
        except (NotABundle, Unsound):
            if self.problems:  # a damaged description is a damaged bundle, whatever it seems to say
                raise Unsound("form", "proof/bundle.json", "cannot be read any more") from None
            # Nobody can know the rules of another format, but its key line must not vouch for this one.
            raise
        with self.step():
            self.check_signature(bundle.key)
        with self.step():
            _check_names(names, bundle)
        return bundle

    def data(self, name: str) -> bytes:
        return self.members[name].data or b""

    def text(self, name: str, layer: str) -> str:
        try:
            return self.data(name).decode("utf-8")
        except UnicodeDecodeError:
            raise Unsound(layer, name, "not UTF-8") from None

    def check_manifest(self, names: list[str]) -> None:
        listed: dict[str, str] = {}
        text = self.text("SHA256SUMS", "manifest")
        for line in text.splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
        sums = "".join(f"{listed[name]}  {name}\n" for name in sorted(listed))
        if text != sums or any(not re.fullmatch(r"[0-9a-f]{64}", digest, re.ASCII) for digest in listed.values()):
            raise Unsound("manifest", "SHA256SUMS", "not written as the format says")
        for name in names:
            if name in ("SHA256SUMS", "SHA256SUMS.sig"):
                continue
            digest = listed.pop(name, "")
            if not digest:
                self.note(Unsound("manifest", name, "not listed in SHA256SUMS"))
            elif digest != self.members[name].sha256:
                self.note(Unsound("manifest", name, "the bytes are not those listed in SHA256SUMS"))
        if listed:
            raise Unsound("manifest", "SHA256SUMS", "lists a file that is not in the bundle")

    def check_signature(self, text: str) -> None:
        key = VerifierKey.parse(text)
        if not _ORIGIN.fullmatch(key.name):
            raise Unsound("signature", "verifier key", "not the name of a log")
        if self.expected_key is not None and text != self.expected_key:
            raise Unsound("signature", "verifier key", "not the key you gave")
        note = self.text("SHA256SUMS.sig", "signature")
        signed = open_note(note, key, layer="signature")
        if note.count("\n") != _SIG_LINES:
            raise Unsound("signature", "SHA256SUMS.sig", "must hold exactly one signature")
        digest = bytes.fromhex(self.members["SHA256SUMS"].sha256)
        if signed != _manifest_text(key.name, digest):
            raise Unsound("signature", "SHA256SUMS.sig", "signs another SHA256SUMS")

    # The inside: what the values prove

    def check_values(self, bundle: Bundle) -> None:
        head = None
        with self.step():
            head = self.check_head(bundle)
        for number, (entry, place) in enumerate(_entries(bundle)):
            with self.step():
                _check_commitment(entry, f"entry {number}, {place}")
        for batch in bundle.batches:
            with self.step():
                _check_batch(batch)
        if head is not None:
            with self.step():
                known = {batch.number: leaf_hash(batch.root) for batch in bundle.batches}
                if root_from_known(head.size, known, bundle.top, layer="top tree") != head.root:
                    raise Unsound("top tree", f"{head.size} batches", "the computed root is not the signed root")
        self.check_files(bundle)
        for number, reading in enumerate(bundle.readings, 1):
            with self.step():
                self.check_reading(bundle, reading, f"archive {number}")
        for item in bundle.items:
            with self.step():
                _check_words(bundle, item)
        with self.step():
            self.compare("transcript.txt", lambda limit: transcript(bundle, limit))
            # Behind the transcript: one of the right length bounds how often a hostile file can have an entry searched.
            self.check_naming(bundle)
        if head is not None:
            known_head = head
            with self.step():
                self.compare("custody.txt", lambda limit: custody(bundle, known_head, limit))
        self.facts = _facts(bundle, head)

    def check_head(self, bundle: Bundle) -> Checkpoint:
        key = VerifierKey.parse(bundle.key)
        head = Checkpoint.parse_text(open_note(self.text("proof/checkpoint", "checkpoint"), key))
        if head.origin != key.name:
            raise Unsound("checkpoint", "origin", "the checkpoint of another log")
        return head

    def check_reading(self, bundle: Bundle, reading: Reading, where: str) -> None:
        fields = {one.name: one.value for one in bundle.entries[reading.entry].open}
        records = fields.get("records")
        original = fields.get("original")
        if (
            fields.get("kind") != "reading"
            or not isinstance(original, str)
            or not re.fullmatch(r"[0-9a-f]{64}", original, re.ASCII)
            or not isinstance(fields.get("reader"), str)
            or not isinstance(fields.get("reader_version"), str)
            or not isinstance(records, dict)
            or records.keys() != {"root", "segments", "width"}
        ):
            raise Unsound("form", where, "its entry does not open what a reading says of itself")
        width, segments = records["width"], records["segments"]
        if (
            type(width) is not int
            or not 64 <= width <= SEGMENT
            or width & (width - 1)
            or segments != len(reading.roots)
            or type(segments) is not int
            or (segments > 1 and width != SEGMENT)
        ):
            raise Unsound("records root", where, "segments of a number or width that cannot be")
        if root([leaf_hash(one) for one in reading.roots]).hex() != records["root"]:
            raise Unsound("records root", where, "the segments are not those its entry committed to")
        for segment in reading.segments:
            with self.step():
                self.check_segment(reading, segment, width, where)
        if reading.original:
            file = bundle.files[reading.original - 1]
            if file.sha256 != original or file.size != reading.size:
                raise Unsound("file", file.name, "not the original of this archive")
            self.check_places(reading, file.name, where)

    def check_places(self, reading: Reading, name: str, where: str) -> None:
        """Find each record at its place of the included original, from the first byte to the last."""
        original = self.members.get(name)
        if original is None:
            return  # said already: the files are not those the proof speaks of
        places = []
        for segment in reading.segments:
            for record in segment.records:
                here = f"{where}, segment {segment.number}, place {record.at}"
                place = record.values[_PLACE]
                if place is None:
                    self.note(Unsound("file", here, "the original is included, but its place in it is not shown"))
                    continue
                if not place.startswith(b"\0"):
                    continue  # inside a member of a zip
                numbers = re.fullmatch(rb"\0([0-9]{1,12})\0([0-9]{1,12})", place)
                offset, length = (int(numbers[1]), int(numbers[2])) if numbers else (original.size, 1)
                if offset + length > original.size:
                    self.note(Unsound("file", here, "its place lies outside the original"))
                elif length == len(record.raw):
                    places.append((offset, here, record.raw))
        # Rising: the file may be a stream for which going back means beginning anew.
        for offset, here, raw in sorted(places):
            self.file.seek(original.offset + offset)
            if self.file.read(len(raw)) != raw:
                self.note(Unsound("file", here, "its bytes do not stand at this place of the original"))

    def check_segment(self, reading: Reading, segment: Segment, width: int, where: str) -> None:
        where = f"{where}, segment {segment.number}"
        known = {}
        for record in segment.records:
            commitment = _record_commitment(record)
            if commitment[:4].hex() != record.check:
                self.note(
                    Unsound("record", f"{where}, place {record.at}", "the opened values are not those committed to")
                )
            known[record.at] = leaf_hash(commitment)
        if root_from_known(width, known, segment.helpers, layer="segment") != reading.roots[segment.number]:
            raise Unsound("segment", where, "the computed root is not the root of this segment")

    def check_files(self, bundle: Bundle) -> None:
        for file in bundle.files:
            member = self.members.get(file.name)
            if member is not None and (member.sha256 != file.sha256 or member.size != file.size):
                self.note(Unsound("file", file.name, "not the file that was committed to"))

    def check_naming(self, bundle: Bundle) -> None:
        for item in bundle.items:
            named = _named(bundle, item) if item.files else frozenset()
            for number in item.files:
                file = bundle.files[number - 1]
                if file.sha256 not in named:
                    self.note(Unsound("file", file.name, f"item {item.n} does not name this file"))

    def compare(self, name: str, make: Callable[[int], bytes]) -> None:
        member = self.members[name]
        try:
            expected = make(member.size)
        except OverflowError:
            raise Unsound("transcript", name, "shorter than the text that the proven values make") from None
        if member.sha256 == sha256(expected).hexdigest():
            return
        self.file.seek(member.offset)
        found = self.file.read(member.size)
        pairs = enumerate(zip(found.split(b"\n"), expected.split(b"\n"), strict=False), 1)
        line = next((number for number, (a, b) in pairs if a != b), 0)
        place = f"{name}, line {line}" if line else f"{name}, its end"
        raise Unsound("transcript", place, "not the text that the proven values make")


def manifest_text(origin: str, sums: bytes) -> str:
    """Return the text that is signed over the bytes of SHA256SUMS."""
    return _manifest_text(origin, sha256(sums).digest())


def _manifest_text(origin: str, digest: bytes) -> str:
    return f"{origin}\n{MANIFEST_LINE}\n{encode_bytes(digest)}\n"


def _check_names(names: list[str], bundle: Bundle) -> None:
    pdf = ["transcript.pdf"] if "transcript.pdf" in names else []
    files = [file.name for file in bundle.files]
    tail = ["proof/bundle.json", "proof/checkpoint", "SHA256SUMS", "SHA256SUMS.sig"]
    if names != ["README.txt", "transcript.txt", *pdf, "custody.txt", *files, *tail]:
        raise Unsound("file", "members", "the files are not those the proof speaks of, in their order")


def _entries(bundle: Bundle) -> Iterator[tuple[Entry, str]]:
    for batch in bundle.batches:
        for entry in batch.entries:
            yield entry, f"batch {batch.number}, place {entry.at}"


def _entry_commitment(entry: Entry) -> bytes:
    digests = [entry.blind[32 + 32 * slot : 64 + 32 * slot] for slot in range(ENTRY_SLOTS)]
    for one in entry.open:
        digests[one.at] = field_digest(digests[one.at], one.name, one.canonical)
    return entry_commitment(entry.blind[:32], digests)


def _check_commitment(entry: Entry, where: str) -> None:
    if _entry_commitment(entry)[:4].hex() != entry.check:
        raise Unsound("entry", where, "the opened fields are not those committed to")


def _check_batch(batch: Batch) -> None:
    known = {entry.at: leaf_hash(_entry_commitment(entry)) for entry in batch.entries}
    if root_from_known(BATCH_PLACES, known, batch.helpers, layer="batch") != batch.root:
        raise Unsound("batch", f"batch {batch.number}", "the computed root is not the root of this batch")


_PREFIXES = tuple(bytes([len(name)]) + name.encode("ascii") for name in RECORD_FIELDS)


def _record_commitment(record: Record) -> bytes:
    blind = record.blind
    digests = [blind[at : at + 32] for at in range(32, len(blind), 32)]
    for slot, value in enumerate(record.values):
        if value is not None:
            digests[slot] = sha256(b"f1" + digests[slot] + _PREFIXES[slot] + value).digest()
    return record_commitment(blind[:32], digests)


def _check_words(bundle: Bundle, item: Item) -> None:
    where = f"item {item.n}"
    if item.record >= 0:
        record = bundle.records[item.record]
        if item.words != "source" and not ties(item.words, record.raw, record.sender, item.text, record.time):
            raise Unsound("transcript", where, "its words are not those of the proven bytes")
        return
    _check_versions(bundle, item)
    opened = [one.value for number in item.entries if (one := bundle.entries[number].field("text")) is not None]
    if len(opened) > 1:
        raise Unsound("transcript", where, "words are opened that are not shown")
    if item.words == "field":
        if opened != [item.text]:
            raise Unsound("transcript", where, "its words are not those of the proven entry")
    elif opened or item.text:
        raise Unsound("transcript", where, "its words are not tied to an entry")


def _check_versions(bundle: Bundle, item: Item) -> None:
    """Check that the entries of an item belong together: each but the first says which of them it amends."""
    known: set[str] = set()
    for number in item.entries:
        entry = bundle.entries[number]
        if known:
            kind, was = entry.field("kind"), entry.field("was")
            if kind is None or kind.value != "amendment" or was is None or str(was.value) not in known:
                raise Unsound("entry", f"entry {number}", f"it does not amend what item {item.n} shows")
        known.add(_entry_commitment(entry).hex())


def _named(bundle: Bundle, item: Item) -> frozenset[str]:
    """Return every text that could be the SHA-256 of a file of *item*."""
    if item.record >= 0:
        return frozenset(bundle.records[item.record].media or ())
    fields = (one for number in item.entries for one in bundle.entries[number].open if one.name != "text")
    return frozenset(text for one in fields for text in _texts(one.value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _facts(bundle: Bundle, head: Checkpoint | None) -> dict[str, Any]:
    words = [item.words for item in bundle.items]
    return {
        "key": bundle.key,
        "batches_in_log": head.size if head else None,
        "entries": len(bundle.entries),
        "records": len(bundle.records),
        "archives": len(bundle.readings),
        "items": len(bundle.items),
        "files": len(bundle.files),
        "words_equal_proven_bytes": len(words) - words.count("source"),
        "words_shown_with_source": words.count("source"),
    }

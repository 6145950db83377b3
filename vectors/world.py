"""A made-up vault in memory, small enough to read: entries, archives and a signed log, all from fixed seeds.

The generators beside it and the tests build on it. Every secret here is the SHA-256 of a label, so that anyone can
make the same bytes again. Nothing here is a way to store anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from leeward.export.bundle import (
    READING_OPENS,
    Attachment,
    Contents,
    EntryOpening,
    Item,
    LogState,
    Participant,
    ReadingOpening,
    RecordOpening,
)
from leeward_proof.commit import (
    RECORD_BLIND,
    SEGMENT,
    canonical,
    entry_blind,
    entry_commitment,
    entry_digests,
    lay_out_batch,
    padding_commitment,
    record_commitment,
    record_digests,
    record_keystream,
    segment_order,
    segment_width,
)
from leeward_proof.note import Checkpoint, VerifierKey, sign_note
from leeward_proof.tree import leaf_hash, root

MADE = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def secret(label: str) -> bytes:
    """Return 32 bytes that everyone can make again."""
    return sha256(b"leeward example: " + label.encode()).digest()


Values = tuple[bytes, bytes, bytes, bytes, bytes]


def line(n: int, sender: str, text: str, media: Sequence[str] = (), offset: int | None = None) -> Values:
    """Return the five values of one line of a chat export."""
    time = f"01.02.24, {10 + n // 60 % 12:02d}:{n % 60:02d}"
    raw = f"{time} - {sender}: {text}\n".encode()
    place = f"\0{n * 60 if offset is None else offset}\0{len(raw)}".encode()
    listed = "[" + ",".join(f'"{digest}"' for digest in media) + "]"
    return raw, place, sender.encode(), time.encode(), listed.encode()


class Archive:
    """A file of messages with its segments laid out."""

    def __init__(self, seed: bytes, records: Sequence[Values], original: bytes) -> None:
        self.seed = seed
        self.records = list(records)
        self.original = original
        self.only_one = len(records) <= SEGMENT
        self.segments: dict[int, bytes] = {}
        self.places: list[tuple[int, int]] = []
        self.blinds: list[bytes] = []
        for number in range(max(1, -(-len(records) // SEGMENT))):
            self._lay_out(number, records[number * SEGMENT : (number + 1) * SEGMENT])
        self.roots = [root(_split(leaves)) for leaves in self.segments.values()]

    def _lay_out(self, number: int, records: Sequence[Values]) -> None:
        self.width = segment_width(len(records), self.only_one)
        stream = record_keystream(self.seed, number * SEGMENT)
        leaves = []
        for j in range(self.width):
            blind = stream(RECORD_BLIND)
            if j < len(records):
                self.blinds.append(blind)
                commitment = record_commitment(blind[:32], record_digests(blind, records[j]))
            else:
                commitment = padding_commitment(blind[:32])
            leaves.append(leaf_hash(commitment))
        order = segment_order(self.seed, number, self.width)
        places = [(number, 0)] * self.width
        for position, item in enumerate(order):
            places[item] = (number, position)
        self.places += places[: len(records)]
        self.segments[number] = b"".join(leaves[item] for item in order)

    def opening(self, n: int, values: Sequence[str] = ("raw", "sender", "time")) -> RecordOpening:
        """Open record *n*."""
        segment, position = self.places[n]
        return RecordOpening(segment, position, self.blinds[n], self.records[n], values)


def _split(joined: bytes) -> list[bytes]:
    return [joined[i : i + 32] for i in range(0, len(joined), 32)]


class World:
    """A log that grows: add entries and archives, then `contents` gives what a bundle is made of."""

    def __init__(self, name: str = "ana") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.from_private_bytes(secret(f"{name} log key"))
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = VerifierKey(f"{secret(f'{name} origin').hex()[:32]}.vault.invalid", public)
        self.entries: list[dict[str, bytes]] = []
        self.seeds: list[bytes] = []
        self.batch_ends: list[int] = []
        self.archives: dict[int, Archive] = {}

    @property
    def sign(self) -> Callable[[bytes], bytes]:
        """The signing function of this log."""
        return self.key.sign

    def add(self, label: str, **fields: Any) -> int:
        """Add an entry; returns its number."""
        number = len(self.entries)
        whole = {"id": f"{number:016d}", "v": 1, **fields}
        self.entries.append({name: canonical(value) for name, value in whole.items()})
        self.seeds.append(secret(f"{self.name} entry {label}"))
        return number

    def commitment(self, number: int) -> str:
        """Return the commitment of an entry, in hex."""
        blind = entry_blind(self.seeds[number])
        return entry_commitment(blind.r, entry_digests(blind, self.entries[number])).hex()

    def incident(self, label: str, text: str, **more: Any) -> int:
        """Add something she wrote down."""
        fields = {"kind": "incident", "text": text, "when": "2024-02-03", "written": "2024-02-03T18:00:00Z", **more}
        return self.add(label, **fields)

    def archive(self, label: str, records: Sequence[Values], original: bytes | None = None) -> int:
        """Add the reading of an archive; returns the number of its entry."""
        whole = b"".join(record[0] for record in records) if original is None else original
        made = Archive(secret(f"{self.name} archive {label}"), records, whole)
        number = self.add(
            f"reading {label}",
            kind="reading",
            archive="0000000000000abc",
            original=sha256(whole).hexdigest(),
            reader="whatsapp",
            reader_version="1",
            receipt={"records": len(records)},
            records={
                "root": root([leaf_hash(one) for one in made.roots]).hex(),
                "segments": len(made.roots),
                "width": made.width,
            },
            written="2024-02-02T09:00:00Z",
        )
        self.archives[number] = made
        return number

    def end_batch(self) -> None:
        """Close the batch that is open."""
        self.batch_ends.append(len(self.entries))

    def laid_out(self) -> tuple[list[list[bytes]], dict[int, tuple[int, int]]]:
        """Return the commitments of every batch, and batch and position of every entry."""
        commitments = []
        for fields, seed in zip(self.entries, self.seeds, strict=True):
            blind = entry_blind(seed)
            commitments.append(entry_commitment(blind.r, entry_digests(blind, fields)))
        batches, places, start = [], {}, 0
        for end in [*self.batch_ends, len(self.entries)]:
            while start < end or (start == end and not batches and end == len(self.entries)):
                stop = min(start + 64, end)
                batch = lay_out_batch(secret(f"{self.name} batch {len(batches)}"), commitments[start:stop])
                for entry, position in zip(range(start, stop), batch.positions, strict=True):
                    places[entry] = (len(batches), position)
                batches.append(batch.commitments)
                start = stop
        return batches, places

    def contents(
        self,
        items: Sequence[Item],
        entries: Sequence[tuple[int, Sequence[str]]],
        readings: Sequence[tuple[int, Sequence[RecordOpening]]] = (),
        attachments: Sequence[Attachment] = (),
        whole: bool = False,
    ) -> Contents:
        """Return the contents of a bundle: *entries* with the names to open, *readings* with their opened records."""
        batches, places = self.laid_out()
        roots = [root([leaf_hash(one) for one in batch]) for batch in batches]
        head = Checkpoint(self.verifier.name, len(roots), root([leaf_hash(one) for one in roots]))
        openings = [
            EntryOpening(self.entries[number], self.seeds[number], names, *places[number])
            for number, names in [*entries, *((number, READING_OPENS) for number, _ in readings)]
        ]
        opened = [
            ReadingOpening(
                entry=len(entries) + i,
                name="WhatsApp export",
                received="2024-02-02",
                size=len(self.archives[number].original),
                segment_roots=self.archives[number].roots,
                segments={one.segment: self.archives[number].segments[one.segment] for one in records},
                records=records,
                original=file_of(self.archives[number].original, "chat.txt", "text/plain") if whole else None,
            )
            for i, (number, records) in enumerate(readings)
        ]
        log = LogState(
            note=sign_note(head.text(), self.verifier, self.sign),
            key=str(self.verifier),
            roots=roots,
            batches={opening.batch: batches[opening.batch] for opening in openings},
        )
        return Contents(
            made=MADE,
            program="Leeward 0.1.0",
            zone_note="Times of notes are UTC. Times of messages are clock times of an unknown phone.",
            log=log,
            entries=openings,
            readings=opened,
            people=[Participant("Bea", "+49 151 0000001"), Participant("Carl", "+49 151 0000002")],
            attachments=attachments,
            items=items,
        )


def file_of(data: bytes, name: str, media_type: str) -> Attachment:
    """Return an attachment whose bytes are held in memory."""
    return Attachment(name, sha256(data).hexdigest(), media_type, lambda: _chunks(data))


def _chunks(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 65_536] for i in range(0, len(data), 65_536))


def message(record: tuple[int, int], values: Values, **more: Any) -> Item:
    """Return the item of a line made by `line`."""
    sender = values[2].decode()
    text = values[0].decode().partition(f"{sender}: ")[2].rstrip("\n")
    shown = {
        "kind": "message",
        "day": "2024-02-01",
        "clock": values[3].decode().partition(", ")[2],
        "zone": "clock time, zone unknown",
        "person": sender,
        "handle": "+49 151 0000001" if sender == "Bea" else "+49 151 0000002",
        "service": "WhatsApp",
        "text": text,
        "record": record,
    }
    return Item(**{**shown, **more})


def note(entry: int, text: str, **more: Any) -> Item:
    """Return the item of an incident."""
    shown = {
        "kind": "incident",
        "day": "2024-02-03",
        "zone": "UTC",
        "text": text,
        "written": "2024-02-03 18:00 UTC",
        "entries": [entry],
    }
    return Item(**{**shown, **more})

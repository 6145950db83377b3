"""Handing over a part: choose items, open exactly what is needed to prove them, write a bundle, check it.

What goes in by default: whole conversations, both sides, for a person or a period; incidents in full words with the
files that belong to them. What stays out: what was set aside, archives the person takes no part in (unless she gives a
reason), feelings, kinds of abuse she chose, marks, and everything else in the vault. The act itself becomes an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from leeward import __version__
from leeward.app.session import Session
from leeward.core.errors import CannotWrite, NotHere, OurMistake, UsageError
from leeward.core.progress import Progress, Reached, silent
from leeward.evidence.custody import HANDOVER
from leeward.evidence.incident import INCIDENT, show_happened
from leeward.evidence.item import Asked
from leeward.evidence.item import Item as Shown
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
    compose,
    write_bundle,
    write_sealed_bundle,
)
from leeward.ingest.run import fetch_media, fetch_raws
from leeward.messages.record import MediaRef, Record, decode_block, held_back
from leeward.vault.age import AgeRefused, age_encrypt
from leeward.vault.files import FileInfo
from leeward.vault.kinds import AMENDMENT, READING
from leeward.vault.log import Entry
from leeward.vault.vault import files_of
from leeward_proof.commit import SEGMENT

__all__ = ["Handed", "hand_over"]

_ALWAYS_OPEN = ("kind", "written")
_FACTS = ("text", "quotes", "happened", "where", "witnesses", "injuries", "reports", "attachments")
"""What is opened of an incident, where it holds. Feelings, effects and the kinds of abuse stay closed."""

_SERVICES = {"whatsapp": "WhatsApp", "sms": "SMS"}

_OWNER = "Owner of the device"


class Handed(NamedTuple):
    """What was written.

    Attributes:
        path: where.
        sha256: of the file.
        items: how many.
        left_out: sentences about what stayed out, and why.
        notes: further sentences.
    """

    path: Path
    sha256: str
    items: int
    left_out: list[str]
    notes: list[str]


class _Chosen:
    """The chosen items, by where they come from."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.records: dict[int, list[int]] = {}
        self.incidents: list[int] = []
        self.left_out: list[str] = []


def hand_over(
    session: Session,
    out: Path,
    *,
    asked: Asked,
    entries: Sequence[str] = (),
    whole_archives: bool = False,
    recipient: str | None = None,
    pdf: bool = True,
    on_progress: Progress = silent,
) -> Handed:
    """Write a bundle of what was asked for.

    Args:
        session: open vault.
        out: must not exist.
        asked: period and person; everything when nothing is asked.
        entries: ids of single items instead.
        whole_archives: also hand over whole original files. That gives away every message in them, chosen or not.
        recipient: ``age1…`` key to encrypt the bundle to.
        pdf: make the PDF too.
        on_progress: told about ``bundle.write`` and ``bundle.check``.

    Raises:
        NotHere: an id that is not there. UsageError: nothing fits, or a key that is none.
        CannotWrite: the file exists, no room, or too large for one bundle. Nothing was left behind.
    """
    if out.exists():
        raise CannotWrite(f"{out} is already there and was left as it is.", next_step="Choose another name.")
    chosen = _choose(session, asked, entries)
    if not chosen.shown:
        raise UsageError(
            "There is nothing to hand over: no item fits.", next_step="Please look at the dates and names you gave."
        )
    on_progress(Reached("bundle.write", 0, len(chosen.shown)))
    session.vault.log.close_batch()
    contents = _Contents(session, chosen, whole_archives).contents()
    composed = compose(contents, session.vault.log.sign, pdf=pdf)
    on_progress(Reached("bundle.write", len(chosen.shown), len(chosen.shown)))
    if recipient is None:
        write_bundle(out, composed)
    else:
        try:
            write_sealed_bundle(out, composed, lambda plain, sealed: age_encrypt(plain, sealed, [recipient]))
        except AgeRefused:
            raise UsageError(
                "The key to encrypt to was not understood.", next_step="It begins with age1; please copy it again."
            ) from None
    digest = _digest(out)
    session.vault.append(
        HANDOVER,
        {
            "form": "bundle",
            "items": _ranges(chosen),
            "whole_archives": whole_archives,
            "period": {
                name: value for name in ("start", "end", "person") if (value := getattr(asked, name)) is not None
            },
            "sha256": digest,
            "sealed_to": recipient,
            "checkpoint": session.vault.log.checkpoint,
        },
        zone=session.zone,
    )
    return Handed(out, digest, len(chosen.shown), chosen.left_out, [*composed.notes, *_traces(session)])


def _traces(session: Session) -> list[str]:
    """Return what the bundle shows beside the items, for her to know before it leaves her hands."""
    if session.zone in (None, "UTC", "Etc/UTC"):
        return []
    return [f"The bundle names the time zone of this vault, {session.zone}: that can say where you are or were."]


def _digest(path: Path) -> str:
    whole = sha256()
    with path.open("rb") as file:
        while portion := file.read(1 << 20):
            whole.update(portion)
    return whole.hexdigest()


def _ranges(chosen: _Chosen) -> list[Any]:
    """Return what left as ids of entries and runs of records: [archive, first, last]."""
    result: list[Any] = [item.id for item in chosen.shown if ":" not in item.id]
    runs: dict[str, list[list[int]]] = {}
    for item in chosen.shown:
        archive, colon, n = item.id.partition(":")
        if colon:
            run = runs.setdefault(archive, [])
            if run and run[-1][1] == int(n) - 1:
                run[-1][1] += 1
            else:
                run.append([int(n), int(n)])
    return result + [[archive, *pair] for archive, pairs in runs.items() for pair in pairs]


# -- choosing ---------------------------------------------------------------------------------------------------


def _choose(session: Session, asked: Asked, entries: Sequence[str]) -> _Chosen:
    timeline = session.timeline
    chosen = _Chosen()
    if entries:
        items: Iterable[Shown] = [_one(session, identity) for identity in dict.fromkeys(entries)]
        items = sorted(items, key=lambda item: item.cursor)
    else:
        items = timeline.all(asked)
    closed = _not_a_party(session)
    reading_of: dict[str, int] = {}
    kept_out = 0
    for item in items:
        archive, colon, n = item.id.partition(":")
        if not colon:
            number = timeline.number_of(item.id)
            if number is None or item.kind != INCIDENT.kind:
                raise NotHere("There is nothing with this id.")
            chosen.incidents.append(number)
        elif archive in closed and not entries:
            kept_out += 1
            continue
        else:
            if archive not in reading_of:
                reading_of[archive] = timeline.reading_of(archive)
            chosen.records.setdefault(reading_of[archive], []).append(int(n))
        chosen.shown.append(item)
    if kept_out:
        chosen.left_out.append(
            f"{kept_out} messages stayed out: they are from conversations you take no part in. "
            "Choose them one by one if there is a reason, and ask a lawyer first."
        )
    return chosen


def _one(session: Session, identity: str) -> Shown:
    item = session.timeline.item(identity)
    if item is None:
        raise NotHere("There is nothing with this id.", next_step="leeward timeline shows the ids.")
    return item


def _not_a_party(session: Session) -> set[str]:
    """Return the archives whose receipt says that the owner takes no part in them."""
    return {
        archive
        for archive, receipt in session.timeline.receipts()
        if any(flag["code"] == "not_a_party" for flag in receipt.get("flags", []))
    }


# -- opening ----------------------------------------------------------------------------------------------------


class _Contents:
    """Opens what was chosen, and nothing else."""

    def __init__(self, session: Session, chosen: _Chosen, whole_archives: bool) -> None:
        self._session = session
        self._vault = session.vault
        self._chosen = chosen
        self._whole = whole_archives
        self._entries: list[EntryOpening] = []
        self._index: dict[int, int] = {}
        self._batches: dict[int, list[bytes]] = {}
        self._attachments: list[Attachment] = []
        self._attachment_of: dict[str, int] = {}
        self._readings: list[ReadingOpening] = []
        self._record_at: dict[tuple[int, int], tuple[int, int]] = {}
        self._media_of: dict[tuple[int, int], list[int]] = {}

    def contents(self) -> Contents:
        """Return everything the bundle needs."""
        for number in sorted(self._chosen.records):
            self._open_reading(number, sorted(self._chosen.records[number]))
        items = [self._item(shown) for shown in self._chosen.shown]
        log = self._vault.log
        zone = self._session.zone
        note = (
            f"Times with an offset are instants, shown in the zone {zone or 'UTC'} with the summer time of that day. "
            "A clock time without offset is shown as the source has it: the phone did not say which zone it was in."
        )
        return Contents(
            made=datetime.fromtimestamp(self._vault.clock.now_ms() // 1000, UTC),
            program=f"Leeward {__version__}",
            zone_note=note,
            log=LogState(
                note=log.checkpoint,
                key=str(log.verifier_key),
                roots=[log.batch(number).root() for number in range(log.batches)],
                batches=self._batches,
            ),
            items=items,
            entries=self._entries,
            readings=self._readings,
            people=self._people(),
            attachments=self._attachments,
        )

    def _open_entry(self, entry: Entry, names: Iterable[str]) -> int:
        if entry.number in self._index:
            return self._index[entry.number]
        batch = self._vault.log.batch_of(entry.number)
        if batch is None:
            raise OurMistake("An entry was not in a batch when a bundle was made.")
        self._batches[batch.number] = batch.layout.commitments
        fields = entry.encoded()
        self._entries.append(
            EntryOpening(
                fields=fields,
                seed=entry.seed,
                open=[name for name in names if name in fields],
                batch=batch.number,
                position=batch.layout.positions[entry.number - batch.first],
            )
        )
        self._index[entry.number] = len(self._entries) - 1
        return self._index[entry.number]

    # -- incidents ----------------------------------------------------------------------------------------------

    def _incident(self, shown: Shown) -> Item:
        history = self._session.timeline.history(shown.id)
        holds = _what_holds(history)
        entries = [self._open_entry(entry, names) for entry, names in zip(history, holds, strict=True)]
        attachments = [
            self._attach_file(entry, info, part)
            for entry, names in zip(history, holds, strict=True)
            if "attachments" in names
            for info, part in zip(files_of(entry.fields), entry.fields["attachments"], strict=True)
        ]
        day, clock, zone = _printed(shown)
        return Item(
            kind=INCIDENT.kind,
            day=day,
            clock=clock,
            zone=zone,
            text=shown.text,
            written=shown.written_at or "",
            marks=["changed later; what held before is not shown"] if len(history) > 1 else [],
            attachments=attachments,
            entries=entries,
        )

    def _attach_file(self, entry: Entry, info: FileInfo, part: dict[str, Any]) -> int:
        reader = self._vault.file(entry, info)
        return self._attach(info.sha256, part.get("name", ""), part.get("type", ""), reader.stream)

    def _attach(self, digest: str, name: str, media_type: str, read: Callable[[], Iterator[bytes]]) -> int:
        if digest not in self._attachment_of:
            self._attachment_of[digest] = len(self._attachments)
            self._attachments.append(Attachment(name=name, sha256=digest, type=media_type, read=read))
        return self._attachment_of[digest]

    # -- records ------------------------------------------------------------------------------------------------

    def _open_reading(self, number: int, wanted: list[int]) -> None:
        entry = self._vault.entry(number)
        reading = self._vault.reading(entry)
        archive = self._archive_of(entry)
        info = FileInfo(**archive.fields["file"])
        source = self._vault.file(archive, info, archive.fields["name"])
        records = self._records(reading, wanted)
        raws = self._raws(source, records, entry.fields["reader"])
        positions = {segment: reading.positions(segment) for segment in sorted({n // SEGMENT for n in wanted})}
        openings = []
        for n in wanted:
            record = records[n]
            segment, within = divmod(n, SEGMENT)
            hashes = [ref.sha256 for ref in record.media if ref.place]
            values = (
                raws[n],
                f"{record.member}\0{record.offset}\0{record.length}".encode("utf-8", "replace"),
                record.sender.encode("utf-8", "replace"),
                record.time.encode("utf-8", "replace"),
                msgspec.json.encode(hashes),
                held_back(record),
            )
            opens = ["raw", "sender", "time", *(["media"] if hashes else []), *(["place"] if self._whole else [])]
            openings.append(RecordOpening(segment, positions[segment][within], reading.blind(n), values, opens))
            self._record_at[(number, n)] = (len(self._readings), len(openings) - 1)
            self._media_of[(number, n)] = [self._attach_media(source, ref) for ref in record.media if ref.place]
        self._readings.append(
            ReadingOpening(
                entry=self._open_entry(entry, READING_OPENS),
                name=f"{_SERVICES.get(entry.fields.get('service', ''), 'Message')} export",
                received=show_happened(archive.fields["written"]),
                size=info.size if self._whole else 0,
                segment_roots=reading.info.roots,
                segments={segment: b"".join(reading.segment(segment)) for segment in positions},
                records=openings,
                original=Attachment(
                    name=archive.fields["name"],
                    sha256=info.sha256,
                    type=archive.fields.get("type", ""),
                    read=source.stream,
                )
                if self._whole
                else None,
            )
        )

    def _archive_of(self, reading: Entry) -> Entry:
        number = self._session.timeline.number_of(reading.fields["archive"])
        if reading.kind != READING.kind or number is None:
            raise OurMistake("A reading does not name its archive.")
        return self._vault.entry(number)

    def _records(self, reading: Any, wanted: Sequence[int]) -> dict[int, Record]:
        found: dict[int, Record] = {}
        block, rows = -1, list[Record]()
        for n in wanted:
            index, within = reading.find(n)
            if index != block:
                block, rows = index, decode_block(reading.block(index))
            found[n] = rows[within]
        return found

    def _raws(self, source: Any, records: dict[int, Record], reader: str) -> dict[int, bytes]:
        order = sorted(records, key=lambda n: (records[n].member, records[n].offset))
        places = [(records[n].member, records[n].offset, records[n].length) for n in order]
        raws = fetch_raws(source, places, reader, clock=self._vault.clock)
        return dict(zip(order, raws, strict=True))

    def _attach_media(self, source: Any, ref: MediaRef) -> int:
        return self._attach(ref.sha256, ref.name, ref.type, lambda: fetch_media(source, ref, clock=self._vault.clock))

    # -- what is printed ----------------------------------------------------------------------------------------

    def _item(self, shown: Shown) -> Item:
        archive, colon, n = shown.id.partition(":")
        if not colon:
            return self._incident(shown)
        number = self._session.timeline.reading_of(archive)
        day, clock, zone = _printed(shown)
        person, handle = shown.person or "", shown.handle or ""
        if shown.from_me and not person:
            person = _OWNER
        return Item(
            kind=shown.kind,
            day=day,
            clock=clock,
            zone=zone,
            person=person,
            handle=handle if handle != person else "",
            service=_SERVICES.get(shown.service or "", shown.service or ""),
            thread=shown.thread or "",
            text=shown.text,
            marks=_marks(shown),
            attachments=self._media_of[(number, int(n))],
            record=self._record_at[(number, int(n))],
        )

    def _people(self) -> list[Participant]:
        seen: dict[tuple[str, str], None] = {}
        for shown in self._chosen.shown:
            if shown.person:
                handle = shown.handle or ""
                seen[(shown.person, handle if handle != shown.person else "")] = None
            elif shown.from_me and ":" in shown.id:
                seen[(_OWNER, "")] = None
        return [Participant(name, handle) for name, handle in seen]


def _what_holds(history: Sequence[Entry]) -> list[list[str]]:
    """Return for each version the names to open: a fact only where it was said last, and was not taken back.

    What she changed or took out must not leave with the words that replaced it.
    """
    opens = [[*_ALWAYS_OPEN, *(["was"] if entry.kind == AMENDMENT.kind else [])] for entry in history]
    for name in _FACTS:
        for names, entry in reversed(list(zip(opens, history, strict=True))):
            if name in entry.fields.get("unset", []):
                break
            if name in entry.fields:
                if entry.fields[name]:
                    names.append(name)
                break
    return opens


def _printed(shown: Shown) -> tuple[str, str, str]:
    """Return (day, clock, zone) as printed."""
    if shown.at is None:
        return "", "", ""
    if len(shown.at) == 10:
        return shown.at, "", ""
    day, _, clock = shown.at.partition("T")
    for mark in ("+", "-", "Z"):
        head, found, tail = clock.partition(mark)
        if found:
            about = "about, " if shown.at_kind == "about" else ""
            return day, head, about + (f"UTC{found}{tail}" if found != "Z" else "UTC")
    return day, clock, "clock time, zone unknown"


_MARKS = {
    "edited": "edited; the earlier text is not in the export",
    "deleted": "deleted before the export",
    "media_omitted": "attachment not included in the export",
}


def _marks(shown: Shown) -> list[str]:
    """Return what the source itself says about an item, never an opinion."""
    marks = [sentence for name, sentence in _MARKS.items() if shown.extra.get(name)]
    state = shown.extra.get("state")
    if isinstance(state, str):
        marks.append(state)
    if any(not part["here"] for part in shown.attachments) and not shown.extra.get("media_omitted"):
        marks.append("attachment missing in the export")
    return marks

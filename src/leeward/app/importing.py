"""Taking in archives: seal the original, read it confined, commit, index, account for every item.

The order of acts is docs/formats/archive.md §2. `ImportJob` is a job in steps (``core/jobs.py``): its state is the id
of the sealed archive, so a job that was stopped after sealing goes on from the sealed original.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from leeward.app.given_files import Given, seal_given
from leeward.app.receipts import Receipt, Tally, failed, from_kept
from leeward.app.session import Session
from leeward.core.errors import CannotRead, OurMistake, ReaderStopped
from leeward.core.jobs import MemoryJobStore, Step, run_job
from leeward.core.progress import Progress, Reached, silent
from leeward.evidence.feed import Feed
from leeward.ingest.base import Flag, Hints, Outcome, Recognised, Record, Refused
from leeward.ingest.media.kinds import type_of
from leeward.ingest.run import STOPS, read_confined
from leeward.ingest.zones import named_zone
from leeward.messages.record import Direction, Kind, encode_block, held_back
from leeward.people.handles import matching_key
from leeward.vault.files import FileInfo
from leeward.vault.kinds import ARCHIVE, READING
from leeward.vault.log import Entry
from leeward.vault.projection import ProjectionFull
from leeward.vault.readings import ReadingWriter, SourceFacts

__all__ = ["ImportJob", "finish_interrupted", "import_files"]

_BLOCK_RECORDS = 8192
_BLOCK_TEXT = 768 * 1024
"""Characters of text in one block: with the rest of the rows that is about the 1 MiB of docs/formats/vault.md §3."""

_COLLECT_AFTER = 100_000
"""Objects between two looks for cycles, several blocks: the default of 700 meets every record about ten times."""

_NO_MEDIA = b"[]"

_TOO_MANY = "Together with what is here already, this file holds more messages than can be searched at once."


class ImportJob:
    """Takes in one file or folder. The result is its receipt.

    Args:
        session: open vault.
        path: as given.
        hints: what the person said.
        cancelled: asked often.
        on_progress: told the bytes sealed and read.
        obtained: whose device or account it is from, and how it was obtained, in her words.
    """

    name = "import"

    def __init__(
        self,
        session: Session,
        path: Path,
        hints: Hints,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        on_progress: Progress = silent,
        obtained: str = "",
    ) -> None:
        self._session = session
        self._given = Given(path)
        self._hints = hints
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._obtained = obtained
        self._began = session.vault.clock.steady()

    def steps(self, state: bytes | None) -> Generator[Step, None, Receipt]:
        """Seal, then read. The state after the first step is the number of the archive's entry."""
        if state is None:
            size = max(self._given.size(), 1)
            known = self._session.timeline.archive_with(self._given.digest(self._cancelled))
            if known is not None and known[2] is not None and known[3] is not None:
                return self._already_here(known[3])
            archive = self._session.vault.entry(known[1]) if known is not None else self._seal(size)
            yield Step(str(archive.number).encode(), Reached("import.seal", size, size))
        else:
            archive = self._session.vault.entry(int(state))
        receipt = _read_archive(
            self._session, archive, self._hints, cancelled=self._cancelled, on_progress=self._on_progress
        )
        receipt.file = str(self._given.path)
        receipt.seconds = self._seconds()
        return receipt

    def _seconds(self) -> float:
        return round(self._session.vault.clock.steady() - self._began, 3)

    def _seal(self, size: int) -> Entry:
        vault = self._session.vault
        file_key = vault.random(32)
        info = seal_given(
            vault,
            file_key,
            self._given.portions(),
            on_bytes=lambda done: self._on_progress(Reached("import.seal", min(done, size), size)),
            cancelled=self._cancelled,
        )
        head = next(self._given.portions(), b"")[:4096]
        fields = {
            "name": self._given.name,
            "file": info._asdict(),
            "sha256": info.sha256,
            "type": type_of(head),
            "obtained": self._obtained,
            "hints": _kept_hints(self._hints),
        }
        return vault.append(ARCHIVE, fields, zone=self._session.zone, file_key=file_key, owns=[("blob", info.blob)])

    def _already_here(self, kept: dict[str, Any]) -> Receipt:
        receipt = from_kept(kept, file=str(self._given.path), seconds=self._seconds())
        receipt.duplicates = receipt.records
        text = "This very file is in your vault already. Nothing was added."
        receipt.flags = [*receipt.flags, Flag("already_here", text)]
        return receipt


def _read_archive(
    session: Session,
    archive: Entry,
    hints: Hints,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Progress = silent,
) -> Receipt:
    """Read a sealed archive and append its reading. A reader that fails gives a receipt with an error; nothing is lost.

    Raises:
        Cancelled, CannotWrite: the archive stays, without a reading; it is read at the next occasion.
    """
    vault = session.vault
    fields = archive.fields
    info = FileInfo(**fields["file"])
    source = vault.file(archive, info, fields["name"])
    began = vault.clock.steady()
    reading, file_key, writer = vault.begin_reading()
    timeline = session.timeline
    timeline.db.execute("BEGIN")
    intake = _Intake(timeline.feed, len(vault.log), writer, hints)
    error: str | None = None
    try:
        try:
            with _fewer_collections():
                for event in read_confined(
                    source, hints, clock=vault.clock, on_progress=on_progress, cancelled=cancelled
                ):
                    intake.take(event)
                intake.flush()
            on_progress(Reached("import.index", 0, 1))
            duplicates = intake.finish()
        except ReaderStopped as stopped:
            # What it said so far is not kept: half a reading would look like a whole one. The original is sealed.
            intake.stop()
            timeline.db.execute("ROLLBACK")
            timeline.db.execute("BEGIN")
            vault.drop_reading(reading)
            error = f"{stopped.message} The original is safe in your vault. You can try another export."
            recognised = intake.recognised
            reading, file_key, writer = vault.begin_reading()
            intake = _Intake(timeline.feed, len(vault.log), writer, hints)
            intake.recognised = recognised
            duplicates = 0
        receipt = intake.receipt(archive, duplicates, vault.clock.steady() - began)
        if error is not None:
            receipt.error = error
            receipt.flags = [*receipt.flags, Flag("stopped", "The reader was stopped; the original is kept as it is.")]
        records = writer.finish()
        entry = vault.append(
            READING,
            {
                "archive": archive.id,
                "original": fields["sha256"],
                "reader": receipt.reader,
                "reader_version": receipt.reader_version,
                "records": records.field(),
                "index": records.rows_index(),
                "receipt": receipt.to_keep(),
                "hints": _kept_hints(hints),
                "service": intake.service,
            },
            zone=timeline.setting("zone"),
            identity=reading,
            file_key=file_key,
            owns=[("reading", reading)],
        )
        timeline.took(entry)
        timeline.db.execute("COMMIT")
    except BaseException:
        intake.stop()
        timeline.db.execute("ROLLBACK")
        raise
    on_progress(Reached("import.index", 1, 1))
    if not receipt.balances():
        raise OurMistake(
            "The account of this import does not balance.", next_step="The original is safe in your vault."
        )
    return receipt


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Look for cycles less often while records stream by: they hold none, and looking is a tenth of all the time."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _kept_hints(hints: Hints) -> dict[str, Any]:
    # The passphrase of an archive is a secret of its own; it is not written down.
    return {name: value for name in ("me", "zone", "order") if (value := getattr(hints, name)) is not None}


class _Intake:
    """Receives a reader's events: commits facts, keeps rows, feeds the projection, counts."""

    def __init__(
        self, feed: Callable[[int, str, str | None], Feed], number: int, writer: ReadingWriter, hints: Hints
    ) -> None:
        self._make_feed = feed
        self._number = number
        self._feed: Feed | None = None
        self._writer = writer
        self._hints = hints
        self._me = matching_key(hints.me) if hints.me else None
        self._met_me = False
        self._is_me: dict[tuple[str, str], bool] = {}
        self._tally = Tally()
        self._held: list[Record] = []
        self._held_text = 0
        self.recognised: Recognised | None = None
        self._outcome: Outcome | None = None

    @property
    def service(self) -> str:
        """Whose messages these are."""
        return self.recognised.service if self.recognised else ""

    def take(self, event: Recognised | list[Record] | Refused | Outcome) -> None:
        """Take one event. Raises `ReaderStopped` for rows that no honest reader makes."""
        if isinstance(event, list):
            try:
                _believe(event)
                self._take_records(event)
            except (ValueError, OverflowError) as error:
                # Whatever a turned reader says must end as one receipt, never as an import that fails for ever.
                raise ReaderStopped(STOPS["garbled"]) from error
        elif isinstance(event, Refused):
            self._tally.refuse(event)
        elif isinstance(event, Recognised):
            self.recognised = event
        else:
            self._outcome = event

    def _take_records(self, records: list[Record]) -> None:
        if self._me is not None:
            self._mark_me(records)
        self._tally.add(records)
        # List by list as they come, not block by block: the child asks for more of the file in between, and what is
        # made from a record on the way is gone again before the next.
        facts = _facts(records)
        try:
            self.feed().add(records)
        except ProjectionFull as full:
            raise ReaderStopped(_TOO_MANY) from full
        self._writer.commit(facts)
        for record in records:
            record.raw = b""  # it stays in the original; held rows need not carry it until their block is full
        self._held += records
        self._held_text += sum([len(record.text) for record in records])
        if len(self._held) >= _BLOCK_RECORDS or self._held_text >= _BLOCK_TEXT:
            self.flush()

    def _mark_me(self, records: list[Record]) -> None:
        known = self._is_me
        for record in records:
            name, handle = record.sender, record.handle
            if name or handle:
                mine = known.get((name, handle))
                if mine is None:
                    mine = known[(name, handle)] = self._me in (matching_key(handle or name), matching_key(name))
                if mine:
                    self._met_me = True
                    record.direction = Direction.OUT
                elif record.direction == Direction.UNKNOWN:
                    record.direction = Direction.IN

    def feed(self) -> Feed:
        """The way into the projection; made when the service is known."""
        if self._feed is None:
            self._feed = self._make_feed(self._number, self.service, self._hints.zone)
        return self._feed

    def flush(self) -> None:
        """Keep what is held as a block."""
        if self._held:
            self._writer.keep(len(self._held), encode_block(self._held))
            self._held, self._held_text = [], 0

    def stop(self) -> None:
        """Wait until nothing touches the projection any more: what was fed is about to be rolled back."""
        if self._feed is not None:
            self._feed.stop()

    def finish(self) -> int:
        """Index what was fed; return how many records other archives already hold."""
        try:
            return self.feed().finish()
        except ProjectionFull as full:
            raise ReaderStopped(_TOO_MANY) from full

    def receipt(self, archive: Entry, duplicates: int, seconds: float) -> Receipt:
        """Return the account."""
        recognised = self.recognised or Recognised("kept as it is", "1", "", "")
        outcome = self._outcome or Outcome("")
        flags = []
        if self._me is not None and self._writer.records and not self._met_me and not self._owner_known():
            flags.append(
                Flag("not_a_party", "The name or number you gave for yourself does not take part in this conversation.")
            )
        if self.feed().ambiguous:
            flags.append(
                Flag(
                    "clock_change",
                    f"{self.feed().ambiguous} clock times happened twice, or never, in the zone you named.",
                )
            )
        feed = self.feed()
        return self._tally.receipt(
            file=archive.fields["name"],
            sha256=archive.fields["sha256"],
            recognised=recognised,
            outcome=outcome,
            duplicates=duplicates,
            ambiguous=feed.ambiguous,
            instants=(feed.first, feed.last) if feed.saw_instants else (None, None),
            zone=self._hints.zone,
            flags=flags,
            seconds=seconds,
        )

    def _owner_known(self) -> bool:
        return self.feed().saw_owner


_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_214_400_000
"""0001-01-01 and 9999-12-31 in UTC, the days that can be written; a day less at the end leaves room for every zone."""

_FIRST_BELIEVED = _FIRST_MS + 86_400_000
_KINDS, _DIRECTIONS = frozenset(map(int, Kind)), frozenset(map(int, Direction))
_MOST_BYTES = 1 << 62
"""An offset beyond this does not fit the table, and no file is that long."""


def _believe(records: Sequence[Record]) -> None:
    """Look at what came from the child: times nobody can write become unknown, anything else odd is refused."""
    for record in records:
        if record.at is not None and not _FIRST_BELIEVED <= record.at <= _LAST_MS:
            record.at = None
        if record.wall is not None and not _FIRST_BELIEVED <= record.wall <= _LAST_MS:
            record.wall = None
        if not (0 <= record.offset < _MOST_BYTES and 0 <= record.length < _MOST_BYTES):
            raise ValueError("place")
        if record.kind not in _KINDS or record.direction not in _DIRECTIONS:
            raise ValueError("kind")


def _facts(records: Sequence[Record]) -> list[SourceFacts]:
    """Return what is committed to of each record (docs/formats/archive.md §3)."""
    facts = []
    for record in records:
        media = msgspec.json.encode([ref.sha256 for ref in record.media if ref.place]) if record.media else _NO_MEDIA
        place = f"{record.member}\0{record.offset}\0{record.length}"
        facts.append(
            (
                record.raw,
                place.encode("utf-8", "replace"),
                record.sender.encode("utf-8", "replace"),
                record.time.encode("utf-8", "replace"),
                media,
                held_back(record) if record.private else b"",
            )
        )
    return facts


def finish_interrupted(
    session: Session, *, cancelled: Callable[[], bool] = lambda: False, on_progress: Progress = silent
) -> list[Receipt]:
    """Read archives whose import was interrupted after sealing, with what she said when she gave them."""
    receipts = []
    for number in session.timeline.unread():
        archive = session.vault.entry(number)
        hints = msgspec.convert(archive.fields.get("hints", {}), Hints)
        receipts.append(_read_archive(session, archive, hints, cancelled=cancelled, on_progress=on_progress))
    return receipts


def import_files(
    session: Session,
    paths: Sequence[Path],
    hints: Hints,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Progress = silent,
) -> list[Receipt]:
    """Take in files one after the other and save a snapshot; one receipt each, in the order given.

    Raises:
        UsageError: the zone is unknown; nothing was taken in.
        Cancelled, CannotWrite: files before this one are kept.
    """
    if hints.zone is not None:
        named_zone(hints.zone)  # raises for a name that does not exist, before anything is taken in
    receipts = []
    try:
        for path in paths:
            job = ImportJob(session, path, hints, cancelled=cancelled, on_progress=on_progress)
            try:
                receipts.append(run_job(job, MemoryJobStore(), cancelled=cancelled, on_progress=on_progress))
            except CannotRead as unreadable:
                receipts.append(failed(str(path), None, unreadable.sentence(), seconds=0.0))
    finally:
        if any(receipt.records for receipt in receipts):
            session.timeline.save()
    return receipts

"""The second pass, second half: from the bytes between two heads to a record.

The usual record (one known name, plain words) is made in one place without a call; anything with a sign of more goes
through `Scribe._record`. Bytes that belong to no record are accounted for as `Refused`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from leeward.ingest.base import BATCH, Direction, Hints, Kind, MediaRef, Package, Record, Refused
from leeward.ingest.readers.whatsapp_txt.account import Tally, plural
from leeward.ingest.readers.whatsapp_txt.attachments import Shelf
from leeward.ingest.readers.whatsapp_txt.bodies import PHRASE_STARTS, Setting, mentions, read_body
from leeward.ingest.readers.whatsapp_txt.cuts import Cut, Cutter
from leeward.ingest.readers.whatsapp_txt.feed import LONGEST_LINE, Block, blocks, repaired
from leeward.ingest.readers.whatsapp_txt.phrases import DISAPPEARING, ENCRYPTED
from leeward.ingest.readers.whatsapp_txt.roster import LRM, shown_name
from leeward.ingest.readers.whatsapp_txt.survey import Survey
from leeward.ingest.zones import resolve

__all__ = ["Scribe"]

_BATCH_BYTES: Final = 3 * 2**20
"""Raw bytes after which a list of records is handed on even when it is short."""

_MEMORY: Final = 100_000
"""Names remembered at once."""

_PHONE: Final = re.compile(r"\+?[\d\s\u00a0\u202f().\-‐‑–]{6,28}")
_CUT_HEAD: Final = re.compile(
    r"\[?\d{1,4}[./\-年] ?(?:\d{1,2}(?:[./\-月] ?(?:\d{0,4})?[\d ,.:/\]aApPmM日\u202f\u00a0]*)?)?"
)
_SHORT: Final = 80
_MOST_SHORT: Final = 4096
"""Bytes of a body that is worth remembering because it comes again ("<Media omitted>"), and how many are remembered."""

_CR: Final = 13
_LF: Final = 10
_CLOSERS: Final = frozenset(b">)")
"""Last bytes of a body that may hold a mark or a file name."""

_Known = tuple[str, tuple[MediaRef, ...], dict[str, Any]]
"""What a short body was read as: text, files, facts."""


class _Pending:
    """The last record of a block: it may go on in the next one."""

    __slots__ = ("_data", "_source", "end", "offset", "size", "time", "wall")

    def __init__(self, block: Block, base: int, cut: Cut) -> None:
        at, source_at, end, self.time, self.wall = cut
        self.offset = base + source_at
        self.end = end - at
        self.size = 0
        self._data: list[bytes] = []
        self._source: list[bytes] = []
        self.add(block.data[at:], block.source[source_at:])

    def add(self, data: bytes, source: bytes) -> None:
        self._data.append(data)
        self._source.append(source)
        self.size += len(source)

    def both(self) -> tuple[bytes, bytes]:
        """Return the data and the source of the whole record."""
        return b"".join(self._data), b"".join(self._source)


class Scribe:
    """The second pass over one chat text."""

    def __init__(
        self, package: Package, member: str, seen: Survey, hints: Hints, title: str, shelf: Shelf, tally: Tally
    ) -> None:
        self._package = package
        self._member = member
        self._seen = seen
        self._hints = hints
        self._title = title
        self._tally = tally
        self._cutter = Cutter(seen, tally)
        self._people: dict[bytes, tuple[str, str, int]] = {}
        self._memory: dict[tuple[bytes, bytes, int], _Known] = {}
        families = {style.family[0] for style in seen.styles.values() if style.whole}
        names = {shown_name(name) for name in seen.roster.names()}
        self._setting = Setting(
            shelf=shelf,
            apple="-" not in families,
            brackets=seen.brackets,
            names=tuple(sorted(names))[:500],
            voices=self._voices(title),
        )
        self._previous_at: int | None = None
        self._first = True

    def _voices(self, title: str) -> frozenset[str]:
        """Return the names under which only the app speaks: the group's own name."""
        roster = self._seen.roster
        opener = self._seen.opener
        found = set()
        for name, n in roster.counts.items():
            if roster.generated.get(name, 0) != n:
                continue
            if (opener is not None and opener == (name, True)) or (title and shown_name(name) == title):
                found.add(shown_name(name))
        return frozenset(found) if len(roster.counts) > 1 else frozenset()

    def records(self) -> Iterator[list[Record] | Refused]:
        """Yield the records of this member in order, and what lies outside any record."""
        form = self._seen.form
        self._tally.guessed |= form.encoding == "cp1252"
        pending: _Pending | None = None
        stray = _Stray(0, "before the first message: no date and time stand in front of it")
        batch: list[Record] = []
        weight = 0
        base = 0
        with self._package.open(self._member) as stream:
            for block in blocks(stream, form):
                cuts = self._cutter.cuts(block)
                at, source_at = cuts[0][:2] if cuts else (len(block.data), len(block.source))
                if pending is not None and pending.size + source_at > LONGEST_LINE:
                    batch.append(self._close(pending))
                    pending = None
                    self._tally.cut = True
                    stray = _Stray(base, "too long for one message; it follows the record above")
                if pending is not None:
                    pending.add(block.data[:at], block.source[:source_at])
                else:
                    stray.add(block.data[:at])
                if cuts:
                    if pending is not None:
                        batch.append(self._close(pending))
                        weight += pending.size
                    elif stray.says_something:
                        yield from self._flush(batch)
                        batch, weight = [], 0
                        yield stray.refused(base + source_at, self._member)
                    done, last = 0, len(cuts) - 1
                    while done < last:
                        upto = min(last, done + BATCH - len(batch))
                        self._inside(block, base, cuts[done : upto + 1], batch)
                        done = upto
                        if len(batch) >= BATCH:
                            yield from self._flush(batch)
                            batch, weight = [], 0
                    weight += cuts[last][1] - source_at
                    pending = _Pending(block, base, cuts[last])
                base += len(block.source)
                if len(batch) >= BATCH or weight + (pending.size if pending else 0) > _BATCH_BYTES:
                    yield from self._flush(batch)
                    batch, weight = [], 0
        if pending is not None:
            batch.append(self._close(pending))
            self._check_end(*pending.both(), pending.end)
        yield from self._flush(batch)
        if pending is None and stray.says_something:
            yield stray.refused(base, self._member)

    def _inside(self, block: Block, base: int, cuts: list[Cut], batch: list[Record]) -> None:
        """Append the records between these heads, all of one block, to a batch."""
        data, source, _, _ = block
        people, memory = self._people, self._memory
        member, title = self._member, self._title
        add = batch.append
        strange = LRM in data or b"\x00" in data
        at, source_at, end, time, wall = cuts[0]
        for then in cuts[1:]:
            stop, source_stop = then[0], then[1]
            # The usual record: a known name, whole lines, and nothing in the body that needs a closer look.
            tail = stop - 1
            if data[tail - 1] == _CR:
                tail -= 1
            name, _, body = data[end:tail].partition(b": ")
            person = people.get(name)
            if person is not None and body and data[stop - 1] == _LF and not self._first:
                line_end = data.find(b"\n", end, tail)
                plain = (
                    body[-1] not in _CLOSERS
                    and body[:6] not in PHRASE_STARTS
                    and (line_end < 0 or _CLOSERS.isdisjoint(data[line_end - 2 : line_end]))
                    and not (strange and (LRM in body or b"\x00" in body))
                )
                try:
                    if plain:
                        text = body.decode() if line_end < 0 else body.decode().replace("\r\n", "\n")
                        known: _Known | None = None
                    else:
                        known = memory.get((name, body, data[at]))
                        text = known[0] if known else ""
                    if plain or known:
                        add(
                            Record(
                                0,
                                member,
                                base + source_at,
                                source_stop - source_at,
                                source[source_at:source_stop],
                                person[0],
                                time.decode(),
                                None,
                                wall,
                                text,
                                person[1],
                                person[2],
                                title,
                            )
                        )
                        if known:
                            self._again(batch[-1], known)
                        at, source_at, end, time, wall = then
                        continue
                except UnicodeDecodeError:
                    pass
            raw = source[source_at:source_stop]
            add(self._record(data[at:stop], raw, base + source_at, end - at, time, wall))
            at, source_at, end, time, wall = then

    def _close(self, pending: _Pending) -> Record:
        data, source = pending.both()
        return self._record(data, source, pending.offset, pending.end, pending.time, pending.wall)

    def _record(self, data: bytes, raw: bytes, offset: int, end: int, time: bytes, wall: int | None) -> Record:
        """Read one record with all care."""
        body = data[end:]
        tail = len(body)
        if body.endswith(b"\n"):
            tail -= 1
        while tail and body[tail - 1] == 13:
            tail -= 1
        body = body[:tail]
        line_end = body.find(b"\n")
        line = body if line_end < 0 else body[:line_end]
        name, start = self._seen.roster.split(line.rstrip(b"\r"))
        if name and self._seen.roster.is_plain(name):
            self._person(name)
        sender, handle, direction = self._person(name) if name else ("", "", 0)
        text = self._text(body[start:])
        first, self._first = self._first, False
        extra: dict[str, Any] | None = None
        media: Sequence[MediaRef] = ()
        kind = Kind.MESSAGE if name else Kind.SYSTEM
        if name:
            marked = data.startswith(LRM)
            read = read_body(text, sender, self._setting, marked=marked, first_of_all=first)
            text, media, extra = read.text, read.media, read.extra or None
            short = tail - start <= _SHORT and line_end < 0 and not first and len(self._memory) < _MOST_SHORT
            if short and not read.notice and not any(ref.name for ref in media):
                self._memory[name, body[start:], data[0]] = (text, media, read.extra)
            if read.notice:
                kind, direction = Kind.SYSTEM, Direction.UNKNOWN
            self._count(read.extra, media)
        else:
            text = text.strip("\u200e\u200f")
        if kind == Kind.SYSTEM:
            if first or (self._tally.records == 0 and mentions(text, ENCRYPTED)):
                self._tally.notice_on_top = True
            if mentions(text, DISAPPEARING):
                self._tally.timers += 1
                extra = {**(extra or {}), "disappearing": True}
        return Record(
            int(kind),
            self._member,
            offset,
            len(raw),
            raw,
            sender,
            time.decode("utf-8", "replace"),
            None,
            wall,
            text,
            handle,
            int(direction),
            self._title,
            media,
            extra,
        )

    def _again(self, record: Record, known: _Known) -> None:
        """Give a record what an equal body of the same person was read as before."""
        record.media = known[1]
        record.extra = dict(known[2]) or None
        self._count(known[2], known[1])

    def _count(self, extra: dict[str, Any], media: Sequence[MediaRef]) -> None:
        tally = self._tally
        tally.edited += "edited" in extra
        tally.deleted += "deleted" in extra
        tally.omitted += "media_omitted" in extra
        for ref in media:
            tally.present += ref.place != ""
            tally.missing += bool(ref.name) and ref.place == ""

    def _text(self, body: bytes) -> str:
        """Decode a body; lines end with LF, and damage is marked."""
        if len(body) > LONGEST_LINE:
            body = body[:LONGEST_LINE]
            self._tally.cut = True
        try:
            text = body.decode()
            if "\x00" in text:
                self._tally.repaired += 1
                text = text.replace("\x00", "\ufffd")
        except UnicodeDecodeError:
            self._tally.repaired += 1
            text = repaired(body)
            while len(text.encode()) > LONGEST_LINE:
                text = text[: len(text) * 3 // 4]
        return text.replace("\r\n", "\n") if "\r" in text else text

    def _person(self, name: bytes) -> tuple[str, str, int]:
        """Return the name as shown, the number in it if it is one, and the direction."""
        found = self._people.get(name)
        if found is None:
            shown = shown_name(name)
            handle = shown if _PHONE.fullmatch(shown) and sum(c.isdigit() for c in shown) >= 6 else ""
            me = self._hints.me
            direction = Direction.UNKNOWN
            if me is not None:
                mine = shown.casefold() == me.strip().casefold() or (handle != "" and _number(handle) == _number(me))
                direction = Direction.OUT if mine else Direction.IN
                self._tally.me_seen |= mine
            found = (shown, handle, int(direction))
            if len(self._people) < _MEMORY and self._seen.roster.is_plain(name):
                self._people[name] = found
        return found

    def _flush(self, batch: list[Record]) -> Iterator[list[Record]]:
        """Count a batch, place its times in the zone the person named, and hand it on."""
        if not batch:
            return
        self._tally.records += len(batch)
        self._tally.messages += sum(1 for record in batch if record.kind == 0)
        if self._hints.zone:
            self._place(batch, self._hints.zone)
        yield batch

    def _place(self, batch: list[Record], zone: str) -> None:
        """Turn floating times into instants; a time that came twice is settled by what follows, where it can be."""
        waiting: list[tuple[Record, int]] = []
        for record in batch:
            wall = record.wall
            if wall is None:
                continue
            found = resolve(wall, zone, self._previous_at)
            self._previous_at = found.earliest
            if found.at is not None:
                if waiting and found.second:
                    # The clock went back here, so everything above in that hour was the first time round.
                    for earlier, at in waiting:
                        earlier.at, earlier.wall, earlier.extra = at, None, _without_clock(earlier.extra)
                        self._tally.twice -= 1
                waiting = []
                record.at, record.wall = found.at, None
                continue
            record.extra = {**(record.extra or {}), "clock": found.kind}
            if found.kind == "ambiguous":
                self._tally.twice += 1
                waiting.append((record, found.earliest))
            else:
                self._tally.never += 1

    def _check_end(self, data: bytes, source: bytes, end: int) -> None:
        """See whether the last record looks cut."""
        wide = self._seen.form.encoding.startswith("utf-16")
        if data.endswith(b"\n"):
            return
        last = data.rpartition(b"\n")[2]
        cut = len(data) <= end or not data[end:].strip() or (wide and len(source) % 2 == 1)
        if b"\n" in data:
            plain = last.decode("utf-8", "replace").strip("\u200e\u200f\r ")
            cut = cut or (6 <= len(plain) <= 30 and _CUT_HEAD.fullmatch(plain) is not None)
        try:
            last.decode()
        except UnicodeDecodeError as error:
            cut = cut or error.end == len(last)
        self._tally.cut |= cut


class _Stray:
    """Bytes that belong to no record."""

    def __init__(self, start: int, why: str) -> None:
        self._start = start
        self._why = why
        self._lines = 0
        self.says_something = False

    def add(self, data: bytes) -> None:
        self._lines += data.count(b"\n") + (not data.endswith(b"\n"))
        self.says_something = self.says_something or bool(data.strip(b"\xef\xbb\xbf \t\r\n\x00"))

    def refused(self, stop: int, member: str) -> Refused:
        """Return the account of it."""
        inside = f" of {member}" if member else ""
        lines = plural(self._lines, "line", "lines")
        return Refused(f"{lines} from byte {self._start:,} to byte {stop:,}{inside}", f"This text stands {self._why}.")


def _without_clock(extra: dict[str, Any] | None) -> dict[str, Any] | None:
    """Take the mark of an ambiguous clock away again."""
    left = {key: value for key, value in (extra or {}).items() if key != "clock"}
    return left or None


def _number(text: str) -> str:
    """Return the digits of a number, with a leading 00 as the plus it stands for."""
    digits = "".join(c for c in text if c.isdigit())
    return digits.removeprefix("00")

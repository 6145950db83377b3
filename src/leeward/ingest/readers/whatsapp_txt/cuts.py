"""The second pass, first half: which heads begin records, and what their times mean.

In the usual file, with one settled style, every head is a cut and its time comes from memory (`Cutter._plain`). In any
other file each head is judged (`Cutter._judged`): a rare style, as a pasted quotation has it, begins a record only
where its time runs on from the record above.
"""

from __future__ import annotations

from typing import Final

from leeward.ingest.readers.whatsapp_txt.account import Tally
from leeward.ingest.readers.whatsapp_txt.dates import DAY_MS, ORDERS, UNREAD, days_of
from leeward.ingest.readers.whatsapp_txt.feed import Block
from leeward.ingest.readers.whatsapp_txt.heads import Clock, read_clock, read_date
from leeward.ingest.readers.whatsapp_txt.survey import LINE, Style, Survey, compiled
from leeward.ingest.readers.whatsapp_txt.words import hour_of

__all__ = ["Cut", "Cutter", "is_open", "milliseconds"]

_MEMORY: Final = 100_000
"""Written dates and written times remembered at once."""

_BACK_MS: Final = 60_000
"""A step back of up to a minute is the everyday disorder of arriving messages, not worth a word."""

_NEVER: Final = -1
"""Stands for "24:00" in the memory of times: which midnight it is depends on the record before."""


Cut = tuple[int, int, int, bytes, int | None]
"""One accepted head in a block: where its line begins in the data, and in the source; where its body begins in the
data; the written time; its reading, None when open or unread. A plain tuple, because there are a million of them."""


def is_open(seen: Survey) -> bool:
    """Say whether the commonest style of a text has more than one order left."""
    styles = sorted(seen.styles.values(), key=lambda style: -style.heads)
    return bool(styles) and len(styles[0].orders) > 1


def milliseconds(time: bytes, company: set[str]) -> int | None:
    """Return a written time as milliseconds of the day, `_NEVER` for 24:00, None when it cannot be read."""
    parts = time.split(b":")
    if 2 <= len(parts) <= 3 and all(part.isdigit() and len(part) <= 2 for part in parts):
        clock: Clock | None = Clock(int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) > 2 else 0, "")
    else:
        clock = read_clock(time.decode("utf-8", "replace"))
    if clock is None or clock.hour > 24 or clock.minute > 59 or clock.second > 60:
        return None
    hour = hour_of(clock.hour, clock.word, company)
    if hour is None:
        return None
    rest = clock.minute * 60_000 + clock.second * 1000
    return _NEVER - rest if hour == 24 else hour * 3_600_000 + rest


class Cutter:
    """Cuts the blocks of one chat text, in order; see the module."""

    def __init__(self, seen: Survey, tally: Tally) -> None:
        self._seen = seen
        self._tally = tally
        self._pattern = compiled(seen.templates)
        self._open = is_open(seen)
        self._styles = [seen.styles[template.layout] for template in seen.templates]
        self._dates: list[dict[bytes, int | None]] = [{} for _ in seen.templates]
        self._times: list[dict[bytes, int | None]] = [{} for _ in seen.templates]
        self._ordinals = dict.fromkeys(seen.styles, 0)
        self._careful = any(not style.whole or style.evidence.tilted for style in self._styles)
        self._previous: int | None = None

    def cuts(self, block: Block) -> list[Cut]:
        """Return the heads that begin records in a block."""
        if not self._seen.templates:
            return []
        data = (LINE if block.whole else b" ") + block.data
        places = dict(block.places) if block.places is not None else None
        if self._careful or self._open or len(self._seen.templates) > 1:
            found = self._judged(data)
        else:
            found = self._plain(data)
        if places is None:
            return found
        return [(at, places[at], end, time, wall) for at, _, end, time, wall in found]

    def _plain(self, data: bytes) -> list[Cut]:
        """Take every head, of one settled style: the usual file."""
        dates, times = self._dates[0], self._times[0]
        date_first = self._seen.templates[0].date_first
        previous = self._previous or 0
        backs = 0
        found = []
        for m in self._pattern.finditer(data):
            time, left, right = m.groups()
            if not date_first:
                left, right = right, left
            try:
                wall: int | None = dates[left] + times[right]  # type: ignore[operator]  # None is caught below
            except (KeyError, TypeError):
                self._previous = previous or None
                wall = self._wall(0, left, right)
            if wall is not None:
                if wall + _BACK_MS < previous:
                    backs += 1
                previous = wall
            else:
                self._tally.unread += 1
            at, end = m.span()
            found.append((at, at, end - 1, time, wall))
        self._previous = previous or None
        self._tally.backs += backs
        return found

    def _judged(self, data: bytes) -> list[Cut]:
        """Take heads of several styles, each believed for a reason."""
        found = []
        templates = self._seen.templates
        for m in self._pattern.finditer(data):
            group = m.lastindex or 1
            which = group // 3
            template, style = templates[which], self._styles[which]
            time, left, right = m.group(group, group + 1, group + 2)
            date, clock = (left, right) if template.date_first else (right, left)
            ordinal = self._ordinals[template.layout]
            self._ordinals[template.layout] = ordinal + 1
            wall = None if self._open else self._wall(which, date, clock, ordinal)
            if wall is None and style.orders and style.evidence.tilted and not self._runs_on(which, date, clock):
                self._tally.quoted += 1
                continue
            if not style.whole and not self._runs_on(which, date, clock):
                self._tally.quoted += 1
                continue
            if wall is None:
                self._tally.unread += not self._open
            else:
                if self._previous is not None and wall + _BACK_MS < self._previous:
                    self._tally.backs += 1
                self._previous = wall
            self._tally.mixed |= not style.whole
            at, end = m.span()
            found.append((at, at, end - 1, time, wall))
        return found

    def _wall(self, which: int, date: bytes, clock: bytes, ordinal: int = 0) -> int | None:
        """Read one written time with the memory of all before."""
        style = self._styles[which]
        dates, times = self._dates[which], self._times[which]
        span = times.get(clock, 0)
        if clock not in times:
            if len(times) > _MEMORY:
                times.clear()
            span = milliseconds(clock, style.words)
            if span is None or span >= 0:
                times[clock] = span
        if date in dates:
            day = dates[date]
        elif style.orders:
            if len(dates) > _MEMORY:
                dates.clear()
            written = read_date(date.decode("utf-8", "replace"))
            days = days_of(written, style.orders[0]) if written and len(style.orders) == 1 else None
            day = dates[date] = None if days is None or days == UNREAD else days * DAY_MS
        else:
            day = self._contested(style, date, ordinal)
        if day is None or span is None:
            return None
        if span >= 0:
            return day + span
        span = _NEVER - span
        late = self._previous is not None and day + span + _BACK_MS < self._previous
        return day + span + (DAY_MS if late else 0)

    def _contested(self, style: Style, date: bytes, ordinal: int) -> int | None:
        """Read a date of a style in which both orders were seen, by the heads around it."""
        written = read_date(date.decode("utf-8", "replace"))
        if written is None:
            return None
        days = dict(zip(ORDERS, style.evidence.days(written), strict=True))
        readable = {order: day for order, day in days.items() if day is not None and day != UNREAD}
        if len(readable) > 1:
            around = style.evidence.orders_at(ordinal)
            readable = {order: day for order, day in readable.items() if order in around}
        if len(set(readable.values())) > 1 and self._previous is not None:
            low = self._previous // DAY_MS - 1
            near = {order: day for order, day in readable.items() if low <= day}
            readable = near if len(near) == 1 else readable
        values = set(readable.values())
        return values.pop() * DAY_MS if len(values) == 1 else None

    def _runs_on(self, which: int, date: bytes, clock: bytes) -> bool:
        """Say whether a head of a rare style stands later than the record above: a quotation never does."""
        if self._previous is None:
            return True
        written = read_date(date.decode("utf-8", "replace"))
        if written is None:
            return False
        style = self._styles[which]
        settled = len(style.orders) == 1 and not style.evidence.tilted
        orders = style.orders if settled else ORDERS
        span = milliseconds(clock, style.words)
        reach = DAY_MS - 1 if span is None else max(span, 0)
        days = dict(zip(ORDERS, style.evidence.days(written), strict=True))
        known = [day for order in orders if (day := days[order]) is not None and day != UNREAD]
        later = [day * DAY_MS + reach > self._previous for day in known]
        return any(later) if style.kin else bool(later) and all(later)

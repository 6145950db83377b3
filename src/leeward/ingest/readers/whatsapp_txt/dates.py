"""Which number is the day: what the dates of one style of head allow, and what they make.

Three numbers can be read in three orders (`ORDERS`). Each style of head (`heads.Head.layout`) collects evidence for
all of them at once: values that cannot be a day or a month, years that cannot be, the direction of time, and the
dates inside the names of media files. One order survives, or the order stays open and the person is asked; it is
never guessed.

Years, and why each is read as it is::

    digits  written        read as
    4       1900 … 2399    Gregorian
    4       2401 … 2743    Buddhist: year − 543
    4       1387 … 1419    Persian (Solar Hijri), converted by day count; no other calendar in use writes these years
    now
    3       98 … 140       Republic of China: year + 1911
    1, 2    09 … 40        2000 + year: the service began in 2009
    1, 2    52 … 83        Buddhist 25xx: 2009 … 2040; no other calendar in use can mean these
    other                  not read: the record keeps its text and has no time

Source: facts of CLDR short dates (`day_periods.json`); the Persian leap years follow the 33-year cycle, which agrees
with the calendar of Iran for the years 1244 to 1472.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

from leeward.ingest.readers.whatsapp_txt.words import table

__all__ = [
    "DAY_MS",
    "ORDERS",
    "UNREAD",
    "Evidence",
    "Written",
    "best_by_steps",
    "days_of",
    "media_day",
    "orders_of",
]

DAY_MS: Final = 86_400_000
"""Milliseconds in a day."""

ORDERS: Final = ("DMY", "MDY", "YMD")
"""Every order that CLDR's 1,082 locales use for a short date."""

UNREAD: Final = -(10**9)
"""Stands for a date that fits an order but whose year cannot be read."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_PERSIAN_1400: Final = date(2021, 3, 21).toordinal() - _EPOCH
"""1 Farvardin 1400 in days since 1970."""

_PERSIAN_LEAPS: Final = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
"""Leap years by their place in the 33-year cycle."""

_BACK_DAYS: Final = 2
"""A step back of less is a late message, a flight or a clock change, not a sign of the wrong order."""

_CLEAR: Final = 5
"""Steps back that a wrong order must have beyond five times those of the right one, when none has zero."""

_FEW: Final = 20
"""Dates that fit an order for each one that does not, before the latter count as pasted in from another phone."""

_MAX_RUNS: Final = 256
"""Changes of order remembered inside one style; a file with more is not a chat two phones wrote."""


class Written(NamedTuple):
    """Three numbers of a date, in the order they stand.

    Attributes:
        numbers: their values.
        widths: how many digits each has.
        marks: the text between and after them, ``"/"``, ``". "``, with plain spaces.
    """

    numbers: tuple[int, int, int]
    widths: tuple[int, int, int]
    marks: tuple[str, str, str]


def _year_first_allowed(written: Written) -> bool:
    """Say whether some language writes a short date like this with a two-digit year in front."""
    day_month = written.numbers[1:]
    for pattern in table().year_first:
        parts = re.split(r"[a-zA-Z]+", pattern)[1:]
        if tuple(parts[:2]) != written.marks[:2]:
            continue
        padded = "MM" in pattern
        fits = all(w == 2 for w in written.widths[1:]) if padded else True
        bare = all(w == len(str(n)) for n, w in zip(day_month, written.widths[1:], strict=True))
        if fits and (padded or bare):
            return True
    return False


@lru_cache(maxsize=4096)
def orders_of(written: Written) -> tuple[str, ...]:
    """Return the orders that the digits alone allow: a number of three or four digits is the year."""
    long = [i for i in range(3) if written.widths[i] >= 3]
    if len(long) > 1 or long == [1]:
        return ()
    if long == [0]:
        return ("YMD",)
    if long == [2]:
        return ("DMY", "MDY")
    return ORDERS if _year_first_allowed(written) else ("DMY", "MDY")


def _persian(year: int, month: int, day: int) -> int | None:
    """Return days since 1970 of a Solar Hijri date, None when there is no such date."""
    leap = year % 33 in _PERSIAN_LEAPS
    length = 31 if month <= 6 else 30 if month <= 11 or leap else 29
    if not (1 <= month <= 12 and 1 <= day <= length):
        return None
    days = _PERSIAN_1400
    step = 1 if year >= 1400 else -1
    for y in range(min(year, 1400), max(year, 1400)):
        days += step * (366 if y % 33 in _PERSIAN_LEAPS else 365)
    return days + 31 * min(month - 1, 6) + 30 * max(month - 7, 0) + day - 1


def days_of(written: Written, order: str) -> int | None:
    """
    Return the day a written date means in one order, in days since 1970.

    Returns:
        None when there is no such day, `UNREAD` when there is one but its year cannot be read.
    """
    part = dict(zip(order, written.numbers, strict=True))
    year, month, day = part["Y"], part["M"], part["D"]
    width = written.widths[order.index("Y")]
    if width == 4:
        if 1387 <= year <= 1419:
            return _persian(year, month, day)
        year = year - 543 if 2401 <= year <= 2743 else year if 1900 <= year < 2400 else 0
    elif width == 3:
        year = year + 1911 if 98 <= year <= 140 else 0
    else:
        year = year + 2000 if 9 <= year <= 40 else year + 1957 if 52 <= year <= 83 else 0
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    try:
        day_number = date(year or 2000, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    return day_number if year else UNREAD


class _Tally:
    """What one order has met so far."""

    __slots__ = ("backs", "broken", "last", "unread", "votes")

    def __init__(self) -> None:
        self.broken = 0
        self.unread = 0
        self.backs = 0
        self.votes = 0
        self.last: int | None = None


class Evidence:
    """Everything that speaks for or against the orders of one style of head.

    Call `add` for each change of date in file order, `vote` for a date that a media file's name gives, then `decide`.
    """

    def __init__(self) -> None:
        self._runs: list[list[Any]] = []
        self._tallies = {order: _Tally() for order in ORDERS}
        self._cache: dict[Written, tuple[int | None, ...]] = {}

    def days(self, written: Written) -> tuple[int | None, ...]:
        """Return the day in each of `ORDERS`, None where the order is impossible for this date."""
        found = self._cache.get(written)
        if found is None:
            orders = orders_of(written)
            found = tuple(days_of(written, order) if order in orders else None for order in ORDERS)
            if len(self._cache) > 50_000:
                self._cache.clear()
            self._cache[written] = found
        return found

    def add(self, written: Written, ordinal: int) -> None:
        """Take in a date that differs from the one before; *ordinal* counts the heads of this style."""
        forced = ""
        possible = 0
        for order, day in zip(ORDERS, self.days(written), strict=True):
            tally = self._tallies[order]
            if day is None:
                tally.broken += 1
                continue
            possible += 1
            forced = order
            if day == UNREAD:
                tally.unread += 1
                continue
            if tally.last is not None and day <= tally.last - _BACK_DAYS:
                tally.backs += 1
            tally.last = day
        if possible == 1:
            if self._runs and self._runs[-1][2] == forced:
                self._runs[-1][1] = ordinal
            elif len(self._runs) < _MAX_RUNS:
                self._runs.append([ordinal, ordinal, forced])

    def vote(self, written: Written, day: int) -> None:
        """Take in the day that the name of an attached file gives for this date."""
        for order, own in zip(ORDERS, self.days(written), strict=True):
            if own is not None and abs(own - day) <= 1:
                self._tallies[order].votes += 1

    def possible(self) -> list[str]:
        """Return the orders in which every date is a day."""
        return [order for order in ORDERS if not self._tallies[order].broken]

    @property
    def tilted(self) -> bool:
        """Say whether no order fits every date of this style."""
        return not self.possible()

    def _but_for_a_few(self) -> list[str]:
        """Return the order that fits all but a few dates, when the others fit hardly any: those few were pasted in."""
        broken = sorted((self._tallies[order].broken, order) for order in ORDERS)
        return [broken[0][1]] if broken[0][0] * _FEW <= broken[1][0] else []

    def orders_at(self, ordinal: int) -> set[str]:
        """Return the orders seen around a head, by values that leave no choice: one inside a run, two between runs."""
        at = bisect_right(self._runs, ordinal, key=lambda run: run[0])
        if at and (ordinal <= self._runs[at - 1][1] or at == len(self._runs)):
            return {self._runs[at - 1][2]} if ordinal <= self._runs[at - 1][1] else {run[2] for run in self._runs}
        return {run[2] for run in self._runs[max(at - 1, 0) : at + 1]} if at else {run[2] for run in self._runs}

    def decide(self) -> tuple[str, ...]:
        """
        Return the orders that survive all evidence.

        Returns:
            One order when it is settled, several when it stays open, none when the dates contradict each other.
        """
        left = self.possible() or self._but_for_a_few()
        readable = [order for order in left if not self._tallies[order].unread]
        left = readable or left
        if len(left) < 2:
            return tuple(left)
        votes = {order: self._tallies[order].votes for order in left}
        best = max(votes.values())
        if best and sum(1 for n in votes.values() if n * 4 >= best) == 1:
            return tuple(order for order in left if votes[order] == best)
        return tuple(_fewest_steps_back({order: self._tallies[order].backs for order in left}))


def _fewest_steps_back(backs: dict[str, int]) -> Sequence[str]:
    """Keep the orders in which time runs forward; all of them when none stands out."""
    low = min(backs.values())
    if low == 0:
        return [order for order, n in backs.items() if n == 0]
    clear = [order for order, n in backs.items() if n <= 5 * low + _CLEAR]
    return clear if len(clear) == 1 else list(backs)


def media_day(text: str) -> int | None:
    """Return the day named by an attached file such as ``IMG-20230513-WA0001.jpg``, None when there is none."""
    found = _MEDIA_DATE.search(text)
    if found is None:
        return None
    digits = "".join(part for part in found.groups() if part)
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).toordinal() - _EPOCH
    except ValueError:
        return None


_MEDIA_DATE: Final = re.compile(
    r"(?:IMG|VID|PTT|AUD|STK|DOC)-(20\d\d)(\d\d)(\d\d)-WA\d|\d{8}-[A-Z_]+-(20\d\d)-(\d\d)-(\d\d)-\d\d-\d\d"
)


def best_by_steps(pairs: Iterable[tuple[int | None, ...]], names: Sequence[str]) -> Sequence[str]:
    """
    Return the orders under which no pair of neighbouring days runs back.

    Args:
        pairs: for each pair, alternately the day before and after in each of *names*.
        names: the orders to compare.
    """
    backs = dict.fromkeys(names, 0)
    for pair in pairs:
        for i, name in enumerate(names):
            before, after = pair[2 * i], pair[2 * i + 1]
            if before is not None and after is not None and after <= before - _BACK_DAYS:
                backs[name] += 1
    forward = [name for name, n in backs.items() if n == 0]
    return forward if len(forward) == 1 else list(names)

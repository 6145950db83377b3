"""The head of a chat line: find it, take it apart, and make a pattern that finds all others of its style at full speed.

A head is a short date and a short time of the phone's language, in one of these frames::

    Android          14/02/2023, 19:06 - Name: text
    iPhone           [14/02/2023, 19:06:12] Name: text
    iPhone <2016     14/02/2023 19:06:12: Name: text

`read_head` understands every language's date and time by structure: three numbers with separators, two or three with
time separators, in either sequence, and between them only punctuation and words of the table (`words.py`). It is
exact and slow (some 20 µs). `template` turns a head into a byte pattern with the same literal bytes, the same kind
of digits and the day-period words seen so far; that pattern then finds a million more in a second. Marks of
direction and odd blanks are removed on a copy for matching only; spans always refer to the text as it stands.

What it refuses: a line whose numbers cannot be a date and a time. A head with a word that is in no table is still a
head; its time stays unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from leeward.ingest.readers.whatsapp_txt.dates import ORDERS, Written, days_of, orders_of
from leeward.ingest.readers.whatsapp_txt.words import INVISIBLE, UNKNOWN_WORD, plain_digits, table

__all__ = [
    "COULD_BE",
    "LONGEST_HEAD",
    "MARKS",
    "Clock",
    "Head",
    "Template",
    "ordered",
    "read_clock",
    "read_date",
    "read_head",
]

LONGEST_HEAD: Final = 120
"""Characters looked at. The longest head of any CLDR locale has 41, frame and marks included."""

MARKS: Final = (
    rb"(?:(?=[\xd8\xe2\xef])(?:\xe2\x80[\x8b\x8e\x8f\xaa-\xae]|\xe2\x81[\xa0\xa6-\xa9]|\xd8\x9c|\xef\xbb\xbf)*)?"
)
"""Any number of marks that show nothing, in UTF-8: iPhones put U+200E before some lines and not before others."""

COULD_BE: Final = (
    rb"(?:(?:[^0-9\n]{0,48}+[0-9]{1,4}+){5}|[^\n]{0,48}?"
    rb"(?:\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9]|\xdf[\x80-\x89]|\xe0|\xe1|\xea[\x80-\xaf]|\xef\xbc[\x90-\x99]|\xf0[\x91\x9d\x9e]))"
)
"""A cheap necessary test on the bytes of a line: five runs of ASCII digits, or early on a byte that may begin another
script's digit. Lines of Chinese, Korean, Greek, Cyrillic or Latin text without numbers never pass it."""

_FRAME: Final = re.compile(r"[ ]?[-–—][ ]|:[ ]|:(?=[^\d\s])|[ ]?[\])][ ]?")
_AFTER: Final = re.compile(r"[-–—:][ ]")
_DATE_GAP: Final = re.compile(r" ?[./\-‐‑–−年月년월 ] ?")
_CLOCK_GAP: Final = re.compile(r" ?[:.٫·'’] ?")
_NUMBER: Final = re.compile(r"\d+")


class Clock(NamedTuple):
    """A time of day as written: numbers, and the word form of its day period (see `words.word_form`)."""

    hour: int
    minute: int
    second: int
    word: str


class Head(NamedTuple):
    """One head, taken apart.

    Attributes:
        written: the date's numbers.
        clock: the time's numbers and word.
        layout: the style, for which the order of day and month is settled once.
        family: the frame; a chat has one.
        end: index in the text where the body begins.
        date_span, time_span: indices in the text; the time span includes its day-period word.
        word_span: indices of the day-period word, (0, 0) when there is none.
    """

    written: Written
    clock: Clock
    layout: str
    family: str
    end: int
    date_span: tuple[int, int]
    time_span: tuple[int, int]
    word_span: tuple[int, int]


class _Plain(NamedTuple):
    """The copy for matching, and for each of its characters the index in the text."""

    text: str
    at: list[int]


def _plain(text: str) -> _Plain:
    """Drop invisible marks, make digits and blanks plain."""
    at = [i for i, c in enumerate(text) if ord(c) not in INVISIBLE]
    return _Plain(plain_digits("".join(text[i] for i in at)), [*at, len(text)])


def read_head(text: str) -> Head | None:
    """
    Take the head of a line apart.

    Args:
        text: the line, or its first `LONGEST_HEAD` characters.

    Returns:
        None when the line does not begin with a date and a time in one of the three frames.
    """
    plain = _plain(text[:LONGEST_HEAD])
    start = len(plain.text) - len(plain.text.lstrip(" "))
    opened = plain.text[start : start + 1] in ("[", "(")
    begin = start + 1 if opened else start
    for frame in _FRAME.finditer(plain.text, begin + 8):
        mark = frame.group().strip()
        if opened != (mark[:1] in ("]", ")")):
            continue
        kind = "[" if opened else ":" if mark == ":" else "-"
        head = _inside(plain, begin, frame.start(), kind)
        if head is None or (kind == ":" and head.clock.word == UNKNOWN_WORD):
            continue
        more = _AFTER.match(plain.text, frame.end()) if opened else None
        return head._replace(end=plain.at[(more or frame).end()])
    return None


def _inside(plain: _Plain, begin: int, end: int, frame: str) -> Head | None:
    """Take date and time apart that stand between *begin* and *end* of the plain text."""
    runs = [(m.start(), m.end()) for m in _NUMBER.finditer(plain.text, begin, end)]
    if not 5 <= len(runs) <= 6:
        return None
    for date_first in (True, False):
        dates, times = (runs[:3], runs[3:]) if date_first else (runs[-3:], runs[:-3])
        head = _split(plain, begin, end, dates, times, date_first, frame)
        if head is not None:
            return head
    return None


def _split(
    plain: _Plain,
    begin: int,
    end: int,
    dates: list[tuple[int, int]],
    times: list[tuple[int, int]],
    date_first: bool,
    frame: str,
) -> Head | None:
    """Try one way of sharing the numbers out between date and time."""
    text = plain.text
    words = table()
    marks = tuple(text[a[1] : b[0]] for a, b in pairwise(dates))
    if not all(_DATE_GAP.fullmatch(mark) for mark in marks):
        return None
    numbers = tuple(int(text[a:b]) for a, b in dates if b - a <= 4)
    clock = tuple(int(text[a:b]) for a, b in times if b - a <= 2)
    if (
        len(numbers) != 3
        or len(clock) != len(times)
        or clock[0] > 24
        or clock[1] > 59
        or any(n > 60 for n in clock[2:])
    ):
        return None
    tail = text[dates[2][1] : times[0][0] if date_first else end]
    written = Written(
        (numbers[0], numbers[1], numbers[2]),
        (dates[0][1] - dates[0][0], dates[1][1] - dates[1][0], dates[2][1] - dates[2][0]),
        (marks[0], marks[1], "." if tail.startswith(".") else ""),
    )
    if all(days_of(written, order) is None for order in orders_of(written)):
        return None
    gaps = [(begin, dates[0][0] if date_first else times[0][0])]
    gaps.append((dates[2][1], times[0][0]) if date_first else (times[-1][1], dates[0][0]))
    gaps.append((times[-1][1] if date_first else dates[2][1], end))
    for a, b in pairwise(times):
        gap = text[a[1] : b[0]]
        if not _CLOCK_GAP.fullmatch(gap):
            if not gap.strip(" :.") or "/" in gap or "-" in gap:
                return None
            gaps.append((a[1], b[0]))
    word, where = "", (0, 0)
    for low, high in gaps:
        sort = words.sort(text[low:high])
        if not sort:
            continue
        if word or (sort == UNKNOWN_WORD and (high - low > 24 or not text[low:high].strip(" ,.()[]"))):
            return None
        word, where = sort, _trim(text, low, high)
    dates_at, times_at = (dates[0][0], dates[2][1]), (times[0][0], times[-1][1])
    if where != (0, 0):
        times_at = (min(times_at[0], where[0]), max(times_at[1], where[1]))
        if times_at[0] < dates_at[1] and dates_at[0] < times_at[1]:
            return None
    layout = "|".join(
        (
            frame[:1],
            "d" if date_first else "t",
            "".join("y" if width >= 3 else "n" for width in written.widths),
            *marks,
            _style(text[where[0] : where[1]], word),
        )
    )
    return Head(
        written=written,
        clock=Clock(clock[0], clock[1], clock[2] if len(clock) > 2 else 0, word),
        layout=layout,
        family=frame[:1] + ("d" if date_first else "t"),
        end=0,
        date_span=(plain.at[dates_at[0]], plain.at[dates_at[1] - 1] + 1),
        time_span=(plain.at[times_at[0]], plain.at[times_at[1] - 1] + 1),
        word_span=(plain.at[where[0]], plain.at[where[1] - 1] + 1) if word else (0, 0),
    )


def _trim(text: str, low: int, high: int) -> tuple[int, int]:
    """Narrow a gap to the word inside it; a final full stop belongs to the word, a comma to the gap."""
    while low < high and text[low] in " ,،.)(":
        low += 1
    while low < high and text[high - 1] in " ,،)(":
        high -= 1
    return low, high


def _style(word: str, form: str) -> str:
    """Return how a day-period word is written: two languages with the same date often differ only in this."""
    if not form:
        return ""
    if not form.isascii():
        return "x"
    return ("U" if word.isupper() else "l") + ("." if "." in word else "")


def read_date(text: str) -> Written | None:
    """Take apart a date span that a template found; None when it is none after all."""
    plain = plain_digits(text.translate(INVISIBLE))
    runs = list(_NUMBER.finditer(plain))
    if len(runs) != 3 or any(m.end() - m.start() > 4 for m in runs):
        return None
    a, b, c = runs
    return Written(
        (int(a.group()), int(b.group()), int(c.group())),
        (len(a.group()), len(b.group()), len(c.group())),
        (plain[a.end() : b.start()], plain[b.end() : c.start()], ""),
    )


def read_clock(text: str) -> Clock | None:
    """Take apart a time span that a template found; None when it is no time of day."""
    plain = plain_digits(text.translate(INVISIBLE))
    runs = list(_NUMBER.finditer(plain))
    if not 2 <= len(runs) <= 3:
        return None
    values = [int(m.group()) for m in runs]
    if values[0] > 24 or values[1] > 59 or any(v > 60 for v in values[2:]):
        return None
    word = ""
    edges = [0, *(edge for m in runs for edge in m.span()), len(plain)]
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        gap = plain[low:high]
        word = word or ("" if _CLOCK_GAP.fullmatch(gap) else table().sort(gap))
    return Clock(values[0], values[1], values[2] if len(values) > 2 else 0, word)


class Template:
    """A style of head in exact bytes, and the pattern that finds it.

    Attributes:
        key: the exact bytes with digits and day-period words left open; heads with equal keys share one template.
        layout: see `Head.layout`.
        family: see `Head.family`.
        date_first: which of the two groups of `pattern` is the date.
        words: the day-period words seen, as written, and their forms.
    """

    def __init__(self, text: str, head: Head) -> None:
        self.layout = head.layout
        self.family = head.family
        self.date_first = head.date_span < head.time_span
        self.words: dict[bytes, str] = {}
        self._parts = _parts(text, head)
        self.key = repr(self._parts)
        self.learn(text, head)

    @staticmethod
    def key_of(text: str, head: Head) -> str:
        """Return the key that the template of this head has."""
        return repr(_parts(text, head))

    def learn(self, text: str, head: Head) -> bool:
        """Take in the day-period word of one more head; say whether it was new."""
        word = text[head.word_span[0] : head.word_span[1]].encode("utf-8", "surrogateescape")
        if not word or word in self.words or len(self.words) >= 32:
            return False
        self.words[word] = head.clock.word
        return True

    def pattern(self) -> bytes:
        """Return the pattern: group 1 the whole written time, groups 2 and 3 its first and second half."""
        choice = b"|".join(re.escape(word) for word in sorted(self.words, key=len, reverse=True))
        return MARKS + b"".join(b"(?:" + choice + b")" if part is None else part for part in self._parts)


def _parts(text: str, head: Head) -> list[bytes | None]:
    """Cut a head into byte patterns; None stands for the day-period word."""
    opens = sorted((head.date_span, head.time_span))
    parts: list[bytes | None] = []
    i = 0
    while i < head.end and ord(text[i]) in INVISIBLE:
        i += 1
    while i < head.end or i == opens[1][1]:
        if i == opens[1][1]:
            parts.append(b"))")
        if i == opens[0][1]:
            parts.append(b")")
        if i >= head.end:
            break
        if i == opens[0][0]:
            parts.append(b"((")
        if i == opens[1][0]:
            parts.append(b"(")
        if head.word_span[0] <= i < head.word_span[1]:
            parts.append(None)
            i = head.word_span[1]
            continue
        run = i
        while run < head.end and text[run].isdecimal():
            run += 1
        if run > i:
            parts.append(_digits(text[i]) + (b"{1,2}" if run - i <= 2 else b"{%d}" % (run - i)))
            i = run
            continue
        parts.append(re.escape(text[i].encode("utf-8", "surrogateescape")))
        i += 1
    return parts


def _digits(digit: str) -> bytes:
    """Return the pattern of one digit of the script that *digit* belongs to."""
    if digit <= "\x7f":
        return b"[0-9]"
    zero = ord(digit) - int(plain_digits(digit))
    return b"(?:" + b"|".join(re.escape(chr(zero + n).encode()) for n in range(10)) + b")"


def ordered(values: Iterable[str]) -> tuple[str, ...]:
    """Return the orders among *values* in the sequence of `ORDERS`."""
    chosen = set(values)
    return tuple(order for order in ORDERS if order in chosen)

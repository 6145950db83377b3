"""The first pass: everything about a chat text that one line cannot say.

It learns the styles of heads, collects the evidence for the order of day and month of each, shows the roster every
line, counts the app's bracketed marks, and tells whether the bytes are UTF-8. It keeps no message. A block costs one
pattern search; the slow look at a line (`heads.read_head`) is only for lines that no known style explains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO, Final, NamedTuple

from leeward.ingest.readers.whatsapp_txt.dates import ORDERS, UNREAD, Evidence, Written, best_by_steps, media_day
from leeward.ingest.readers.whatsapp_txt.feed import Form, blocks
from leeward.ingest.readers.whatsapp_txt.heads import COULD_BE, Template, ordered, read_date, read_head
from leeward.ingest.readers.whatsapp_txt.roster import LRM, Roster
from leeward.ingest.readers.whatsapp_txt.words import table

__all__ = ["LINE", "Style", "Survey", "compiled", "survey"]

LINE: Final = b"\n"
"""What stands before a line in the padded data (see `compiled`)."""

_MOST_TEMPLATES: Final = 48
"""Exact styles learnt. A phone writes one; two languages and two clock settings with odd blanks make some ten."""

_MOST_BORDERS: Final = 256
"""Changes from one style to another that are remembered, to settle one style by its neighbours."""

_WHOLE_SHARE: Final = 4
"""A style with at least a fourth of the heads of the commonest one is believed without asking where it stands."""

_REST: Final = 200
"""Bytes behind a head that the roster sees: the longest name the address books allow, in three-byte letters."""

_BRACKETS: Final = re.compile(rb"<([^<>\n]{3,80})>\r?(?:\n|$)")
_MOST_BRACKETS: Final = 2000
_VOTES: Final = (b"-WA", b"-20")


class Style:
    """All heads that write dates alike.

    Attributes:
        evidence: for the order of its numbers.
        heads: how many there are.
        words: day-period forms seen.
        first, last: (date, time, template) of the outermost heads, in bytes.
        orders: what `settle` decided: one order, several (open), or none (contradicting; see `Evidence.runs`).
        whole: every head of it begins a record.
        kin: it has the frame of the commonest style, as when a phone's language or clock setting changed.
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self.evidence = Evidence()
        self.heads = 0
        self.words: set[str] = set()
        self.first: tuple[bytes, bytes, Template] | None = None
        self.last: tuple[bytes, bytes, Template] | None = None
        self.orders: tuple[str, ...] = ()
        self.whole = True
        self.kin = True
        self.watch = True
        self._last_date = b""

    def date(self, date: bytes, time: bytes, template: Template) -> Written | None:
        """Take in a date that differs from the one before."""
        written = read_date(date.decode("utf-8", "replace"))
        if self.first is None:
            self.first = (date, time, template)
        if written is not None:
            self.evidence.add(written, self.heads)
            self.watch = len(self.evidence.possible()) > 1
        return written


class _Border(NamedTuple):
    """Where one style follows another."""

    before: str
    before_date: bytes
    after: str
    after_date: bytes


class Survey:
    """What the first pass knows.

    Attributes:
        form: how the bytes are taken.
        templates: every exact style of head, in the order met.
        styles: by layout, in the order met.
        roster: who writes.
        brackets: how often each text in angle brackets ends a line.
        beyond_ascii: the text holds characters beyond ASCII in valid UTF-8.
        damaged: the text holds bytes that are not UTF-8.
        opener: the name of the first record, and whether the app wrote it.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.templates: list[Template] = []
        self.styles: dict[str, Style] = {}
        self.roster = Roster()
        self.brackets: Counter[str] = Counter()
        self.beyond_ascii = False
        self.damaged = False
        self.opener: tuple[bytes, bool] | None = None
        self.lines_before = 0
        self._by_key: dict[str, Template] = {}
        self._borders: list[_Border] = []
        self._stand: tuple[str, bytes] = ("", b"")
        self._changed = False
        self._pattern = compiled(())

    @property
    def heads(self) -> int:
        """How many heads were seen, of every style."""
        return sum(style.heads for style in self.styles.values())

    def take(self, data: bytes, *, whole: bool) -> None:
        """Take in a block of lines."""
        self._check(data)
        found = self._pattern.findall((LINE if whole else b" ") + data)
        if len(self.templates) == 1:
            self._take_one(found)
        elif self.templates:
            self._take_many(found)
        else:
            for line in found:
                self._take_odd(line)
        for inside in _BRACKETS.findall(data):
            text = inside.decode("utf-8", "replace")
            if text in self.brackets or len(self.brackets) < _MOST_BRACKETS:
                self.brackets[text] += 1
        if self._changed:
            self._pattern = compiled(self.templates, survey=True)
            self._changed = False

    def _check(self, data: bytes) -> None:
        if data.isascii():
            return
        try:
            data.decode()
            self.beyond_ascii = True
        except UnicodeDecodeError as error:
            # A character that the end of the file cut in two is no sign of another encoding.
            cut = error.end == len(data) and error.reason == "unexpected end of data" and len(data) - error.start > 1
            self.damaged = self.damaged or not cut
            self.beyond_ascii = self.beyond_ascii or not data.decode("utf-8", "ignore").isascii()

    def _take_one(self, found: Iterable[tuple[bytes, bytes, bytes, bytes, bytes]]) -> None:
        """Take in heads while one template explains them all: the usual file, at full speed."""
        template = self.templates[0]
        style = self.styles[template.layout]
        take = self.roster.take
        date_first = template.date_first
        last = style._last_date
        date = time = b""
        for _, left, right, rest, odd in found:
            if odd:
                self._stand = (template.layout, last)
                style._last_date = last
                self._take_odd(odd)
                last = style._last_date
                continue
            date = left if date_first else right
            if date != last:
                time = right if date_first else left
                style.date(date, time, template)
                last = date
            style.heads += 1
            if style.watch:
                self._vote(style, date, rest)
            take(rest)
        style._last_date = last
        if date:
            self._stand = (template.layout, last)
        for _, left, right, _, odd in reversed(list(found)):
            if not odd:
                style.last = (left, right, template) if date_first else (right, left, template)
                break

    def _take_many(self, found: Iterable[tuple[bytes, ...]]) -> None:
        """Take in heads of several templates."""
        for groups in found:
            if groups[-1]:
                self._take_odd(groups[-1])
                continue
            at = 0
            while not groups[at]:
                at += 3
            self._take_head(self.templates[at // 3], groups[at + 1], groups[at + 2], groups[-2])

    def _take_odd(self, line: bytes) -> None:
        """Look closely at a line that no template explains."""
        text = line.decode("utf-8", "surrogateescape")
        head = read_head(text)
        if head is None:
            return
        key = Template.key_of(text, head)
        template = self._by_key.get(key)
        if template is None:
            if len(self.templates) >= _MOST_TEMPLATES:
                return
            template = Template(text, head)
        elif template.learn(text, head):
            self._changed = True
        match = re.match(template.pattern(), line)
        if match is None or match.end() != len(text[: head.end].encode("utf-8", "surrogateescape")):
            return
        if key not in self._by_key:
            self._by_key[key] = template
            self.templates.append(template)
            self._changed = True
        self._take_head(template, match.group(2), match.group(3), line[match.end() : match.end() + _REST])

    def _take_head(self, template: Template, left: bytes, right: bytes, rest: bytes) -> None:
        style = self.styles.get(template.layout)
        if style is None:
            style = self.styles[template.layout] = Style(template.family)
        date, time = (left, right) if template.date_first else (right, left)
        before, before_date = self._stand
        if before and before != template.layout and len(self._borders) < _MOST_BORDERS:
            self._borders.append(_Border(before, before_date, template.layout, date))
        self._stand = (template.layout, date)
        if date != style._last_date:
            style.date(date, time, template)
            style._last_date = date
        style.heads += 1
        style.last = (date, time, template)
        if self.opener is None:
            name, colon, body = rest.partition(b": ")
            self.opener = (name, body.startswith(LRM)) if colon else (b"", True)
        if style.watch:
            self._vote(style, date, rest)
        self.roster.take(rest.rstrip(b"\r\n"))

    def _vote(self, style: Style, date: bytes, rest: bytes) -> None:
        """Let the date inside a media file's name speak for an order."""
        if not any(mark in rest for mark in _VOTES):
            return
        day = media_day(rest.decode("utf-8", "replace"))
        written = read_date(date.decode("utf-8", "replace"))
        if day is not None and written is not None:
            style.evidence.vote(written, day)

    def settle(self, wanted: str | None) -> None:
        """
        Decide every style's order and which styles are believed; to be called once.

        Args:
            wanted: the order the person named, for styles whose values allow it.
        """
        self.roster.settle()
        common = max(self.styles.values(), key=lambda style: style.heads, default=Style(""))
        most, family = common.heads, common.family
        for layout, style in self.styles.items():
            style.words = {form for t in self.templates if t.layout == layout for form in t.words.values()}
            style.kin = style.family == family
            style.whole = style.heads * _WHOLE_SHARE >= most and (style.kin or self._stands_apart(layout))
            style.orders = style.evidence.decide()
            if wanted in style.evidence.possible():
                style.orders = (str(wanted),)
            if len(style.orders) > 1 and style.words:
                style.orders = self._by_language(style)
        for layout, style in self.styles.items():
            if len(style.orders) > 1:
                style.orders = self._by_neighbours(layout, style)

    def _stands_apart(self, layout: str) -> bool:
        """Say whether all heads of this style stand together at one end of the file, as in two exports put together."""
        return sum(layout in (border.before, border.after) for border in self._borders) <= 1

    def _by_language(self, style: Style) -> tuple[str, ...]:
        """Settle an open style by its day-period words, when all languages that have them write dates in one order."""
        return ordered(table().orders_for(style.words).intersection(style.orders)) or style.orders

    def _by_neighbours(self, layout: str, style: Style) -> tuple[str, ...]:
        """Settle an open style by the days of settled styles next to it."""
        pairs = []
        for border in self._borders:
            if layout not in (border.before, border.after):
                continue
            other = border.after if border.before == layout else border.before
            orders = self.styles[other].orders
            if len(orders) != 1:
                continue
            mine, theirs = (border.before_date, border.after_date)[:: 1 if border.before == layout else -1]
            own, known = self._days(style, mine), self._days(self.styles[other], theirs)
            fixed = known[ORDERS.index(orders[0])]
            row: list[int | None] = []
            for order in style.orders:
                day = own[ORDERS.index(order)]
                row += [day, fixed] if border.before == layout else [fixed, day]
            pairs.append(tuple(row))
        return ordered(best_by_steps(pairs, style.orders)) if pairs else style.orders

    @staticmethod
    def _days(style: Style, date: bytes) -> tuple[int | None, ...]:
        written = read_date(date.decode("utf-8", "replace"))
        days = style.evidence.days(written) if written else (None,) * len(ORDERS)
        return tuple(None if day == UNREAD else day for day in days)


def compiled(templates: Iterable[Template], *, survey: bool = False) -> re.Pattern[bytes]:
    """
    Compile the pattern that finds every head of these templates behind a line end.

    It begins with the literal `LINE`, which the engine looks for many times quicker than for "start of a line"; so
    the data must have one put in front, and the index of a match in the padded data is the index of its line in the
    data.

    Args:
        templates: in order; the n-th owns the groups 3n+1 (the whole time as written) to 3n+3.
        survey: add the rest of the line as a group, and as a last group any other line that could be a head.
    """
    choices = b"|".join(template.pattern() for template in templates)
    odd = LINE + b"(" + COULD_BE + b"[^\n]{0,320})"
    if not choices:
        return re.compile(odd)
    if not survey:
        return re.compile(LINE + b"(?:" + choices + b")")
    return re.compile(LINE + b"(?:(?:" + choices + b")([^\r\n]{0,%d})|(" % _REST + COULD_BE + b"[^\n]{0,320}))")


def survey(stream: BinaryIO, form: Form) -> Survey:
    """Read a whole chat text once; `Survey.settle` is left to the caller."""
    seen = Survey(form)
    for block in blocks(stream, form):
        seen.take(block.data, whole=block.whole)
    return seen

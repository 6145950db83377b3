"""The words of a head: which mean morning, which mean afternoon, which mean nothing, and what hour they make.

The table `day_periods.json` is generated from the Unicode locale data by ``scripts/generate_day_periods.py``. A word
that is not in it is *unknown*: a head that carries one gets no time. Reading "7:06 <unknown word>" as seven in the
morning would silently move an evening threat by twelve hours.

Two words mean morning in one language and afternoon in another (Finnish and Inari Sami ``ip.``; Embu and Kalaallisut
``ut``). They are read by the company they keep in the same file, else not at all.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

__all__ = ["INVISIBLE", "UNKNOWN_WORD", "Words", "hour_of", "plain_digits", "table", "word_form"]

INVISIBLE: Final = dict.fromkeys(
    [0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
"""Marks that change direction or nothing at all; `str.translate` removes them. Never applied to what is kept."""

_SPACES: Final = {0x00A0: " ", 0x2007: " ", 0x2008: " ", 0x2009: " ", 0x200A: " ", 0x202F: " ", 0x3000: " ", 0x09: " "}
_DROPPED: Final = re.compile("[\\s.,،'\"’‘“”״׳()\\-–:;/·]+")

UNKNOWN_WORD: Final = "?"
"""What `Words.sort` says of text that is in no table. It cannot be a word form: word forms hold no such sign."""


def plain_digits(text: str) -> str:
    """Return *text* with the decimal digits of every script as ASCII and every blank as a plain space, same length."""
    if text.isascii() and "\t" not in text:
        return text
    return "".join(
        str(unicodedata.decimal(c)) if c > "\x7f" and c.isdecimal() else _SPACES.get(ord(c), c) for c in text
    )


def word_form(text: str) -> str:
    """Return the form in which words are compared: ``"p. m."``, ``"p.m."`` and ``"PM"`` are one word."""
    return _DROPPED.sub("", plain_digits(unicodedata.normalize("NFC", text).translate(INVISIBLE)).casefold())


class Words(NamedTuple):
    """The table, ready to ask.

    Attributes:
        morning: forms that mean the hours 0 to 11 in some language.
        afternoon: forms that mean the hours 12 to 23 in some language.
        ranges: forms that name a part of the day: hours [from, before).
        fillers: forms that carry no meaning ("klo", "г", "um").
        vocabularies: (morning, afternoon) of each language, for words that mean both.
        year_first: short dates that begin with a year of two digits, as CLDR patterns.
        orders: for each of `vocabularies`, the orders in which its languages write a short date.
    """

    morning: frozenset[str]
    afternoon: frozenset[str]
    ranges: dict[str, tuple[int, int]]
    fillers: frozenset[str]
    vocabularies: tuple[tuple[frozenset[str], frozenset[str]], ...]
    year_first: tuple[str, ...]
    orders: tuple[frozenset[str], ...]

    def is_period(self, form: str) -> bool:
        """Say whether this form is a day-period word of any language."""
        return form in self.morning or form in self.afternoon or form in self.ranges

    def orders_for(self, forms: Iterable[str]) -> frozenset[str]:
        """Return the orders of short dates in the languages that have all these words; empty when none has."""
        seen = frozenset(forms)
        fitting = [o for (am, pm), o in zip(self.vocabularies, self.orders, strict=True) if seen <= am | pm]
        return frozenset().union(*fitting)

    def sort(self, gap: str) -> str:
        """
        Say what the text between two numbers of a head is.

        Returns:
            ``""`` when it is only punctuation or filler words, the form of a day-period word, or `UNKNOWN_WORD`.
        """
        form = word_form(gap)
        if not form or form in self.fillers:
            return ""
        if self.is_period(form):
            return form
        parts = [word_form(part) for part in re.split(r"[\s,،]+", gap)]
        kept = [part for part in parts if part and part not in self.fillers]
        if not kept:
            return ""
        form = "".join(kept)
        return form if self.is_period(form) else UNKNOWN_WORD


@lru_cache(maxsize=1)
def table() -> Words:
    """Return the shipped table."""
    text = resources.files(__package__ or "").joinpath("day_periods.json").read_text(encoding="utf-8")
    data = json.loads(text)
    pairs = tuple((frozenset(v["am"]), frozenset(v["pm"])) for v in data["vocabularies"])
    return Words(
        morning=frozenset().union(*(am for am, _ in pairs)),
        afternoon=frozenset().union(*(pm for _, pm in pairs)),
        ranges={word: (hours[0], hours[1]) for word, hours in data["ranges"].items()},
        fillers=frozenset(data["fillers"]),
        vocabularies=pairs,
        year_first=tuple(data["year_first"]),
        orders=tuple(frozenset(v["orders"]) for v in data["vocabularies"]),
    )


def hour_of(hour: int, form: str, company: Iterable[str] = ()) -> int | None:
    """
    Return the hour of the day, 0 to 24, that a written hour and its day-period word mean.

    Args:
        hour: as written, 0 to 24.
        form: word form, ``""`` when the head has none.
        company: every day-period form seen in heads of this style, to settle a word with two meanings.

    Returns:
        None when the word is unknown, when it contradicts the hour ("15:00 AM"), or when it stays open.
        24 only for a written 24 without a word; the caller knows which midnight that is.
    """
    if not form:
        return hour
    words = table()
    if form == UNKNOWN_WORD or hour > 23:
        return None
    readings = set()
    if form in words.morning or form in words.afternoon:
        sides = {form in afternoon for morning, afternoon in words.vocabularies if form in morning or form in afternoon}
        if len(sides) > 1:
            seen = set(company) - {UNKNOWN_WORD}
            fitting = [v for v in words.vocabularies if seen <= v[0] | v[1] and form in v[0] | v[1]]
            sides = {form in afternoon for _, afternoon in fitting}
            if len(sides) != 1:
                return None
        after = sides.pop()
        if hour <= 12:
            readings.add(hour % 12 + 12 * after)
        elif after:
            readings.add(hour)
    if not readings and form in words.ranges:
        low, high = words.ranges[form]
        readings = {h for h in ({hour % 12, hour % 12 + 12} if hour <= 12 else {hour}) if low <= h < high}
    return readings.pop() if len(readings) == 1 else None

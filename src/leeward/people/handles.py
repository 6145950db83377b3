"""A handle is what a file calls somebody: a number, an address, a name, an account id. It stays as it was written.

Two handles that look different may be the same number. `matching_key` gives a form in which they can be compared. The
key is for finding and for offering ("these two may be the same"), nothing else: what is shown and kept is always
`as_written`, and no two handles become one person unless she says so (``people/person.py``).

::

    "+44 7700 900123"  "0044 7700 900123"  "447700900123@s.whatsapp.net"  → tel:+447700900123
    "07700 900123"     with region GB                                      → tel:+447700900123
                       without a region                                    → local:07700900123      matches only itself
    "Ana@Example.org"                                                      → mail:ana@example.org
    "  Ana   Blue "                                                        → name:ana blue
    "120363041234567890@g.us"                                              → id:120363041234567890@g.us

A key is at the mercy of two things that change: the region she says, and the numbering plans that phonenumbers knows.
So a key is never stored in the log and never part of a commitment; it is made again from `as_written`.

    >>> handle_of("0044 7700 900123").kind
    <HandleKind.PHONE: 'phone'>
    >>> matching_key("07700 900123", region="GB") == matching_key("+44 (0)7700 900123")
    True
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

import msgspec

__all__ = ["Handle", "HandleKind", "handle_of", "matching_key"]


class HandleKind(StrEnum):
    """What a handle looks like."""

    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    ID = "id"


class Handle(msgspec.Struct, frozen=True, order=True):
    """What a file calls somebody.

    Attributes:
        kind: what it looks like; a guess from its form, never a claim about who it is.
        as_written: exactly the characters of the file.
    """

    kind: HandleKind
    as_written: str


_FORMAT_MARKS = re.compile(r"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_PHONE = re.compile(r"(?:tel:)?\+?[\d\s().\-/\u2010-\u2015]+(?:(?:;ext=|\s*(?:ext\.?|x)\s*)\d+)?", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>.]+")
_WHATSAPP_NUMBER = re.compile(r"(\d{7,15})(?::\d+)?@(?:s\.whatsapp\.net|c\.us)", re.ASCII)
_OTHER_ACCOUNT = re.compile(r"\S+@(?:g\.us|lid|broadcast|newsletter)|urn:\S+|p:\S+|e:\S+")
_MOST_DIGITS = 17  # 15 of E.164 and an international prefix of two
_FEWEST_DIGITS = 3  # short codes such as 112 are numbers too

_CACHED = 65_536
"""Keys held at a time: a million records of one archive name a few thousand handles. About 15 MB when full."""


def handle_of(as_written: str) -> Handle:
    """Return the handle a file wrote, with the kind its form suggests."""
    return Handle(_kind(as_written), as_written)


@lru_cache(maxsize=_CACHED)
def matching_key(as_written: str, region: str | None = None) -> str:
    """
    Return the form in which this handle is compared with others.

    Args:
        as_written: what the file says.
        region: ISO 3166 letters of the country whose habits a number without country code follows. None: unknown, and
            then such a number matches only the same digits.

    Source: docs above; ITU-T E.164 for "+" and the usual "00".
    """
    kind = _kind(as_written)
    text = _plain(as_written)
    if kind is HandleKind.PHONE:
        return _phone_key(text, region)
    if kind is HandleKind.EMAIL:
        return "mail:" + text.casefold()
    if kind is HandleKind.ID:
        return "id:" + text
    return "name:" + " ".join(text.casefold().split())


@lru_cache(maxsize=_CACHED)
def _kind(as_written: str) -> HandleKind:
    text = _plain(as_written)
    if _WHATSAPP_NUMBER.fullmatch(text):
        return HandleKind.PHONE
    if _OTHER_ACCOUNT.fullmatch(text):
        return HandleKind.ID
    if _EMAIL.fullmatch(text):
        return HandleKind.EMAIL
    if _PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= _FEWEST_DIGITS:
        return HandleKind.PHONE
    return HandleKind.NAME


def _plain(text: str) -> str:
    """Take off what cannot be seen: direction marks around numbers, wide digits, spaces at the ends."""
    return unicodedata.normalize("NFKC", _FORMAT_MARKS.sub("", text)).strip()


def _phone_key(text: str, region: str | None) -> str:
    account = _WHATSAPP_NUMBER.fullmatch(text)
    if account:
        text = "+" + account[1]
    digits = "".join(str(unicodedata.digit(character)) for character in text if character.isdigit())
    known = _international(text, region)
    if known is None and region is None and digits.startswith("00") and "+" not in text:
        known = _international("+" + digits[2:], None)
    return f"tel:{known}" if known is not None else f"local:{'+' if '+' in text else ''}{digits}"


def _international(text: str, region: str | None) -> str | None:
    """Return the number as E.164 with its extension, None when the country is unknown or no such number can be."""
    import phonenumbers  # noqa: PLC0415  # 20 ms that a command without numbers need not pay

    if "+" not in text and region is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written + (f";ext={number.extension}" if number.extension else "")

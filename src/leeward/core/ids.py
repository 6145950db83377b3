"""Names of things in a vault: entry ids and record addresses.

::

    entry id         16 characters of 0123456789abcdefghjkmnpqrstvwxyz   80 random bits, 5 a character, first bits first
    record address   <entry id of the archive> ":" <n>                   n from 0 in source order, no leading zeros

An id says nothing: no time, no order, no kind. With 80 bits, a vault of ten million entries has two equal ids with a
chance below 1 in 10^10. The alphabet is Douglas Crockford's base 32 in lower case: no i, l, o or u, so an id can be
read aloud and typed. Follows docs/formats/log.md.

    >>> new_entry_id(lambda count: bytes(range(count)))
    '000g40r40m30e209'
    >>> parse_address("000g40r40m30e209:17").number
    17
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, NewType

from leeward.core.errors import OurMistake, UsageError

__all__ = [
    "EntryId",
    "RandomBytes",
    "RecordAddress",
    "is_entry_id",
    "new_entry_id",
    "parse_address",
    "parse_entry_id",
]

EntryId = NewType("EntryId", str)
"""16 characters, as drawn above."""

RandomBytes = Callable[[int], bytes]
"""Returns so many unpredictable bytes. `secrets.token_bytes` outside tests."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BYTES = 10
_ENTRY = re.compile(rf"[{_ALPHABET}]{{16}}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")  # an archive holds fewer than 2**32 records: ten digits
_LOOK_ALIKES = str.maketrans({"i": "1", "l": "1", "o": "0", "-": None, " ": None})


class RecordAddress(NamedTuple):
    """One parsed row of an archive.

    Attributes:
        archive: the entry that brought the file in.
        number: position in source order, from 0.
    """

    archive: EntryId
    number: int

    def __str__(self) -> str:
        return f"{self.archive}:{self.number}"


def new_entry_id(random: RandomBytes) -> EntryId:
    """
    Return a fresh id from 80 bits of *random*.

    Raises:
        OurMistake: *random* returned another number of bytes than asked for.
    """
    raw = random(_RANDOM_BYTES)
    if len(raw) != _RANDOM_BYTES:
        raise OurMistake("A source of chance gave too little.", next_step="Please try again.")
    number = int.from_bytes(raw, "big")
    return EntryId("".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5)))


def is_entry_id(text: str) -> bool:
    """Say whether *text* is an entry id in its one written form."""
    return _ENTRY.fullmatch(text) is not None


def parse_entry_id(text: str) -> EntryId:
    """
    Read an id as a person may type it: capitals, spaces and hyphens are allowed, and o, i, l for 0, 1, 1.

    Raises:
        UsageError: it is not an id even so.
    """
    written = text.strip().lower().translate(_LOOK_ALIKES)
    if not is_entry_id(written):
        raise UsageError(
            "This is not the id of an entry.",
            next_step="An id has 16 letters and digits; leeward timeline shows them.",
        )
    return EntryId(written)


def parse_address(text: str) -> RecordAddress:
    """
    Read ``<archive>:<n>``.

    Raises:
        UsageError: it is not an address.
    """
    archive, colon, number = text.strip().partition(":")
    if not colon or _NUMBER.fullmatch(number) is None:
        raise UsageError(
            "This is not the address of a message.",
            next_step="An address is an id, a colon and a number; leeward timeline shows them.",
        )
    return RecordAddress(parse_entry_id(archive), int(number))

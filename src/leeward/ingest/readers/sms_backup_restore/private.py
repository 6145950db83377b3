"""Values of a row that can say something about the owner's own phone or place: held back from what is shown later.

A message is handed over with its source bytes. In this format they hold the SIM, the service centre and the group data
of the provider beside the words, and those are nobody's business (docs/formats/archive.md §4). So in `Record.raw` the
value of such an attribute is replaced by ``@private``, and the values themselves are committed to in a slot of their
own, which stays closed::

    in     <sms address="…" body="…" service_center="+447700900000" sub_id="1" />
    raw    <sms address="…" body="…" service_center="@private" sub_id="@private" />      private   ["+447700900000","1"]

Values that say nothing (empty, ``null``, ``-1``) stay where they are. The result depends on the bytes of the row alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["PRIVATE", "hold_back"]

PRIVATE: Final = (
    b"service_center",
    b"sub_id",
    b"subscription_id",
    b"subscription_component_name",
    b"sim_imsi",
    b"sim_slot",
    b"phone_id",
    b"tr_id",
    b"ct_l",
)
"""Attributes: service centre, SIM card and slot, provider's group data, address of the provider's message store."""

_HELD: Final = b"@private"
_SAYS_NOTHING: Final = frozenset({b"", b"null", b"-1"})

_NAMES: Final = b"|".join(PRIVATE)
# In a row that quotes with " alone, no value can hold ="…", so a name found here is an attribute.
_QUICK: Final = re.compile(rb"(?<=[ \t\r\n])(?:" + _NAMES + rb")=\"([^\"]*)\"")
_BEGINNINGS: Final = tuple(name + b'="' for name in PRIVATE)
# Otherwise attribute after attribute, so that a name inside somebody's message is passed over with its value.
_EACH: Final = re.compile(rb"([^\s<>\"'/=]+)([ \t\r\n]*=[ \t\r\n]*)(?:\"([^\"]*)\"|'([^']*)')")
_OTHER_WAYS: Final = (b"='", b"= ", b" =", b"=\t", b"\t=", b"=\n", b"\n=", b"=\r", b"\r=")
"""What only a row with other quotes or with room around ``=`` has, or one whose words look like it."""


def hold_back(row: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return *row* without its private values, and those values in their order, as written.

    Looking for fixed bytes costs a tenth of a regular expression, and this runs for every row of a backup; the two
    expressions are for the rows that need them (bench/bench_sms.py).

    Args:
        row: one element of the stream, in which ``<``, ``"`` and ``=`` are single bytes.
    """
    held: list[str] = []
    for way in _OTHER_WAYS:
        if way in row:
            return _EACH.sub(_holding(held), row), tuple(held)
    for beginning in _BEGINNINGS:
        at = row.find(beginning)
        if at >= 0:
            at += len(beginning)
            if row[at : row.find(b'"', at)] not in _SAYS_NOTHING or row.find(beginning, at) >= 0:
                return _QUICK.sub(_holding_quick(held), row), tuple(held)
    return row, ()


def _holding_quick(held: list[str]) -> Callable[[re.Match[bytes]], bytes]:
    def quick(found: re.Match[bytes]) -> bytes:
        value = found[1]
        if value in _SAYS_NOTHING:
            return found[0]
        held.append(value.decode("utf-8", "replace"))
        return found[0][: found.start(1) - found.start()] + _HELD + b'"'

    return quick


def _holding(held: list[str]) -> Callable[[re.Match[bytes]], bytes]:
    def each(found: re.Match[bytes]) -> bytes:
        name, equals, double, single = found.groups()
        value = double if double is not None else single
        if name not in PRIVATE or value in _SAYS_NOTHING:
            return found[0]
        held.append(value.decode("utf-8", "replace"))
        quote = b'"' if double is not None else b"'"
        return name + equals + quote + _HELD + quote

    return each

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

# In a row that quotes with " alone, no value can hold ="…", so a name found here is an attribute.
_BLANKS: Final = b" \t\r\n"
# Otherwise attribute after attribute, so that a name inside somebody's message is passed over with its value.
_EACH: Final = re.compile(rb"([^\s<>\"'/=]+)([ \t\r\n]*=[ \t\r\n]*)(?:\"([^\"]*)\"|'([^']*)')")


def hold_back(row: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return *row* without its private values, and those values in their order, as written.

    Looking for fixed bytes costs a tenth of a regular expression, and this runs for every row of a backup; the
    expression is for the rows that need it (bench/bench_sms.py).

    Args:
        row: one element of the stream, in which ``<``, ``"`` and ``=`` are single bytes.
    """
    # Each "=" before a double quote: no other quotes, no room behind it. Words with an "=" take the longer way too.
    plain = row.count(b"=") == row.count(b'="')
    values: list[tuple[int, int]] = []
    for name in PRIVATE if plain else ():
        at = row.find(name)
        while at >= 0:
            start = at + len(name)
            if row[at - 1] in _BLANKS:
                if row[start : start + 2] != b'="':
                    plain = plain and not row[start : start + 1].isspace()  # room in front of the "=": the longer way
                else:
                    end = row.find(b'"', start + 2)
                    if end >= 0 and row[start + 2 : end] not in _SAYS_NOTHING:
                        values.append((start + 2, end))
            at = row.find(name, start)
    if not plain:
        held: list[str] = []
        return _EACH.sub(_holding(held), row), tuple(held)
    if not values:
        return row, ()
    values.sort()
    parts: list[bytes] = []
    done = 0
    for start, end in values:
        parts += (row[done:start], _HELD)
        done = end
    parts.append(row[done:])
    return b"".join(parts), tuple([row[start:end].decode("utf-8", "replace") for start, end in values])


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

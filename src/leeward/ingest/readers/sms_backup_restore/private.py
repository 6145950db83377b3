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
# Otherwise attribute after attribute, so that a name inside somebody's message is passed over with its value.
_EACH: Final = re.compile(rb"([^\s<>\"'/=]+)([ \t\r\n]*=[ \t\r\n]*)(?:\"([^\"]*)\"|'([^']*)')")
_OTHER_QUOTE: Final = re.compile(rb"=[ \t\r\n]*'|[ \t\r\n]=|=[ \t\r\n]")


def hold_back(row: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return *row* without its private values, and those values in their order, as written.

    Args:
        row: one element of the stream, in which ``<``, ``"`` and ``=`` are single bytes.
    """
    held: list[str] = []
    if _OTHER_QUOTE.search(row) is None:
        # The common case by far; most rows hold one value or none.
        if _QUICK.search(row) is None:
            return row, ()

        def quick(found: re.Match[bytes]) -> bytes:
            value = found[1]
            if value in _SAYS_NOTHING:
                return found[0]
            held.append(value.decode("utf-8", "replace"))
            return found[0][: found.start(1) - found.start()] + _HELD + b'"'

        return _QUICK.sub(quick, row), tuple(held)

    def each(found: re.Match[bytes]) -> bytes:
        name, equals, double, single = found.groups()
        value = double if double is not None else single
        if name not in PRIVATE or value in _SAYS_NOTHING:
            return found[0]
        held.append(value.decode("utf-8", "replace"))
        quote = b'"' if double is not None else b"'"
        return name + equals + quote + _HELD + quote

    return _EACH.sub(each, row), tuple(held)

"""One thing in the stream, what can be asked of the stream, and a page of the answer: plain values."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

__all__ = ["AT_KINDS", "ITEM_KINDS", "Asked", "Item", "Page"]

ITEM_KINDS = ("message", "system", "call", "other", "incident")
"""The first four are the kinds of records, in the order of `leeward.messages.record.Kind`."""

AT_KINDS = ("instant", "floating", "about", "unknown")


class Item(msgspec.Struct, kw_only=True):
    """One thing in the stream: an entry or a record. The fields of the command line contract, and a few more.

    Attributes:
        id: entry id, or ``<archive>:<n>``.
        kind: incident, message, system, call or other.
        at: ISO 8601, with offset when it is an instant; None when the time is not known.
        at_kind: instant, floating, about or unknown.
        written_at: ISO 8601 with offset, for what she wrote herself.
        person: name of the sender as the source has it, else number; None for her own and for notices.
        service: whatsapp, sms, …; None for what she wrote herself.
        text: what she would read.
        source: archive id and byte offset, for records.
        attachments: name, sha256, size, type, and whether it is here.
        from_me: True when the source says that the owner sent it.
        extra: edited, deleted, duration and the like, as the source has it.
        highlights: [start, end] in characters of `text`, for a search.
        same_as: id of an item of another archive that is the same message, if there is one.
        thread: conversation as the source names it.
        cursor: hand it back to get the page after this item.
    """

    id: str
    kind: str
    at: str | None
    at_kind: str
    written_at: str | None
    person: str | None
    service: str | None
    text: str
    source: dict[str, Any] | None
    attachments: list[dict[str, Any]]
    from_me: bool = False
    extra: dict[str, Any] = {}
    highlights: list[tuple[int, int]] = []
    same_as: str | None = None
    thread: str | None = None
    handle: str | None = None
    cursor: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to show.

    Attributes:
        start, end: milliseconds since 1970, end excluded; None is open.
        person: a name or number; means the conversations this person takes part in, both sides.
        kind: one of incident, message, system, call, other.
        service: whatsapp, sms, …
        query: words to search, ``"quoted phrases"``, ``begin*``.
        aside: show what was set aside too.
    """

    start: int | None = None
    end: int | None = None
    person: str | None = None
    kind: str | None = None
    service: str | None = None
    query: str | None = None
    aside: bool = False


class Page(NamedTuple):
    """Items and the cursor of the next page, None at the end."""

    items: list[Item]
    more: int | None

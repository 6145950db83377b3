"""Incidents: something that happened, in her own words.

What was said is kept apart from what it felt like; when it happened apart from when it was written down. Nothing here
judges or labels. Every field is optional except that one of text, quotes or an attachment must be there.

``happened`` is one of

    {"ms": instant, "zone": IANA name or absent, "about": true or absent}
    {"wall": "2026-03-01T21:30", "about": true or absent}        no zone known: a clock time that floats
    {"day": "2026-03-01", "about": true}                          only the day is known
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leeward.core.errors import UsageError
from leeward.vault.records import Schema, register

__all__ = ["INCIDENT", "happened_at", "parse_when", "searchable", "show_happened"]

INCIDENT = register(
    Schema(
        "incident",
        1,
        {
            "text": "what happened, in her words",
            "quotes": "exact words that were said, apart from everything else",
            "feelings": "how it was for her, apart from the facts",
            "happened": "when it happened: instant, clock time without zone, or day; about or exact",
            "where": "where it happened",
            "witnesses": "who saw or heard it",
            "abuse": "kinds of abuse, a list of words she chose",
            "injuries": "injuries or damage",
            "effects": "effect on sleep, work, children",
            "reports": "report numbers and whom she told",
            "attachments": "files: blob, size, SHA-256, name, type",
            "more": "anything a newer form asks",
        },
    )
)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_when(text: str, zone: str | None) -> dict[str, Any]:
    """Read ``--when``: an instant with offset, a clock time, or a day; a leading ``~`` or ``about`` means about.

    Args:
        text: as typed.
        zone: IANA name of the vault's zone; a clock time without offset is taken in it.

    Raises:
        UsageError: it is none of these.
    """
    about = False
    trimmed = text.strip()
    for mark in ("~", "about "):
        if trimmed.lower().startswith(mark):
            trimmed, about = trimmed[len(mark) :].strip(), True
    try:
        if _DAY.fullmatch(trimmed):
            return {"day": date.fromisoformat(trimmed).isoformat(), "about": True}
        moment = datetime.fromisoformat(trimmed)
    except ValueError:
        raise UsageError(
            "The date or time was not understood.",
            next_step="Write it like 2026-03-01, 2026-03-01T21:30 or 2026-03-01T21:30+01:00.",
        ) from None
    mark_about: dict[str, Any] = {"about": True} if about else {}
    if moment.tzinfo is not None:
        return {"ms": _ms(moment), **({"zone": zone} if zone else {}), **mark_about}
    if zone is None:
        return {"wall": moment.isoformat(timespec="minutes"), **mark_about}
    return {"ms": _ms(moment.replace(tzinfo=ZoneInfo(zone))), "zone": zone, **mark_about}


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def happened_at(happened: dict[str, Any]) -> tuple[int, str]:
    """Return (milliseconds to sort by, ``instant`` | ``floating`` | ``about``).

    A clock time without zone and a day are placed as if in UTC; a day at its noon, so that it stands among its events.
    """
    if "ms" in happened:
        return happened["ms"], "about" if happened.get("about") else "instant"
    if "day" in happened:
        day = datetime.combine(date.fromisoformat(happened["day"]), datetime.min.time(), UTC)
        return _ms(day + timedelta(hours=12)), "about"
    return _ms(datetime.fromisoformat(happened["wall"]).replace(tzinfo=UTC)), (
        "about" if happened.get("about") else "floating"
    )


def show_happened(happened: dict[str, Any]) -> str:
    """Return ISO 8601: with offset for an instant, without when it floats, a bare day when only that is known."""
    if "day" in happened:
        return str(happened["day"])
    if "wall" in happened:
        return str(happened["wall"])
    zone = ZoneInfo(happened["zone"]) if "zone" in happened else UTC
    return datetime.fromtimestamp(happened["ms"] / 1000, zone).isoformat(timespec="seconds")


def searchable(known: dict[str, Any]) -> str:
    """Return the words of an incident that a search should find: what she wrote, text first."""
    parts: list[str] = []
    for name in ("text", "quotes", "feelings", "where", "witnesses", "abuse", "injuries", "effects", "reports"):
        parts += _strings(known.get(name))
    return "\n".join(parts)


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)

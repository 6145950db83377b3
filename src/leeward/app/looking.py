"""Looking: the timeline and the search, with the periods and words a person types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from leeward.app.session import Session
from leeward.core.errors import UsageError
from leeward.evidence.item import Asked, Item, Page

__all__ = ["asked_for", "everything", "newest_first", "page"]

_PAGE = 1000
"""Items read at once: enough that asking costs nothing, few enough to hold."""


def asked_for(
    session: Session,
    *,
    start: str | None = None,
    end: str | None = None,
    person: str | None = None,
    kind: str | None = None,
    service: str | None = None,
    query: str | None = None,
) -> Asked:
    """Turn what was typed into a question.

    Args:
        session: open vault; its zone decides where a day begins.
        start: a date (the day included) or an instant with offset.
        end: a date (the day included) or an instant with offset (excluded).
        person, kind, service, query: as `Asked` says.

    Raises:
        UsageError: a date that is none.
    """
    return Asked(
        start=None if start is None else _moment(session, start, day_after=False),
        end=None if end is None else _moment(session, end, day_after=True),
        person=person,
        kind=kind,
        service=service,
        query=query,
    )


def _moment(session: Session, text: str, *, day_after: bool) -> int:
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=int(day_after))
            name = session.zone
            moment = datetime.combine(day, time(), ZoneInfo(name) if name else UTC)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                name = session.zone
                moment = moment.replace(tzinfo=ZoneInfo(name) if name else UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            "The date was not understood.", next_step="Write it like 2026-03-01 or 2026-03-01T21:30+01:00."
        ) from None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def page(
    session: Session, asked: Asked, *, limit: int = 50, after: int | None = None, newest_first: bool = True
) -> Page:
    """Return one page."""
    return session.timeline.page(asked, limit=limit, after=after, newest_first=newest_first)


def everything(session: Session, asked: Asked) -> Iterator[Item]:
    """Yield all that fits, oldest first."""
    return session.timeline.all(asked)


def newest_first(session: Session, asked: Asked) -> Iterator[Item]:
    """Yield all that fits, newest first."""
    after: int | None = None
    while True:
        found = session.timeline.page(asked, limit=_PAGE, after=after)
        yield from found.items
        if found.more is None:
            return
        after = found.more

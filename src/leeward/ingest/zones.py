"""From a wall clock and a zone to an instant: what a person's word about the zone makes of floating times.

A wall clock can happen twice (clocks go back) or never (clocks go forward). Nothing is guessed: of two instants the
file's own order picks one, when it can; otherwise the time is counted as ambiguous and keeps floating.

How order decides: in the hour that comes twice, a wall clock that runs back by more than `SLACK_MS` can only be the
second time round, and so is everything after it that would otherwise run back. Less is no sign: messages arrive late
and stand a few seconds or minutes out of order.

Source: the tz database through `zoneinfo` (package tzdata where the system has none); RFC 5545 §3.3.5 for the two
cases.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leeward.core.errors import UsageError

__all__ = ["SLACK_MS", "Resolved", "named_zone", "resolve"]

SLACK_MS: Final = 5 * 60_000
"""Milliseconds a message may stand out of order without meaning that the clock went back."""

_HOUR: Final = 3_600_000
_REMEMBERED: Final = 200_000
"""Hours remembered in one zone: 22 years, a few MiB."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = re.compile(r"[A-Za-z0-9_+\-]{1,40}(?:/[A-Za-z0-9_+\-]{1,40}){0,3}")


class Resolved(NamedTuple):
    """What a wall clock means in a zone.

    Attributes:
        at: milliseconds since 1970 UTC; None when ambiguous or never.
        kind: ``"instant"`` exactly one; ``"ambiguous"`` it happened twice and the order does not tell which;
            ``"never"`` the clocks jumped over it.
        earliest: the first instant it can be, for the order of what follows; equal to `at` when that is known.
        second: it happened twice, and the order of the file says that this was the second time.
    """

    at: int | None
    kind: Literal["instant", "ambiguous", "never"]
    earliest: int
    second: bool = False


class _Zone(dict[int, int | None]):
    """Offsets of one zone by hour of wall clock; None marks an hour in which the clocks change."""

    def __init__(self, info: ZoneInfo) -> None:
        super().__init__()
        self._info = info

    def __missing__(self, hour: int) -> int | None:
        """Look an hour up: it is simple when its ends and its middle agree, whichever time round."""
        asked = [self.offsets(hour * _HOUR + part) for part in (0, _HOUR // 2, _HOUR - 1)]
        offset = asked[0][0] if len({o for pair in asked for o in pair}) == 1 else None
        if len(self) > _REMEMBERED:
            self.clear()
        self[hour] = offset
        return offset

    def offsets(self, wall_ms: int) -> tuple[int, int]:
        """Return the offset from UTC in milliseconds for the first and the second time round."""
        moment = (_EPOCH + timedelta(milliseconds=wall_ms)).replace(tzinfo=self._info)
        first, second = (moment.replace(fold=n).utcoffset() or timedelta() for n in (0, 1))
        return round(first.total_seconds() * 1000), round(second.total_seconds() * 1000)


@lru_cache(maxsize=64)
def named_zone(name: str) -> _Zone:
    """
    Return the zone of this IANA name, with its memory of offsets.

    Raises:
        UsageError: there is no such zone. Nothing was read or changed.
    """
    try:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        return _Zone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"There is no time zone named {name[:60]!r}.",
            next_step="Time zones are written like Europe/Berlin or America/New_York.",
        ) from None


def resolve(wall_ms: int, zone: str, previous_at: int | None) -> Resolved:
    """
    Return the instant of a wall clock in a zone.

    Args:
        wall_ms: milliseconds since 1970 as if the wall clock were UTC.
        zone: IANA name.
        previous_at: instant of the record before it in the file, or the `Resolved.earliest` of one that stayed
        ambiguous;
            None for the first.

    Raises:
        UsageError: there is no such zone.
    """
    known = named_zone(zone)
    offset = known[wall_ms // _HOUR]
    if offset is not None:
        at = wall_ms - offset
        return Resolved(at, "instant", at)
    first, second = known.offsets(wall_ms)
    early, late = wall_ms - first, wall_ms - second
    if early == late:
        return Resolved(early, "instant", early)
    if early > late:
        return Resolved(None, "never", late)
    if previous_at is not None and early < previous_at - SLACK_MS <= late:
        return Resolved(late, "instant", late, True)
    return Resolved(None, "ambiguous", early)

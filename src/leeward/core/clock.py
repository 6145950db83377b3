"""What time it is, for code that must not ask the system itself.

Whoever needs the time takes a `Clock` as an argument. `SystemClock` is the real one; `FixedClock` stands still until a
test moves it. Both pass the same suite (tests/contracts/test_clock.py).

The clock says what the device believes. It may be wrong, and someone else may have changed it: a time written by this
clock is a claim, never a proof. Proof comes from an anchor.

    >>> clock = FixedClock(Milliseconds(1_700_000_000_000))
    >>> clock.advance(Seconds(1.5))
    >>> clock.now_ms()
    1700000001500
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from leeward.core.units import Milliseconds, Seconds

__all__ = ["Clock", "FixedClock", "SystemClock", "local_zone_name"]


class Clock(Protocol):
    """Two readings. Both may be called from anywhere, at any time, and never fail."""

    def now_ms(self) -> Milliseconds:
        """Return the instant, in milliseconds since 1970 UTC. It may jump, also backwards."""

    def steady(self) -> Seconds:
        """Return seconds since some unknown start. Never goes back; only differences mean something."""


class SystemClock:
    """The clock of this device."""

    def now_ms(self) -> Milliseconds:
        """Return the instant the device believes it is."""
        return Milliseconds(time.time_ns() // 1_000_000)

    def steady(self) -> Seconds:
        """Return the monotonic clock of the device."""
        return Seconds(time.monotonic())


class FixedClock:
    """A clock that stands still until it is moved. For tests and for examples that must come out the same."""

    def __init__(self, now: Milliseconds) -> None:
        self._now = now
        self._steady = 0.0

    def now_ms(self) -> Milliseconds:
        """Return the instant it was set to."""
        return self._now

    def steady(self) -> Seconds:
        """Return the seconds it was advanced by."""
        return Seconds(self._steady)

    def advance(self, by: Seconds) -> None:
        """Let *by* seconds pass, 0 or more."""
        if by < 0:
            raise ValueError("time does not go back here: use set_back")
        self._now = Milliseconds(self._now + round(by * 1000))
        self._steady += by

    def set_back(self, by: Seconds) -> None:
        """Do what a person may do to a device clock: set it *by* seconds back. The steady reading does not move."""
        self._now = Milliseconds(self._now - round(by * 1000))


def local_zone_name(localtime: Path = Path("/etc/localtime"), timezone: Path = Path("/etc/timezone")) -> str | None:
    """
    Return the IANA name of the zone this device is set to, or None when it does not say.

    The environment is not read: ``TZ`` is a setting, and settings come in from the command line. None is a real answer
    (Windows, a copied zone file): the caller then asks the person, because a guessed zone would move her messages.

    Args:
        localtime: a link into a zoneinfo folder, as Linux and macOS have it.
        timezone: a file whose first line is the name, as Debian has it.

    Source: localtime(5); Debian policy for /etc/timezone.
    """
    candidates: list[str] = []
    try:
        _, found, name = str(localtime.readlink()).rpartition("zoneinfo/")
        if found:
            candidates.append(name.removeprefix("posix/").removeprefix("right/"))
    except OSError:
        pass  # a plain file or no file: the other place may know
    try:
        candidates.append(timezone.read_text(encoding="ascii").partition("\n")[0].strip())
    except (OSError, UnicodeDecodeError):
        pass
    return next((name for name in candidates if _is_zone(name)), None)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown name, a folder such as "Europe", a path such as "../x"
        return False
    return True

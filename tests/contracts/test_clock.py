"""What every clock keeps to: the one of the device and the one that tests move."""

import pytest

from leeward.core.clock import Clock, FixedClock, SystemClock
from leeward.core.units import Milliseconds


@pytest.fixture(params=["system", "fixed"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return SystemClock() if request.param == "system" else FixedClock(Milliseconds(1_700_000_000_000))


def test_a_clock_counts_milliseconds_of_this_century(clock: Clock) -> None:
    now = clock.now_ms()

    assert isinstance(now, int)
    assert 946_684_800_000 < now < 4_102_444_800_000


def test_the_steady_reading_never_goes_back(clock: Clock) -> None:
    readings = [clock.steady() for _ in range(100)]

    assert readings == sorted(readings)

"""From wall clocks to instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import UsageError
from leeward.ingest.zones import SLACK_MS, resolve


def wall(year: int, month: int, day: int, hour: int, minute: int) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def shown(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M}"


def test_an_ordinary_time_is_one_instant() -> None:
    found = resolve(wall(2023, 7, 1, 12, 0), "Europe/Berlin", None)

    assert (shown(found.at), found.kind) == ("2023-07-01T10:00", "instant")


def test_a_time_the_clocks_jumped_over_is_never() -> None:
    found = resolve(wall(2023, 3, 26, 2, 30), "Europe/Berlin", None)

    assert (found.at, found.kind) == (None, "never")


def test_a_time_that_came_twice_is_ambiguous_without_help_from_the_order() -> None:
    found = resolve(wall(2023, 10, 29, 2, 30), "Europe/Berlin", None)

    assert (found.at, found.kind, shown(found.earliest)) == (None, "ambiguous", "2023-10-29T00:30")


def test_a_clock_that_ran_back_tells_the_second_time_round() -> None:
    before = resolve(wall(2023, 10, 29, 2, 59), "Europe/Berlin", None)

    found = resolve(wall(2023, 10, 29, 2, 1), "Europe/Berlin", before.earliest)

    assert (shown(found.at), found.second) == ("2023-10-29T01:01", True)


def test_a_message_that_is_only_late_tells_nothing() -> None:
    before = resolve(wall(2023, 10, 29, 2, 30), "Europe/Berlin", None)

    found = resolve(wall(2023, 10, 29, 2, 26), "Europe/Berlin", before.earliest)

    assert SLACK_MS > 4 * 60_000
    assert found.kind == "ambiguous"


def test_a_half_hour_change_is_seen() -> None:
    simple = resolve(wall(2023, 4, 2, 1, 15), "Australia/Lord_Howe", None)
    twice = resolve(wall(2023, 4, 2, 1, 45), "Australia/Lord_Howe", None)

    assert (simple.kind, twice.kind) == ("instant", "ambiguous")


@pytest.mark.parametrize("name", ["", "Berlin", "../etc/passwd", "/etc/localtime", "Europe", "Europe/\x00", "a" * 300])
def test_an_unknown_zone_is_a_sentence_for_the_person(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(0, name, None)

    assert "Europe/Berlin" in caught.value.sentence()


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001  # made aware inside
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia", "UTC"]),
)
def test_an_instant_written_in_its_zone_comes_back(moment: datetime, zone: str) -> None:
    instant = moment.replace(tzinfo=UTC, microsecond=0)
    there = instant.astimezone(ZoneInfo(zone))
    at = int(instant.timestamp() * 1000)

    found = resolve(int(there.replace(tzinfo=UTC).timestamp() * 1000), zone, None)

    assert found.at == at or (found.kind == "ambiguous" and found.earliest in (at, at - 3_600_000))

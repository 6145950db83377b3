"""Where rows stand in time: ties, crowds, clock changes, and times far out."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.evidence.feed import SHAPE, Feed, key_of
from leeward.messages.record import Direction, Kind, Record
from leeward.vault.projection import Connection, open_projection

AT = 1_772_355_600_000


def record(n: int, at: int | None = AT, wall: int | None = None, **more: str) -> Record:
    given_more = {"sender": "Carl", "text": f"row {n}", "thread": "Carl", **more}
    return Record(
        Kind.MESSAGE, "", n, 1, b"", given_more["sender"], "as written", at, wall, given_more["text"],
        direction=Direction.IN, thread=given_more["thread"],
    )  # fmt: skip


def fed(db: Connection, records: list[Record], number: int = 2, zone: str | None = None) -> Feed:
    feed = Feed(db, number, "sms", zone)
    feed.add(records)
    feed.finish()
    return feed


def order(db: Connection) -> list[int]:
    return [row[0] for row in db.execute("SELECT n FROM items ORDER BY place")]


def test_a_crowd_in_one_millisecond_keeps_the_order_of_the_file() -> None:
    db = open_projection(SHAPE)

    fed(db, [record(n) for n in range(2_000)])

    assert order(db) == list(range(2_000))


def test_two_times_that_take_turns_lose_no_row_and_keep_their_order() -> None:
    db = open_projection(SHAPE)

    fed(db, [record(n, AT + n % 2 * 5_000) for n in range(3_000)])

    assert order(db) == [*range(0, 3_000, 2), *range(1, 3_000, 2)]


def test_two_sources_with_one_number_mod_1023_share_a_moment() -> None:
    db = open_projection(SHAPE)

    fed(db, [record(n) for n in range(700)], number=2)
    fed(db, [record(n) for n in range(700)], number=2 + 1023)

    assert db.execute("SELECT entry, count(*) FROM items GROUP BY entry").fetchall() == [(2, 700), (1025, 700)]
    for entry in (2, 1025):
        rows = db.execute("SELECT n FROM items WHERE entry = ? ORDER BY place", (entry,)).fetchall()
        assert [row[0] for row in rows] == list(range(700))


def test_a_floating_clock_that_runs_back_an_hour_keeps_the_order_of_the_file() -> None:
    db = open_projection(SHAPE)
    hour = 3_600_000

    fed(db, [record(n, None, wall) for n, wall in enumerate([AT, AT + hour, AT + hour // 2, AT + 2 * hour])])

    assert order(db) == [0, 1, 2, 3]


def test_in_the_hour_that_comes_twice_the_file_decides_and_what_it_leaves_open_is_counted() -> None:
    db = open_projection(SHAPE)
    minute = 60_000
    two = round(datetime(2026, 10, 25, 2, tzinfo=UTC).timestamp() * 1000)  # on the clock, as if it were UTC
    walls = [two - 61 * minute, two - 1 * minute, two - 59 * minute, two + 30 * minute]

    feed = fed(db, [record(n, None, wall) for n, wall in enumerate(walls)], zone="Europe/Dublin")

    kinds = [row[0] for row in db.execute("SELECT at_kind FROM items ORDER BY n")]
    assert kinds == [0, 1, 0, 0]
    assert feed.ambiguous == 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([AT, AT + 1, AT - 5, None, -(10**13), 10**14]), st.booleans()), max_size=40))
def test_no_row_is_ever_lost(rows: list[tuple[int | None, bool]]) -> None:
    db = open_projection(SHAPE)

    fed(db, [record(n, None if wall else at, at if wall else None) for n, (at, wall) in enumerate(rows)])

    assert sorted(order(db)) == list(range(len(rows)))


@pytest.mark.parametrize("ms", [-(10**18), -1, 0, AT, 10**18])
def test_a_key_always_fits_its_bits(ms: int) -> None:
    assert 0 <= key_of(ms) < 1 << 44


def test_conversations_without_a_title_stay_apart_and_named_ones_join() -> None:
    db = open_projection(SHAPE)

    fed(db, [record(0, thread="")], number=2)
    fed(db, [record(0, thread="")], number=4)
    fed(db, [record(0, thread="Carl")], number=6)
    fed(db, [record(0, thread="Carl")], number=8)

    threads = [row[0] for row in db.execute("SELECT thread FROM items ORDER BY entry")]
    assert threads[0] != threads[1]
    assert threads[2] == threads[3]


MANY_NEW_NAMES = """
import sys
sys.path[:0] = sys.argv[1:]
from leeward.evidence.feed import SHAPE, Feed
from leeward.vault.projection import open_projection
from tests.unit.evidence.test_feed import AT, record
feed = Feed(open_projection(SHAPE), 2, "sms", None)
for batch in range(60):
    numbers = range(batch * 300, batch * 300 + 300)
    feed.add([record(n, AT + n, text=f"{n} " * 40, sender=f"{batch}-{n % 7}") for n in numbers])
feed.finish()
"""


def test_new_names_while_words_are_indexed_never_wait_for_each_other() -> None:
    # In a process of its own: two threads that wait for each other would hold up every other test as well.
    command = [sys.executable, "-c", MANY_NEW_NAMES, str(Path(__file__).parents[3])]

    subprocess.run(command, check=True, timeout=60)

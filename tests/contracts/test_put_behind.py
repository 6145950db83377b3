"""Groups that are put behind the caller's back: nothing is durable before `wait`, and no error is lost."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from leeward.core.errors import CannotWrite
from leeward.vault.storage.base import Exists
from leeward.vault.storage.behind import PutBehind
from leeward.vault.storage.memory import MemoryStorage

NAMES = [f"{n:064x}" for n in range(6)]


def test_after_waiting_everything_is_there() -> None:
    storage = MemoryStorage()
    behind = PutBehind(storage)

    for name in NAMES:
        behind.put_many({name: b"x"})
    behind.wait()

    assert sorted(storage.names()) == NAMES


def test_what_went_wrong_is_raised_by_the_next_call_and_only_once() -> None:
    storage = MemoryStorage()
    storage.put(NAMES[0], b"there")
    behind = PutBehind(storage)

    behind.put_many({NAMES[0]: b"x"})
    with pytest.raises(Exists):
        behind.put_many({NAMES[1]: b"x"})
    behind.wait()

    assert storage.get(NAMES[0]) == b"there"


def test_a_full_disk_is_told_before_anything_is_acknowledged() -> None:
    class Full(MemoryStorage):
        def put_many(self, objects: Mapping[str, bytes]) -> None:
            raise CannotWrite("The disk is full.")

    behind = PutBehind(Full())

    behind.put_many({NAMES[0]: b"x"})

    with pytest.raises(CannotWrite):
        behind.wait()


def test_without_threads_each_group_is_put_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("leeward.vault.storage.behind.Thread.start", refuses)
    storage = MemoryStorage()
    behind = PutBehind(storage)

    behind.put_many({NAMES[0]: b"x"})

    assert storage.get(NAMES[0]) == b"x"

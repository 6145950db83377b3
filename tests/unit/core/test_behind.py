"""Work behind the caller's back: nothing counts as done before `wait`, and no error is lost."""

from __future__ import annotations

from threading import Event

import pytest

from leeward.core.behind import Behind
from leeward.core.errors import CannotWrite


def full() -> None:
    raise CannotWrite("The disk is full.")


def test_pieces_are_done_one_after_the_other_in_their_order() -> None:
    behind, done = Behind("test"), list[int]()

    for n in range(20):
        behind.begin(lambda n=n: done.append(n))  # type: ignore[misc]  # the default binds each n
    behind.wait()

    assert done == list(range(20))


def test_the_caller_goes_on_while_a_piece_is_under_way() -> None:
    behind, gate = Behind("test"), Event()

    behind.begin(gate.wait)
    gate.set()  # with the piece done in the caller's own time, this line would never be reached

    behind.wait()


def test_what_went_wrong_is_raised_before_anything_more_is_begun_and_only_once() -> None:
    behind, done = Behind("test"), list[int]()

    behind.begin(full)
    with pytest.raises(CannotWrite):
        behind.begin(lambda: done.append(1))
    behind.wait()

    assert done == []


def test_waiting_tells_what_went_wrong() -> None:
    behind = Behind("test")

    behind.begin(full)

    with pytest.raises(CannotWrite):
        behind.wait()


def test_without_threads_each_piece_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("leeward.core.behind.Thread.start", refuses)
    behind, done = Behind("test"), list[int]()

    behind.begin(lambda: done.append(1))

    assert done == [1]

"""What the runner promises, and what a job must keep to: killed after any piece of work, it comes to the same end."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import Cancelled, OurMistake
from leeward.core.jobs import MemoryJobStore, RunningJob, Step, run_job
from leeward.core.progress import Reached


class KilledError(BaseException):
    """Stands for the end of the process: nothing may catch it."""


class Copy:
    """A small job of the right shape: writes numbered pieces to a durable place, each of them put-if-absent."""

    name = "copy"

    def __init__(self, pieces: list[bytes], place: dict[int, bytes], die_before: int = -1, die_after: int = -1) -> None:
        self.pieces, self.place, self.die_before, self.die_after = pieces, place, die_before, die_after
        self.closed = False

    def steps(self, state: bytes | None) -> Generator[Step, None, bytes]:
        try:
            for index in range(int(state or b"0"), len(self.pieces)):
                if index == self.die_before:
                    raise KilledError
                self.place.setdefault(index, self.pieces[index])
                if index == self.die_after:
                    raise KilledError
                yield Step(str(index + 1).encode(), Reached("verify.check", index + 1, len(self.pieces)))
            return b"".join(self.place[index] for index in range(len(self.pieces)))
        finally:
            self.closed = True


@given(st.lists(st.binary(max_size=3), max_size=6), st.data())
def test_a_job_killed_anywhere_and_taken_up_again_comes_to_the_same_end(
    pieces: list[bytes], data: st.DataObject
) -> None:
    place: dict[int, bytes] = {}
    store = MemoryJobStore()
    deaths = data.draw(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=8))

    for index, before in deaths:
        job = Copy(pieces, place, **({"die_before": index} if before else {"die_after": index}))
        try:
            run_job(job, store)
        except KilledError:
            pass
    result = run_job(Copy(pieces, place), store)

    assert result == b"".join(pieces)
    assert store.load("copy") is None


@pytest.mark.parametrize("stop_after", range(4))
def test_stopping_after_any_step_keeps_its_state(stop_after: int) -> None:
    pieces, place, store = [b"a", b"b", b"c"], {}, MemoryJobStore()  # type: ignore[var-annotated]  # filled by the job
    seen: list[int] = []
    job = Copy(pieces, place)

    with pytest.raises(Cancelled) as caught:
        run_job(
            job, store, cancelled=lambda: len(seen) == stop_after, on_progress=lambda reached: seen.append(reached.done)
        )
    result = run_job(Copy(pieces, place), store)

    assert seen == list(range(1, stop_after + 1))
    assert "kept" in caught.value.sentence()
    assert result == b"abc"


def test_a_stopped_job_is_closed_at_once() -> None:
    stops = iter([False, True])
    job = Copy([b"a", b"b"], {})

    with pytest.raises(Cancelled):
        run_job(job, MemoryJobStore(), cancelled=lambda: next(stops))

    assert job.closed


def test_the_state_is_safe_before_the_step_is_reported() -> None:
    store = MemoryJobStore()
    states: list[bytes | None] = []

    run_job(Copy([b"a", b"b"], {}), store, on_progress=lambda reached: states.append(store.load("copy")))

    assert states == [b"1", b"2"]


def test_a_job_that_fails_keeps_its_last_state() -> None:
    store = MemoryJobStore()

    with pytest.raises(KilledError):
        run_job(Copy([b"a", b"b"], {}, die_before=1), store)

    assert store.load("copy") == b"1"


def test_a_failing_listener_does_not_lose_the_step() -> None:
    store = MemoryJobStore()
    job = Copy([b"a", b"b"], {})

    def listener(reached: Reached) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run_job(job, store, on_progress=listener)

    assert store.load("copy") == b"1"
    assert job.closed


def test_somebody_else_can_drive_the_steps() -> None:
    running = RunningJob(Copy([b"a", b"b"], {}), MemoryJobStore())

    reached = [running.step(), running.step(), running.step(), running.step()]

    assert [step.done if step else None for step in reached] == [1, 2, None, None]
    assert running.result() == b"ab"


def test_a_result_is_not_given_early() -> None:
    running = RunningJob(Copy([b"a"], {}), MemoryJobStore())

    with pytest.raises(OurMistake):
        running.result()

"""Long work, cut into steps that can be stopped and taken up again.

A job is a generator. Between two yields it does a bounded piece of work; each `Step` it yields carries the state from
which a fresh generator can go on. Nothing here knows threads, processes or files: who drives the steps decides, a
command line in one go, a page one step a request, a browser one step a tick.

The contract of a job:

* `steps(None)` begins; `steps(state)` goes on after the step that carried *state*. In the end both return the same
  result.
* Work done after one yield and before the next may be done twice, when the process ends in between. So each piece is
  either durable in itself and repeatable (put-if-absent), or it is only in memory.
* The state is small (a counter, an id), and it is sealed or holds no text of hers: the store may be a plain file.
* A step takes at most about a second, so that stopping feels immediate.
* The generator may be closed at any yield. It then cleans up what is open, and does not undo what is durable.

The contract of the runner:

* A step's state is saved before the step is reported, and before the next piece of work begins.
* Stopping is looked at before the first piece of work and after every step, after its state was saved.
* When the job is done its state is cleared. When it is stopped or fails, the state stays.

    >>> class Count:
    ...     name = "count"
    ...     def steps(self, state):
    ...         for n in range(int(state or b"0"), 3):
    ...             yield Step(str(n + 1).encode(), Reached("verify.check", n + 1, 3))
    ...         return "done"
    >>> run_job(Count(), MemoryJobStore(), cancelled=lambda: False, on_progress=silent)
    'done'
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, NamedTuple, Protocol, TypeVar

from leeward.core.errors import Cancelled, OurMistake
from leeward.core.progress import Progress, Reached, silent

__all__ = ["Job", "JobStore", "MemoryJobStore", "RunningJob", "Step", "run_job"]

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Step(NamedTuple):
    """One piece of work is done.

    Attributes:
        state: from here a fresh generator goes on.
        reached: what to show.
    """

    state: bytes
    reached: Reached


class Job(Protocol[Result_co]):
    """Work that advances in steps. See the contract above."""

    @property
    def name(self) -> str:
        """A stable id of this piece of work in this vault, such as ``import`` and the id of the archive."""

    def steps(self, state: bytes | None) -> Generator[Step, None, Result_co]:
        """Begin, or go on after the step that carried *state*. The return value of the generator is the result."""


class JobStore(Protocol):
    """Where the state of unfinished jobs is kept. A save is durable when it returns; the newest one wins."""

    def load(self, name: str) -> bytes | None:
        """Return the last state saved for *name*, None when there is none."""

    def save(self, name: str, state: bytes) -> None:
        """Keep *state* for *name*, in place of an older one."""

    def clear(self, name: str) -> None:
        """Forget *name*. Nothing happens when it is not known."""


class MemoryJobStore:
    """Keeps states as long as the process lives: for work that begins again anyway, and for tests."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}

    def load(self, name: str) -> bytes | None:
        """Return the last state saved for *name*."""
        return self._states.get(name)

    def save(self, name: str, state: bytes) -> None:
        """Keep *state* for *name*."""
        self._states[name] = state

    def clear(self, name: str) -> None:
        """Forget *name*."""
        self._states.pop(name, None)


class RunningJob(Generic[Result]):
    """A job that somebody drives step by step.

    Args:
        job: the work.
        store: where its state is read at the start and kept after each step.
    """

    def __init__(self, job: Job[Result], store: JobStore) -> None:
        self._name = job.name
        self._store = store
        self._generator = job.steps(store.load(job.name))
        self._result: list[Result] = []  # a list, because None can be a result

    @property
    def finished(self) -> bool:
        """Say whether the result is there."""
        return bool(self._result)

    def step(self) -> Reached | None:
        """
        Do one piece of work. Returns what was reached; None when the job is finished, also when asked again.

        Raises:
            Whatever the job raises. Its last state stays, and it can be taken up again with a new `RunningJob`.
        """
        if self.finished:
            return None
        try:
            step = next(self._generator)
        except StopIteration as stop:
            self._store.clear(self._name)
            self._result.append(stop.value)
            return None
        self._store.save(self._name, step.state)
        return step.reached

    def result(self) -> Result:
        """
        Return what the job came to.

        Raises:
            OurMistake: it is not finished.
        """
        if not self.finished:
            raise OurMistake("A result was asked for before the work was done.")
        return self._result[0]

    def stop(self) -> None:
        """Close what the job has open. Its last state stays."""
        self._generator.close()


def run_job(
    job: Job[Result],
    store: JobStore,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Progress = silent,
) -> Result:
    """
    Run *job* to its end, from where it was left the last time.

    Args:
        job: the work.
        store: keeps its state.
        cancelled: asked before the first piece of work and after each step.
        on_progress: told after each step, when its state is safe.

    Raises:
        Cancelled: *cancelled* said yes. What was done so far is kept.
    """
    running = RunningJob(job, store)
    try:
        while True:
            if cancelled():
                raise Cancelled(
                    "This was stopped.", lost="What was done so far is kept.", next_step="You can go on at any time."
                )
            reached = running.step()
            if reached is None:
                return running.result()
            on_progress(reached)
    finally:
        running.stop()

"""Runs a reader where it can do no harm, and hands on what it says.

The reader works in a child process that holds two pipes and nothing else (confine.py): no file, no network, no keys.
This side owns the sealed original, answers the child's requests for bytes, and takes every word of the child for
hostile. A child that falls silent, spins, eats memory, crashes or speaks nonsense is killed, and that becomes one
`ReaderStopped` with a sentence for the person. In whichever way the iterator ends (to its end, closed early, by an
error of the caller), the child is gone when it returns.

Where the platform cannot start a process (a browser page) the same work runs in place, without confinement;
`confinement` says so.

What holds a child that does not come back::

    silence   seconds without a word while this side waits          → killed
    total     seconds this side has waited, summed                  → killed
    cpu       processor seconds                                      → killed by the system
    memory    address space                                          → its own error, or killed

A thread watches the first two and the wish to cancel, because reading from a pipe cannot be interrupted on every
platform. The caller's own time between two events counts for nothing.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from leeward.core.clock import Clock
from leeward.core.errors import Cancelled, ReaderStopped
from leeward.core.progress import Progress, Reached, silent
from leeward.core.units import Seconds
from leeward.ingest import wire
from leeward.ingest.base import Event, Hints, MediaRef, Source
from leeward.ingest.container import REFUSALS, PackageRefused
from leeward.ingest.zones import named_zone

__all__ = [
    "DEFAULT_LIMITS",
    "STOPS",
    "Limits",
    "can_start_processes",
    "child_command",
    "confinement",
    "fetch_media",
    "fetch_raws",
    "read_confined",
]

STOPS: Final = {
    "cpu": "Reading this file took longer than such a file can need, so it was stopped.",
    "slow": "Reading this file took longer than such a file can need, so it was stopped.",
    "silent": "The reader of this file stopped answering, so it was stopped.",
    "memory": "Reading this file took more memory than is allowed, so it was stopped.",
    "crashed": "The reader of this file failed.",
    "garbled": "The reader of this file answered with something that makes no sense, so it was stopped.",
    "unreadable": "A part of this file is not where it should be, so it could not be read.",
    "no_child": "The reader of this file could not be started.",
}
"""Every reason for which a reader is stopped, beside those of container.py: code to the sentence for the person."""

_WATCH_EVERY: Final = 0.05
"""Seconds between two looks of the watching thread: a wish to cancel is met at once, and it costs next to nothing."""

_BYTES_PER_SECOND: Final = 500_000
"""The slowest reading that is still believed, well below a tenth of what the slowest computer measured did."""

_PIPE_BYTES: Final = 2**20
"""Room in the child's pipe, where the system lets us choose: fewer turns between the two processes."""


class Limits(msgspec.Struct, frozen=True):
    """What one child may use.

    Attributes:
        memory_bytes: address space. Readers hold below 64 MiB; the interpreter and its libraries map the rest.
        cpu_seconds: processor time; None: two minutes and what the size of the file asks for.
        silence_seconds: longest wait for one word.
        total_seconds: longest wait for all words; None: five minutes and twice what the size asks for.
    """

    memory_bytes: int = 512 * 2**20
    cpu_seconds: int | None = None
    silence_seconds: Seconds = Seconds(60.0)
    total_seconds: Seconds | None = None

    def cpu_for(self, size: int) -> int:
        """Return the processor seconds for a file of *size* bytes."""
        return self.cpu_seconds if self.cpu_seconds is not None else 120 + size // _BYTES_PER_SECOND

    def total_for(self, size: int) -> Seconds:
        """Return the waiting time for a file of *size* bytes."""
        return self.total_seconds if self.total_seconds is not None else Seconds(300.0 + 2 * size / _BYTES_PER_SECOND)


DEFAULT_LIMITS: Final = Limits()
"""For files of any size: time grows with the size, memory does not."""

_NO_HINTS: Final = Hints()


def _never() -> bool:
    return False


def read_confined(
    source: Source,
    hints: Hints,
    limits: Limits = DEFAULT_LIMITS,
    *,
    clock: Clock,
    on_progress: Progress = silent,
    cancelled: Callable[[], bool] = _never,
) -> Iterator[Event]:
    """
    Read *source* with the reader that claims it, in a confined child, and yield its events.

    A file that nobody claims yields `Recognised` (reader "kept as it is") and an `Outcome` with flag ``kept_as_is``.

    Args:
        source: the sealed original; read from this thread only.
        hints: what the person said.
        limits: what the child may use.
        clock: measures waiting.
        on_progress: told bytes asked for, of the size of the file (label ``import.read``).
        cancelled: asked from another thread about 20 times a second; must be quick.

    Raises:
        ReaderStopped: the child broke a limit or failed; a `PackageRefused` when the container itself cannot be read.
            What was yielded before it is incomplete and must not be kept.
        Cancelled: *cancelled* returned True.
        UsageError: *hints* name a zone that nobody knows. Nothing was read.
    """
    if hints.zone is not None:
        named_zone(hints.zone)
    talk = _Talk(source, limits, clock, cancelled, on_progress)
    for message in talk.about("read", hints=hints):
        if isinstance(message, wire.Rows):
            yield message.records
        elif isinstance(message, wire.Refusal):
            yield message.refused
        elif isinstance(message, wire.Found):
            yield message.recognised
        elif isinstance(message, wire.Over):
            yield message.outcome


def fetch_raws(
    source: Source,
    wanted: Sequence[wire.Place],
    reader: str,
    limits: Limits = DEFAULT_LIMITS,
    *,
    clock: Clock,
    cancelled: Callable[[], bool] = _never,
) -> Iterator[bytes]:
    """
    Yield `Record.raw` of each wanted place again, made from the original.

    Args:
        source: the sealed original.
        wanted: member, offset, length, sorted; then each member is passed through once.
        reader: name of the reader that made the reading: it knows the diverted form.
        limits: what the child may use.
        clock: measures waiting.
        cancelled: as for `read_confined`.

    Returns:
        As many values as *wanted* has, in its order.

    Raises:
        ReaderStopped: a place is not in this original, or the child failed.
        Cancelled: *cancelled* returned True.
    """
    if not wanted:
        return
    talk = _Talk(source, limits, clock, cancelled, silent)
    count = 0
    for message in talk.about("raws", reader=reader, wanted=wanted):
        if isinstance(message, wire.Pieces):
            count += len(message.parts)
            if count > len(wanted):
                raise _stopped("garbled")
            yield from message.parts
    if count != len(wanted):
        raise _stopped("garbled")


def fetch_media(
    source: Source,
    ref: MediaRef,
    limits: Limits = DEFAULT_LIMITS,
    *,
    clock: Clock,
    cancelled: Callable[[], bool] = _never,
) -> Iterator[bytes]:
    """
    Yield the bytes that *ref* refers to, in pieces of at most 1 MiB.

    The caller compares their SHA-256 with ``ref.sha256`` before it believes them.

    Raises:
        ReaderStopped: the file is not in this archive, or the child failed.
        Cancelled: *cancelled* returned True.
    """
    for message in _Talk(source, limits, clock, cancelled, silent).about("media", media=ref):
        if isinstance(message, wire.Pieces):
            yield from message.parts


def confinement(limits: Limits = DEFAULT_LIMITS, *, clock: Clock) -> list[str]:
    """
    Return the names (`leeward.ingest.confine.NAMES`) of what holds a reader on this device, found by starting one.

    An empty list means that readers run in place, or that the platform knows none of it.
    """
    talk = _Talk(_Nothing(), limits, clock, _never, silent)
    for _ in talk.about("nothing"):
        pass
    return talk.in_force


def child_command() -> list[str]:
    """Return the command that starts the confined child: this interpreter, cut off from its environment."""
    return [sys.executable, "-I", "-B", "-X", "utf8", "-m", "leeward.ingest.child"]


def can_start_processes() -> bool:
    """Tell whether this platform has processes at all; a browser page has none."""
    return sys.platform not in ("emscripten", "wasi")


class _Nothing:
    """An original of no bytes, for a child that is only asked what holds it."""

    name = ""
    size = 0

    def read_at(self, offset: int, length: int) -> bytes:  # noqa: ARG002  # the contract names them
        return b""


class _Talk:
    """One conversation with one child.

    Attributes:
        in_force: what the child says holds it, once it has spoken.
        command: what is started; only the tests of the confinement put another child here.
    """

    def __init__(
        self,
        source: Source,
        limits: Limits,
        clock: Clock,
        cancelled: Callable[[], bool],
        on_progress: Progress,
        command: Sequence[str] | None = None,
    ) -> None:
        self.in_force: list[str] = []
        self._source = source
        self._limits = limits
        self._clock = clock
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._command = command
        self._reached = 0
        self._decode: Callable[[bytes], wire.Message] = msgspec.msgpack.Decoder(wire.Message).decode
        self._pages: Iterator[wire.Place] = iter(())

    def about(
        self,
        task: str,
        *,
        hints: Hints = _NO_HINTS,
        reader: str = "",
        media: MediaRef | None = None,
        wanted: Sequence[wire.Place] = (),
    ) -> Iterator[wire.Message]:
        """Give the child *task* and yield what it says, without requests; the child is gone when this returns."""
        source, limits = self._source, self._limits
        self._pages = iter(wanted)
        cpu = limits.cpu_for(source.size)
        job = wire.Job(task, source.name, source.size, limits.memory_bytes, cpu, hints, reader, media)
        if self._command is None and not can_start_processes():
            yield from self._in_place(job)
            return
        child = _Child(self._command or child_command(), limits, self._clock, self._cancelled, source.size)
        try:
            child.send(msgspec.msgpack.encode(job))
            while True:
                message = self._next(child)
                if isinstance(message, wire.Need):
                    child.send(self._bytes_for(message))
                elif isinstance(message, wire.More):
                    child.send(msgspec.msgpack.encode(list(islice(self._pages, wire.PAGE))))
                elif isinstance(message, wire.Outset):
                    self.in_force = message.in_force
                elif isinstance(message, wire.Done):
                    return
                elif isinstance(message, wire.Stopped):
                    raise _stopped(message.code)
                else:
                    yield message
        finally:
            child.end()

    def _next(self, child: _Child) -> wire.Message:
        try:
            return self._decode(child.receive())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, wire.GarbledFrame) as error:
            raise child.why_it_ended("garbled") from error

    def _bytes_for(self, need: wire.Need) -> bytes:
        if need.offset < 0 or not 0 < need.length <= wire.MAX_ANSWER:
            raise _stopped("garbled")
        data = self._source.read_at(need.offset, need.length) if need.offset < self._source.size else b""
        self._reached = max(self._reached, need.offset + len(data))
        self._on_progress(Reached("import.read", self._reached, self._source.size))
        return data[: need.length]

    def _in_place(self, job: wire.Job) -> Iterator[wire.Message]:
        from leeward.ingest import child  # noqa: PLC0415  # the readers are loaded in this process only if it must read

        def places() -> list[wire.Place]:
            return list(islice(self._pages, wire.PAGE))

        try:
            for message in child.produce(job, self._source, places):
                if self._cancelled():
                    raise _cancelled()
                yield message
        except MemoryError as error:
            raise _stopped("memory") from error


class _Child:
    """The process, its pipes, and the thread that watches it."""

    def __init__(
        self, command: Sequence[str], limits: Limits, clock: Clock, cancelled: Callable[[], bool], size: int
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._cancelled = cancelled
        self._total = limits.total_for(size)
        self._waited = 0.0
        self._waiting_since: float | None = None
        self._reason = ""
        self._over = threading.Event()
        self._killed = False
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no word from outside
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                close_fds=True,
                env=_environment(),
                cwd="/" if sys.platform != "win32" else None,
                start_new_session=True,
            )
        except OSError as error:
            raise _stopped("no_child") from error
        assert self._process.stdin is not None  # noqa: S101  # PIPE was asked for
        assert self._process.stdout is not None  # noqa: S101  # PIPE was asked for
        self._down = self._process.stdin
        self._up = self._process.stdout
        for pipe in (self._up, self._down):
            _widen(pipe.fileno())
        self._watch = threading.Thread(target=self._look_after, name="reader-watch", daemon=True)
        self._watch.start()

    def send(self, payload: bytes) -> None:
        """Send one frame down. A child that does not take it is noticed by the watching thread."""
        self._wait()
        try:
            for part in (len(payload).to_bytes(4, "big"), payload):
                waiting = memoryview(part)
                while waiting:
                    waiting = waiting[self._down.write(waiting) or 0 :]
        except OSError as error:
            raise self.why_it_ended("crashed") from error
        finally:
            self._stop_waiting()

    def receive(self) -> bytes:
        """Return the next frame from the child."""
        self._wait()
        try:
            frame = wire.read_frame(self._up.read)
        except OSError as error:
            raise self.why_it_ended("crashed") from error
        finally:
            self._stop_waiting()
        if frame is None or self._reason:
            raise self.why_it_ended("crashed")
        return frame

    def why_it_ended(self, otherwise: str) -> ReaderStopped | Cancelled:
        """Kill the child and return the error for the person: ours, the system's, or *otherwise*."""
        try:
            self._process.wait(timeout=0.5)  # a child that ended by itself keeps its own status
        except subprocess.TimeoutExpired:
            pass
        self.end()
        if self._reason == "cancelled":
            return _cancelled()
        if self._reason:
            return _stopped(self._reason)
        status = self._process.returncode
        if status in (-24, -9) and not self._killed:  # SIGXCPU, then SIGKILL: the system ends it at the limit
            return _stopped("cpu")
        return _stopped(otherwise)

    def end(self) -> None:
        """Kill the child if it lives, and wait until it is gone. May be called again."""
        if self._over.is_set():
            return
        self._over.set()
        for pipe in (self._down, self._up):
            try:
                pipe.close()
            except OSError:
                pass  # a pipe whose other end is gone
        if self._process.poll() is None:
            self._killed = True
            self._process.kill()
            self._process.wait()
        self._watch.join()

    def _look_after(self) -> None:
        while not self._over.wait(_WATCH_EVERY):
            since = self._waiting_since
            now = self._clock.steady()
            if self._cancelled():
                self._reason = "cancelled"
            elif since is not None and now - since > self._limits.silence_seconds:
                self._reason = "silent"
            elif since is not None and self._waited + now - since > self._total:
                self._reason = "slow"
            if self._reason:
                self._process.kill()
                return

    def _wait(self) -> None:
        self._waiting_since = self._clock.steady()

    def _stop_waiting(self) -> None:
        since, self._waiting_since = self._waiting_since, None
        if since is not None:
            self._waited += self._clock.steady() - since


def _environment() -> dict[str, str]:
    """Return what the interpreter cannot start without: nothing, but for one name on Windows."""
    if sys.platform == "win32":
        return {"SYSTEMROOT": r"C:\Windows"}
    return {}


def _widen(descriptor: int) -> None:
    """Give a pipe more room where the system can; a smaller one works as well, only slower."""
    try:
        import fcntl  # noqa: PLC0415  # does not exist on Windows

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass


def _stopped(code: str) -> ReaderStopped:
    """Return the error for *code*; an unknown code from the child is a crash."""
    if code in REFUSALS:
        return PackageRefused(code)
    return ReaderStopped(
        STOPS.get(code, STOPS["crashed"]),
        lost="The original is safe in your vault, unchanged.",
        next_step="You can try another export of the same conversation, or keep the file as it is.",
    )


def _cancelled() -> Cancelled:
    return Cancelled("You stopped the reading of this file.", lost="The original is safe in your vault.")

"""The confined side: reads a file it can only ask for, and says what it found.

Started by run.py as ``python -I -m leeward.ingest.child`` with two pipes and nothing else. The order is the point::

    imports → the job arrives → everything that loads lazily is loaded → confine() → the first byte is asked for

It refuses to open, store or know anything. A reader that fails says a code, never a text of its own: texts could carry
words of the file into a message or a log.

`produce` is the work without the pipes. Where no process can be started it runs in place (run.py).
"""

from __future__ import annotations

import gc
import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, Protocol, cast, runtime_checkable

import msgspec

from leeward.core.errors import ReaderStopped, UsageError
from leeward.ingest import wire
from leeward.ingest.base import Hints, MediaRef, Outcome, Package, Reader, Recognised, Refused, Source
from leeward.ingest.confine import confine
from leeward.ingest.container import PackageRefused, open_package
from leeward.ingest.detect import READERS, detect, keep_as_it_is, prepare
from leeward.ingest.media.base64_text import Base64Text

__all__ = ["Diverts", "main", "produce", "serve"]

PIECE: Final = wire.MAX_ANSWER
"""Bytes of a file handed up at once."""

MAX_RAW: Final = 16 * 2**20
"""Bytes of one row in raw form; readers refuse longer rows long before this."""

_GROUP: Final = 256 * 1024
"""Bytes of raws that go up in one frame."""

_FEWER_COLLECTIONS: Final = 20_000
"""Objects between two looks for cycles: records come in lists of 2,048 and hold none, so looking often is waste."""

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the parent: short enough for locking, too rare to be noticed in the speed."""

_HEAD: Final = 4096
"""Bytes of a member shown to a diverting reader, so that it can tell the encoding again."""

Confiner = Callable[[int, int], list[str]]
Places = Callable[[], Sequence[wire.Place]]


@runtime_checkable
class Diverts(Protocol):
    """A reader whose raws are in diverted form (docs/formats/archive.md §4) can make them again."""

    def diverted(self, head: bytes, row: BinaryIO) -> bytes:
        """Return the raw form of *row*, given the first bytes of its member."""


def main() -> None:
    """Serve one job with the real readers, confined. There is no option to leave the confinement out."""
    serve(READERS, confine)


def serve(readers: Sequence[Reader], confiner: Confiner, down: int = 0, up: int = 1) -> None:
    """
    Take one job from the pipe *down* and answer it on the pipe *up*.

    Args:
        readers: who may claim the file.
        confiner: takes memory and processor time, confines this process, says what is in force.
        down: descriptor to read from.
        up: descriptor to write to.
    """
    gc.set_threshold(_FEWER_COLLECTIONS)
    pipes = _Pipes(down, up)
    job = pipes.job()
    _warm_up(job.hints)
    _leave_with_the_parent()
    pipes.say(wire.Outset(confiner(job.memory_bytes, job.cpu_seconds)))
    try:
        for message in produce(job, _AskedSource(job, pipes), pipes.places, readers):
            pipes.say(message)
        last: wire.Message = wire.Done()
    except PackageRefused as refused:
        last = wire.Stopped(refused.code)
    except ReaderStopped:
        last = wire.Stopped("unreadable")
    except MemoryError:
        last = wire.Stopped("memory")
    except _ParentGone:
        return
    except Exception:  # noqa: BLE001  # whatever a reader throws, the parent learns that it failed and nothing more
        last = wire.Stopped("crashed")
    try:
        pipes.say(last)
    except _ParentGone:
        return


def produce(
    job: wire.Job, source: Source, places: Places, readers: Sequence[Reader] = READERS
) -> Iterator[wire.Message]:
    """
    Do *job* over *source* and yield what it says, without the first and the last word.

    Args:
        job: what to do.
        source: the sealed original.
        places: returns the next wanted places, an empty list at the end. Sorted by member and offset.
        readers: who may claim the file.

    Raises:
        PackageRefused: the container cannot be read.
        ReaderStopped: a place or a picture is not where it should be.
    """
    if job.task == "read":
        yield from _read(open_package(source), job, readers)
    elif job.task == "raws":
        reader = next((reader for reader in readers if reader.name == job.reader), None)
        yield from _raws(open_package(source), places, reader)
    elif job.task == "media" and job.media is not None:
        yield from _media(open_package(source), job.media)


def _read(package: Package, job: wire.Job, readers: Sequence[Reader]) -> Iterator[wire.Message]:
    found = detect(package, readers)
    for event in keep_as_it_is() if found is None else found[0].read(package, job.hints):
        if isinstance(event, list):
            yield wire.Rows(event)
        elif isinstance(event, Refused):
            yield wire.Refusal(event)
        elif isinstance(event, Recognised):
            yield wire.Found(event)
        elif isinstance(event, Outcome):
            yield wire.Over(event)


def _raws(package: Package, places: Places, reader: Reader | None) -> Iterator[wire.Message]:
    """Yield the raws in the order asked for; each member is passed through once, as long as places are sorted."""
    group: list[bytes] = []
    weight = 0
    passing: _Passing | None = None
    while page := places():
        for member, offset, length in page:
            if passing is None or passing.member != member or passing.at > offset:
                passing = _Passing(package, member)
            row = passing.part(offset, length)
            if isinstance(reader, Diverts):
                raw = reader.diverted(passing.head, cast(BinaryIO, row))
            elif length > MAX_RAW:
                raise ReaderStopped("a row is longer than a row can be")
            else:
                raw = row.read(length)
            row.skip()
            group.append(raw)
            weight += len(raw)
            if weight > _GROUP:
                yield wire.Pieces(group)
                group, weight = [], 0
    if group:
        yield wire.Pieces(group)


def _media(package: Package, ref: MediaRef) -> Iterator[wire.Message]:
    if ref.member not in package.members():
        raise ReaderStopped("no such member")
    if ref.place == "member":
        stream = package.open(ref.member)
        while piece := stream.read(PIECE):
            yield wire.Pieces([piece])
    elif ref.place == "base64":
        row = _Passing(package, ref.member).part(ref.offset, ref.length)
        text = Base64Text()
        while piece := row.read(PIECE):
            if decoded := text.feed(piece):
                yield wire.Pieces([decoded])
        if decoded := text.finish():
            yield wire.Pieces([decoded])
        if text.broken:
            raise ReaderStopped("not base64")
    else:
        raise ReaderStopped("the file is not in this archive")


class _Passing:
    """One pass through one member, forwards."""

    def __init__(self, package: Package, member: str) -> None:
        if member not in package.members():
            raise ReaderStopped("no such member")
        self.member = member
        self.at = 0
        with package.open(member) as stream:
            self.head = stream.read(_HEAD)
        self._stream = package.open(member)
        self._jumps = self._stream.seekable()

    def part(self, offset: int, length: int) -> _Part:
        """Return *length* bytes from *offset* as a stream; the one before it is over."""
        if offset < self.at or length < 0:
            raise ReaderStopped("places run backwards")
        if self._jumps:
            self._stream.seek(offset)
            self.at = offset
        while self.at < offset:
            if not self.take(min(PIECE, offset - self.at)):
                raise ReaderStopped("a place beyond the end")
        return _Part(self, length)

    def take(self, length: int) -> bytes:
        """Return at most *length* bytes from here."""
        data = self._stream.read(length)
        self.at += len(data)
        return data


class _Part:
    """A stretch of a member as a stream that ends where the stretch ends."""

    def __init__(self, passing: _Passing, length: int) -> None:
        self._passing = passing
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """Return at most *size* bytes, all that is left when it is negative."""
        data = self._passing.take(self._left if size < 0 else min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Go to the end of the stretch."""
        while self.read(PIECE):
            pass


class _ParentGone(Exception):
    """The other end of a pipe is closed: nobody is left to tell."""


class _Pipes:
    """Frames over two descriptors. Nothing is buffered above the frame, so nothing is left behind."""

    def __init__(self, down: int, up: int) -> None:
        self._down = down
        self._up = up
        self._encode = msgspec.msgpack.Encoder().encode
        self._places = msgspec.msgpack.Decoder(list[wire.Place])

    def job(self) -> wire.Job:
        """Return the first frame."""
        return msgspec.msgpack.decode(self.answer(), type=wire.Job)

    def say(self, message: wire.Message) -> None:
        """Send one message up, whole."""
        payload = self._encode(message)
        waiting = memoryview(len(payload).to_bytes(4, "big") + payload)
        try:
            while waiting:
                waiting = waiting[os.write(self._up, waiting) :]
        except OSError as error:
            raise _ParentGone from error

    def answer(self) -> bytes:
        """Return the next frame from above."""
        try:
            frame = wire.read_frame(lambda size: os.read(self._down, size))
        except (OSError, wire.GarbledFrame) as error:
            raise _ParentGone from error
        if frame is None:
            raise _ParentGone
        return frame

    def places(self) -> Sequence[wire.Place]:
        """Ask for the next wanted places."""
        self.say(wire.More())
        return self._places.decode(self.answer())


class _AskedSource:
    """The original, as far as the parent hands it down."""

    def __init__(self, job: wire.Job, pipes: _Pipes) -> None:
        self.name = job.name
        self.size = job.size
        self._pipes = pipes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset*, asked for in answers of at most `wire.MAX_ANSWER`."""
        length = max(0, min(length, self.size - offset))
        parts = []
        while length > 0:
            self._pipes.say(wire.Need(offset, min(length, wire.MAX_ANSWER)))
            part = self._pipes.answer()
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _leave_with_the_parent() -> None:
    """
    End this process within a second of its parent's end, also while a reader spins and asks for nothing.

    Locking kills the parent; what a reader still holds of her messages must not outlive it. A closed pipe ends a child
    that speaks, this ends one that does not, and the processor limit one that is stuck inside a library.
    """
    if not hasattr(signal, "setitimer"):
        return  # Windows: the pipes and the parent's own care remain
    parent = os.getppid()

    def look(number: int, frame: object) -> None:  # noqa: ARG001  # the shape of a signal handler
        if os.getppid() != parent:
            os._exit(0)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY, _LOOK_EVERY)


def _warm_up(hints: Hints) -> None:
    """Do once what loads files or libraries at its first use: afterwards nothing can be opened."""
    hashlib.sha256(b"").hexdigest()
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "ascii", "cp437"):
        "".encode(encoding)
    msgspec.msgpack.decode(msgspec.msgpack.encode(wire.Done()), type=wire.Message)
    try:
        prepare(hints)
    except UsageError:
        pass  # the parent has looked at the hints as well and spoken to the person (run.py)


if __name__ == "__main__":
    main()

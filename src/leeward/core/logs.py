"""A log that cannot hold her words.

A log line is for whoever looks after the program: that something happened, how often, how long it took, which of our
errors ended it. It refuses everything else. It is not a filter for bad words; it is a list of what may pass:

::

    event    one of EVENTS
    field    a keyword from FIELDS, with
               a number below 2**53, True, False or None      → as it is
               a str from the closed vocabulary               → as it is
               any other str or bytes                         → its length: "<str 34>"
               an exception                                   → class, error id, and our own lines it came through
               a class                                        → its name, when it is ours or Python's
               anything else                                  → its class: "<list>"

The vocabulary is VOCABULARY (events, labels of progress, ids and class names of our errors, names of libraries) and the
words given to `Log`.
No message of an exception passes, no traceback text, no file name, no repr: they quote what they fell over.

`take_over` puts the same gate in front of everything else that writes by itself: libraries that use ``logging``,
warnings, and exceptions that end in a destructor or in a thread.

    >>> from leeward.core.clock import FixedClock
    >>> from leeward.core.units import Milliseconds
    >>> lines = []
    >>> log = Log(lines.append, FixedClock(Milliseconds(5)))
    >>> log.write("import.done", count=3, name="the blue door")
    >>> lines
    ['{"at":5,"event":"import.done","count":3,"<field>":"<str 13>"}']
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final

from leeward.core import errors
from leeward.core.clock import Clock
from leeward.core.progress import LABELS

__all__ = ["EVENTS", "FIELDS", "VOCABULARY", "Log", "nowhere", "take_over"]

EVENTS: Final = frozenset(
    {
        "command.done",
        "command.started",
        "error",
        "import.done",
        "import.started",
        "job.done",
        "job.resumed",
        "job.started",
        "job.stopped",
        "library",
        "mistake",
        "reader.stopped",
        "vault.locked",
        "vault.made",
        "vault.unlocked",
    }
)
"""Everything that can be said to have happened. A new event is a new line here."""

FIELDS: Final = frozenset(
    {
        "bytes",
        "count",
        "done",
        "error",
        "exit_status",
        "label",
        "level",
        "library",
        "reader",
        "refused",
        "seconds",
        "total",
        "version",
    }
)
"""Every keyword a line may carry. A keyword comes from code, but code can be wrong: others become "<field>"."""

_LIBRARIES: Final = frozenset({"asyncio", "babel", "click", "concurrent", "diceware", "py", "rich", "root", "typst"})
VOCABULARY: Final = (
    EVENTS | LABELS | _LIBRARIES | {word for name in errors.__all__ for word in (name, vars(errors)[name].id)}
)
"""Every text that may stand as a value. The errors are those of ``core.errors``: a class made later adds nothing."""

_OURS: Final = ("leeward", "leeward_proof")
_WIDEST_NUMBER = 2**53  # JSON's exact range; a wider one could be text in disguise
_FRAMES = 20  # of our own lines; more says no more


def nowhere(line: str) -> None:
    """Take a line and keep nothing. What a command line uses unless it was asked for a log."""


class Log:
    """
    Writes lines of JSON to a sink.

    Args:
        sink: gets one line at a time, without newline. If it fails, the line is gone and the program goes on.
        clock: gives ``at``, milliseconds since 1970 UTC.
        words: more of the closed vocabulary, such as the names of the readers. Never anything read from a file.
    """

    def __init__(self, sink: Callable[[str], object], clock: Clock, words: Iterable[str] = ()) -> None:
        self._sink = sink
        self._clock = clock
        self._words = VOCABULARY.union(words)

    def write(self, event: str, **fields: object) -> None:
        """Write that *event* happened. Nothing that is not allowed passes, and nothing is ever raised."""
        line: dict[str, object] = {
            "at": self._clock.now_ms(),
            "event": event if event in EVENTS else "<event>",
        }
        for name, value in fields.items():
            line[name if name in FIELDS else "<field>"] = self._allowed(value)
        try:
            self._sink(json.dumps(line, separators=(",", ":"), allow_nan=False))
        except Exception:  # noqa: BLE001, S110  # a full disk or a closed pipe must not stop her work, nor print a word
            pass

    def _allowed(self, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if abs(value) < _WIDEST_NUMBER else "<int>"
        if isinstance(value, float):
            return float(value) if abs(value) < _WIDEST_NUMBER else "<float>"  # nan and infinity fail the comparison
        if type(value) is str and value in self._words:
            return value
        if isinstance(value, str):
            return f"<str {len(value)}>"
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<bytes {len(value)}>"
        if isinstance(value, BaseException):
            return self._exception(value)
        if isinstance(value, type):
            return _class_name(value)
        return f"<{_class_name(type(value))}>"

    def _exception(self, error: BaseException) -> dict[str, object]:
        chain: list[BaseException] = []
        following: BaseException | None = error
        while following is not None and following not in chain and len(chain) < _FRAMES:
            chain.append(following)
            following = following.__cause__ or following.__context__
        said: dict[str, object] = {"class": [_class_name(type(each)) for each in chain]}
        if isinstance(error, errors.LeewardError):
            said["id"] = self._allowed(error.id)
        said["through"] = _our_lines(error.__traceback__)
        return said


def _class_name(value: type) -> str:
    """Name a class of ours or of Python's; a class made while the program runs could carry any name."""
    home = sys.modules.get(value.__module__)
    top = value.__module__.partition(".")[0]
    known = top in _OURS or top in sys.stdlib_module_names
    return value.__name__ if known and getattr(home, value.__name__, None) is value else "other"


def _our_lines(traceback: TracebackType | None) -> list[str]:
    """Name the lines of our own source that *traceback* went through: modules and numbers, no text of any line."""
    lines: list[str] = []
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if isinstance(module, str) and module in sys.modules and module.partition(".")[0] in _OURS:
            lines.append(f"{module}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return lines[-_FRAMES:]


class _Gate(logging.Handler):
    """Lets through which library spoke and how loudly; never what it said."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line about *record*. Its message is not even put together."""
        fields: dict[str, object] = {"library": record.name.partition(".")[0], "level": record.levelno}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = record.exc_info[1]
        self._log.write("library", **fields)


def take_over(log: Log) -> Callable[[], None]:
    """
    Send to *log* what would otherwise be printed as it is. Returns a function that puts everything back.

    Covers the ``logging`` module, warnings, and exceptions that nobody can catch: at the top level, in a destructor,
    in a thread. A library that writes to standard error by itself is not covered.
    """
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.lastResort, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)

    def uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
        log.write("mistake", error=error if error is not None else kind)

    root.handlers[:] = [_Gate(log)]
    logging.lastResort = None
    logging.raiseExceptions = False  # a handler that fails would print the record, message and all
    logging.captureWarnings(True)
    sys.excepthook = uncaught
    sys.unraisablehook = lambda args: uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    threading.excepthook = lambda args: uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def put_back() -> None:
        root.handlers[:], level, logging.lastResort, logging.raiseExceptions = before
        root.setLevel(level)
        logging.captureWarnings(False)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks

    return put_back

"""How the command line speaks.

The rules of its voice:

* Standard output is the result and nothing else. Standard error is everything said on the way.
* A sentence says what happened, whether anything was lost, and what she can do next. Calm, plain, second person: no
  blame, no alarm, no exclamation mark, no praise.
* Nothing is in the way: no banner, no colour that means something, no sound, no question without a reason.
* A moving bar appears only on a terminal, on standard error, and is gone at the end. A bar shows what is being done,
  never a name or a file.
* Her words, and the words of others, are printed as they are, except what could move the cursor, change the terminal
  or turn the line around: those characters are shown as �. A message from someone else must not command her terminal.
* No traceback, ever. What we did not foresee is our mistake: one sentence, an error id, exit 70.

With ``--json`` the result is JSON: keys in the order the manual gives, UTF-8, one item a line in lists; an error is one
JSON object on standard error. The exit statuses are those of ``core/errors.py`` (docs/errors.md).

    >>> import io
    >>> from leeward.core.errors import WrongPassphrase
    >>> voice = Voice(io.StringIO(), io.StringIO())
    >>> voice.fail(WrongPassphrase("This passphrase does not open the vault."))
    77
    >>> voice.err.getvalue()
    'This passphrase does not open the vault. Nothing was lost.\\n'
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from leeward.core.clock import SystemClock
from leeward.core.errors import Cancelled, CannotWrite, LeewardError, OurMistake
from leeward.core.progress import Progress, Reached, silent, throttled

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["DOING", "NobodyReads", "Voice", "printable"]

DOING: Final = {
    "backup.write": "Writing the backup",
    "bundle.check": "Checking the bundle",
    "bundle.write": "Writing the bundle",
    "export.write": "Taking everything out",
    "import.commit": "Making it count as evidence",
    "import.index": "Making it searchable",
    "import.read": "Reading",
    "import.seal": "Sealing the original",
    "restore.write": "Writing the vault",
    "unlock.derive": "Trying the passphrase",
    "unlock.load": "Opening",
    "verify.check": "Checking the vault",
}
"""What a bar says for each label of progress."""

_COMMANDS_TO_A_TERMINAL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, delete, C1
    r"\u202a-\u202e\u2066-\u2069"  # direction embeddings, overrides and isolates: they reorder what is read
    r"\ud800-\udfff]"  # half characters, from file names that are no UTF-8: they cannot be printed
)
_LINES_OF_A_FIELD = re.compile(r"[\n\t]+")

_NOBODY_READS: Final = 0
"""Exit status when the reader of our output went away, as ``| head`` does: not an error of hers or ours."""


class NobodyReads(Exception):
    """The reader of our output went away in the middle of it. Ends the command; `Voice.around` makes it status 0."""


def printable(text: str, *, one_line: bool = False) -> str:
    """
    Return *text* with every character that could command a terminal shown as �.

    Args:
        text: anything, also from a file someone else made.
        one_line: newlines and tabs become a space too, for lists in which each line is an item.
    """
    shown = _COMMANDS_TO_A_TERMINAL.sub("\ufffd", text.replace("\r\n", "\n"))
    return _LINES_OF_A_FIELD.sub(" ", shown) if one_line else shown


class Voice:
    """
    Speaks on two streams.

    Args:
        out: gets the result.
        err: gets everything else.
        json: the result is JSON.
        plain: no moving bar, also on a terminal.
        debug: what we did not foresee is raised on, traceback and all. For developers, on made-up data.
    """

    def __init__(
        self, out: TextIO, err: TextIO, *, json: bool = False, plain: bool = False, debug: bool = False
    ) -> None:
        self.out = out
        self.err = err
        self.json = json
        self.plain = plain
        self.debug = debug

    @classmethod
    def of_this_process(cls, *, json: bool = False, plain: bool = False, debug: bool = False) -> Voice:
        """Return the voice of this process. Its streams become UTF-8, whatever the device is set to."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        return cls(sys.stdout, sys.stderr, json=json, plain=plain, debug=debug)

    def say(self, text: str) -> None:
        """Say something on the way: what is being done, a warning, a hint."""
        self.err.write(printable(text) + "\n")
        self.err.flush()

    def result(self, text: str) -> None:
        """Print a line of the result for a person to read."""
        self.out.write(printable(text) + "\n")

    def result_json(self, value: object) -> None:
        """Print the result as one JSON value: msgspec structs and what JSON knows, keys in the order they have."""
        self.out.write(_json(value) + "\n")

    def result_list(self, values: Iterable[object]) -> None:
        """Print the result as a JSON array, one item a line, each written as soon as it is there."""
        opened = False
        for value in values:
            self.out.write(",\n" if opened else "[\n")
            self.out.write(_json(value))
            opened = True
        self.out.write("\n]\n" if opened else "[]\n")

    def fail(self, error: LeewardError) -> int:
        """Say what *error* says, and return its exit status. Our own mistakes show their id, to be quoted to us."""
        sentence = error.sentence()
        if self.json:
            said = {"id": error.id, "exit": error.exit_status, "message": sentence}
            self.err.write(_json({"error": said}) + "\n")
        else:
            ours = isinstance(error, OurMistake)
            self.say(f"{sentence} (error {error.id})" if ours else sentence)
        self.err.flush()
        return error.exit_status

    def around(self, act: Callable[[], int | None]) -> int:
        """
        Do *act* and return the exit status: its own, or that of the error it ended with. Nothing is raised.

        Only with ``debug`` what we did not foresee is raised on.
        """
        try:
            status = act() or 0
            self.out.flush()
        except LeewardError as error:
            return self.fail(error)
        except KeyboardInterrupt:
            return self.fail(Cancelled("You stopped this."))
        except (BrokenPipeError, NobodyReads):
            self._stop_writing()
            return _NOBODY_READS
        except OSError as error:
            if self.debug:
                raise
            return self.fail(_system_said_no(error))
        except MemoryError:
            return self.fail(
                OurMistake(
                    "This needed more memory than the device could give.", next_step="Please close other programs."
                )
            )
        except Exception as error:
            if self.debug:
                raise
            return self.fail(_our_mistake(error))
        return status

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Give what long work reports to: a bar on a terminal, nothing elsewhere."""
        if self.plain or self.json or not self.err.isatty():
            yield silent
            return
        from rich.console import Console  # noqa: PLC0415  # 50 ms that `leeward --help` need not pay
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415  # as above
        from rich.progress import Progress as RichProgress  # noqa: PLC0415  # as above

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=Console(file=self.err), transient=True) as bar:
            yield throttled(_on(bar), SystemClock())

    def _stop_writing(self) -> None:
        """Close what nobody reads, so that the flush at the end of the process does not complain."""
        try:
            self.out.close()
        except OSError:
            pass  # the rest of the buffer has nowhere to go either


def _on(bar: Bar) -> Progress:
    tasks: dict[str, TaskID] = {}

    def show(reached: Reached) -> None:
        if reached.label not in tasks:
            for finished in tasks.values():
                bar.update(finished, visible=False)
            tasks[reached.label] = bar.add_task(DOING.get(reached.label, "Working"), total=reached.total)
        bar.update(tasks[reached.label], completed=reached.done, total=reached.total)

    return show


def _our_mistake(error: Exception) -> OurMistake:
    """Our sentence for *error*, of which only the class is named: its text may quote what it fell over."""
    return OurMistake(
        f"Something in Leeward went wrong that we did not foresee ({type(error).__name__}).",
        lost="What was saved before is safe.",
        next_step="You can try again. If it happens again, tell us the words in brackets; they hold nothing of yours.",
    )


def _system_said_no(error: OSError) -> LeewardError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return CannotWrite(
            "There is no room left on the device.",
            lost="What was saved before is safe.",
            next_step="Free some space, then do this again.",
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return CannotWrite(
            "The device does not let Leeward write or read there.",
            next_step="Choose another folder, or look at who may use this one.",
        )
    return _our_mistake(error)


def _json(value: object) -> str:
    import msgspec  # noqa: PLC0415  # `leeward --help` prints no JSON

    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a character, as in a file name that is no UTF-8
        text = msgspec.json.encode(_whole(msgspec.to_builtins(value))).decode()
    # JSON escapes C0 itself. What else could command a terminal is escaped as well, and reads back as it was.
    return _COMMANDS_TO_A_TERMINAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value

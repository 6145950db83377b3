"""One piece of work at a time on a second thread, while the caller prepares the next.

Hashing and sealing keep one core busy; SQLite and the disk can work meanwhile, because they let go of the interpreter.
At most one piece is under way. What goes wrong in it is raised by the next `begin` or by `wait`, once. Where no thread
can be started (a browser page) each piece is done at once, and everything else is the same.

    >>> behind, done = Behind("example"), []
    >>> behind.begin(lambda: done.append(1))
    >>> behind.wait()
    >>> done
    [1]
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

__all__ = ["Behind"]


class Behind:
    """See above. Not for two callers at once.

    Args:
        name: of the thread; neutral, other programs can see it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: Thread | None = None
        self._failed: BaseException | None = None

    def begin(self, act: Callable[[], object]) -> None:
        """Wait for the piece before, then begin *act*. Raises what went wrong before; *act* is then not begun."""
        self.wait()
        thread = Thread(target=self._do, args=(act,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            act()
        else:
            self._thread = thread

    def wait(self) -> None:
        """Return when nothing is under way. Raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread, whatever it is
            self._failed = error

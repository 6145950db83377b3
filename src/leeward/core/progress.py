"""How far something has come, said without words.

Work reports a `Reached`: a label id from a closed list, how much is done, and of how much. What the label means in a
language is the business of whoever shows it. A label never holds a name, a file or a text.

    >>> from leeward.core.clock import FixedClock
    >>> from leeward.core.units import Milliseconds
    >>> seen = []
    >>> clock = FixedClock(Milliseconds(0))
    >>> report = throttled(seen.append, clock, every=Seconds(0.1))
    >>> report(Reached("import.read", 1, 3)); report(Reached("import.read", 2, 3)); report(Reached("import.read", 3, 3))
    >>> [reached.done for reached in seen]
    [1, 3]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from leeward.core.clock import Clock
from leeward.core.units import Seconds

__all__ = ["LABELS", "Progress", "Reached", "silent", "throttled"]

LABELS: Final = frozenset(
    {
        "backup.write",
        "bundle.check",
        "bundle.write",
        "export.write",
        "import.commit",
        "import.index",
        "import.read",
        "import.seal",
        "restore.write",
        "unlock.derive",
        "unlock.load",
        "verify.check",
    }
)
"""Every label there is. A new kind of work adds one line here and one sentence where it is shown."""

_TEN_A_SECOND = Seconds(0.1)  # quicker than that nobody sees, and a terminal write costs about 50 µs


class Reached(NamedTuple):
    """How far the work has come.

    Attributes:
        label: one of `LABELS`.
        done: from 0, in whatever the work counts (bytes, messages, steps).
        total: the same unit; None while nobody knows.
    """

    label: str
    done: int
    total: int | None = None


Progress = Callable[[Reached], None]
"""Called often, from the thread that works. Returns quickly and raises nothing."""


def silent(reached: Reached) -> None:
    """Report to nobody."""


def throttled(progress: Progress, clock: Clock, every: Seconds = _TEN_A_SECOND) -> Progress:
    """Pass on at most one report in *every* seconds, and always the first of a label and the one that completes it."""
    label: str | None = None
    last = 0.0

    def report(reached: Reached) -> None:
        nonlocal label, last
        now = clock.steady()
        if reached.label != label or reached.done == reached.total or now - last >= every:
            label, last = reached.label, now
            progress(reached)

    return report

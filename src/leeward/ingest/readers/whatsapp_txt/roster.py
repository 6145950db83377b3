"""Who writes in this file: where the name ends and the message begins.

After the head stands ``Name: text``, or a notice without a name. Names may hold ``": "`` themselves, and notices may
too (``Ali added Mum: mobile``), so one line alone cannot be split. The first pass shows the roster every line; then:

* A name ends at its first ``": "``, unless every line of that name goes on with the same words and the longer name
recurs.
* ``Bob:Hi``, ``Bob:.`` and ``Bob:`` are messages when Bob is known, or when the form recurs.
* A one-off "name" that opens a quotation and does not close it, that is longer than any name, or that begins with a
  known name and goes on like a sentence, is a notice.

Memory is bounded: `_MOST` names; later ones are split at the first ``": "`` without further thought.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from leeward.ingest.readers.whatsapp_txt.words import INVISIBLE

__all__ = ["LRM", "Roster", "shown_name"]

LRM: Final = b"\xe2\x80\x8e"
"""U+200E in UTF-8: an iPhone puts it before text that the app wrote, not the person."""

_MOST: Final = 50_000
"""Names remembered. The largest groups have 1,024 members; a community export shows some thousands."""

_LONG_NAME: Final = 60
"""Characters. The app limits own names to 25; address books hold longer ones, notices are longer still."""

_PAIRS: Final = (("“", "”"), ("„", "“”"), ("«", "»"), ("「", "」"), ("『", "』"))
_SCHEME: Final = re.compile(rb"(?:^|[\s(])(?:https?|ftp|mailto|tel)$")


def shown_name(name: bytes) -> str:
    """Return a name as the app shows it: without marks of direction around it."""
    return name.decode("utf-8", "replace").strip(" \u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2068\u2069\ufeff")


def _open_quotation(text: str) -> bool:
    """Say whether a quotation begins in *text* and does not end in it."""
    if text.count('"') % 2:
        return True
    return any(text.count(a) and text.count(a) > sum(text.count(c) for c in b if c != a) for a, b in _PAIRS)


class Roster:
    """Names seen after heads.

    Show it the rest of every line with `take`, then call `settle` once, then ask `split`.
    """

    def __init__(self) -> None:
        self.counts: dict[bytes, int] = {}
        self.generated: dict[bytes, int] = {}
        self._common: dict[bytes, bytes] = {}
        self._longer: Counter[bytes] = Counter()
        self._tight: Counter[bytes] = Counter()
        self._long_names: dict[bytes, bytes] = {}
        self._verdicts: dict[bytes, bool] = {}
        self._known: set[bytes] = set()

    def take(self, rest: bytes) -> None:
        """Take in what follows a head on its line, or its first part."""
        name, colon, body = rest.partition(b": ")
        if not colon:
            self._take_tight(rest)
            return
        seen = self.counts.get(name)
        if seen is None:
            if len(self.counts) >= _MOST:
                return
            self.counts[name] = 1
            common = self._common[name] = body[:120]
            if b":" in name:
                self._take_tight(name)
        else:
            self.counts[name] = seen + 1
            common = self._common.get(name, b"")
            if common and not body.startswith(common):
                common = _shared(common, body)
                if common:
                    self._common[name] = common
                else:
                    del self._common[name]
        if common and b": " in body and len(self._longer) < _MOST:
            self._longer[name + b": " + body.partition(b": ")[0]] += 1
        if body.startswith(LRM):
            self.generated[name] = self.generated.get(name, 0) + 1

    def _take_tight(self, rest: bytes) -> None:
        at = rest.find(b":")
        if at > 0 and len(self._tight) < _MOST and not _SCHEME.search(rest[:at]):
            self._tight[rest[:at].rstrip()] += 1

    def settle(self) -> None:
        """Decide about names; to be called once, after every line was shown."""
        for longer, n in self._longer.items():
            name, _, more = longer.partition(b": ")
            if n >= 2 and self._common.get(name, b"").startswith(more):
                self._long_names[name] = longer
        self._known = {name for name, n in self.counts.items() if n >= 2}
        self._known.update(self._long_names.values())
        self._verdicts = {name: self._is_name(name, n) for name, n in self.counts.items()}
        self._known.update(name for name, is_name in self._verdicts.items() if is_name)
        self._common.clear()
        self._longer.clear()

    def names(self) -> list[bytes]:
        """Return the names held for senders, as written."""
        return [name for name in self._known if self._verdicts.get(name, True)]

    def _is_name(self, name: bytes, n: int) -> bool:
        """Say whether text before a first ``": "`` is a name, not the beginning of a notice."""
        if name in self._long_names:
            return True
        text = name.decode("utf-8", "replace").translate(INVISIBLE)
        if not text.strip() or (name.startswith(LRM) and n < 2):
            return False
        if n <= 3 and _open_quotation(text):
            return False
        if n <= 2 and len(text) > _LONG_NAME:
            return False
        if (
            any(
                longer.partition(b": ")[0] in name and not name.startswith(longer.partition(b": ")[0])
                for longer in self._long_names.values()
            )
            and n == 1
        ):
            return False
        return n > 1 or not self._goes_on(name)

    def _goes_on(self, name: bytes) -> bool:
        """Say whether a known name stands at the start and at least two more words follow."""
        at = name.find(b" ")
        while at > 0:
            if name[:at] in self._known and name.count(b" ", at) >= 2:
                return True
            at = name.find(b" ", at + 1)
        return False

    def is_plain(self, name: bytes) -> bool:
        """Say whether every line that begins with *name* and ``": "`` is a message of that name."""
        return name not in self._long_names and b":" not in name and self._verdicts.get(name, False)

    def split(self, line: bytes) -> tuple[bytes, int]:
        """
        Split what follows a head on its first line.

        Returns:
            The name and the index where the message begins; ``(b"", 0)`` for a notice.
        """
        at = line.find(b": ")
        if at > 0:
            name = line[:at]
            longer = self._long_names.get(name)
            if longer is not None:
                if line.startswith(longer + b":"):
                    return longer, _after_colon(line, len(longer))
                if line.startswith(longer):
                    return b"", 0
            tight = self._split_tight(name) if b":" in name and self.counts.get(name, 0) < 2 else 0
            if tight:
                return name[:tight], _after_colon(line, tight)
            verdict = self._verdicts.get(name)
            return (name, at + 2) if verdict or verdict is None else (b"", 0)
        bare = line.rstrip()
        if bare.endswith(b":"):
            name = bare[:-1]
            text = name.decode("utf-8", "replace")
            if name in self._known or (name and len(text) <= _LONG_NAME // 2 and not _open_quotation(text)):
                return name, len(line)
            return b"", 0
        at = self._split_tight(line)
        return (line[:at], _after_colon(line, at)) if at else (b"", 0)

    def _split_tight(self, line: bytes) -> int:
        """Return the index of a colon without a blank that ends a name, 0 when there is none."""
        at = line.find(b":")
        if at <= 0:
            return 0
        name = line[:at]
        if name in self._known and self._verdicts.get(name, True):
            return at
        text = name.decode("utf-8", "replace")
        recurs = self._tight.get(name, 0) >= 2 and len(text) <= _LONG_NAME // 2 and not _SCHEME.search(name)
        return at if recurs and not _open_quotation(text) and not self._goes_on(name) else 0


def _after_colon(line: bytes, at: int) -> int:
    """Return the index behind a colon and one blank."""
    return at + 2 if line[at + 1 : at + 2] == b" " else at + 1


def _shared(a: bytes, b: bytes) -> bytes:
    """Return the longest common beginning."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return a[:i]
    return a[: min(len(a), len(b))]

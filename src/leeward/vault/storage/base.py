"""What every storage promises: opaque objects, small cells, and an order that survives a kill.

A storage never sees a key, a kind or a length that is not padded. It keeps

* *objects*: name (64 hex digits) to bytes, written once and never changed;
* *cells*: `CELLS`, small values replaced only through compare-and-swap.

**Durability.** When `put`, `commit` or `delete` returns, its effect survives a kill of the process and, as far as the
platform keeps its word, of the machine. `commit` makes every put durable before any cell moves, moves the cells in the
order given, and deletes last. An implementation MAY do all of it as one atomic act (SQLite does); callers must not
count on more than the order. After a kill inside `commit`, objects may be there that no head names: the vault cleans
them away.

**Retries.** A call that raised may be repeated. `Exists` means the very name is taken; `CellMoved` means somebody else
wrote in between and nothing of the cell change was done.

**Concurrency.** One writer. Opening a second time while a writer is there raises `VaultInUse`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["CELLS", "Absent", "CellMoved", "CellSwap", "Exists", "Storage"]

CELLS = ("header", "spare", "head")


class Absent(KeyError):
    """There is no object with this name."""


class Exists(Exception):
    """An object with this name is there already. It was not changed."""


class CellMoved(Exception):
    """The cell does not hold the expected bytes. It was not changed."""


class CellSwap(NamedTuple):
    """Replace *cell* by *new* if it holds exactly *expected* (None: if it is empty)."""

    cell: str
    expected: bytes | None
    new: bytes


class Storage(Protocol):
    """The contract above, as calls. ``tests/contracts/test_storage.py`` runs on every implementation."""

    def get(self, name: str) -> bytes:
        """Return an object. Raises `Absent`."""

    def put(self, name: str, data: bytes) -> None:
        """Keep one new object, durable on return. Raises `Exists`."""

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Keep several new objects, all durable on return; after a kill any of them may be missing. Raises `Exists`."""

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        """Put, then swap, then delete. Deleting what is absent is fine. Raises `Exists`, `CellMoved`."""

    def cell(self, name: str) -> bytes | None:
        """Return a cell of `CELLS`, None while it is empty."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; absent ones are fine."""

    def names(self) -> Iterator[str]:
        """Yield the names of all objects, in any order. Nothing may be written meanwhile."""

    def scrub(self) -> None:
        """Make deleted bytes unreadable as far as this storage can: empty journals, overwrite free space."""

    def check(self) -> list[str]:
        """Return sentences about damage of the storage's own structure; empty when sound. May read everything."""

    def close(self) -> None:
        """Let go. Further calls raise. May be called twice."""

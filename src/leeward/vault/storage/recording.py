"""A storage that writes down every call, so that crash states can be replayed.

It wraps another storage and keeps a list of what would have reached the disk, in order. `states` yields every storage
that a kill could have left behind under the contract: any prefix of the puts of a commit, the cells moved or not, the
deletes done or not. Tests open each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from leeward.vault.storage.base import CellSwap, Storage
from leeward.vault.storage.memory import MemoryStorage

__all__ = ["Act", "RecordingStorage"]


class Act(NamedTuple):
    """One durable effect: an object put, a cell moved, or an object deleted. ``last`` ends an acknowledged call."""

    what: Literal["put", "cell", "delete"]
    name: str
    data: bytes
    last: bool


class RecordingStorage:
    """Passes every call on and records its effects."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.acts: list[Act] = []

    def _record(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Sequence[str]) -> None:
        acts = [Act("put", name, data, False) for name, data in puts.items()]
        acts += [Act("cell", swap.cell, swap.new, False) for swap in cells]
        acts += [Act("delete", name, b"", False) for name in deletes]
        if acts:
            acts[-1] = acts[-1]._replace(last=True)
        self.acts += acts

    def states(self, start: int = 0) -> Iterator[tuple[int, MemoryStorage]]:
        """Yield (acts done, storage) for every prefix of the recorded acts from *start* on."""
        storage = MemoryStorage()
        for done, act in enumerate([*self.acts, None]):
            if done >= start:
                copy = MemoryStorage()
                copy.objects, copy.cells = dict(storage.objects), dict(storage.cells)
                yield done, copy
            if act is None:
                return
            if act.what == "put":
                storage.objects[act.name] = act.data
            elif act.what == "cell":
                storage.cells[act.name] = act.data
            else:
                storage.objects.pop(act.name, None)

    def get(self, name: str) -> bytes:
        """Pass on."""
        return self._inner.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Pass on, then record."""
        self._inner.put(name, data)
        self._record({name: data}, (), ())

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Pass on, then record."""
        self._inner.put_many(objects)
        self._record(objects, (), ())

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        """Pass on, then record."""
        gone = list(deletes)
        self._inner.commit(puts, cells, gone)
        self._record(puts, cells, gone)

    def cell(self, name: str) -> bytes | None:
        """Pass on."""
        return self._inner.cell(name)

    def delete(self, names: Iterable[str]) -> None:
        """Pass on, then record."""
        gone = list(names)
        self._inner.delete(gone)
        self._record({}, (), gone)

    def names(self) -> Iterator[str]:
        """Pass on."""
        return self._inner.names()

    def scrub(self) -> None:
        """Pass on."""
        self._inner.scrub()

    def check(self) -> list[str]:
        """Pass on."""
        return self._inner.check()

    def close(self) -> None:
        """Pass on."""
        self._inner.close()

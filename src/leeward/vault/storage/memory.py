"""A storage that lives and dies with the process: for tests, and for a vault inside a browser page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from leeward.core.errors import OurMistake
from leeward.vault.storage.base import CELLS, Absent, CellMoved, CellSwap, Exists

__all__ = ["MemoryStorage"]


class MemoryStorage:
    """Keeps everything in two dictionaries. ``commit`` is all or nothing."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.cells: dict[str, bytes | None] = dict.fromkeys(CELLS)
        self._closed = False

    def reopened(self) -> MemoryStorage:
        """Return an open storage with the same contents, as if the vault were opened again."""
        other = MemoryStorage()
        other.objects, other.cells = self.objects, self.cells
        return other

    def _open(self) -> None:
        if self._closed:
            raise OurMistake("The vault was used after it was locked.", next_step="Please unlock it again.")

    def get(self, name: str) -> bytes:
        """Return an object. Raises `Absent`."""
        self._open()
        try:
            return self.objects[name]
        except KeyError:
            raise Absent(name) from None

    def put(self, name: str, data: bytes) -> None:
        """Keep one new object."""
        self.put_many({name: data})

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Keep several new objects."""
        self._open()
        if any(name in self.objects for name in objects):
            raise Exists
        self.objects.update(objects)

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        """Put, swap, delete; nothing happens when any part is refused."""
        self._open()
        for swap in cells:
            if self.cells[swap.cell] != swap.expected:
                raise CellMoved(swap.cell)
        self.put_many(puts)
        for swap in cells:
            self.cells[swap.cell] = swap.new
        self.delete(deletes)

    def cell(self, name: str) -> bytes | None:
        """Return a cell."""
        self._open()
        return self.cells[name]

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects."""
        self._open()
        for name in names:
            self.objects.pop(name, None)

    def names(self) -> Iterator[str]:
        """Yield all names."""
        self._open()
        yield from list(self.objects)

    def scrub(self) -> None:
        """Nothing is kept anywhere else."""
        self._open()

    def check(self) -> list[str]:
        """A dictionary has no structure that could be damaged."""
        self._open()
        return []

    def close(self) -> None:
        """Nothing to let go of; the contents stay for `reopened`."""
        self._closed = True

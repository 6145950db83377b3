"""Originals and attachments of any size, streamed in and out in sealed pieces of 1 MiB.

Follows docs/formats/vault.md §6. A file is never held whole: writing keeps one group of pieces, reading a few.

A file belongs to the entry whose file key opens it. Writing begins before that entry exists, so the head names the
file in ``jobs`` first; the commit that appends the entry takes it out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from leeward.core.behind import Behind
from leeward.core.errors import LeewardError, VaultDamaged
from leeward.vault.keys import KeyRing
from leeward.vault.log import Log
from leeward.vault.primitives import expand
from leeward.vault.seal import PIECE, Place, padme
from leeward.vault.storage.base import Storage

__all__ = ["FileInfo", "FileReader", "FileWriter", "file_places"]

_GROUP = 2
"""Pieces made durable together; two groups are held at most, one being sealed while the other is written."""
_CACHED = 4


class FileInfo(NamedTuple):
    """What the owning entry keeps of a file: blob id, bytes, SHA-256 in lower-case hex."""

    blob: str
    size: int
    sha256: str


def _pieces(size: int) -> int:
    return max(1, -(-padme(size) // PIECE))


def file_places(blob: str, size: int) -> list[Place]:
    """Return the places of all pieces of a file with *size* bytes."""
    return [Place("blob", blob, index) for index in range(_pieces(size))]


class FileWriter:
    """Takes bytes in any portions; `finish` returns what the entry must keep.

    The caller has named ``("blob", blob)`` in the head's jobs before the first `write`.
    """

    def __init__(self, storage: Storage, ring: KeyRing, file_key: bytes, blob: str) -> None:
        self._storage = storage
        self._behind = Behind("pieces")
        self._sealer = ring.sealer
        self._key = expand(file_key, b"leeward/v1/blob")
        self._blob = blob
        self._hash = sha256()
        self._size = 0
        self._rest = bytearray()
        self._group: dict[str, bytes] = {}
        self._index = 0

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    def write(self, portion: bytes) -> None:
        """Take the next bytes. Raises `CannotWrite`; the file is then not kept."""
        self._hash.update(portion)
        self._size += len(portion)
        self._take(portion)

    def _take(self, portion: bytes) -> None:
        self._rest += portion
        start = 0
        while len(self._rest) - start >= PIECE:
            self._seal(bytes(self._rest[start : start + PIECE]))
            start += PIECE
        del self._rest[:start]

    def _seal(self, piece: bytes) -> None:
        place = Place("blob", self._blob, self._index)
        self._group[self._sealer.name(place)] = self._sealer.close_piece(self._key, place, piece)
        self._index += 1
        if len(self._group) == _GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._group:
            self._behind.begin(partial(self._storage.put_many, self._group))
            self._group = {}

    def finish(self) -> FileInfo:
        """Pad, seal the rest, make it durable."""
        info = FileInfo(self._blob, self._size, self._hash.hexdigest())
        padding = padme(self._size) - self._size
        while padding:
            portion = min(padding, PIECE)
            self._take(bytes(portion))
            padding -= portion
        if self._rest or not self._index:
            self._seal(bytes(self._rest))
        self._flush()
        self._behind.wait()
        return info

    def stop(self) -> None:
        """Wait for what is under way, whatever came of it: the file is about to be dropped."""
        try:
            self._behind.wait()
        except LeewardError:
            pass  # it was not going to be kept


class FileReader:
    """Random access to a kept file; the `Source` that readers get. Keeps a few opened pieces."""

    def __init__(self, log: Log, ring: KeyRing, file_key: bytes, info: FileInfo, name: str = "") -> None:
        self._log = log
        self._sealer = ring.sealer
        self._key = expand(file_key, b"leeward/v1/blob")
        self._info = info
        self._name = name
        self._cache: OrderedDict[int, bytes] = OrderedDict()

    @property
    def name(self) -> str:
        """The file name as given: a hint, never a path."""
        return self._name

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._info.size

    @property
    def info(self) -> FileInfo:
        """What the entry keeps."""
        return self._info

    def _piece(self, index: int) -> bytes:
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        place = Place("blob", self._info.blob, index)
        piece = self._sealer.open_piece(self._key, place, self._log.get(place))
        self._cache[index] = piece
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return piece

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset*; shorter only at the end. Raises `VaultDamaged`."""
        end = min(offset + length, self._info.size)
        portions = []
        while offset < end:
            index, within = divmod(offset, PIECE)
            portion = self._piece(index)[within : within + end - offset]
            if not portion:
                raise VaultDamaged(f"A kept file is shorter than it should be (piece {index}).")
            portions.append(portion)
            offset += len(portion)
        return b"".join(portions)

    def verify(self) -> None:
        """Open every piece, also those that hold nothing but padding. Raises `VaultDamaged`."""
        for _ in self.stream():
            pass
        for index in range(-(-self._info.size // PIECE), _pieces(self._info.size)):
            self._piece(index)

    def stream(self) -> Iterator[bytes]:
        """Yield the whole file in pieces of at most 1 MiB, and check its SHA-256 at the end.

        Raises:
            VaultDamaged: a piece does not open, or the whole does not have the digest it had when it was kept.
        """
        digest, offset = sha256(), 0
        while offset < self._info.size:
            portion = self.read_at(offset, PIECE)
            digest.update(portion)
            offset += len(portion)
            yield portion
        if digest.hexdigest() != self._info.sha256:
            raise VaultDamaged("A kept file is not the same as when it was kept.")

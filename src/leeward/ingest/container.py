"""One file from elsewhere, seen as members: a zip has many, anything else has one.

What it does: tells a zip by its first bytes, lists its members in the order of the container, and hands out sequential
streams of their decoded bytes. What it refuses, before or while it reads, each with one plain sentence (`REFUSALS`):
damaged or cut-off zips, protected members, two members of one name, more members than a phone ever wrote, and zips that
unpack to far more than they hold. It never writes a member anywhere: a name such as ``../../x`` is a label, not a path.

Why two checks against zip bombs: the sizes that the container declares are added up before the first byte is decoded,
and the bytes that really come out are counted too, because the declaration is hostile as well.

    end record PK 05 06 · disks(4) · entries here(2) · entries(2) · directory size(4) · offset(4) · comment
    zip64      PK 06 06 · size(8) · versions(4) · disks(8) · entries here(8) · entries(8) · directory size(8) · …

Source: APPNOTE 6.3 §4.3.14–16; docs/formats/archive.md §1.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Container, Sequence
from typing import IO, BinaryIO, Final, cast

from leeward.core.errors import ReaderStopped
from leeward.ingest.base import Package, Source

__all__ = [
    "FREE_BYTES",
    "MAX_MEMBERS",
    "RATIO",
    "REFUSALS",
    "PackageRefused",
    "PlainPackage",
    "ZipPackage",
    "open_package",
]

MAX_MEMBERS: Final = 200_000
"""Members in one zip. The largest account downloads seen have some tens of thousands of files."""

MAX_DIRECTORY: Final = 64 * 2**20
"""Bytes of the central directory: it is read whole, and 200,000 entries with long names fit."""

FREE_BYTES: Final = 2**30
"""Decoded bytes that are never called a bomb: unpacking them takes seconds, and blank video does shrink so."""

RATIO: Final = 200
"""Beyond `FREE_BYTES`: decoded bytes per stored byte. Chats and XML shrink 5 to 30 times; deflate can reach 1,030."""

_PIECE: Final = 64 * 1024
"""Bytes asked of the source at once while hopping through a zip: small members lie close together."""

_LOOK: Final = 16 * 1024
"""Bytes decoded at least when a member is opened: most of thousands of pictures are only looked at."""

REFUSALS: Final = {
    "zip_damaged": "This zip file is damaged, so its contents could not be read.",
    "zip_cut": "This zip file ends in the middle: its table of contents is missing.",
    "zip_protected": "This zip file is protected with a password, so its contents could not be read.",
    "zip_twice": "This zip file holds two files of the same name, so it is not clear which one is meant.",
    "zip_many": "This zip file holds more files than Leeward reads at once.",
    "zip_bomb": "This zip file would unpack to far more than it holds, as files made to do harm do. It was not read.",
    "zip_method": "This zip file was packed in a way that Leeward does not know.",
}
"""Every reason for which a package is refused: stable code to the sentence for the person."""


class PackageRefused(ReaderStopped):
    """The container itself cannot be read, for one of `REFUSALS`. The original is sealed already."""

    def __init__(self, code: str) -> None:
        super().__init__(
            REFUSALS[code],
            lost="The original is safe in your vault.",
            next_step="You can make the export again, or unpack it and import the files in it.",
        )
        self.code = code


class PlainPackage:
    """A file that is not a container: one member with the empty name."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """Return the file name as given; a hint, never a path."""
        return self._source.name

    def members(self) -> Sequence[str]:
        """Return the only member, named ``""``."""
        return ("",)

    def size(self, member: str) -> int:
        """Return the size of the file."""
        _known(member, ("",))
        return self._source.size

    def open(self, member: str) -> BinaryIO:
        """Return the bytes from the start."""
        _known(member, ("",))
        return cast(BinaryIO, io.BufferedReader(_SourceFile(self._source), _PIECE))


class ZipPackage:
    """The members of a zip, without folders and without what operating systems leave behind.

    Args:
        source: the sealed original.
        free_bytes: decoded bytes that are never called a bomb.
        ratio: decoded bytes allowed per stored byte beyond that.

    Raises:
        PackageRefused: for one of `REFUSALS`.
    """

    def __init__(self, source: Source, *, free_bytes: int = FREE_BYTES, ratio: int = RATIO) -> None:
        self._source = source
        self._free = free_bytes
        self._ratio = ratio
        self._decoded = 0
        _check_directory(source)
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(_SourceFile(source), _PIECE))
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
            raise PackageRefused("zip_damaged") from error
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.is_dir() or _is_litter(info.filename):
                continue
            if info.filename in self._infos:
                raise PackageRefused("zip_twice")
            if info.flag_bits & 0x1:
                raise PackageRefused("zip_protected")
            if info.file_size > self._allowed(info.compress_size):
                raise PackageRefused("zip_bomb")
            self._infos[info.filename] = info
        if sum(info.file_size for info in self._infos.values()) > self._allowed(source.size):
            raise PackageRefused("zip_bomb")

    @property
    def name(self) -> str:
        """Return the file name as given; a hint, never a path."""
        return self._source.name

    def members(self) -> Sequence[str]:
        """Return the member names in the order of the container's table."""
        return tuple(self._infos)

    def size(self, member: str) -> int:
        """Return the decoded size that the container declares."""
        _known(member, self._infos)
        return self._infos[member].file_size

    def open(self, member: str) -> BinaryIO:
        """Return a sequential stream of the decoded bytes of *member*."""
        _known(member, self._infos)
        try:
            stream = self._zip.open(self._infos[member])
        except NotImplementedError as error:
            raise PackageRefused("zip_method") from error
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, struct.error) as error:
            raise PackageRefused("zip_damaged") from error
        return cast(BinaryIO, io.BufferedReader(_MemberStream(stream, self._count), _LOOK))

    def _allowed(self, stored: int) -> int:
        return self._free + self._ratio * stored

    def _count(self, decoded: int) -> None:
        """Add up what really came out. Several passes are normal, so each member may be read a few times."""
        self._decoded += decoded
        if self._decoded > 8 * self._allowed(self._source.size):
            raise PackageRefused("zip_bomb")


def open_package(source: Source) -> Package:
    """
    Return *source* as members: a `ZipPackage` when its first bytes say zip, else a `PlainPackage`.

    Raises:
        PackageRefused: it is a zip that cannot be read, for one of `REFUSALS`.
    """
    if source.read_at(0, 4) in (b"PK\x03\x04", b"PK\x05\x06"):
        return ZipPackage(source)
    return PlainPackage(source)


class _SourceFile(io.RawIOBase):
    """A `Source` as a seekable file, which is what zipfile wants."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise ValueError("a seek before the start")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is private
        data = self._source.read_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _MemberStream(io.RawIOBase):
    """The decoded bytes of one member; damage becomes our error, and every byte is counted."""

    def __init__(self, stream: IO[bytes], count: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._count = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is private
        try:
            data = self._stream.read(len(buffer))
        except NotImplementedError as error:
            raise PackageRefused("zip_method") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
            raise PackageRefused("zip_damaged") from error
        self._count(len(data))
        buffer[: len(data)] = data
        return len(data)


def _known(member: str, members: Container[str]) -> None:
    if member not in members:
        raise KeyError(member)


def _is_litter(name: str) -> bool:
    """Tell whether an operating system left this behind: resource forks, folder views, thumbnail caches."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _check_directory(source: Source) -> None:
    """
    Look at the end record alone, so that a hostile count is refused before the table is read into memory.

    Raises:
        PackageRefused: there is no end record, or it declares more than the limits.
    """
    tail_at = max(0, source.size - 65_557)  # 22 bytes and a comment of at most 65,535
    tail = source.read_at(tail_at, 65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise PackageRefused("zip_cut")
    entries, size = struct.unpack_from("<HI", tail, at + 10)
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    if wide >= 0 and at - wide >= 56:
        entries, size = struct.unpack_from("<QQ", tail, wide + 32)
    if entries > MAX_MEMBERS:
        raise PackageRefused("zip_many")
    if size > min(MAX_DIRECTORY, source.size):
        raise PackageRefused("zip_damaged" if size > source.size else "zip_many")

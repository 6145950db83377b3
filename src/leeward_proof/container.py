"""The outside of a bundle: a zip file of which every byte is determined by names and contents.

Follows docs/formats/bundle.md §3. Reading is one pass over the file: headers are compared with the only ones possible,
contents are hashed as they go by, and the directory at the end is made anew and compared. Nothing but the small members
a caller asks for is kept in memory, and nothing is unpacked, so a file can neither grow nor escape into a folder.

A member::

    50 4b 03 04 | 20 | flags 0 | method 0 | time 0 | date 33 | crc-32 | size | size | length of name | 0 | name | bytes
    4             2    2         2          2        2         4        4      4      2                2   n      size
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from leeward_proof.errors import NotABundle, Unsound

__all__ = [
    "CHUNK",
    "MAX_MEMBERS",
    "MAX_SIZE",
    "Member",
    "Part",
    "container_chunks",
    "container_size",
    "looks_like_bundle",
    "part_of",
    "read_container",
]

CHUNK = 1 << 20
"""Bytes read at once: large enough that hashing dominates, small enough for any device."""
MAX_SIZE = 2**32 - 1
"""Bytes of a whole bundle: what a plain zip directory can address."""
MAX_MEMBERS = 60_000
"""Members of a bundle; a plain zip directory counts up to 65,535."""

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_MADE_BY = 3 << 8 | _VERSION
_DATE = 1 << 5 | 1  # 1980-01-01, the earliest a zip can say: it tells nothing
_ATTRIBUTES = 0o100644 << 16
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,40}(?:/[A-Za-z0-9_-]{1,40})?(?:\.[A-Za-z0-9]{1,8})?", re.ASCII)
_FIRST = b"README.txt"
_LAST = b"SHA256SUMS.sig"


class Part(NamedTuple):
    """A member to be written: its name, size in bytes, CRC-32, and how to get its bytes (may be asked once more)."""

    name: str
    size: int
    crc: int
    read: Callable[[], Iterable[bytes]]


class Member(NamedTuple):
    """A member that was read: its SHA-256 in hex, where its bytes begin, and the bytes if they were asked for."""

    name: str
    size: int
    sha256: str
    offset: int
    data: bytes | None


def part_of(name: str, data: bytes) -> Part:
    """Return a part whose bytes are held in memory."""
    return Part(name, len(data), zlib.crc32(data), lambda: (data,))


def container_size(parts: Iterable[Part]) -> int:
    """Return how many bytes the whole will have."""
    return _END.size + sum(_LOCAL.size + _CENTRAL.size + 2 * len(part.name) + part.size for part in parts)


def container_chunks(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the container, in order, without ever going back.

    Raises:
        ValueError: a part gives other bytes than its size and CRC say, or the whole does not fit.
    """
    if container_size(parts) > MAX_SIZE or len(parts) > MAX_MEMBERS:
        raise ValueError("too large for one bundle")
    offset = 0
    headers = []
    for part in parts:
        name = part.name.encode("ascii")
        headers.append((name, part.crc, part.size, offset))
        yield _local(name, part.crc, part.size)
        crc = size = 0
        for chunk in part.read():
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            yield chunk
        if (size, crc) != (part.size, part.crc):
            raise ValueError("a part changed while it was written")
        offset += _LOCAL.size + len(name) + size
    yield _directory(headers, offset)


def read_container(file: BinaryIO, keep: Mapping[str, int]) -> tuple[list[Member], list[Unsound]]:
    """Read a container from its first byte to its last.

    Args:
        file: a seekable file, read once from the start.
        keep: names whose bytes are to be returned, with the largest size allowed for each.

    Returns:
        The members in order, and the problems that left the rest readable (contents that do not fit their CRC-32).

    Raises:
        NotABundle: neither the beginning nor the end looks like a bundle.
        Unsound: layer ``container``; the rest cannot be read.
    """
    if not looks_like_bundle(file) or file.seek(0, 2) > MAX_SIZE:
        raise NotABundle("not a bundle")
    file.seek(0)
    members: list[Member] = []
    headers: list[tuple[bytes, int, int, int]] = []
    problems: list[Unsound] = []
    offset = 0
    while True:
        start = file.read(4)
        if start != b"PK\x03\x04":
            break
        header = start + file.read(_LOCAL.size - 4)
        if len(header) < _LOCAL.size:
            raise Unsound("container", f"byte {offset}", "the file ends inside a header")
        fields = _LOCAL.unpack(header)
        crc, size, length = fields[6], fields[7], fields[9]
        name = file.read(min(length, 100))
        if not _NAME.fullmatch(name) or header + name != _local(name, crc, size):
            raise Unsound("container", f"byte {offset}", "a header is not the one a bundle has")
        if len(members) >= MAX_MEMBERS:
            raise Unsound("container", f"byte {offset}", "too many members")
        text = name.decode("ascii")
        limit = keep.get(text)
        if limit is not None and size > limit:
            raise Unsound("container", text, "larger than this part of a bundle may be")
        begin = offset + _LOCAL.size + len(name)
        digest, found, data = _read_member(file, text, size, limit is not None)
        if found != crc:
            problems.append(Unsound("container", text, "the bytes do not fit their checksum"))
        members.append(Member(text, size, digest, begin, data))
        headers.append((name, crc, size, offset))
        offset = begin + size
    expected = _directory(headers, offset)
    rest = start + file.read(len(expected))
    if rest != expected or file.read(1):
        at = next(
            (i for i, (a, b) in enumerate(zip(rest, expected, strict=False)) if a != b), min(len(rest), len(expected))
        )
        raise Unsound("container", f"byte {offset + at}", "the directory at the end is not the one these members have")
    return members, problems


def _read_member(file: BinaryIO, name: str, size: int, keep: bool) -> tuple[str, int, bytes | None]:
    digest = sha256()
    crc = 0
    kept: list[bytes] = []
    left = size
    while left:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise Unsound("container", name, "the file ends inside this member")
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
        if keep:
            kept.append(chunk)
    return digest.hexdigest(), crc, b"".join(kept) if keep else None


def looks_like_bundle(file: BinaryIO) -> bool:
    """Return True when the beginning or the end of *file* is that of a bundle; leaves it at its beginning.

    Both ends are looked at, so that one damaged byte makes an unsound bundle and not a file of an unknown kind.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_LOCAL.size + len(_FIRST))
    file.seek(max(0, size - _END.size - _CENTRAL.size - len(_LAST) - 64))
    tail = file.read(_END.size + _CENTRAL.size + len(_LAST) + 64)
    file.seek(0)
    return (head[:2] == b"PK" and _FIRST in head) or _LAST in tail


def _local(name: bytes, crc: int, size: int) -> bytes:
    return _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0) + name


def _directory(headers: Sequence[tuple[bytes, int, int, int]], begin: int) -> bytes:
    entries = b"".join(
        _CENTRAL.pack(
            b"PK\x01\x02",
            _MADE_BY,
            _VERSION,
            0,
            0,
            0,
            _DATE,
            crc,
            size,
            size,
            len(name),
            0,
            0,
            0,
            0,
            _ATTRIBUTES,
            offset,
        )
        + name
        for name, crc, size, offset in headers
    )
    return entries + _END.pack(b"PK\x05\x06", 0, 0, len(headers), len(headers), len(entries), begin, 0)

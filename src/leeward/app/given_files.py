"""Files a person gives: opened once, hashed, sealed; a folder becomes one container.

Nothing is parsed here. A file's name is a hint and stays sealed with it.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from leeward.core.errors import Cancelled, CannotRead, CannotWrite
from leeward.core.units import MiB
from leeward.vault.files import FileInfo
from leeward.vault.vault import Vault

__all__ = ["Given", "seal_given"]

_PORTION = MiB


class Given(NamedTuple):
    """A path as given, and what kind of thing it is."""

    path: Path

    @property
    def name(self) -> str:
        """The last part of the path, as text that can be kept; bytes that are no UTF-8 become U+FFFD."""
        return os.fsencode(self.path.name or str(self.path)).decode("utf-8", "replace")

    def size(self) -> int:
        """Return the bytes of the file, or of all files of the folder. Raises `CannotRead`."""
        with _reading(self.path):
            if not self.path.is_dir():
                return self.path.stat().st_size
            files = _files_below(self.path)
            if not files:
                raise CannotRead("There is no file in this folder.", next_step="Please choose another one.")
            return sum(each.stat().st_size for each in files)

    def portions(self) -> Iterator[bytes]:
        """Yield the bytes in portions of at most 1 MiB. Raises `CannotRead`."""
        with _reading(self.path):
            if self.path.is_dir():
                yield from _packed(self.path)
                return
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise CannotRead("This is not a file.", next_step="Please choose a file or a folder.")
            with self.path.open("rb") as stream:
                while portion := stream.read(_PORTION):
                    yield portion

    def digest(self, cancelled: Callable[[], bool] = lambda: False) -> str:
        """Return the SHA-256 in lower-case hex. Raises `CannotRead`, `Cancelled`."""
        whole = sha256()
        for portion in self.portions():
            if cancelled():
                raise Cancelled("Stopped.")
            whole.update(portion)
        return whole.hexdigest()


class _reading:  # noqa: N801  # a context manager used like a word
    """Turn the system's refusals to read into ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise CannotRead("There is no file with this name.", next_step="Please check the name.") from error
        if isinstance(error, OSError):
            raise CannotRead(
                "This file cannot be read.", next_step="Please check who may read it, or copy it elsewhere first."
            ) from error


def _files_below(folder: Path) -> list[Path]:
    """Return all plain files of a folder in a stable order; links are not followed out of it."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        found += [Path(root, name) for name in sorted(names)]
    return [path for path in found if not path.is_symlink() and path.is_file()]


def _member_name(path: Path, taken: set[str]) -> str:
    """Return a name of its own for a file: two names that are no UTF-8 can come to the same text."""
    plain = name = os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")
    more = 1
    while name in taken:
        more += 1
        name = f"{plain} ({more})"
    taken.add(name)
    return name


class _Portions:
    """A write-only stream that hands on what it was given."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None

    def seek(self, *_: int) -> int:
        raise OSError("cannot seek")  # zipfile then writes sizes behind each member

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        joined = b"".join(self._parts)
        self._parts.clear()
        return joined


def _packed(folder: Path) -> Iterator[bytes]:
    """Yield a folder as one zip, files stored as they are. The same folder always gives the same bytes."""
    out = _Portions()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        taken: set[str] = set()
        for path in _files_below(folder):
            name = _member_name(path.relative_to(folder), taken)
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            with path.open("rb") as source, packed.open(info, "w", force_zip64=True) as member:
                while portion := source.read(_PORTION):
                    member.write(portion)
                    yield out.take()
            yield out.take()
    yield out.take()


def seal_given(
    vault: Vault,
    file_key: bytes,
    portions: Iterator[bytes] | BinaryIO,
    *,
    on_bytes: Callable[[int], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> FileInfo:
    """Seal a file piece by piece, durable on return. The caller's entry must own ``("blob", info.blob)``.

    Args:
        vault: open.
        file_key: of the entry that will own it.
        portions: the bytes.
        on_bytes: told how many bytes are sealed so far.
        cancelled: asked after each portion.

    Raises:
        CannotRead, CannotWrite, Cancelled: what was sealed of it is removed again.
    """
    blob, writer = vault.begin_file_under(file_key)
    try:
        for portion in portions:
            if cancelled():
                raise Cancelled("Stopped.", lost="This file was not kept; everything before it was.")
            writer.write(portion)
            on_bytes(writer.size)
        return writer.finish()
    except (CannotRead, Cancelled):
        writer.stop()
        vault.drop_file(blob)
        raise
    except CannotWrite:
        writer.stop()
        try:
            vault.drop_file(blob)
        except CannotWrite:
            pass  # still no room even for that; the next unlock cleans up
        raise

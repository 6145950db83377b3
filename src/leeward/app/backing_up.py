"""Backup and restore: the still-sealed vault, whole, in a standard age file.

The age file holds a tar with the vault's cells and objects as they are: opening the backup gives back a vault that
still needs its passphrase. Nothing is decrypted on the way, nothing touches the disk in clear, memory stays flat.

    README.txt, backup.json, cells/header, cells/spare, cells/head, objects/<name> …, end.json

Follows docs/formats/vault.md §11.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from leeward import __version__
from leeward.app.session import Session
from leeward.core.errors import (
    CannotRead,
    CannotWrite,
    Damaged,
    LeewardError,
    UsageError,
    VaultDamaged,
    WrongPassphrase,
)
from leeward.core.progress import Progress, Reached, silent
from leeward.core.secret import Passphrase
from leeward.evidence.custody import HANDOVER
from leeward.vault.age import (
    AgeRefused,
    Writable,
    age_decrypt,
    age_decrypt_passphrase,
    age_encrypt,
    age_encrypt_passphrase,
)
from leeward.vault.storage.base import CELLS, CellSwap, Storage
from leeward.vault.storage.sqlite import SqliteStorage

__all__ = ["Kept", "back_up", "restore"]

_FORMAT = "leeward/backup/1"
_BLOCK = 512
_GROUP_BYTES = 8 << 20
_MAX_OBJECT = 64 << 20
"""No object of a vault is near this; a hostile backup cannot make us hold more."""

_README = """This is a backup of a vault. Everything in it is still sealed: it opens only with the vault's passphrase.
To bring it back: leeward restore FILE NEW-VAULT
"""


class Kept(NamedTuple):
    """What was written or brought back: where, how many sealed parts, bytes of the file."""

    path: Path
    objects: int
    size: int


def back_up(
    session: Session,
    out: Path,
    *,
    recipients: tuple[str, ...] = (),
    passphrase: Passphrase | None = None,
    on_progress: Progress = silent,
) -> Kept:
    """Write the vault to an age file.

    Args:
        session: open vault.
        out: must not exist.
        recipients: ``age1…`` keys; or
        passphrase: exactly one of the two.
        on_progress: told about ``backup.write``.

    Raises:
        UsageError: a key that is none. CannotWrite: no room, or the file exists. Nothing half-made is left.
    """
    vault = session.vault
    # The act is written down first, so that the backup itself says that it was made.
    fields = {"form": "backup", "sealed_to": ", ".join(recipients), "checkpoint": vault.log.checkpoint}
    vault.append(HANDOVER, fields, zone=session.zone)
    vault.log.close_batch()
    storage = vault.storage
    names = sorted(storage.names())
    plain = _Tar(_members(storage, names, vault.log.checkpoint, on_progress))

    def write(file: Writable) -> None:
        if passphrase is not None:
            age_encrypt_passphrase(plain, file, passphrase.reveal(), vault.random)
        else:
            age_encrypt(plain, file, recipients)

    _write_new(out, write)
    return Kept(out, len(names), out.stat().st_size)


def _write_new(out: Path, write: Callable[[Writable], None]) -> None:
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise CannotWrite(f"{out} is already there and was left as it is.", next_step="Choose another name.") from None
    except OSError as error:
        raise CannotWrite("The backup cannot be written there.", next_step="Choose another folder.") from error
    done = False
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        done = True
    except AgeRefused:
        raise UsageError(
            "The key to encrypt to was not understood.", next_step="It begins with age1; please copy it again."
        ) from None
    except OSError as error:
        raise CannotWrite("The backup could not be written whole, so it was removed.") from error
    finally:
        if not done:
            out.unlink(missing_ok=True)


def _members(storage: Storage, names: list[str], checkpoint: str, on_progress: Progress) -> Iterator[tuple[str, bytes]]:
    head = {"format": _FORMAT, "program": f"Leeward {__version__}", "objects": len(names), "checkpoint": checkpoint}
    yield "README.txt", _README.encode()
    yield "backup.json", json.dumps(head).encode()
    for cell in CELLS:
        content = storage.cell(cell)
        if content is not None:
            yield f"cells/{cell}", content
    for done, name in enumerate(names):
        on_progress(Reached("backup.write", done, len(names)))
        yield f"objects/{name}", storage.get(name)
    on_progress(Reached("backup.write", len(names), len(names)))
    yield "end.json", json.dumps({"objects": len(names)}).encode()


class _Tar:
    """A tar as a stream to read from, made member by member. Names and sizes only: no owner, no time."""

    def __init__(self, members: Iterator[tuple[str, bytes]]) -> None:
        self._portions = self._make(members)
        self._held = b""

    @staticmethod
    def _make(members: Iterator[tuple[str, bytes]]) -> Iterator[bytes]:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            yield info.tobuf(tarfile.USTAR_FORMAT)
            yield content
            yield bytes(-len(content) % _BLOCK)
        yield bytes(2 * _BLOCK)

    def read(self, count: int = -1, /) -> bytes:
        """Return up to *count* bytes; empty at the end."""
        while not self._held:
            portion = next(self._portions, None)
            if portion is None:
                return b""
            self._held = portion
        if count < 0:
            count = len(self._held)
        part, self._held = self._held[:count], self._held[count:]
        return part


def restore(
    backup: Path,
    out: Path,
    *,
    identities: tuple[str, ...] = (),
    passphrase: Passphrase | None = None,
    on_progress: Progress = silent,
) -> Kept:
    """Bring a vault back from a backup. It opens with the passphrase it had when the backup was made.

    Args:
        backup: an age file made by `back_up`.
        out: must not exist.
        identities: ``AGE-SECRET-KEY-1…`` keys; or
        passphrase: of the backup.
        on_progress: told about ``restore.write``.

    Raises:
        CannotRead: no such file. WrongPassphrase: neither fits. Damaged: changed or cut short; what was made of it is
        removed again. CannotWrite: *out* exists, or no room.
    """
    if not backup.exists():
        raise CannotRead("There is no file with this name.", next_step="Please check the name.")
    storage = SqliteStorage.create(out)
    done = False
    try:
        taker = _Taker(storage, on_progress)
        try:
            with backup.open("rb") as file:
                if passphrase is not None:
                    age_decrypt_passphrase(file, taker, passphrase.reveal())
                else:
                    age_decrypt(file, taker, identities)
        except AgeRefused as refused:
            raise _why(str(refused)) from None
        except OSError:
            if taker.failed is None:
                raise  # not ours: the system's own
        if taker.failed is not None:
            raise taker.failed
        taker.finish()
        done = True
    finally:
        storage.close()
        if not done:
            for leftover in (out, out.with_name(out.name + "-wal"), out.with_name(out.name + "-shm")):
                leftover.unlink(missing_ok=True)
    return Kept(out, taker.objects, out.stat().st_size)


def _why(reason: str) -> LeewardError:
    if reason == "passphrase":
        return WrongPassphrase(
            "This passphrase does not open the backup.", next_step="Please try again, or use the key it was made for."
        )
    if reason == "identity":
        return UsageError("The key file was not understood.", next_step="It holds a line AGE-SECRET-KEY-1…")
    return Damaged(
        "The backup does not open: it was changed, cut short, or is for another key.",
        lost="The backup file is as it was; nothing was made from it.",
        next_step="Try another copy of the backup.",
    )


class _Taker:
    """Takes the bytes of the tar as they come, and puts what they hold into a storage."""

    def __init__(self, storage: Storage, on_progress: Progress) -> None:
        self._storage = storage
        self._on_progress = on_progress
        self._held = bytearray()
        self._group: dict[str, bytes] = {}
        self._group_bytes = 0
        self._cells: dict[str, bytes] = {}
        self._expected: int | None = None
        self._ended = False
        self.objects = 0
        self.failed: LeewardError | None = None

    def write(self, data: bytes, /) -> int:
        """Take the next bytes. An error of ours is kept for later: it must not be lost inside another library."""
        if self.failed is None:
            self._held += data
            try:
                while self._member():
                    pass
            except LeewardError as error:
                self.failed = error
                raise OSError("stopped") from error
        return len(data)

    def flush(self) -> None:
        """Nothing to hand on."""

    def _member(self) -> bool:
        if len(self._held) < _BLOCK:
            return False
        block = bytes(self._held[:_BLOCK])
        if block == bytes(_BLOCK):
            del self._held[:_BLOCK]
            return True
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise _not_ours() from error
        if not info.isreg() or not 0 <= info.size <= _MAX_OBJECT:
            raise _not_ours()
        whole = _BLOCK + info.size + -info.size % _BLOCK
        if len(self._held) < whole:
            return False
        content = bytes(self._held[_BLOCK : _BLOCK + info.size])
        del self._held[:whole]
        self._take(info.name, content)
        return True

    def _take(self, name: str, content: bytes) -> None:
        kind, _, rest = name.partition("/")
        if name == "backup.json":
            head = _json(content)
            if head.get("format") != _FORMAT:
                raise _not_ours()
            expected = head.get("objects")
            self._expected = expected if isinstance(expected, int) else None
        elif kind == "cells" and rest in CELLS:
            self._cells[rest] = content
        elif kind == "objects" and len(rest) == 64 and set(rest) <= set("0123456789abcdef"):
            self._group[rest] = content
            self._group_bytes += len(content)
            self.objects += 1
            if self._group_bytes >= _GROUP_BYTES:
                self._flush()
            if self._expected:
                self._on_progress(Reached("restore.write", self.objects, self._expected))
        elif name == "end.json":
            self._ended = True
        elif name != "README.txt":
            raise _not_ours()

    def _flush(self) -> None:
        self._storage.put_many(self._group)
        self._group, self._group_bytes = {}, 0

    def finish(self) -> None:
        """Put the last objects and the cells. Raises `VaultDamaged` when something is missing."""
        if not self._ended or self.objects != self._expected or "head" not in self._cells:
            raise _not_ours()
        self._flush()
        self._storage.commit({}, [CellSwap(name, None, content) for name, content in self._cells.items()])


def _json(content: bytes) -> dict[str, object]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise _not_ours() from error
    return value if isinstance(value, dict) else {}


def _not_ours() -> VaultDamaged:
    return VaultDamaged(
        "This is not a whole backup of a vault.",
        lost="The backup file is as it was; nothing was made from it.",
        next_step="Try another copy of the backup.",
    )

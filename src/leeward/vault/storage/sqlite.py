"""The default storage: one SQLite file.

::

    objects(name BLOB PRIMARY KEY, data BLOB)     name: 32 raw bytes
    cells(name TEXT PRIMARY KEY, data BLOB)

Settings and why: WAL with ``synchronous=FULL`` syncs the log at every commit, so what was acknowledged survives;
``secure_delete`` zeroes what is deleted; an exclusive lock keeps a second process out and needs no shared-memory file;
16 KiB pages make 1 MiB objects cheaper than the default 4 KiB do (bench/bench_storage.py). SQLite sees nothing but
sealed bytes and keyed names. Follows docs/formats/vault.md §1.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import TypeVar

from leeward.core.errors import (
    CannotRead,
    CannotWrite,
    LeewardError,
    NotAVault,
    OurMistake,
    VaultDamaged,
    VaultInUse,
)
from leeward.core.units import KiB
from leeward.vault.storage.base import Absent, CellMoved, CellSwap, Exists

__all__ = ["SqliteStorage"]

T = TypeVar("T")

_PAGE = 16 * KiB
_WAL_PAGES = 4096
"""Pages in the write-ahead log before it is folded back: 64 MiB, so that big originals are not folded every few MiB."""

_BEGINNING = b"SQLite format 3\x00" + _PAGE.to_bytes(2, "big") + b"\x02\x02"
"""How the file of a vault begins: SQLite, our size of pages, write-ahead log for writing and reading."""

_SCHEMA = """
CREATE TABLE objects(name BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE cells(name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""


class SqliteStorage:
    """One file, one writer. See `create` and `open`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._lock = RLock()
        self._rules_found = 0
        self.path = path

    @classmethod
    def create(cls, path: Path) -> SqliteStorage:
        """Make a new, empty storage. An existing file is never touched.

        Raises:
            CannotWrite: there is a file already, or the folder cannot be written.
        """
        if path.exists():
            raise CannotWrite(
                "There is already something with this name.", next_step="Choose another name; nothing was changed."
            )
        try:
            # For her eyes alone from its first moment, and never through a link that someone else laid there.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise CannotWrite(
                "The vault cannot be written there.", next_step="Please check the folder, and who may write to it."
            ) from error
        storage = cls(_connect(path), path)
        try:
            storage._prepare()
            storage._run(lambda db: db.executescript("BEGIN;" + _SCHEMA + "COMMIT;"))
        except LeewardError:
            storage.close()
            for leftover in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal")):
                leftover.unlink(missing_ok=True)
            raise
        return storage

    @classmethod
    def open(cls, path: Path) -> SqliteStorage:
        """Open an existing storage for writing.

        Raises:
            CannotRead: no such file, or not allowed to read it.
            NotAVault: the file is something else.
            VaultInUse: another process has it open.
            CannotWrite: the file or its folder cannot be written.
        """
        try:
            with path.open("rb") as stream:
                start = stream.read(len(_BEGINNING))
        except FileNotFoundError as error:
            raise CannotRead("There is no file with this name.", next_step="Please check the name.") from error
        except IsADirectoryError as error:
            raise NotAVault("This is a folder, not a vault.") from error
        except OSError as error:
            raise CannotRead("This file cannot be read.", next_step="Please check who may read it.") from error
        # Looked at before SQLite opens it: setting our modes would change a database of another program.
        if start != _BEGINNING:
            raise NotAVault("This file is not a vault.", next_step="Please check the name. Nothing was changed.")
        storage = cls(_connect(path), path)
        try:
            storage._prepare()
            tables = storage._run(
                lambda db: {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            )
            if not {"objects", "cells"} <= tables:
                raise NotAVault("This file is not a vault.", next_step="Please check the name. Nothing was changed.")
            storage._rules_found = storage._run(_drop_rules)
        except LeewardError:
            storage.close()
            raise
        try:
            # After a kill the log file still holds what was deleted just before: fold it back now, not at the end.
            storage.scrub()
        except CannotWrite:
            pass  # on a full disk the vault must still open; it is folded back when there is room
        return storage

    def _prepare(self) -> None:
        def prepare(db: sqlite3.Connection) -> None:
            db.execute(f"PRAGMA page_size = {_PAGE}")
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA temp_store = MEMORY")
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise CannotWrite(
                    "The vault's folder cannot be written.", next_step="Please check who may write there."
                )
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA fullfsync = ON")
            db.execute("PRAGMA secure_delete = ON")
            db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            # Take the lock now: a second process must be told at once, not at its first write.
            db.execute("BEGIN IMMEDIATE")
            db.execute("COMMIT")

        self._run(prepare)

    def _run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        # One act at a time: pieces may be put on a second thread (core/behind.py) while the first one reads.
        with self._lock:
            return self._alone(act)

    def _alone(self, act: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return act(self._db)
        except sqlite3.ProgrammingError as error:
            raise OurMistake("The vault was used after it was locked.", next_step="Please unlock it again.") from error
        except sqlite3.Error as error:
            if self._db_in_transaction():
                try:
                    self._db.execute("ROLLBACK")
                except sqlite3.Error:
                    pass  # SQLite has rolled back by itself after a full disk or an I/O error
            raise _translate(error) from error

    def _db_in_transaction(self) -> bool:
        try:
            return self._db.in_transaction
        except sqlite3.ProgrammingError:
            return False

    def get(self, name: str) -> bytes:
        """Return an object. Raises `Absent`."""
        row = self._run(
            lambda db: db.execute("SELECT data FROM objects WHERE name = ?", (bytes.fromhex(name),)).fetchone()
        )
        if row is None:
            raise Absent(name)
        data: bytes = row[0]
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep one new object, durable on return. Raises `Exists`."""
        self.commit({name: data}, ())

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Keep several new objects in one transaction. Raises `Exists`."""
        self.commit(objects, ())

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        """Put, swap and delete in one transaction. Raises `Exists`, `CellMoved`."""

        def act(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            try:
                for swap in cells:
                    row = db.execute("SELECT data FROM cells WHERE name = ?", (swap.cell,)).fetchone()
                    if (row[0] if row else None) != swap.expected:
                        raise CellMoved(swap.cell)
                try:
                    db.executemany(
                        "INSERT INTO objects VALUES (?, ?)",
                        ((bytes.fromhex(name), data) for name, data in puts.items()),
                    )
                except sqlite3.IntegrityError as error:
                    raise Exists from error
                for swap in cells:
                    db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?)", (swap.cell, swap.new))
                db.executemany("DELETE FROM objects WHERE name = ?", ((bytes.fromhex(name),) for name in deletes))
            except (Exists, CellMoved):
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

        self._run(act)

    def cell(self, name: str) -> bytes | None:
        """Return a cell, None while it is empty."""
        row = self._run(lambda db: db.execute("SELECT data FROM cells WHERE name = ?", (name,)).fetchone())
        return None if row is None else row[0]

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; absent ones are fine."""
        self.commit({}, (), names)

    def names(self) -> Iterator[str]:
        """Yield the names of all objects."""
        cursor = self._run(lambda db: db.execute("SELECT name FROM objects"))
        while rows := self._run(lambda _: cursor.fetchmany(1000)):
            for (name,) in rows:
                yield name.hex()

    def scrub(self) -> None:
        """Fold the write-ahead log back and cut it to nothing: deleted bytes are zeroed in the file by then."""
        self._run(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    def check(self) -> list[str]:
        """Ask SQLite to walk all its pages, and compare its tables with what `create` made."""
        try:
            walked = self._run(lambda db: db.execute("PRAGMA quick_check(20)").fetchall())
            tables = self._run(lambda db: db.execute("SELECT type, sql FROM sqlite_master ORDER BY name").fetchall())
        except OurMistake:
            raise
        except LeewardError:
            return ["The file's own structure is damaged."]
        expected = [("table", line.removesuffix(";")) for line in sorted(_SCHEMA.split("\n")) if line]
        problems = [] if walked == [("ok",)] and tables == expected else ["The file's own structure is damaged."]
        if self._rules_found:
            problems.append("Someone had put rules of their own into the file. They were removed when it was opened.")
        return problems

    def close(self) -> None:
        """Fold the log back and let go of the file."""
        try:
            self._db.close()
        except sqlite3.Error:
            pass  # a full disk can forbid the last fold; the log file stays beside the vault and is read next time


def _drop_rules(db: sqlite3.Connection) -> int:
    """Drop triggers and return how many there were.

    A vault has none, and one put into the file could set aside a copy of all that is deleted.
    """
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in found:
        quoted = str(name).replace('"', '""')
        db.execute(f'DROP TRIGGER "{quoted}"')
    return len(found)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # One thread at a time is our contract; the check would only forbid handing the vault to a worker thread.
        return sqlite3.connect(path, isolation_level=None, timeout=0, cached_statements=64, check_same_thread=False)
    except sqlite3.Error as error:
        raise _translate(error) from error


def _translate(error: sqlite3.Error) -> LeewardError:
    """Turn SQLite's words into ours: what happened, whether anything was lost, what to do next."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return VaultInUse(
            "This vault is open in another window or program.", next_step="Close it there, then try again."
        )
    if code == sqlite3.SQLITE_FULL:
        return CannotWrite(
            "The disk is full.",
            lost="Everything saved before is safe; this last step was not saved.",
            next_step="Free some space, then try again.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return CannotWrite(
            "The vault, or the folder it is in, cannot be written.",
            next_step="Move the vault to a folder you may write to, then try again.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return CannotWrite(
            "The disk refused to read or write.",
            lost="Everything saved before is as safe as the disk itself.",
            next_step="Make a copy of the vault file onto another disk before you go on.",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return NotAVault("This file is not a vault.", next_step="Please check the name. Nothing was changed.")
    if code == sqlite3.SQLITE_TOOBIG:
        return CannotWrite("A piece is too large for the vault file.", lost="Nothing saved before was lost.")
    return VaultDamaged(
        "The vault file is damaged.",
        lost="Some of it may still be readable.",
        next_step="Keep this file as it is, and restore your latest backup beside it.",
    )

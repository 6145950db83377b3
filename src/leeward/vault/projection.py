"""The engine under everything that is queried: an in-memory SQLite that never touches a disk.

It is rebuilt from the log, or loaded from a sealed snapshot that is bound to the number of entries and to the shape of
its tables. What the tables are is the business of the area that asks (`Shape`). Follows docs/formats/vault.md §8.

Guards, asserted at start and refused if they do not hold: ``temp_store=MEMORY`` (an in-memory database otherwise spills
large sorts into temp files in clear), no ATTACH, no loading of code, no triggers or views from an untrusted schema.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import NamedTuple

from leeward.core.behind import Behind
from leeward.core.errors import OurMistake, VaultDamaged
from leeward.core.ids import RandomBytes
from leeward.vault.keys import KeyRing
from leeward.vault.log import Log
from leeward.vault.seal import PIECE, Place
from leeward.vault.storage.base import Storage

__all__ = [
    "Connection",
    "ProjectionFull",
    "RowExists",
    "Shape",
    "load_snapshot",
    "open_pieces",
    "open_projection",
    "save_snapshot",
    "snapshot_places",
]

_GROUP = 2
_FIXED = ("temp_store", "temp_store_directory", "trusted_schema", "mmap_size")
"""What the guard has set and nobody changes afterwards."""

Connection = sqlite3.Connection
"""A projection. Areas ask it questions; this module and the SQLite storage alone know the library."""

ProjectionFull = sqlite3.OperationalError
"""There is no room for more rows: a projection holds 1 GiB at most, about five million messages."""

RowExists = sqlite3.IntegrityError
"""A row with this key is there already."""


class Shape(NamedTuple):
    """The tables an area keeps.

    Attributes:
        version: changes whenever tables or what is written into them change; an older snapshot is then dropped.
        schema: SQL that makes them.
    """

    version: str
    schema: str


def _guard(db: sqlite3.Connection) -> None:
    # SQLite was built with temp_store=0 (always files) or 1..2 (may be set) or 3 (always memory).
    options = {row[0] for row in db.execute("PRAGMA compile_options")}
    if "TEMP_STORE=0" in options:
        raise OurMistake(
            "This computer's SQLite writes temporary files that could be read by others.",
            next_step="Please use another build of Python. Nothing was opened.",
        )
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA mmap_size = 0")
    if db.execute("PRAGMA temp_store").fetchone()[0] != 2:
        raise OurMistake("Temporary tables could not be kept in memory.", next_step="Nothing was opened.")

    def authorise(action: int, subject: str | None, value: str | None, *_: object) -> int:
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_PRAGMA and subject in _FIXED and value is not None:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    db.set_authorizer(authorise)


def open_projection(shape: Shape) -> sqlite3.Connection:
    """Return an empty projection with the tables of *shape*."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(shape.schema)
        content = empty.serialize()
    # Through deserialize even when it is empty: only such a database hands out its bytes without a second copy of
    # them, which is what a snapshot of a large one would have to find room for.
    return _over(content)


def snapshot_places(snapshot: dict[str, object] | None) -> list[Place]:
    """Return the places of a snapshot's pieces."""
    if snapshot is None:
        return []
    return [Place("snapshot", str(snapshot["id"]), index) for index in range(int(str(snapshot["pieces"])))]


def save_snapshot(
    db: sqlite3.Connection, shape: Shape, entries: int, storage: Storage, ring: KeyRing, log: Log, random: RandomBytes
) -> None:
    """Seal the projection as it is, name it in the head, delete the one before.

    Args:
        db: the projection; holds entries 0 … *entries* − 1.
        shape: of its tables.
        entries: how many entries it has taken in.
        storage: where the pieces go.
        ring: keys.
        log: names the snapshot.
        random: for its id.
    """
    content = memoryview(db.serialize())
    identity, secret = random(8).hex(), random(32)
    key = ring.snapshot_of(secret)
    log.begin_jobs([("snapshot", identity)])
    behind = Behind("pieces")
    group: dict[str, bytes] = {}
    pieces = 0
    for start in range(0, len(content), PIECE):
        place = Place("snapshot", identity, pieces)
        piece = bytes(content[start : start + PIECE])
        group[ring.sealer.name(place)] = ring.sealer.close(key, place, piece)
        pieces += 1
        if len(group) == _GROUP:
            behind.begin(partial(storage.put_many, group))
            group = {}
    if group:
        behind.begin(partial(storage.put_many, group))
    behind.wait()
    old = snapshot_places(log.snapshot)
    described = {
        "id": identity,
        "key": secret.hex(),
        "size": len(content),
        "pieces": pieces,
        "entries": entries,
        "shape": shape.version,
    }
    log.set_snapshot(described, old)


def load_snapshot(shape: Shape, ring: KeyRing, log: Log) -> tuple[sqlite3.Connection, int] | None:
    """Return (projection, entries it holds), or None when there is none that fits.

    A snapshot that is damaged, of another shape, or ahead of the log is not used: the log is the truth.
    """
    snapshot = log.snapshot
    if snapshot is None or snapshot["shape"] != shape.version or snapshot["entries"] > len(log):
        return None
    try:
        content = bytearray()
        for piece in open_pieces(snapshot, ring, log):
            content += piece
    except VaultDamaged:
        return None
    if len(content) != snapshot["size"]:
        return None
    return _over(content), int(snapshot["entries"])


def _over(content: bytes | bytearray) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.deserialize(content)
    _guard(db)
    return db


def open_pieces(snapshot: dict[str, object], ring: KeyRing, log: Log) -> Iterator[bytes]:
    """Yield the pieces of a snapshot. Raises `VaultDamaged`."""
    key = ring.snapshot_of(bytes.fromhex(str(snapshot["key"])))
    for place in snapshot_places(snapshot):
        yield ring.sealer.open(key, place, log.get(place))

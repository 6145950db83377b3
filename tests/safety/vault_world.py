"""Small vaults with real contents, for the tests that kill, tamper with and search them.

Argon2id is made cheap here, and only here: what is tested is never the cost of a passphrase.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.vault.files import FileInfo
from leeward.vault.kinds import ARCHIVE, READING, SETTING
from leeward.vault.log import Entry
from leeward.vault.primitives import KdfProfile
from leeward.vault.projection import Shape
from leeward.vault.readings import SourceFacts
from leeward.vault.vault import Vault

CHEAP = KdfProfile(8, 1, 1)
"""8 KiB, one pass: 30 microseconds. Put in the place of profile 1 by tests."""

SHAPE = Shape(
    "tests/1", "CREATE TABLE notes(id TEXT PRIMARY KEY, text TEXT); CREATE VIRTUAL TABLE words USING fts5(text);"
)


class Row(NamedTuple):
    """One message of an archive: what it commits to, and what the block keeps."""

    facts: SourceFacts
    kept: bytes


def passphrase(text: str = "lantern copper river") -> Passphrase:
    return Passphrase.from_text(text)


def predictable(seed: bytes) -> RandomBytes:
    """Bytes that look random and are the same for the same seed."""
    counter = 0

    def take(count: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.shake_256(seed + counter.to_bytes(8, "big")).digest(count)

    return take


def rows(count: int, text: str = "message") -> list[Row]:
    made = []
    for number in range(count):
        raw = f"[{number}] Carl: {text} {number}".encode()
        facts = (raw, b"chat.txt\x00%d\x00%d" % (number * 40, len(raw)), b"Carl", b"01/02/26, 10:00", b"[]", b"")
        made.append(Row(facts, raw + b"\n"))
    return made


def note(vault: Vault, text: str) -> Entry:
    return vault.append(SETTING, {"name": "note", "value": text}, zone="Europe/Dublin")


def keep_file(vault: Vault, content: bytes, name: str = "chat.txt", portion: int = 300_000) -> Entry:
    """Keep a file as an archive does: job, pieces, then the entry that owns them."""
    blob, key, writer = vault.begin_file()
    for start in range(0, len(content), portion):
        writer.write(content[start : start + portion])
    info = writer.finish()
    fields = {"name": name, "file": info._asdict(), "sha256": info.sha256}
    return vault.append(ARCHIVE, fields, file_key=key, owns=[("blob", blob)])


def keep_reading(vault: Vault, archive: Entry, found: Sequence[Row], block: int = 50) -> Entry:
    """Keep a reading of an archive in blocks of so many rows."""
    identity, key, writer = vault.begin_reading()
    for start in range(0, len(found), block):
        part = found[start : start + block]
        writer.add([row.facts for row in part], b"".join(row.kept for row in part))
    info = writer.finish()
    fields = {
        "archive": archive.id,
        "original": archive.fields["sha256"],
        "records": info.field(),
        "index": info.rows_index(),
    }
    return vault.append(READING, fields, identity=identity, file_key=key, owns=[("reading", identity)])


def file_info(entry: Entry) -> FileInfo:
    """The original of an archive."""
    return FileInfo(**entry.fields["file"])


def file_bytes(vault: Vault, entry: Entry) -> bytes:
    return b"".join(vault.file(entry, file_info(entry)).stream())


def snapshot(vault: Vault) -> None:
    """Make a projection of all notes and seal it."""
    db, done = vault.load_projection(SHAPE)
    for entry in vault.entries(done):
        text = str(entry.fields.get("value", ""))
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (entry.id, text))
        db.execute("INSERT INTO words VALUES (?)", (text,))
    vault.save_projection(db, SHAPE, len(vault.log))
    db.close()

"""P-REST at the level of the vault: nothing she wrote is readable on the disk, open, locked or killed."""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.safety.vault_world import CHEAP, SHAPE, keep_file, keep_reading, note, passphrase, rows, snapshot

from leeward.core.clock import FixedClock
from leeward.core.units import Milliseconds
from leeward.vault.primitives import KDF_PROFILES
from leeward.vault.projection import Shape, open_projection
from leeward.vault.seal import Sealer
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault

ROOT = Path(__file__).parents[2]

FIELD = "the blue door sticks when it rains"
FILE_NAME = "kitchen window photo.jpg"
FILE = "she counted seven steps to the car"
ROW = "he moved the spare key again"
PASSPHRASE = "lantern copper river"
CANARIES = (FIELD, FILE_NAME, FILE, ROW, PASSPHRASE)


def forms(text: str) -> Iterator[bytes]:
    """Yield a phrase in every form in which a program might write it down; base64 at each of its three offsets."""
    for case in (text, text.replace(" ", "_")):
        for plain in (case.encode(), case.encode("utf-16-le")):
            yield plain
            yield plain.hex().encode()
            for offset in range(3):
                yield base64.b64encode(bytes(offset) + plain)[4:-4]


def canaries_in(*folders: Path) -> list[tuple[str, str]]:
    """Return (file name, phrase) for each phrase found in any file below the folders, by name or by content."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                content = path.read_bytes() if path.is_file() else b""
            except OSError:
                continue
            content += b"\n" + path.name.encode()
            found += [(path.name, phrase) for phrase in CANARIES if any(form in content for form in forms(phrase))]
    return found


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KDF_PROFILES, 1, CHEAP)


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for temporary files, of Python and of SQLite."""
    folder = tmp_path / "temp"
    folder.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "vaults"
    made.mkdir()
    return made


def write_all(vault: Vault, look: Callable[[str], None]) -> None:
    """Do everything a vault can do with the phrases, looking at the disk after each act."""
    entry = note(vault, FIELD)
    look("append")
    blob, _, writer = vault.begin_file()
    for _ in range(13):  # nine pieces: the first eight are written when they are complete
        writer.write((FILE + "\n").encode() * 20_000)
    look("half a file")
    writer.finish()
    vault.drop_file(blob)
    archive = keep_file(vault, (FILE + "\n").encode() * 60_000, FILE_NAME)
    look("file")
    keep_file(vault, FILE.encode(), FILE_NAME)
    reading = keep_reading(vault, archive, rows(300, ROW))
    look("reading")
    vault.amend(entry, {"value": FIELD + " and " + ROW})
    snapshot(vault)
    look("snapshot")
    db, _ = vault.load_projection(SHAPE)
    db.execute("SELECT text FROM notes ORDER BY text").fetchall()
    look("query")
    assert ROW.encode() in b"".join(vault.reading(reading).blocks())
    assert vault.check() == []
    look("check")
    vault.change_passphrase(passphrase(PASSPHRASE))
    vault.remove(entry, FIELD)
    look("removal")


def test_no_phrase_is_on_the_disk_after_any_act(folder: Path, temp: Path) -> None:
    clock = FixedClock(Milliseconds(1_772_366_400_000))
    storage = SqliteStorage.create(folder / "notes.vault")
    vault = Vault.create(storage, passphrase(PASSPHRASE), clock=clock, random=secrets.token_bytes, kdf=1)
    found: dict[str, list[tuple[str, str]]] = {}

    def look(act: str) -> None:
        found[act] = canaries_in(folder, temp)

    look("create")
    write_all(vault, look)
    vault.lock()
    look("lock")
    storage = SqliteStorage.open(folder / "notes.vault")
    vault = Vault.unlock(storage, passphrase(PASSPHRASE), clock=clock, random=secrets.token_bytes)
    look("unlock")
    vault.lock()

    assert {act: what for act, what in found.items() if what} == {}
    assert len(found) == 11
    assert list(temp.iterdir()) == []


KILLED = """
import os, secrets, sys
from pathlib import Path
from leeward.core.clock import SystemClock
from leeward.vault.primitives import KDF_PROFILES
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault
from tests.safety.test_p_rest_vault import PASSPHRASE, write_all
from tests.safety.vault_world import CHEAP, passphrase
KDF_PROFILES[1] = CHEAP
acts = int(sys.argv[2])
def look(act):
    global acts
    acts -= 1
    if acts == 0:
        os.kill(os.getpid(), 9)
storage = SqliteStorage.create(Path(sys.argv[1]))
vault = Vault.create(storage, passphrase(PASSPHRASE), clock=SystemClock(), random=secrets.token_bytes, kdf=1)
write_all(vault, look)
"""


@pytest.mark.parametrize("acts", [1, 2, 4, 5, 8])
def test_no_phrase_is_on_the_disk_after_a_kill(folder: Path, temp: Path, acts: int) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}

    done = subprocess.run([sys.executable, "-c", KILLED, str(folder / "notes.vault"), str(acts)], check=False, env=env)

    assert done.returncode == -9
    assert (folder / "notes.vault-wal").exists()
    assert canaries_in(folder, temp) == []


def test_a_write_that_is_not_sealed_is_found(folder: Path, temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FixedClock(Milliseconds(1_772_366_400_000))
    storage = SqliteStorage.create(folder / "notes.vault")
    vault = Vault.create(storage, passphrase(PASSPHRASE), clock=clock, random=secrets.token_bytes, kdf=1)
    monkeypatch.setattr(Sealer, "close_piece", lambda self, key, place, piece: piece)
    monkeypatch.setattr(Sealer, "close", lambda self, key, place, content: content)

    note(vault, FIELD)
    keep_reading(vault, keep_file(vault, FILE.encode(), FILE_NAME), rows(3, ROW))

    assert {phrase for _, phrase in canaries_in(folder, temp)} == {FIELD, FILE, FILE_NAME, ROW}
    vault.lock()


@pytest.mark.parametrize(
    "encoded",
    [
        str.encode,
        lambda text: text.encode("utf-16-le"),
        lambda text: base64.b64encode(b"x" + text.encode()),
        lambda text: text.encode().hex().encode(),
    ],
)
def test_a_phrase_is_found_in_every_form(folder: Path, encoded: Callable[[str], bytes]) -> None:
    (folder / "log.txt").write_bytes(b"before " + encoded(ROW) + b" after")

    assert canaries_in(folder) == [("log.txt", ROW)]


# -- the projection stays in memory -----------------------------------------------------------------------------------

SORT = """
import os, sqlite3, sys
from leeward.vault.projection import Shape, open_projection
shape = Shape("1", "CREATE TABLE t(a TEXT)")
if sys.argv[1] == "guarded":
    db = open_projection(shape)
else:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE t(a TEXT)")
    db.execute("PRAGMA temp_store = FILE")
db.execute("PRAGMA cache_size = 10")
db.execute(
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60000)"
    " INSERT INTO t SELECT printf('%d the blue door sticks when it rains', x * 7919 % 60000) FROM n"
)
rows = db.execute("SELECT a FROM t ORDER BY a || 'x'")
rows.fetchone()
links = ["/proc/self/fd/" + name for name in os.listdir("/proc/self/fd")]
files = [os.readlink(link) for link in links if os.path.islink(link)]
print(sum("etilqs" in name for name in files))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which files are open is read from /proc")
def test_a_large_sort_writes_no_temporary_file_and_without_the_guard_it_would(temp: Path) -> None:
    def open_temp_files(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", SORT, how], check=True, capture_output=True, text=True).stdout)

    assert open_temp_files("guarded") == 0
    assert open_temp_files("plain") > 0


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'stolen.db' AS other",
        "ATTACH ':memory:' AS other",
        "VACUUM INTO 'stolen.db'",
        "PRAGMA temp_store = FILE",
        "PRAGMA temp_store_directory = '.'",
        "PRAGMA mmap_size = 1000000",
        "SELECT load_extension('stolen')",
    ],
)
def test_a_projection_cannot_be_made_to_write_elsewhere(
    statement: str, temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(temp)
    db = open_projection(Shape("1", "CREATE TABLE t(a)"))
    db.execute("INSERT INTO t VALUES ('words')")

    with pytest.raises(sqlite3.Error, match="authoriz"):
        db.execute(statement)

    assert list(temp.iterdir()) == []

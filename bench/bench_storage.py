"""Originals sealed in and checked, and one entry made durable.

Beside the sealing of a gigabyte stand, in the same run and on the same disk: writing and syncing the same bytes
plainly, and ``borg create`` into an encrypted repository without compression. The bytes are random, so nobody can save
work. All three begin from a file that the system has in memory.

Budgets: sealing ≥ 0.6 × plain and ≥ borg; checking what is kept ≥ 600 MB/s; one entry durable in ≤ 5 ms.
The page size of the vault file is the one of ``src/leeward/vault/storage/sqlite.py``; the others are tried beside it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import measure

REPEAT = 3
ENTRIES = 500


def original(megabytes: int) -> Path:
    """Return a file of random bytes."""
    path = measure.OUT / f"random-{megabytes}.bin"
    if not path.exists():
        measure.OUT.mkdir(exist_ok=True)
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1_000_000))
            file.flush()
            os.fsync(file.fileno())
    measure.warm(path)
    return path


def settle() -> None:
    """Let the disk finish what others began, so that nobody pays for the one before."""
    os.sync()
    time.sleep(0.5)


def write_plainly(source: Path) -> float:
    """Write and sync the same bytes into a new file; return seconds."""
    target = measure.OUT / "plain.bin"
    settle()

    def write() -> None:
        with source.open("rb") as reading, target.open("wb") as writing:
            while portion := reading.read(1 << 20):
                writing.write(portion)
            writing.flush()
            os.fsync(writing.fileno())

    seconds = measure.timed(write)[0]
    target.unlink()
    return seconds


def borg(source: Path) -> tuple[float, float] | None:
    """Return seconds of ``borg create`` and of ``borg check --verify-data``, None without borg."""
    if shutil.which("borg") is None:
        return None
    repository = measure.OUT / "borg"
    shutil.rmtree(repository, ignore_errors=True)
    environment = {
        **os.environ,
        "BORG_PASSPHRASE": measure.PASSPHRASE,
        "BORG_BASE_DIR": str(measure.OUT / "borg-base"),
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    }

    def run(*arguments: str) -> float:
        command = ["borg", *arguments]
        return measure.timed(lambda: subprocess.run(command, env=environment, check=True, capture_output=True))[0]

    run("init", "--encryption", "repokey", str(repository))
    settle()
    create = run("create", "--compression", "none", f"{repository}::one", str(source))
    # borg leaves the last writes to the system; a vault has synced them.
    create += measure.timed(os.sync)[0]
    check = run("check", "--verify-data", str(repository))
    shutil.rmtree(repository)
    shutil.rmtree(measure.OUT / "borg-base", ignore_errors=True)
    return create, check


def seal(source: Path) -> dict[str, float]:
    """Seal the file into a new vault and check it; return seconds of each step."""
    from leeward.app.given_files import Given, seal_given
    from leeward.vault.files import FileInfo
    from leeward.vault.kinds import ARCHIVE

    path = measure.OUT / "originals.leeward"
    session = measure.create(path)
    vault = session.vault
    settle()

    def keep() -> object:
        key = vault.random(32)
        info = seal_given(vault, key, Given(source).portions())
        fields = {"name": source.name, "file": info._asdict(), "sha256": info.sha256, "type": "", "obtained": ""}
        return vault.append(ARCHIVE, fields, file_key=key, owns=[("blob", info.blob)])

    sealing, entry = measure.timed(keep)
    reader = vault.file(entry, FileInfo(**entry.fields["file"]), source.name)
    verifying = measure.timed(reader.verify)[0]
    locking = measure.timed(session.close)[0]
    measure.remove(path)
    return {"seal": sealing, "verify": verifying, "lock": locking}


def whole_act(source: Path) -> float:
    """Return the seconds of `import_files` for a file that no reader claims: digest, sealing, reading, receipt."""
    from leeward.app.importing import import_files
    from leeward.ingest.base import Hints

    path = measure.OUT / "originals.leeward"
    session = measure.create(path)
    settle()
    seconds = measure.timed(lambda: import_files(session, [source], Hints()))[0]
    session.close()
    measure.remove(path)
    return seconds


def page_size(source: Path, size: int, journal: str = "WAL") -> float:
    """Return seconds for objects of 1 MiB in a bare SQLite file, with the vault's settings but for these two."""
    path = measure.OUT / "pages.sqlite"
    measure.remove(path)
    db = sqlite3.connect(path, isolation_level=None)
    for setting in (
        f"page_size = {size}",
        "locking_mode = EXCLUSIVE",
        f"journal_mode = {journal}",
        "synchronous = FULL",
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    db.execute("PRAGMA secure_delete = ON")
    db.execute(f"PRAGMA wal_autocheckpoint = {64 * 2**20 // size}")
    db.execute("CREATE TABLE objects(name BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID")
    settle()

    def write() -> None:
        with source.open("rb") as reading:
            group = []
            while portion := reading.read(1 << 20):
                group.append((os.urandom(32), portion))
                if len(group) == 8:
                    db.execute("BEGIN IMMEDIATE")
                    db.executemany("INSERT INTO objects VALUES (?, ?)", group)
                    db.execute("COMMIT")
                    group = []

    seconds = measure.timed(write)[0]
    db.close()
    measure.remove(path)
    return seconds


def entries() -> tuple[list[float], list[float]]:
    """Return milliseconds of single appends, and of single appends to a plain synced file."""
    from leeward.app.incidents import record_incident

    path = measure.OUT / "append.leeward"
    ours, plain = [], []
    raw = (measure.OUT / "append.bin").open("wb")
    with measure.create(path) as session:
        record_incident(session, text="first")
        for n in range(ENTRIES):
            text = f"He stood at the door at {n % 24}:00 and did not leave. " * 4
            ours.append(measure.timed(lambda text=text: record_incident(session, text=text))[0] * 1000)

            def append(text: str = text) -> None:
                raw.write(text.encode())
                raw.flush()
                os.fsync(raw.fileno())

            plain.append(measure.timed(append)[0] * 1000)
    raw.close()
    (measure.OUT / "append.bin").unlink()
    measure.remove(path)
    return ours, plain


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "")
    report = measure.Report("storage", full=asked.full)
    megabytes = 1000 if asked.full else 200
    source = original(megabytes)
    plain = min(write_plainly(source) for _ in range(REPEAT))
    runs = [seal(source) for _ in range(REPEAT)]
    plain = min(plain, *(write_plainly(source) for _ in range(REPEAT)))
    peer = borg(source)
    sealing = min(run["seal"] for run in runs)
    rate = megabytes / sealing
    report.row(
        f"{megabytes:,} MB sealed in, durable",
        rate,
        "MB/s",
        beside="plain write and sync",
        value=megabytes / plain,
        budget="≥ 0.6 ×",
        met=sealing * 0.6 <= plain,
        note=f"{sealing:.1f} s; locking adds {min(run['lock'] for run in runs):.2f} s",
        at_any_size=True,
    )
    if peer is not None:
        report.row(
            "  beside borg create, no compression",
            rate,
            "MB/s",
            beside="borg",
            value=megabytes / peer[0],
            budget="≥ it",
            met=sealing <= peer[0],
            at_any_size=True,
        )
    act = whole_act(source)
    report.row(
        "  the whole import of that file",
        megabytes / act,
        "MB/s",
        beside="borg" if peer else "plain write and sync",
        value=megabytes / (peer[0] if peer else plain),
        note="with the digest before it, the reader's look at it, the receipt",
    )
    verifying = megabytes / min(run["verify"] for run in runs)
    report.row(
        "checking it",
        verifying,
        "MB/s",
        beside="borg check --verify-data" if peer else "",
        value=megabytes / peer[1] if peer else None,
        budget="≥ 600 MB/s",
        met=verifying >= 600,
        at_any_size=True,
    )
    for size in (4096, 16384, 65536):
        bare = megabytes / page_size(source, size)
        report.row(f"bare SQLite, pages of {size // 1024} KiB, not sealed", bare, "MB/s")
    bare = megabytes / page_size(source, 16384, "TRUNCATE")
    report.row("bare SQLite, pages of 16 KiB, rollback journal", bare, "MB/s", note="each byte is written once")
    ours, fsync = entries()
    p99 = measure.percentile(ours, 0.99)
    report.row(
        "append one entry, durable and shown",
        p99,
        "ms p99",
        beside="plain append and sync, p99",
        value=measure.percentile(fsync, 0.99),
        budget="≤ 5 ms",
        met=p99 <= 5,
        note=f"p50 {measure.percentile(ours, 0.5):.2f} ms, plain {measure.percentile(fsync, 0.5):.2f} ms",
        at_any_size=True,
    )
    source.unlink()
    return report.write()


if __name__ == "__main__":
    sys.exit(main())

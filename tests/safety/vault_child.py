"""A process that writes to a vault until it is killed, and says each act before and after it is done.

    python vault_child.py (sound | hasty)

Reads one line "<path> <passphrase> <seed>" for each victim, forks it, and says ``pid N``; when the victim has ended it
says ``end``. Victims say ``start ACT …`` before and ``done ACT …`` after. Forking from a warm process makes a kill cost
milliseconds instead of a start of Python. ``hasty`` uses a storage that acknowledges before it commits: the
test must then fail.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.safety.vault_world import CHEAP, keep_file, keep_reading, note, rows, snapshot

from leeward.core.clock import SystemClock
from leeward.core.secret import Passphrase
from leeward.vault.primitives import KDF_PROFILES, self_test
from leeward.vault.storage.base import CellSwap
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault

KDF_PROFILES[1] = CHEAP


class HastyStorage(SqliteStorage):
    """Acknowledges before it commits: eight commits become durable together."""

    waiting = 0

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        self.waiting += 1
        if self._db.in_transaction and self.waiting % 8 == 0:
            self._db.execute("COMMIT")
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        for name, data in puts.items():
            self._db.execute("INSERT INTO objects VALUES (?, ?)", (bytes.fromhex(name), data))
        for swap in cells:
            self._db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?)", (swap.cell, swap.new))
        for name in deletes:
            self._db.execute("DELETE FROM objects WHERE name = ?", (bytes.fromhex(name),))

    def scrub(self) -> None:
        """Nothing can be folded back inside a transaction."""


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def victim(path: Path, words: str, seed: int, kind: type[SqliteStorage]) -> None:
    chance = random.Random(seed)  # which act comes next, not a secret
    vault = Vault.unlock(kind.open(path), Passphrase.from_text(words), clock=SystemClock(), random=secrets.token_bytes)
    say("start", "work")
    for step in range(10_000):
        act = chance.choices(["note", "file", "reading", "remove", "snapshot", "passphrase"], [6, 2, 1, 2, 1, 1])[0]
        text = f"{seed}-{step}"
        if act == "note":
            say("done", "note", note(vault, text).id, text)
        elif act == "file":
            content = text.encode() * chance.choice([1, 1000, 300_000])
            entry = keep_file(vault, content)
            say("done", "file", entry.id, hashlib.sha256(content).hexdigest())
        elif act == "reading":
            archive = keep_file(vault, text.encode())
            say("done", "file", archive.id, hashlib.sha256(text.encode()).hexdigest())
            say("done", "reading", keep_reading(vault, archive, rows(100, text)).id, text)
        elif act == "remove":
            alive = [entry for entry in vault.entries() if entry.kind == "setting"]
            if alive:
                gone = chance.choice(alive)
                say("start", "remove", gone.id)
                vault.remove(gone, "")
                say("done", "remove", gone.id)
        elif act == "snapshot":
            snapshot(vault)
            say("done", "snapshot", len(vault.log))
        else:
            say("start", "passphrase", text)
            vault.change_passphrase(Passphrase.from_text(text))
            say("done", "passphrase", text)


def main() -> None:
    kind = HastyStorage if sys.argv[1] == "hasty" else SqliteStorage
    self_test()
    for line in sys.stdin:
        path, words, seed = line.split()
        child = os.fork()
        if child == 0:
            try:
                victim(Path(path), words, int(seed), kind)
            finally:
                os._exit(1)
        say("pid", child)
        os.waitpid(child, 0)
        say("end")


if __name__ == "__main__":
    main()

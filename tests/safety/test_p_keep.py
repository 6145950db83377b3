"""P-KEEP: what was acknowledged survives a kill at any moment, and a full disk loses nothing.

Twice: every state that the storage's contract allows after a kill, one by one; and real processes killed for real.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.safety.vault_world import (
    CHEAP,
    SHAPE,
    file_bytes,
    keep_file,
    keep_reading,
    note,
    passphrase,
    predictable,
    rows,
    snapshot,
)

from leeward.core.clock import FixedClock
from leeward.core.errors import WrongPassphrase
from leeward.core.ids import RandomBytes
from leeward.core.units import MiB, Milliseconds
from leeward.vault.kinds import ASIDE
from leeward.vault.log import Entry
from leeward.vault.primitives import KDF_PROFILES
from leeward.vault.storage.base import CellSwap
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.storage.recording import Act, RecordingStorage
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault

CHILD = Path(__file__).with_name("vault_child.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KDF_PROFILES, 1, CHEAP)


# -- every state a kill could leave -----------------------------------------------------------------------------------


@dataclass
class Promise:
    """What must hold in every state from a number of acts on: one acknowledgement."""

    since: int
    what: str
    holds: Callable[[Vault], bool]


@dataclass
class Script:
    """A workload on a recorded storage, with everything it acknowledged."""

    storage: RecordingStorage
    promises: list[Promise] = field(default_factory=list)
    passphrases: list[tuple[int, str]] = field(default_factory=list)
    removing: list[tuple[int, str]] = field(default_factory=list)

    def acknowledged(self, what: str, holds: Callable[[Vault], bool]) -> None:
        self.promises.append(Promise(len(self.storage.acts), what, holds))


def find(vault: Vault, identity: str) -> Entry | None:
    return next((entry for entry in vault.entries() if entry.id == identity), None)


def is_there(entry: Entry) -> Callable[[Vault], bool]:
    return lambda vault: find(vault, entry.id) == entry


def run_script(storage: RecordingStorage, clock: FixedClock, chance: RandomBytes) -> Script:
    """Create, append, keep a file and a reading, amend, set aside, snapshot, remove, change the passphrase."""
    script = Script(storage)
    vault = Vault.create(storage, passphrase("first words"), clock=clock, random=chance, kdf=1)
    script.passphrases.append((len(storage.acts), "first words"))
    for number in range(62):
        entry = note(vault, f"line {number}")
        if number % 10 == 0:
            script.acknowledged(f"entry {number}", is_there(entry))
    content = bytes(range(256)) * 4096 * 10
    archive = keep_file(vault, content)
    script.acknowledged("file", lambda vault: file_bytes(vault, archive) == content)
    found = rows(120)
    reading = keep_reading(vault, archive, found)
    kept = b"".join(row.kept for row in found)
    script.acknowledged("reading", lambda vault: b"".join(vault.reading(reading).blocks()) == kept)
    script.acknowledged("batch", lambda vault: vault.log.batches >= 1)
    script.acknowledged("amendment", is_there(vault.amend(vault.entry(3), {"value": "better"})))
    snapshot(vault)
    script.acknowledged("aside", is_there(vault.append(ASIDE, {"of": archive.id, "aside": True})))
    snapshot(vault)
    doomed = keep_file(vault, b"to be removed " * 200_000)
    script.removing.append((len(storage.acts), doomed.id))
    removal = vault.remove(doomed, "")
    script.acknowledged("removal", lambda vault: find(vault, doomed.id) is None)
    script.acknowledged("removal entry", is_there(removal))
    vault.change_passphrase(passphrase("second words"))
    script.passphrases.append((len(storage.acts), "second words"))
    script.acknowledged("last entry", is_there(note(vault, "last")))
    vault.log.close_batch()
    script.acknowledged("last batch", lambda vault: vault.log.pending == 0 or len(vault.log) > 70)
    return script


def open_state(script: Script, done: int, state: MemoryStorage) -> Vault | None:
    """Open one state with the passphrase that was acknowledged last, or with the one being set."""
    known = [words for since, words in script.passphrases if since <= done]
    coming = [words for since, words in script.passphrases if since > done][:1]
    clock = FixedClock(Milliseconds(1_772_366_400_000))
    for words in [*known[-1:], *coming]:
        try:
            return Vault.unlock(state, passphrase(words), clock=clock, random=predictable(b"later"))
        except WrongPassphrase:
            continue
        except Exception:
            if known:
                raise
    assert not known, f"after {done} acts nothing opens the vault"
    return None


def broken_promises(script: Script, done: int, state: MemoryStorage) -> list[str]:
    """Return what was acknowledged by then and does not hold, and what a check finds besides allowed leftovers."""
    vault = open_state(script, done, state)
    if vault is None:
        return []
    broken = [each.what for each in script.promises if each.since <= done and not each.holds(vault)]
    between_acts = done == 0 or script.storage.acts[done - 1].last
    for problem in vault.check():
        if not between_acts and ("belong to nothing" in problem.what or problem.where == "header"):
            continue  # inside a commit of a storage without transactions; SQLite has no such states
        broken.append(f"{problem.where}: {problem.what}")
    if vault.load_projection(SHAPE)[1] > len(vault.log):
        broken.append("the snapshot is ahead of the log")
    entry = note(vault, "life goes on")
    if find(vault, entry.id) is None:
        broken.append("nothing can be written any more")
    return broken


def test_after_a_kill_at_any_act_the_vault_opens_and_keeps_its_promises() -> None:
    clock, chance = FixedClock(Milliseconds(1_772_366_400_000)), predictable(b"keep")
    script = run_script(RecordingStorage(MemoryStorage()), clock, chance)
    skipped = range(12, 200)  # sixty appends are one like the other: a few of their states are enough

    found = {}
    states = 0
    for done, state in script.storage.states():
        if done in skipped and done % 7:
            continue
        states += 1
        found[done] = broken_promises(script, done, state)

    assert {done: what for done, what in found.items() if what} == {}
    assert states > 100


def test_a_kill_while_an_interrupted_act_is_cleaned_away_changes_nothing() -> None:
    clock, chance = FixedClock(Milliseconds(1_772_366_400_000)), predictable(b"clean")
    before = MemoryStorage()
    vault = Vault.create(before, passphrase(), clock=clock, random=chance, kdf=1)
    kept = note(vault, "hers")
    writer = vault.begin_file()[2]
    for _ in range(40):
        writer.write(bytes(MiB // 4) * 4)
    writer.finish()
    recorded = RecordingStorage(before)
    objects, cells = dict(before.objects), dict(before.cells)
    Vault.unlock(recorded, passphrase(), clock=clock, random=chance)
    assert len(recorded.acts) > 40

    for killed_after in range(len(recorded.acts) + 1):
        state = MemoryStorage()
        state.objects, state.cells = dict(objects), dict(cells)
        for act in recorded.acts[:killed_after]:
            if act.what == "delete":
                state.objects.pop(act.name, None)
            else:
                state.cells[act.name] = act.data

        again = Vault.unlock(state, passphrase(), clock=clock, random=chance)

        assert again.check() == []
        assert list(again.entries()) == [kept]


class TooSoonRecording(RecordingStorage):
    """Acknowledges before it writes: its last call has not reached the disk."""

    def __init__(self) -> None:
        super().__init__(MemoryStorage())
        self._late: list[Act] = []

    def _record(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Sequence[str]) -> None:
        written, self.acts = self.acts, []
        super()._record(puts, cells, deletes)
        self.acts, self._late = written + self._late, self.acts

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        super().commit(puts, cells, deletes)


def test_a_storage_that_acknowledges_too_soon_is_found_out() -> None:
    clock, chance = FixedClock(Milliseconds(1_772_366_400_000)), predictable(b"keep")
    script = run_script(TooSoonRecording(), clock, chance)

    found = [broken_promises(script, done, state) for done, state in script.storage.states(start=12) if done < 60]

    assert any("entry 10" in broken for broken in found)


# -- real kills -------------------------------------------------------------------------------------------------------


@dataclass
class Model:
    """What a line of victims has acknowledged so far."""

    words: str
    coming: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    readings: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    acknowledgements: int = 0

    def hear(self, line: str) -> None:
        match line.split():
            case ["start", "passphrase", words]:
                self.coming = words
            case ["start", "remove", identity]:
                self.doubtful.add(identity)
            case ["done", kind, *rest]:
                self.acknowledgements += 1
                if kind == "passphrase":
                    self.words, self.coming = rest[0], ""
                elif kind == "remove":
                    self.removed.add(rest[0])
                elif kind != "snapshot":
                    {"note": self.notes, "file": self.files, "reading": self.readings}[kind][rest[0]] = rest[1]

    def unlock(self, path: Path) -> Vault:
        clock, chance = FixedClock(Milliseconds(1_772_366_400_000)), os.urandom
        storage = SqliteStorage.open(path)
        try:
            return Vault.unlock(storage, passphrase(self.words), clock=clock, random=chance)
        except WrongPassphrase:
            assert self.coming, "the acknowledged passphrase does not open the vault"
            vault = Vault.unlock(storage, passphrase(self.coming), clock=clock, random=chance)
            self.words, self.coming = self.coming, ""
            return vault

    def check(self, vault: Vault) -> None:
        there = {entry.id: entry for entry in vault.entries()}
        assert vault.check() == []
        assert self.removed.isdisjoint(there)
        for identity, text in self.notes.items():
            if identity not in self.doubtful:
                assert there[identity].fields["value"] == text
        for identity, digest in self.files.items():
            assert hashlib.sha256(file_bytes(vault, there[identity])).hexdigest() == digest
        for identity, text in self.readings.items():
            kept = b"".join(row.kept for row in rows(100, text))
            assert b"".join(vault.reading(there[identity]).blocks()) == kept
        assert vault.load_projection(SHAPE)[1] <= len(vault.log)


class Victims:
    """The warm process that forks victims."""

    def __init__(self, kind: str) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def kill_one(self, path: Path, model: Model, seed: int, delay: float) -> None:
        """Let one victim work, kill it so many seconds after it began to, and hear all that it had said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path} {model.words} {seed}\n")
        self._process.stdin.flush()
        pid = 0
        for line in self._process.stdout:
            match line.split():
                case ["pid", number]:
                    pid = int(number)
                    threading.Thread(target=_kill_later, args=(pid, delay)).start()
                case ["end"]:
                    return
                case _:
                    model.hear(line)
        pytest.fail("the process that forks victims has ended")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _kill_later(pid: int, delay: float) -> None:
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def victims() -> Iterator[Victims]:
    made = Victims("sound")

    yield made

    made.close()


def kill_many(victims: Victims, folder: Path, kills: int, seed: int) -> int:
    """Kill so many victims, checking everything after each; return how many acknowledgements were heard."""
    chance = random.Random(seed)
    heard = 0
    for start in range(0, kills, 10):  # a fresh vault every ten kills keeps the checking short
        path = folder / f"{start}.vault"
        vault = Vault.create(
            SqliteStorage.create(path),
            passphrase("first"),
            clock=FixedClock(Milliseconds(1_772_366_400_000)),
            random=os.urandom,
            kdf=1,
        )
        vault.lock()
        model = Model("first")
        for kill in range(start, min(start + 10, kills)):
            victims.kill_one(path, model, seed * 100_000 + kill, chance.uniform(0.005, 0.12))
            vault = model.unlock(path)
            model.check(vault)
            vault.lock()
            model.coming = ""
        heard += model.acknowledgements
        path.unlink()
    return heard


def test_killed_for_real_forty_times_nothing_acknowledged_is_lost(victims: Victims, tmp_path: Path) -> None:
    heard = kill_many(victims, tmp_path, 40, seed=1)

    assert heard > 40


@pytest.mark.long
def test_killed_for_real_a_thousand_times_nothing_acknowledged_is_lost(victims: Victims, tmp_path: Path) -> None:
    heard = kill_many(victims, tmp_path, 1_000, seed=2)

    assert heard > 1_000


def test_a_storage_that_commits_late_is_found_out_by_killing_it(tmp_path: Path) -> None:
    hasty = Victims("hasty")

    try:
        with pytest.raises((AssertionError, KeyError)):
            kill_many(hasty, tmp_path, 20, seed=3)
    finally:
        hasty.close()

"""P-TAMPER inside the vault: each changed bit is noticed when unlocking or checking, or was no part of the contents.

What may change unnoticed is the list in docs/formats/vault.md §9: an unused slot changed in both copies, free space,
slack and counters of the SQLite file. For the file this is not taken on trust: a change that goes unnoticed must leave
every object and cell as it was.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from tests.safety.vault_world import CHEAP, keep_file, keep_reading, note, passphrase, predictable, rows, snapshot

from leeward.core.clock import FixedClock
from leeward.core.errors import LeewardError
from leeward.core.units import Milliseconds
from leeward.vault import seal as seal_module
from leeward.vault.log import Entry
from leeward.vault.primitives import KDF_PROFILES, unseal
from leeward.vault.storage.base import CELLS
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault
from leeward_proof import commit as commitments

NOW = Milliseconds(1_772_366_400_000)
PAGE = 16_384


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in KDF_PROFILES:
        monkeypatch.setitem(KDF_PROFILES, number, CHEAP)


@pytest.fixture
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember answers of pure functions: thousands of checks of one vault differ in one object each."""
    monkeypatch.setattr(seal_module, "unseal", lru_cache(maxsize=None)(unseal))
    monkeypatch.setattr(commitments, "_expand", lru_cache(maxsize=None)(commitments._expand))
    commitment, known = Entry.commitment, dict[tuple[bytes, str], bytes]()

    def remembered(entry: Entry) -> bytes:
        key = (entry.seed, repr(entry.fields))
        if key not in known:
            known[key] = commitment(entry)
        return known[key]

    monkeypatch.setattr(Entry, "commitment", remembered)


def fill(vault: Vault) -> None:
    """Write 205 notes, two archives with files and readings, an empty file, removals and a snapshot."""
    for number in range(205):
        note(vault, f"line {number}")
    big = keep_file(vault, b"01/02/26, 10:00 - Carl: where are you\n" * 30_000)
    keep_reading(vault, big, rows(150))
    small = keep_file(vault, b"a short chat\n", "short.txt")
    keep_reading(vault, small, rows(3))
    keep_file(vault, b"", "empty.txt")
    doomed = keep_file(vault, b"to be removed " * 50_000)
    for entry in (vault.entry(7), vault.entry(100), doomed):
        vault.remove(entry, "")
    snapshot(vault)


def unlock(storage: MemoryStorage | SqliteStorage) -> Vault:
    return Vault.unlock(storage, passphrase(), clock=FixedClock(NOW), random=predictable(b"unlock"))


def notices(storage: MemoryStorage | SqliteStorage) -> bool:
    """Say whether unlocking or checking finds anything."""
    try:
        return unlock(storage).check() != []
    except LeewardError:
        return True


@pytest.fixture(scope="module")
def whole() -> Iterator[MemoryStorage]:
    patch = pytest.MonkeyPatch()
    patch.setitem(KDF_PROFILES, 1, CHEAP)
    storage = MemoryStorage()
    fill(Vault.create(storage, passphrase(), clock=FixedClock(NOW), random=predictable(b"tamper"), kdf=1))

    yield storage

    patch.undo()


def copy_of(whole: MemoryStorage) -> MemoryStorage:
    copy = MemoryStorage()
    copy.objects, copy.cells = dict(whole.objects), dict(whole.cells)
    return copy


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# -- objects and cells ------------------------------------------------------------------------------------------------


def flip_objects(whole: MemoryStorage, flips: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Flip one bit at a time; return how many were noticed by kind of holder, and what was not.

    Half of the flips choose an object or cell first, so that small ones are not drowned by the large; the others
    choose among all bits.
    """
    chance = random.Random(seed)
    holders = [("object", name) for name in whole.objects] + [("cell", name) for name in CELLS]
    sizes = [len(whole.objects[name] if kind == "object" else whole.cells[name] or b"") for kind, name in holders]
    noticed: Counter[str] = Counter()
    missed = []
    for step in range(flips):
        kind, name = chance.choices(holders, sizes)[0] if step % 2 else chance.choice(holders)
        state = copy_of(whole)
        held = state.objects[name] if kind == "object" else state.cells[name] or b""
        bit = chance.randrange(len(held) * 8)
        if kind == "object":
            state.objects[name] = flipped(held, bit)
        else:
            state.cells[name] = flipped(held, bit)
        if notices(state):
            noticed[kind] += 1
        else:
            missed.append(f"{kind} {name}, bit {bit}")
    return noticed, missed


@pytest.mark.usefixtures("_remembered")
def test_a_changed_bit_in_any_object_or_cell_is_noticed(whole: MemoryStorage) -> None:
    assert not notices(copy_of(whole))

    noticed, missed = flip_objects(whole, 2_000, seed=1)

    assert missed == []
    assert noticed["object"] > 1_900
    assert noticed["cell"] > 5


@pytest.mark.usefixtures("_remembered")
def test_a_changed_bit_in_a_cell_is_noticed_wherever_it_is(whole: MemoryStorage) -> None:
    chance = random.Random(2)

    missed = []
    for cell in CELLS:
        held = whole.cells[cell] or b""
        early = list(range(0, 44 * 8, 3))
        for bit in early + chance.sample(range(len(held) * 8), 60):
            state = copy_of(whole)
            state.cells[cell] = flipped(held, bit)
            if not notices(state):
                missed.append((cell, bit))

    assert missed == []


@pytest.mark.long
@pytest.mark.usefixtures("_remembered")
def test_fifty_thousand_changed_bits_are_noticed(whole: MemoryStorage) -> None:
    _, missed = flip_objects(whole, 50_000, seed=3)

    assert missed == []


@pytest.mark.usefixtures("_remembered")
def test_an_unused_slot_changed_in_both_copies_means_nothing(whole: MemoryStorage) -> None:
    used = unlock(copy_of(whole))._opened.slot
    state = copy_of(whole)
    for cell in ("header", "spare"):
        state.cells[cell] = flipped(state.cells[cell] or b"", (44 + 200 * ((used + 1) % 16)) * 8)

    assert not notices(state)


@pytest.mark.usefixtures("_remembered")
def test_a_used_slot_or_the_readable_part_changed_in_both_copies_does_not_open(whole: MemoryStorage) -> None:
    used = unlock(copy_of(whole))._opened.slot
    for position in [*range(44), *range(44 + 200 * used, 244 + 200 * used, 7)]:
        state = copy_of(whole)
        for cell in ("header", "spare"):
            state.cells[cell] = flipped(state.cells[cell] or b"", position * 8)
        assert notices(state), position


@pytest.mark.usefixtures("_remembered")
def test_any_object_taken_away_exchanged_or_added_is_noticed(whole: MemoryStorage) -> None:
    chance = random.Random(4)
    names = sorted(whole.objects)
    assert len(names) > 210

    for name in names[::3]:
        state = copy_of(whole)
        del state.objects[name]
        assert notices(state), name
    for name in chance.sample(names, 30):
        state = copy_of(whole)
        other = chance.choice([each for each in names if each != name])
        state.objects[name], state.objects[other] = state.objects[other], state.objects[name]
        assert notices(state), name
        state = copy_of(whole)
        state.objects[flipped(bytes.fromhex(name), 5).hex()] = state.objects[name]
        assert notices(state), name


@pytest.mark.usefixtures("_remembered")
def test_an_older_object_or_head_put_back_is_noticed() -> None:
    storage = MemoryStorage()
    vault = Vault.create(storage, passphrase(), clock=FixedClock(NOW), random=predictable(b"older"), kdf=1)
    states = []
    for number in range(70):
        note(vault, str(number))
        states.append(copy_of(storage))

    for older in (states[0], states[30], states[62], states[68]):
        state = copy_of(storage)
        state.cells["head"] = older.cells["head"]
        assert notices(state)


@pytest.mark.usefixtures("_remembered")
def test_the_search_would_find_what_goes_unnoticed(whole: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Vault.check
    monkeypatch.setattr(
        Vault, "check", lambda self: [each for each in honest(self) if not each.where.startswith("entry")]
    )

    _, missed = flip_objects(whole, 120, seed=5)

    assert missed != []


# -- the file ---------------------------------------------------------------------------------------------------------


def contents(path: Path) -> tuple[dict[str, bytes], list[bytes | None]]:
    storage = SqliteStorage.open(path)
    try:
        return {name: storage.get(name) for name in storage.names()}, [storage.cell(cell) for cell in CELLS]
    finally:
        storage.close()


@pytest.fixture(scope="module")
def file_bytes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    patch = pytest.MonkeyPatch()
    patch.setitem(KDF_PROFILES, 1, CHEAP)
    path = tmp_path_factory.mktemp("tamper") / "notes.vault"
    storage = SqliteStorage.create(path)
    vault = Vault.create(storage, passphrase(), clock=FixedClock(NOW), random=predictable(b"file"), kdf=1)
    fill(vault)
    vault.lock()

    yield path.read_bytes()

    patch.undo()


def where_in_file(whole: bytes, position: int) -> str:
    """Say what part of a SQLite file a byte is, where a change may go unnoticed. Source: SQLite's file format page."""
    if position < 100:
        return "counters and notes in the header of the file"
    page = position // PAGE
    within = position % PAGE
    start = page * PAGE + (100 if page == 0 else 0)
    kind = whole[start]
    if kind not in (2, 10):
        return "end of an overflow page or a free page"
    cells = int.from_bytes(whole[start + 3 : start + 5], "big")
    content = int.from_bytes(whole[start + 5 : start + 7], "big") or 65_536
    pointers_end = start - page * PAGE + (12 if kind == 2 else 8) + 2 * cells
    if pointers_end <= within < content:
        return "space between pointers and rows"
    if within < pointers_end:
        return "page header"
    return "between rows"


def flip_file(whole: bytes, folder: Path, flips: int, seed: int, *, header_flips: int) -> Counter[str]:
    """Flip one bit of the file at a time; return where unnoticed ones lie.

    Fails when contents changed and nobody noticed.
    """
    chance = random.Random(seed)
    path = folder / "notes.vault"
    path.write_bytes(whole)
    expected = contents(path)
    unnoticed: Counter[str] = Counter()
    positions = [chance.randrange(100) for _ in range(header_flips)]
    positions += [chance.randrange(len(whole)) for _ in range(flips - header_flips)]
    for position in positions:
        path.write_bytes(flipped(whole, position * 8 + chance.randrange(8)))
        for beside in ("-wal", "-journal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        try:
            storage = SqliteStorage.open(path)
        except LeewardError:
            continue
        found = notices(storage)
        storage.close()
        if not found:
            assert contents(path) == expected, f"byte {position} changed the contents and nobody noticed"
            unnoticed[where_in_file(whole, position)] += 1
    return unnoticed


HARMLESS = {
    "counters and notes in the header of the file",
    "end of an overflow page or a free page",
    "space between pointers and rows",
    "page header",
    "between rows",
}


@pytest.mark.usefixtures("_remembered")
def test_a_changed_bit_in_the_file_is_noticed_or_was_no_part_of_the_contents(file_bytes: bytes, tmp_path: Path) -> None:
    unnoticed = flip_file(file_bytes, tmp_path, 400, seed=6, header_flips=100)

    assert set(unnoticed) <= HARMLESS
    assert sum(unnoticed.values()) < 280


@pytest.mark.long
@pytest.mark.usefixtures("_remembered")
def test_five_thousand_changed_bits_in_the_file(file_bytes: bytes, tmp_path: Path) -> None:
    unnoticed = flip_file(file_bytes, tmp_path, 5_000, seed=7, header_flips=800)

    assert set(unnoticed) <= HARMLESS


def test_a_row_changed_through_sqlite_itself_is_noticed(file_bytes: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.vault"
    changes = [
        "UPDATE objects SET data = substr(data, 2) WHERE name = (SELECT min(name) FROM objects)",
        "UPDATE objects SET name = zeroblob(32) WHERE name = (SELECT min(name) FROM objects)",
        "DELETE FROM objects WHERE name = (SELECT max(name) FROM objects)",
        "INSERT INTO objects VALUES (zeroblob(32), x'00')",
        "UPDATE cells SET data = zeroblob(3244) WHERE name = 'spare'",
        "CREATE TABLE other(x)",
        "CREATE TRIGGER t AFTER INSERT ON objects BEGIN DELETE FROM cells; END",
        "CREATE INDEX i ON objects(data)",
    ]
    for change in changes:
        path.write_bytes(file_bytes)
        db = sqlite3.connect(path)
        db.execute(change)
        db.commit()
        db.close()

        storage = SqliteStorage.open(path)
        assert notices(storage), change
        storage.close()

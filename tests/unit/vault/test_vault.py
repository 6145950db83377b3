import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from tests.safety.vault_world import (
    SHAPE,
    file_bytes,
    file_info,
    keep_file,
    keep_reading,
    note,
    rows,
    snapshot,
)

from leeward.core.clock import FixedClock
from leeward.core.errors import (
    CannotRead,
    CannotWrite,
    FromNewerVersion,
    NotAVault,
    NotHere,
    VaultDamaged,
    VaultInUse,
    WrongPassphrase,
)
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.core.units import MiB, Seconds
from leeward.vault import vault as vault_module
from leeward.vault.kinds import ASIDE, SETTING
from leeward.vault.log import Entry, NewEntry
from leeward.vault.seal import Place
from leeward.vault.storage.base import CellSwap
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault

Unlock = Callable[[Passphrase], Vault]


@pytest.fixture
def unlock(memory: MemoryStorage, clock: FixedClock, chance: RandomBytes) -> Unlock:
    """Open the same memory again, as another process would."""

    def again(with_passphrase: Passphrase) -> Vault:
        return Vault.unlock(memory.reopened(), with_passphrase, clock=clock, random=chance)

    return again


def flip(memory: MemoryStorage, cell: str, position: int, bit: int = 1) -> None:
    changed = bytearray(memory.cells[cell] or b"")
    changed[position] ^= bit
    memory.cells[cell] = bytes(changed)


# -- opening ----------------------------------------------------------------------------------------------------------


def test_a_vault_opens_with_its_passphrase_and_holds_what_was_written(
    vault: Vault, unlock: Unlock, passphrase: Passphrase
) -> None:
    written = [note(vault, f"line {number}") for number in range(3)]
    vault.lock()

    again = unlock(passphrase)

    assert list(again.entries()) == written
    assert [entry.fields["value"] for entry in again.entries(1)] == ["line 1", "line 2"]
    assert again.check() == []


def test_another_passphrase_does_not_open_it(vault: Vault, unlock: Unlock, wrong_passphrase: Passphrase) -> None:
    with pytest.raises(WrongPassphrase):
        unlock(wrong_passphrase)


def test_the_same_words_typed_on_another_device_open_it(clock: FixedClock, chance: RandomBytes) -> None:
    words = "Élan façade ﬁn ①"
    memory = MemoryStorage()
    typed = Passphrase.from_text(unicodedata.normalize("NFC", words))
    Vault.create(memory, typed, clock=clock, random=chance, kdf=1)

    for form in ("NFD", "NFKC", "NFKD"):
        other = unicodedata.normalize(form, words)
        Vault.unlock(memory, Passphrase.from_text(other), clock=clock, random=chance)


def test_an_empty_storage_is_not_a_vault(passphrase: Passphrase, clock: FixedClock, chance: RandomBytes) -> None:
    with pytest.raises(NotAVault):
        Vault.unlock(MemoryStorage(), passphrase, clock=clock, random=chance)


def test_a_vault_is_never_made_over_another(
    vault: Vault, memory: MemoryStorage, passphrase: Passphrase, clock: FixedClock, chance: RandomBytes
) -> None:
    note(vault, "hers")
    before = dict(memory.objects), dict(memory.cells)

    with pytest.raises(CannotWrite, match="already"):
        Vault.create(memory, passphrase, clock=clock, random=chance, kdf=1)

    assert (memory.objects, memory.cells) == before


@pytest.mark.parametrize("position", [0, 8, 9, 10, 11, 12, 43, 44, 44 + 16 * 200 - 1])
@pytest.mark.parametrize("cell", ["header", "spare"])
def test_one_changed_bit_in_one_copy_of_the_beginning_does_not_lock_her_out(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase, cell: str, position: int
) -> None:
    written = note(vault, "hers")
    flip(memory, cell, position, 2)

    again = unlock(passphrase)

    assert list(again.entries()) == [written]
    assert [problem.where for problem in again.check()] == ["header"]


def test_a_missing_copy_of_the_beginning_does_not_lock_her_out(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase
) -> None:
    for cell in ("header", "spare"):
        kept, memory.cells[cell] = memory.cells[cell], None
        assert unlock(passphrase).check() != []
        memory.cells[cell] = kept


def test_a_wrong_passphrase_is_said_as_such_when_one_copy_is_damaged(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, wrong_passphrase: Passphrase
) -> None:
    flip(memory, "header", 8, 2)

    with pytest.raises(WrongPassphrase):
        unlock(wrong_passphrase)


def test_a_newer_format_in_both_copies_is_said(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase
) -> None:
    for cell in ("header", "spare"):
        flip(memory, cell, 8, 2)

    with pytest.raises(FromNewerVersion):
        unlock(passphrase)


def test_too_little_memory_for_the_passphrase_is_said_and_is_not_damage(
    vault: Vault, unlock: Unlock, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(vault_module, "open_header", no_memory)

    with pytest.raises(CannotRead, match="memory"):
        unlock(passphrase)


def test_a_damaged_head_is_said(vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase) -> None:
    flip(memory, "head", 200)

    with pytest.raises(VaultDamaged, match="head"):
        unlock(passphrase)


def test_a_missing_head_is_said(vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase) -> None:
    memory.cells["head"] = None

    with pytest.raises(VaultDamaged, match="head"):
        unlock(passphrase)


# -- changing the passphrase ------------------------------------------------------------------------------------------


def test_after_a_change_the_new_passphrase_opens_and_the_old_one_does_not(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase
) -> None:
    written = note(vault, "hers")
    new = Passphrase.from_text("willow anchor")

    vault.change_passphrase(new)

    assert memory.cells["header"] == memory.cells["spare"]
    assert list(unlock(new).entries()) == [written]
    with pytest.raises(WrongPassphrase):
        unlock(passphrase)
    assert unlock(new).check() == []


def test_the_passphrase_may_be_changed_again_and_again(vault: Vault, unlock: Unlock) -> None:
    for number in range(5):
        vault.change_passphrase(Passphrase.from_text(f"words {number}"))

    assert unlock(Passphrase.from_text("words 4")).check() == []


@pytest.mark.parametrize("position", [8, 9, 12, 100])
def test_a_change_repairs_a_damaged_beginning(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase, position: int
) -> None:
    flip(memory, "header", position, 2)
    opened = unlock(passphrase)
    new = Passphrase.from_text("willow anchor")

    opened.change_passphrase(new)

    assert memory.cells["header"] == memory.cells["spare"]
    assert unlock(new).check() == []
    with pytest.raises(WrongPassphrase):
        unlock(passphrase)


# -- entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_says_when_and_where_it_was_written(vault: Vault, clock: FixedClock) -> None:
    entry = vault.append(SETTING, {"name": "zone", "value": "Europe/Dublin"}, zone="Europe/Dublin")

    assert entry.fields["written"] == {"ms": clock.now_ms(), "zone": "Europe/Dublin"}
    assert (entry.kind, len(entry.id)) == ("setting", 16)


def test_fields_of_a_newer_version_are_kept_and_committed_to(
    vault: Vault, unlock: Unlock, passphrase: Passphrase
) -> None:
    entry = vault.append(SETTING, {"name": "a", "value": "b"}, unknown={"later": {"deep": [1, "two", None, True]}})

    again = next(unlock(passphrase).entries())

    assert again.fields["later"] == {"deep": [1, "two", None, True]}
    assert again.commitment() == entry.commitment()


def test_an_amendment_names_exactly_what_it_changes(vault: Vault) -> None:
    entry = note(vault, "first")

    amendment = vault.amend(entry, {"value": "second", "mood": None})

    assert amendment.fields["of"] == entry.id
    assert amendment.fields["was"] == entry.commitment().hex()
    assert (amendment.fields["value"], amendment.fields["unset"]) == ("second", ["mood"])
    assert vault.entry(entry.number).fields["value"] == "first"


def test_setting_aside_and_back_are_both_kept(vault: Vault) -> None:
    entry = note(vault, "x")

    for aside in (True, False):
        vault.append(ASIDE, {"of": entry.id, "aside": aside})

    assert [each.fields["aside"] for each in vault.entries(1)] == [True, False]


@pytest.mark.parametrize("value", [1.5, 2**53, "\ud800", {1: 2}, b"bytes"])
def test_a_value_without_a_canonical_form_is_refused_and_nothing_is_written(vault: Vault, value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any text: it never reaches a person
        vault.append(SETTING, {"name": "x", "value": value})

    assert len(vault.log) == 0
    assert vault.check() == []


def test_several_entries_are_one_commit(vault: Vault, unlock: Unlock, passphrase: Passphrase) -> None:
    fields = [{"id": f"{number:016}", "kind": "setting", "v": 1, "written": {"ms": 1}} for number in range(130)]

    made = vault.log.append(NewEntry(each) for each in fields)

    assert [entry.number for entry in made] == list(range(130))
    assert (vault.log.batches, vault.log.pending) == (2, 2)
    assert unlock(passphrase).check() == []


def test_writing_over_someone_elses_head_is_refused_and_their_entries_stay(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase
) -> None:
    other = unlock(passphrase)
    theirs = note(other, "theirs")

    with pytest.raises(VaultInUse):
        note(vault, "mine")

    assert list(unlock(passphrase).entries()) == [theirs]
    assert unlock(passphrase).check() == []


class PutsFirst(MemoryStorage):
    """A storage that keeps the contract and no more: puts are there before a cell is compared."""

    def commit(self, puts: Mapping[str, bytes], cells: Sequence[CellSwap], deletes: Iterable[str] = ()) -> None:
        self.put_many(puts)
        super().commit({}, cells, deletes)


def test_objects_of_another_writer_are_not_taken_for_leftovers(
    passphrase: Passphrase, clock: FixedClock, chance: RandomBytes
) -> None:
    storage = PutsFirst()
    mine = Vault.create(storage, passphrase, clock=clock, random=chance, kdf=1)
    theirs = Vault.unlock(storage, passphrase, clock=clock, random=chance)
    kept = note(theirs, "theirs")

    with pytest.raises(VaultInUse):
        note(mine, "mine")

    assert list(Vault.unlock(storage, passphrase, clock=clock, random=chance).entries()) == [kept]


def test_an_object_left_by_a_kill_does_not_forbid_writing(vault: Vault, memory: MemoryStorage) -> None:
    memory.objects[vault.ring.sealer.name(Place("entry", 0))] = b"left behind"

    entry = note(vault, "x")

    assert list(vault.entries()) == [entry]
    assert vault.check() == []


# -- batches ----------------------------------------------------------------------------------------------------------


def test_the_64th_entry_closes_a_batch_and_signs_it(vault: Vault) -> None:
    for number in range(63):
        note(vault, str(number))
    before = (vault.log.batches, vault.log.pending, vault.log.checkpoint)

    note(vault, "63")

    assert before == (0, 63, "")
    assert (vault.log.batches, vault.log.pending, vault.log.pending_day) == (1, 0, "")
    assert vault.log.checkpoint.startswith(vault.log.verifier_key.name + "\n1\n")


def test_every_entry_is_found_in_its_batch(vault: Vault) -> None:
    entries: list[Entry] = []
    for number in range(300):
        entries.append(note(vault, str(number)))
        if number in (10, 70, 71, 200):
            vault.log.close_batch()

    pending = vault.log.pending
    for entry in entries:
        batch = vault.log.batch_of(entry.number)
        assert (batch is None) == (entry.number >= 300 - pending)
        if batch is not None:
            assert batch.commitments[entry.number - batch.first] == entry.commitment()
            position = batch.layout.positions[entry.number - batch.first]
            assert batch.layout.commitments[position] == entry.commitment()
        assert vault.log.recorded_commitment(entry.number, batch) == entry.commitment()
    firsts = [vault.log.batch(number).first for number in range(vault.log.batches)]
    assert firsts == [0, 11, 71, 72, 136, 200, 201]
    assert vault.check() == []


def test_closing_a_batch_when_nothing_waits_changes_nothing(vault: Vault) -> None:
    note(vault, "x")
    vault.log.close_batch()
    before = (vault.log.batches, vault.log.checkpoint)

    vault.log.close_batch()

    assert (vault.log.batches, vault.log.checkpoint) == before == (1, vault.log.checkpoint)


def test_the_first_unlock_of_a_later_day_closes_the_batch(
    vault: Vault, unlock: Unlock, passphrase: Passphrase, clock: FixedClock
) -> None:
    note(vault, "x")

    same_day = unlock(passphrase).log.batches
    clock.advance(Seconds(86_400))
    next_day = unlock(passphrase).log.batches

    assert (same_day, next_day) == (0, 1)


def test_a_full_disk_does_not_forbid_opening_and_reading(
    vault: Vault,
    memory: MemoryStorage,
    unlock: Unlock,
    passphrase: Passphrase,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = note(vault, "x")
    vault.begin_file()
    clock.advance(Seconds(86_400))

    def full(*_: object) -> None:
        raise CannotWrite("The disk is full.")

    monkeypatch.setattr(MemoryStorage, "commit", full)

    assert list(unlock(passphrase).entries()) == [entry]


# -- removing ---------------------------------------------------------------------------------------------------------


def test_a_removed_entry_is_gone_and_the_log_says_so(vault: Vault, unlock: Unlock, passphrase: Passphrase) -> None:
    entries = [note(vault, f"line {number}") for number in range(70)]

    removal = vault.remove(entries[3], "hers to say")

    again = unlock(passphrase)
    assert [entry.number for entry in again.entries()] == [n for n in range(71) if n != 3]
    with pytest.raises(NotHere):
        again.entry(3)
    assert removal.fields["of"] == entries[3].id
    assert removal.fields["was"] == entries[3].commitment().hex()
    batch = again.log.batch_of(3)
    assert batch is not None
    assert again.log.recorded_commitment(3, batch) == entries[3].commitment()
    assert again.check() == []


def test_removing_an_archive_takes_its_file_and_its_readings(vault: Vault, memory: MemoryStorage) -> None:
    before = set(memory.names())
    archive = keep_file(vault, b"chat " * 500_000)
    reading = keep_reading(vault, archive, rows(120))
    snapshot(vault)
    removed = {vault.ring.sealer.name(Place("entry", entry.number)) for entry in (archive, reading)}

    vault.remove(archive, "", [reading])

    left = set(memory.names()) - before
    assert not removed & left
    assert len(left) == 2  # the page of keys and the entry that says so
    assert vault.log.snapshot is None
    assert vault.check() == []


def test_an_old_page_of_keys_opens_nothing_after_a_removal(vault: Vault, memory: MemoryStorage) -> None:
    for number in range(600):
        note(vault, str(number))
    kept, head = dict(memory.objects), dict(vault.log._head)
    wrap_key, places = vault.log._wrap_key(head), [Place("keys", *pair) for pair in enumerate(head["pages"])]
    names = [vault.ring.sealer.name(place) for place in places]

    vault.remove(vault.entry(300), "")

    now = vault.log._wrap_key(vault.log._head)
    assert now != wrap_key
    assert not set(names) & set(memory.names())
    for name, place in zip(names, places, strict=True):
        vault.ring.sealer.open(wrap_key, place, kept[name])
        with pytest.raises(VaultDamaged):
            vault.ring.sealer.open(now, place, kept[name])
    assert vault.check() == []


def windows(sealed: bytes, step: int = 0) -> list[bytes]:
    """Return some 24-byte samples of sealed bytes, at most about sixty."""
    step = step or max(64, len(sealed) // 60)
    return [sealed[start : start + 24] for start in range(0, len(sealed) - 24, step)]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_after_a_removal_its_bytes_are_nowhere_in_the_folder(
    vault_path: Path, passphrase: Passphrase, clock: FixedClock, chance: RandomBytes
) -> None:
    storage = SqliteStorage.create(vault_path)
    vault = Vault.create(storage, passphrase, clock=clock, random=chance, kdf=1)
    for number in range(90):
        note(vault, f"line {number}")
    archive = keep_file(vault, b"words of hers " * 100_000)
    snapshot(vault)
    sealer = vault.ring.sealer
    gone = {
        "entry": storage.get(sealer.name(Place("entry", archive.number))),
        "keys": storage.get(sealer.name(Place("keys", 0, vault.log._head["pages"][0]))),
        "file": storage.get(sealer.name(Place("blob", file_info(archive).blob, 0))),
        "snapshot": storage.get(sealer.name(Place("snapshot", vault.log._head["snapshot"]["id"], 0))),
        "head": storage.cell("head") or b"",
    }
    before = everything_in(vault_path.parent)
    for sealed in gone.values():  # nearly all: a window may lie across two pages of the file
        assert sum(window in before for window in windows(sealed)) > len(windows(sealed)) * 0.9

    vault.remove(archive, "")

    after = everything_in(vault_path.parent)
    found = [name for name, sealed in gone.items() if any(window in after for window in windows(sealed))]
    assert found == []
    vault.lock()
    assert not any(window in everything_in(vault_path.parent) for window in windows(gone["entry"]))


def test_after_a_change_of_passphrase_the_old_slot_is_nowhere_in_the_folder(
    vault_path: Path, passphrase: Passphrase, clock: FixedClock, chance: RandomBytes
) -> None:
    storage = SqliteStorage.create(vault_path)
    vault = Vault.create(storage, passphrase, clock=clock, random=chance, kdf=1)
    header, slot = storage.cell("header") or b"", vault._opened.slot
    old = header[44 + 200 * slot : 244 + 200 * slot]
    assert old in everything_in(vault_path.parent)

    vault.change_passphrase(Passphrase.from_text("willow anchor"))

    assert not any(window in everything_in(vault_path.parent) for window in windows(old, 16))
    vault.lock()


def test_what_a_kill_left_in_the_log_file_is_gone_once_the_vault_is_open_again(
    vault_path: Path, tmp_path: Path, passphrase: Passphrase, clock: FixedClock, chance: RandomBytes
) -> None:
    storage = SqliteStorage.create(vault_path)
    vault = Vault.create(storage, passphrase, clock=clock, random=chance, kdf=1)
    entry = note(vault, "x")
    sealed = storage.get(vault.ring.sealer.name(Place("entry", 0)))
    vault.log.append([], remove=[entry.number])  # committed, and killed before the scrub
    killed = tmp_path / "killed"
    killed.mkdir()
    for path in (vault_path, vault_path.with_name(vault_path.name + "-wal")):
        (killed / path.name).write_bytes(path.read_bytes())
    vault.lock()
    assert any(window in everything_in(killed) for window in windows(sealed))

    again = Vault.unlock(SqliteStorage.open(killed / vault_path.name), passphrase, clock=clock, random=chance)

    assert not any(window in everything_in(killed) for window in windows(sealed))
    again.lock()


# -- files, readings --------------------------------------------------------------------------------------------------


def test_a_file_in_use_by_nobody_is_cleaned_away_even_when_cleaning_is_killed(
    vault: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(memory.names())
    _, _, writer = vault.begin_file()
    for _ in range(40):
        writer.write(bytes(MiB))
    writer.finish()
    assert len(set(memory.names()) - before) == 40
    right = MemoryStorage.delete
    calls = []

    def dies(self: MemoryStorage, names: Iterable[str]) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        right(self, names)

    with monkeypatch.context() as killing:
        killing.setattr(MemoryStorage, "delete", dies)
        with pytest.raises(KeyboardInterrupt):
            unlock(passphrase)
    assert 0 < len(set(memory.names()) - before) < 40

    opened = unlock(passphrase)

    assert set(memory.names()) == before
    assert opened.log.jobs == []


@pytest.mark.parametrize("unfinished", ["file", "reading", "snapshot"])
def test_what_was_begun_and_never_finished_is_cleaned_away(
    vault: Vault,
    memory: MemoryStorage,
    unlock: Unlock,
    passphrase: Passphrase,
    unfinished: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note(vault, "x")
    before = set(memory.names())
    if unfinished == "file":
        begun = vault.begin_file()[2]
        begun.write(bytes(17 * MiB))
        begun.stop()
    elif unfinished == "reading":
        writer = vault.begin_reading()[2]
        writer.add([row.facts for row in rows(70_000)], b"rows")
    else:
        monkeypatch.setattr(vault.log, "set_snapshot", lambda *_: None)
        snapshot(vault)
    assert set(memory.names()) > before

    opened = unlock(passphrase)

    assert set(memory.names()) == before
    assert opened.check() == []


@pytest.mark.parametrize("kind", ["file", "reading"])
def test_what_is_dropped_is_gone_at_once(vault: Vault, memory: MemoryStorage, kind: str) -> None:
    before = set(memory.names())
    if kind == "file":
        blob, _, writer = vault.begin_file()
        writer.write(bytes(9 * MiB))
        vault.drop_file(blob)
    else:
        identity, _, rows_writer = vault.begin_reading()
        rows_writer.add([row.facts for row in rows(3)], b"rows")
        vault.drop_reading(identity)

    assert set(memory.names()) == before
    assert vault.log.jobs == []


def test_a_file_that_was_changed_behind_the_digest_is_noticed(vault: Vault) -> None:
    entry = keep_file(vault, b"abc" * 1000)
    lie = file_info(entry)._replace(sha256="0" * 64)

    with pytest.raises(VaultDamaged):
        list(vault.file(entry, lie).stream())


# -- checking ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(vault: Vault) -> Vault:
    """70 notes, an archive with a reading, an empty file, a snapshot, one removal."""
    for number in range(70):
        note(vault, str(number))
    archive = keep_file(vault, b"chat " * 300_000)
    keep_reading(vault, archive, rows(120))
    keep_file(vault, b"")
    vault.remove(vault.entry(5), "")
    snapshot(vault)
    assert vault.check() == []
    return vault


def places_of(vault: Vault) -> dict[str, tuple[Place, str]]:
    """One object of every kind, with the place a check must name."""
    archive, reading, empty = (vault.entry(number) for number in (70, 71, 72))
    return {
        "entry": (Place("entry", 7), "entry 7"),
        "secrets": (Place("secrets"), "secrets"),
        "batch": (Place("batch", 0), "tree"),
        "keys": (Place("keys", 0, vault.log._head["pages"][0]), "keys"),
        "blob": (Place("blob", file_info(archive).blob, 1), "entry 70, a file"),
        "empty blob": (Place("blob", file_info(empty).blob, 0), "entry 72, a file"),
        "block": (Place("block", reading.id, 1), "entry 71, its records"),
        "leaves": (Place("leaves", reading.id, 0, 0), "entry 71, its records"),
        "snapshot": (Place("snapshot", vault.log._head["snapshot"]["id"], 0), "snapshot"),
    }


KINDS = ["entry", "secrets", "batch", "keys", "blob", "empty blob", "block", "leaves", "snapshot"]


@pytest.mark.parametrize("how", ["changed", "missing", "swapped", "shortened"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_check_finds_damage_of_every_kind_and_names_the_place(
    full: Vault, memory: MemoryStorage, unlock: Unlock, passphrase: Passphrase, kind: str, how: str
) -> None:
    place, where = places_of(full)[kind]
    name = full.ring.sealer.name(place)
    sealed = memory.objects[name]
    if how == "changed":
        memory.objects[name] = sealed[:-20] + bytes([sealed[-20] ^ 1]) + sealed[-19:]
    elif how == "missing":
        del memory.objects[name]
    elif how == "shortened":
        memory.objects[name] = sealed[:-1]
    else:
        memory.objects[name] = memory.objects[full.ring.sealer.name(Place("entry", 8))]

    try:
        problems = unlock(passphrase).check()
    except VaultDamaged as damage:
        found = [str(damage)]
    else:
        found = [problem.where for problem in problems]

    assert any(where in each for each in found), found


def test_a_check_says_how_many_parts_belong_to_nothing(full: Vault, memory: MemoryStorage) -> None:
    memory.objects.update({"e" * 64: b"1", "f" * 64: b"2"})

    assert [problem.what for problem in full.check()] == ["2 sealed parts belong to nothing."]


def test_a_check_finds_a_tree_that_does_not_fit(full: Vault) -> None:
    head = dict(full.log._head)
    lies: list[dict[str, object]] = [
        {"frontier": ["00" * 32]},
        {"checkpoint": ""},
        {"checkpoint": head["checkpoint"].replace("\n1\n", "\n2\n")},
        {"batches": 0, "frontier": []},
        {"pending": head["pending"][1:]},
        {"pending": [*head["pending"][:-1], "00" * 32]},
    ]

    for lie in lies:
        full.log._head = {**head, **lie}
        assert full.check() != [], lie

    full.log._head = head
    assert full.check() == []


def test_a_check_tells_how_far_it_is(full: Vault) -> None:
    heard: list[tuple[int, int]] = []

    full.check(lambda done, total: heard.append((done, total)))

    assert heard == [(number, 74) for number in range(74)]


# -- snapshot ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_brings_the_projection_back_without_the_log(
    full: Vault, unlock: Unlock, passphrase: Passphrase
) -> None:
    later = note(full, "after the snapshot")

    db, entries = unlock(passphrase).load_projection(SHAPE)

    assert entries == later.number
    assert db.execute("SELECT count(*) FROM notes").fetchone() == (later.number - 1,)
    assert db.execute("SELECT count(*) FROM words WHERE words MATCH '17'").fetchone() == (1,)


def test_a_new_snapshot_takes_the_place_of_the_old_one(full: Vault, memory: MemoryStorage) -> None:
    before = len(list(memory.names()))

    for _ in range(3):
        snapshot(full)

    assert len(list(memory.names())) == before
    assert full.check() == []


def test_a_snapshot_of_another_shape_or_ahead_of_the_log_is_not_used(full: Vault) -> None:
    other = SHAPE._replace(version="tests/2")

    assert full.load_projection(other)[1] == 0
    full.log._head["snapshot"]["entries"] = len(full.log) + 1
    assert full.load_projection(SHAPE)[1] == 0


@pytest.mark.parametrize("how", ["changed", "missing", "size"])
def test_a_damaged_snapshot_is_not_used_and_nothing_is_lost(full: Vault, memory: MemoryStorage, how: str) -> None:
    name = full.ring.sealer.name(places_of(full)["snapshot"][0])
    if how == "changed":
        memory.objects[name] = memory.objects[name][:-1] + b"\0"
    elif how == "missing":
        del memory.objects[name]
    else:
        full.log._head["snapshot"]["size"] += 1

    db, entries = full.load_projection(SHAPE)

    assert (entries, db.execute("SELECT count(*) FROM notes").fetchone()) == (0, (0,))
    assert len(list(full.entries())) == 73
    snapshot(full)
    assert full.check() == []


def test_file_bytes_come_back(full: Vault) -> None:
    assert file_bytes(full, full.entry(70)) == b"chat " * 300_000
    assert file_bytes(full, full.entry(72)) == b""

"""What every storage promises (src/leeward/vault/storage/base.py), asked of each of them."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from leeward.core.errors import CannotRead, CannotWrite, LeewardError, NotAVault, OurMistake, VaultDamaged, VaultInUse
from leeward.vault.storage.base import CELLS, Absent, CellMoved, CellSwap, Exists, Storage
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.storage.recording import RecordingStorage
from leeward.vault.storage.sqlite import SqliteStorage

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


class Kind(NamedTuple):
    """A storage, and how it is opened again."""

    make: Callable[[], Storage]
    again: Callable[[Storage], Storage]


class _Remade:
    """Keeps the memory storage inside a recording one, so that it can be opened again."""

    def __init__(self) -> None:
        self.memory = MemoryStorage()

    def make(self) -> Storage:
        return RecordingStorage(self.memory)

    def again(self, _: Storage) -> Storage:
        self.memory = self.memory.reopened()
        return RecordingStorage(self.memory)


@pytest.fixture(params=["memory", "recording", "sqlite", "recorded sqlite"])
def kind(request: pytest.FixtureRequest, vault_path: Path) -> Kind:
    def memory_again(storage: Storage) -> Storage:
        assert isinstance(storage, MemoryStorage)
        return storage.reopened()

    remade = _Remade()
    return {
        "memory": Kind(MemoryStorage, memory_again),
        "recording": Kind(remade.make, remade.again),
        "sqlite": Kind(lambda: SqliteStorage.create(vault_path), lambda _: SqliteStorage.open(vault_path)),
        "recorded sqlite": Kind(
            lambda: RecordingStorage(SqliteStorage.create(vault_path)),
            lambda _: RecordingStorage(SqliteStorage.open(vault_path)),
        ),
    }[request.param]


@pytest.fixture
def storage(kind: Kind) -> Iterator[Storage]:
    made = kind.make()

    yield made

    made.close()


def contents(storage: Storage) -> tuple[dict[str, bytes], dict[str, bytes | None]]:
    return {name: storage.get(name) for name in storage.names()}, {cell: storage.cell(cell) for cell in CELLS}


# -- objects ----------------------------------------------------------------------------------------------------------


def test_a_new_storage_is_empty(storage: Storage) -> None:
    assert contents(storage) == ({}, dict.fromkeys(CELLS))
    assert storage.check() == []


@pytest.mark.parametrize("data", [b"", b"\0", b"x" * 100_000, bytes(range(256)) * 5000])
def test_what_is_put_is_got(storage: Storage, data: bytes) -> None:
    storage.put(A, data)

    assert storage.get(A) == data


def test_what_is_not_there_is_absent(storage: Storage) -> None:
    storage.put(A, b"1")

    with pytest.raises(Absent):
        storage.get(B)


def test_an_object_is_written_once_and_never_changed(storage: Storage) -> None:
    storage.put(A, b"first")

    with pytest.raises(Exists):
        storage.put(A, b"second")

    assert storage.get(A) == b"first"


def test_an_object_that_is_there_lets_nothing_of_the_call_happen(storage: Storage) -> None:
    storage.commit({A: b"first"}, [CellSwap("head", None, b"1")])
    before = contents(storage)

    with pytest.raises(Exists):
        storage.put_many({A: b"second"})
    with pytest.raises(Exists):
        storage.commit({A: b"second"}, [CellSwap("head", b"1", b"2")], [A])

    assert contents(storage) == before


def test_several_objects_are_put_at_once(storage: Storage) -> None:
    storage.put_many({A: b"1", B: b"2", C: b"3"})

    assert contents(storage)[0] == {A: b"1", B: b"2", C: b"3"}


def test_names_are_those_of_all_objects(storage: Storage) -> None:
    expected = {f"{number:064x}" for number in range(2500)}
    storage.put_many(dict.fromkeys(expected, b"x"))

    found = list(storage.names())

    assert len(found) == 2500
    assert set(found) == expected


def test_deleting_takes_away_and_what_is_absent_does_not_matter(storage: Storage) -> None:
    storage.put_many({A: b"1", B: b"2"})

    storage.delete([A, C])
    storage.delete(iter([C]))

    assert contents(storage)[0] == {B: b"2"}


def test_a_deleted_name_may_be_used_again(storage: Storage) -> None:
    storage.put(A, b"1")
    storage.delete([A])

    storage.put(A, b"2")

    assert storage.get(A) == b"2"


# -- cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_moves_from_what_was_expected(storage: Storage, cell: str) -> None:
    storage.commit({}, [CellSwap(cell, None, b"1")])
    storage.commit({}, [CellSwap(cell, b"1", b"2" * 5000)])

    assert storage.cell(cell) == b"2" * 5000


@pytest.mark.parametrize("expected", [None, b"0", b"1 "])
def test_a_cell_that_holds_something_else_does_not_move(storage: Storage, expected: bytes | None) -> None:
    storage.commit({}, [CellSwap("head", None, b"1")])

    with pytest.raises(CellMoved):
        storage.commit({}, [CellSwap("head", expected, b"2")])

    assert storage.cell("head") == b"1"


def test_an_empty_cell_does_not_move_from_something(storage: Storage) -> None:
    with pytest.raises(CellMoved):
        storage.commit({}, [CellSwap("head", b"0", b"1")])

    assert storage.cell("head") is None


def test_no_cell_moves_and_nothing_is_deleted_when_one_cell_is_refused(storage: Storage) -> None:
    storage.commit({A: b"1"}, [CellSwap("header", None, b"1"), CellSwap("head", None, b"1")])

    with pytest.raises(CellMoved):
        storage.commit({B: b"2"}, [CellSwap("header", b"1", b"2"), CellSwap("head", b"0", b"2")], [A])

    assert [storage.cell(cell) for cell in CELLS] == [b"1", None, b"1"]
    assert storage.get(A) == b"1"


def test_a_commit_puts_moves_and_deletes(storage: Storage) -> None:
    storage.commit({A: b"1", B: b"2"}, [CellSwap("head", None, b"1")])

    storage.commit({C: b"3"}, [CellSwap("head", b"1", b"2"), CellSwap("spare", None, b"9")], iter([A, D]))

    assert contents(storage) == ({B: b"2", C: b"3"}, {"header": None, "spare": b"9", "head": b"2"})


def test_a_refused_call_may_be_repeated(storage: Storage) -> None:
    storage.put(A, b"1")
    with pytest.raises(Exists):
        storage.commit({A: b"2"}, [CellSwap("head", None, b"1")])

    storage.delete([A])
    storage.commit({A: b"2"}, [CellSwap("head", None, b"1")])

    assert (storage.get(A), storage.cell("head")) == (b"2", b"1")


# -- keeping, scrubbing, closing --------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_when_it_is_opened_again(kind: Kind) -> None:
    storage = kind.make()
    storage.commit({A: b"1", B: b"2" * 200_000}, [CellSwap("head", None, b"7")])
    storage.delete([A])
    before = contents(storage)

    storage.close()
    again = kind.again(storage)

    assert contents(again) == before
    again.close()


def test_scrubbing_changes_nothing_that_is_there(storage: Storage) -> None:
    storage.commit({A: b"1"}, [CellSwap("head", None, b"7")])
    before = contents(storage)

    storage.scrub()
    storage.scrub()

    assert contents(storage) == before
    assert storage.check() == []


def test_closing_twice_is_fine_and_using_it_afterwards_is_refused(storage: Storage) -> None:
    storage.put(A, b"1")
    storage.close()
    storage.close()

    calls: list[Callable[[], object]] = [
        lambda: storage.get(A),
        lambda: storage.put(B, b"2"),
        lambda: storage.put_many({B: b"2"}),
        lambda: storage.commit({}, [CellSwap("head", None, b"1")]),
        lambda: storage.cell("head"),
        lambda: storage.delete([A]),
        lambda: list(storage.names()),
        storage.scrub,
        storage.check,
    ]
    for call in calls:
        with pytest.raises(OurMistake, match="after it was locked"):
            call()


# -- what a recording storage adds ------------------------------------------------------------------------------------


def test_a_recording_storage_gives_every_state_a_kill_could_leave() -> None:
    storage = RecordingStorage(MemoryStorage())
    storage.put(A, b"1")
    storage.commit({B: b"2"}, [CellSwap("head", None, b"7")], [A])

    states = [(set(state.objects), state.cells["head"]) for _, state in storage.states()]

    assert states == [(set(), None), ({A}, None), ({A, B}, None), ({A, B}, b"7"), ({B}, b"7")]
    assert [act.last for act in storage.acts] == [True, False, False, True]


def test_a_refused_call_leaves_nothing_in_the_record() -> None:
    storage = RecordingStorage(MemoryStorage())
    with pytest.raises(CellMoved):
        storage.commit({B: b"2"}, [CellSwap("head", b"0", b"7")])

    assert storage.acts == []


# -- SQLite alone -----------------------------------------------------------------------------------------------------


def run_python(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def says_something(error: LeewardError) -> bool:
    """A sentence for the person: what happened, what was lost, and no word of the library below."""
    text = error.sentence()
    return text.endswith(".") and len(text) > 30 and not any(word in text for word in ("SQL", "sqlite", "errno", "I/O"))


OPEN = """
import sys
from pathlib import Path
from leeward.core.errors import LeewardError
from leeward.vault.storage.sqlite import SqliteStorage
try:
    storage = SqliteStorage.open(Path(sys.argv[1]))
    storage.put("f" * 64, b"x")
    print("open")
except LeewardError as error:
    print(type(error).__name__, error.exit_status)
"""


def test_a_second_process_is_told_that_the_vault_is_in_use(vault_path: Path) -> None:
    storage = SqliteStorage.create(vault_path)
    storage.put(A, b"1")

    while_open = run_python(OPEN, vault_path)
    storage.close()
    afterwards = run_python(OPEN, vault_path)

    assert while_open == "VaultInUse 75"
    assert afterwards == "open"


def test_a_second_opening_in_the_same_process_is_told_too(vault_path: Path) -> None:
    storage = SqliteStorage.create(vault_path)

    with pytest.raises(VaultInUse) as refused:
        SqliteStorage.open(vault_path)

    assert says_something(refused.value)
    storage.put(A, b"1")
    storage.close()


def test_the_file_is_for_its_owner_alone_and_nothing_stands_beside_it_when_closed(vault_path: Path) -> None:
    old = os.umask(0)
    try:
        storage = SqliteStorage.create(vault_path)
        storage.put(A, b"1")
    finally:
        os.umask(old)
    modes = {path.name: path.stat().st_mode & 0o777 for path in vault_path.parent.iterdir()}
    storage.close()

    assert modes == {vault_path.name: 0o600, vault_path.name + "-wal": 0o600}
    assert [path.name for path in vault_path.parent.iterdir()] == [vault_path.name]


def test_something_with_the_same_name_is_never_touched(vault_path: Path, tmp_path: Path) -> None:
    vault_path.write_bytes(b"her own file")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")

    for path in (vault_path, link, tmp_path):
        with pytest.raises(CannotWrite) as refused:
            SqliteStorage.create(path)
        assert says_something(refused.value)

    assert vault_path.read_bytes() == b"her own file"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite) as refused:
        SqliteStorage.create(tmp_path / "no" / "notes.vault")
    with pytest.raises(CannotRead) as unread:
        SqliteStorage.open(tmp_path / "no" / "notes.vault")

    assert says_something(refused.value)
    assert says_something(unread.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"her own file" * 1000, b"SQLite format 3\x00", b"SQLite format 3\x00" + bytes(5000)],
    ids=["empty", "one byte", "text", "only the first words", "the first words and zeros"],
)
def test_another_file_is_not_a_vault_and_is_not_changed(vault_path: Path, content: bytes) -> None:
    vault_path.write_bytes(content)

    with pytest.raises((NotAVault, VaultDamaged)) as refused:
        SqliteStorage.open(vault_path)

    assert says_something(refused.value)
    assert vault_path.read_bytes() == content


def test_a_folder_is_not_a_vault(tmp_path: Path) -> None:
    with pytest.raises(NotAVault) as refused:
        SqliteStorage.open(tmp_path)

    assert says_something(refused.value)


def test_a_database_of_another_program_is_not_a_vault(vault_path: Path) -> None:
    other = sqlite3.connect(vault_path)
    other.execute("CREATE TABLE recipes(name TEXT)")
    other.commit()
    other.close()

    with pytest.raises(NotAVault) as refused:
        SqliteStorage.open(vault_path)

    assert says_something(refused.value)


def read_whole(path: Path, expected: dict[str, bytes]) -> bool:
    """Open a file that may be damaged: True when everything is there, False when the damage is noticed and said."""
    try:
        storage = SqliteStorage.open(path)
        whole = storage.check() == []
        found = {name: storage.get(name) for name in expected}
        storage.close()
    except Absent:
        return False
    except LeewardError as error:
        problem = error
    else:
        assert found == expected or not whole, "damage went unnoticed"
        return whole
    assert isinstance(problem, NotAVault | VaultDamaged | CannotWrite)
    assert says_something(problem)
    return False


def test_a_truncated_file_is_damage_at_whatever_length(vault_path: Path) -> None:
    expected = {f"{number:064x}": bytes([number]) * 30_000 for number in range(1, 40)}
    storage = SqliteStorage.create(vault_path)
    storage.put_many(expected)
    storage.close()
    whole = vault_path.read_bytes()

    read = []
    for length in (len(whole), len(whole) - 16_384, len(whole) // 2, 40_000, 16_384, 5_000, 100, 17):
        vault_path.write_bytes(whole[:length])
        read.append(read_whole(vault_path, expected))

    assert read == [True] + [False] * 7


def test_tables_that_were_changed_are_noticed(vault_path: Path) -> None:
    SqliteStorage.create(vault_path).close()
    other = sqlite3.connect(vault_path)
    other.execute("CREATE TABLE more(x)")
    other.commit()
    other.close()

    storage = SqliteStorage.open(vault_path)

    assert storage.check() != []
    storage.close()


# -- no room, no right ------------------------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(vault_path: Path) -> None:
    storage = SqliteStorage.create(vault_path)
    storage.commit({A: b"1"}, [CellSwap("head", None, b"1")])
    pages = storage._db.execute("PRAGMA page_count").fetchone()[0]
    storage._db.execute(f"PRAGMA max_page_count = {pages + 3}")

    with pytest.raises(CannotWrite) as refused:
        storage.commit({B: bytes(500_000)}, [CellSwap("head", b"1", b"2")], [A])

    assert says_something(refused.value)
    assert contents(storage) == ({A: b"1"}, {"header": None, "spare": None, "head": b"1"})
    storage._db.execute("PRAGMA max_page_count = 1000000")
    storage.commit({B: bytes(500_000)}, [CellSwap("head", b"1", b"2")], [A])
    storage.close()
    again = SqliteStorage.open(vault_path)
    assert contents(again)[1]["head"] == b"2"
    assert again.check() == []
    again.close()


FILL = """
import resource, sys
from pathlib import Path
from leeward.core.errors import LeewardError
from leeward.vault.storage.sqlite import SqliteStorage
storage = SqliteStorage.create(Path(sys.argv[1]))
if sys.argv[2] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
for number in range(400):
    try:
        storage.put(f"{number:064x}", bytes([number % 256]) * 30_000)
    except LeewardError as error:
        print(type(error).__name__, error.exit_status)
        sys.stdout.flush()
        break
    print(number)
    sys.stdout.flush()
try:
    storage.get("0" * 64)
    print("still reads")
except LeewardError as error:
    print(type(error).__name__)
"""


def check_after_filling(path: Path, output: str, room: Path) -> None:
    lines = output.split()
    acknowledged = [int(line) for line in lines if line.isdigit() and line != "73"]
    assert "CannotWrite" in lines, output
    assert output.endswith("still reads")
    assert len(acknowledged) > 5
    # then, with room again
    moved = room / path.name
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            shutil.copy(path.with_name(path.name + suffix), moved.with_name(moved.name + suffix))
    storage = SqliteStorage.open(moved)
    for number in acknowledged:
        assert storage.get(f"{number:064x}") == bytes([number % 256]) * 30_000
    assert storage.check() == []
    storage.put(A, b"1")
    storage.close()


def test_a_limit_on_the_size_of_files_is_said_and_nothing_acknowledged_is_lost(
    vault_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "room").mkdir()

    output = run_python(FILL, vault_path, 2_000_000)

    check_after_filling(vault_path, output, tmp_path / "room")


def test_a_disk_that_really_fills_up_is_said_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    small, room = tmp_path / "small", tmp_path / "room"
    small.mkdir()
    room.mkdir()
    script = (
        f'mount -t tmpfs -o size=3m tmpfs "{small}" && "{sys.executable}" -c "$0" "{small}/notes.vault" 0'
        f' && cp "{small}"/notes.vault* "{room}"'
    )
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"] if os.getuid() else ["unshare", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*own_mounts, "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk of its own")

    done = subprocess.run(
        [*own_mounts, "sh", "-c", script, FILL], check=False, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    (tmp_path / "later").mkdir()
    check_after_filling(room / "notes.vault", done.stdout.strip(), tmp_path / "later")


def test_a_folder_or_file_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    vault = folder / "notes.vault"
    storage = SqliteStorage.create(vault)
    storage.put(A, b"1")
    storage.close()
    whole = vault.read_bytes()
    as_nobody = "import os\nif os.getuid() == 0:\n    os.setgid(65534); os.setuid(65534)\ntry:"
    create = OPEN.replace("SqliteStorage.open(", "SqliteStorage.create(").replace("sys.argv[1]", "sys.argv[1] + '2'")
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)

    try:
        vault.chmod(0o444)
        folder.chmod(0o555)
        read_only = [run_python(code.replace("try:", as_nobody), vault) for code in (OPEN, create)]
        vault.chmod(0o000)
        unreadable = run_python(OPEN.replace("try:", as_nobody), vault)
    finally:
        folder.chmod(0o755)
        vault.chmod(0o600)

    assert read_only == ["CannotWrite 73", "CannotWrite 73"]
    assert unreadable == "CannotRead 66"
    assert vault.read_bytes() == whole
    assert [path.name for path in folder.iterdir()] == ["notes.vault"]

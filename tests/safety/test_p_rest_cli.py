"""P-REST on the command line: without the passphrase nobody reads what she kept, from no file and no list of processes.

Phrases are planted in texts, names, file names and contents. After each command, and after kills in the middle of an
import, every file in the folder of the vault, in the home folder, in the folder for temporary files and in the working
folder is searched for them, as UTF-8, UTF-16, base64 and hex. strace shows that no write carries one either, except to
standard output and to the pipes of the confined reader. Each search is first shown to find what was put there.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.flows.desk import PASSPHRASE, Desk, Text, instant, sms_export

TEXT = "zephyrlantern"
QUOTE = "quartzharbour"
NAME = "Wolframperson"
FILE_NAME = "violetreceipt"
CONTENT = "umberdocument"
ARCHIVE_NAME = "tealconversation"
PLANTED = [TEXT, QUOTE, NAME, FILE_NAME, CONTENT, ARCHIVE_NAME, PASSPHRASE]
NUMBER = "+447700900103"


def forms(phrase: str) -> Iterator[bytes]:
    """Every way in which a phrase might be written by accident."""
    plain = phrase.encode()
    yield plain
    yield plain.swapcase()
    yield phrase.encode("utf-16-le")
    yield phrase.encode("utf-16-be")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    for shift in range(3):  # base64 looks different at each place in three bytes; the edges depend on the neighbours
        whole = base64.b64encode(bytes(shift) + plain + bytes(-(shift + len(plain)) % 3))
        yield whole[4 if shift else 0 : -4]
    yield plain[::-1]


ALL_FORMS = [form for phrase in PLANTED for form in forms(phrase)]
ANY = re.compile(b"|".join(re.escape(form) for form in ALL_FORMS))


class Place:
    """Everything on this device that Leeward could write to."""

    def __init__(self, tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
        self.hers = (
            tmp_path / "hers"
        )  # what she has in clear herself: exports to take in, passphrase, what is handed over
        self.hers.mkdir()
        self.desk = Desk(self.hers, patch)
        self.watched = [tmp_path / name for name in ("vault", "home", "tmp", "cwd")]
        for folder in self.watched:
            folder.mkdir()
        vault, home, tmp, cwd = self.watched
        self.desk.vault = vault / "notes.vault"
        patch.setenv("HOME", str(home))
        for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR"):
            patch.setenv(name, str(tmp))
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            patch.setenv(name, str(home / name.lower()))
        patch.chdir(cwd)

    def found(self) -> list[str]:
        """Return where a phrase lies in clear: in a file, or in the name of one."""
        hits = []
        for folder in self.watched:
            for path in folder.rglob("*"):
                if ANY.search(os.fsencode(path.name)):
                    hits.append(f"name {path}")
                if path.is_file() and ANY.search(path.read_bytes()):
                    hits.append(f"content {path}")
        return hits

    def export(self, texts: int = 3) -> Path:
        """Put an export with phrases on the desk."""
        at = instant("2026-03-01T09:00:00+00:00")
        rows = [Text(at + n * 1000, NUMBER, NAME, n % 2 == 0, f"{TEXT} {n}") for n in range(texts)]
        return self.desk.file(f"{ARCHIVE_NAME}.xml", sms_export(rows))

    def attachment(self) -> Path:
        """Put a file with phrases on the desk."""
        return self.desk.file(f"{FILE_NAME}.txt", CONTENT * 50)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


@pytest.mark.parametrize("form", range(len(list(forms("x")))))
def test_a_phrase_put_there_is_found_in_each_form(place: Place, form: int) -> None:
    for folder in place.watched:
        for phrase in PLANTED:
            (folder / "left behind").write_bytes(b"\x00before" + list(forms(phrase))[form] + b"after\x00")

            assert place.found() == [f"content {folder / 'left behind'}"]
        (folder / "left behind").unlink()


def test_a_phrase_in_a_file_name_is_found(place: Place) -> None:
    (place.watched[2] / f"copy of {FILE_NAME}.txt").touch()

    assert len(place.found()) == 1


def test_nothing_she_keeps_lies_in_clear_after_any_command(place: Place) -> None:
    from pyrage import x25519

    desk, words = place.desk, place.desk.file("words", f"{TEXT} at the door\n")
    key = x25519.Identity.generate()
    recipient, identity = str(key.to_public()), place.desk.file("identity", str(key))
    vault_folder = place.watched[0]
    commands: list[list[object]] = [
        ["new", desk.vault],
        ["import", desk.vault, place.export()],
        ["log", desk.vault, "--text-file", words, "--attach", place.attachment()],
        ["log", desk.vault, "--text", "-"],
        ["timeline", desk.vault],
        ["timeline", desk.vault, "--json"],
        ["search", desk.vault, "-"],
        ["bundle", desk.vault, "--out", vault_folder / "for-bea.age", "--to-recipient", recipient],
        ["backup", desk.vault, "--out", vault_folder / "backup.age", "--to", recipient],
        ["restore", vault_folder / "backup.age", vault_folder / "back.vault", "--identity", identity],
        ["verify", desk.vault],
        ["verify", vault_folder / "back.vault"],
        ["bundle", desk.vault, "--out", desk.folder / "open.zip"],
        ["export", desk.vault, "--out", desk.folder / "open"],
        ["doctor"],
    ]

    for command in commands:
        said = desk.run(*command, stdin=words.open("rb"))

        assert place.found() == [], command[0]
        assert not ANY.search(said.err.encode()), command[0]

    assert TEXT.encode() in zipfile.ZipFile(desk.folder / "open.zip").read("transcript.txt")


def test_quotes_feelings_changes_and_deletions_are_sealed_too(place: Place) -> None:
    from leeward.app.incidents import amend_incident, delete, record_incident, set_aside

    place.desk.new()
    with place.desk.open() as session:
        item = record_incident(session, text=TEXT, more={"quotes": [QUOTE], "witnesses": [NAME], "feelings": QUOTE})
        amend_incident(session, item.id, {"text": f"{TEXT} again"})
        set_aside(session, item.id)
        session.timeline.save()
        assert place.found() == []
        delete(session, item.id, reason=QUOTE)
        assert place.found() == []

    assert place.found() == []


@pytest.mark.parametrize("after", [0.25, 0.4, 0.55, 0.7, 0.9])
def test_a_kill_in_the_middle_of_an_import_leaves_nothing_in_clear(place: Place, after: float) -> None:
    place.desk.new()
    export = place.export(30_000)

    process = place.desk.start("import", place.desk.vault, export)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert place.found() == []
    place.desk.run("import", place.desk.vault, export)
    assert place.found() == []
    assert place.desk.sound()


# -- what the system sees --------------------------------------------------------------------------------------------

_WRITE = re.compile(
    rb"^\d+\s+(?:write|pwrite64|writev|pwritev2?|sendto|sendmsg|send)\((\d+)<([^>]*)>, (.*)$", re.MULTILINE
)
_BYTES = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


def carried(trace: Path) -> list[tuple[int, bytes]]:
    """Return (descriptor, what it is) of each write that carries a phrase."""
    hits = []
    for number, target, rest in _WRITE.findall(trace.read_bytes()):
        content = b"".join(bytes.fromhex(part.replace(b"\\x", b"").decode()) for part in _BYTES.findall(rest))
        if ANY.search(content):
            hits.append(
                (int(number), bytes.fromhex(target.replace(b"\\x", b"").decode()) if b"\\x" in target else target)
            )
    return hits


def traced(
    place: Place, program: Callable[[str], str], *typed: object, stdin: Path | None = None
) -> list[tuple[int, bytes]]:
    """Run a command under strace and return its writes that carry a phrase."""
    import sys

    from tests.flows.desk import QUICK

    trace = place.hers / "trace"
    calls = "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg"
    command = [program("strace"), "-f", "-y", "-xx", "-s", "2000000", "-e", calls, "-o", str(trace)]
    command += [sys.executable, str(QUICK), *map(str, typed)]
    with (stdin or Path(os.devnull)).open("rb") as words:
        done = subprocess.run(command, stdin=words, capture_output=True, check=False, timeout=120)
    if b"ptrace" in done.stderr and done.returncode:
        pytest.skip("this system does not let programs be traced")
    assert done.returncode == 0, done.stderr
    assert trace.stat().st_size > 1000
    return carried(trace)


def test_strace_sees_a_phrase_that_is_printed_and_one_that_is_written(
    place: Place, program: Callable[[str], str]
) -> None:
    place.desk.new()
    place.desk.run("import", place.desk.vault, place.export())
    out = place.hers / "open"

    printed = traced(place, program, "timeline", place.desk.vault)
    written = traced(place, program, "export", place.desk.vault, "--out", out)

    assert {number for number, _ in printed} == {1}
    assert any(str(out).encode() in target for _, target in written)


def test_no_write_carries_a_phrase_but_to_her_screen_and_to_the_reader(
    place: Place, program: Callable[[str], str]
) -> None:
    from pyrage import x25519

    recipient = str(x25519.Identity.generate().to_public())
    vault, folder = place.desk.vault, place.watched[0]
    place.desk.new()
    words = place.desk.file("words", TEXT)

    for command in (
        ["import", vault, place.export()],
        ["log", vault, "--text", "-", "--attach", place.attachment()],
        ["search", vault, "-"],
        ["bundle", vault, "--out", folder / "for-bea.age", "--to-recipient", recipient],
        ["backup", vault, "--out", folder / "backup.age", "--to", recipient],
        ["verify", vault],
    ):
        for number, target in traced(place, program, *command, stdin=words):
            assert target.startswith(b"pipe:"), (command[0], number, target)
            assert number != 2, command[0]

    assert place.found() == []


def test_the_list_of_processes_shows_what_she_typed_and_nothing_else(place: Place) -> None:
    place.desk.new()
    export = place.export(60_000)
    process = place.desk.start("import", place.desk.vault, export, "--me", NAME)
    seen: set[bytes] = set()

    while process.poll() is None:
        for pid in _children(process.pid):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"leeward.ingest.child" in command:  # before that it is still a copy of what she typed
                    seen |= {command, Path(f"/proc/{pid}/environ").read_bytes()}
            except OSError:
                pass  # it is gone already, or closed to us
    process.communicate()

    assert process.returncode == 0
    assert seen, "the reader was never seen"
    for shown in seen:
        assert not ANY.search(shown), shown
        assert os.fsencode(place.hers) not in shown


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def test_a_crash_writes_no_image_of_the_memory(place: Place) -> None:
    place.desk.new()
    process = place.desk.start("log", place.desk.vault, "--text", "-", stdin=subprocess.PIPE)
    for _ in range(200):
        limits = Path(f"/proc/{process.pid}/limits").read_text("ascii")
        if re.search(r"Max core file size +0 +0 ", limits):
            break
        time.sleep(0.02)
    else:
        raise AssertionError("a crash could write what is in memory")

    process.send_signal(signal.SIGABRT)
    process.communicate()

    assert place.found() == []

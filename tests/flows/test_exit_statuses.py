"""Each way a command can end has its status: design of the command line, docs/errors.md."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.flows.desk import QUICK, Desk, sms_export, texts_with

from leeward.core import errors

CARL = "+447700900103"


@pytest.fixture
def kept(desk: Desk) -> Desk:
    desk.new()
    desk.take_in(desk.file("carl.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hi"]))))
    return desk


def damaged(vault: Path, to: Path) -> Path:
    content = bytearray(vault.read_bytes())
    for at in range(len(content) // 2, len(content), 997):
        content[at] ^= 0x55
    to.write_bytes(content)
    return to


def test_0_when_it_is_done(kept: Desk) -> None:
    for command in (["timeline"], ["search"], ["verify"]):
        more = ["hi"] if command == ["search"] else []
        kept.do(*command, kept.vault, *more, expect=0)
    kept.do("--help", expect=0)
    kept.do("--version", expect=0)
    kept.do("doctor", expect=0)


def test_1_when_a_check_finds_something(kept: Desk) -> None:
    report = kept.json("verify", damaged(kept.vault, kept.folder / "damaged.vault"), expect=1)

    assert report["kind"] == "vault"
    assert report["sound"] is False
    assert report["problems"]
    for problem in report["problems"]:
        assert set(problem) == {"where", "what"}
        assert "Carl" not in problem["what"]


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + bytes(4080), b"PK\x03\x04 not a zip"])
def test_2_when_it_is_neither_vault_nor_bundle(kept: Desk, content: bytes) -> None:
    other = kept.file("other", content)

    for name, *more in (["verify"], ["timeline"], ["search", "x"], ["log", "--text", "x"]):
        said = kept.do(name, other, *more, expect=2)
        assert said.err.strip()

    assert other.read_bytes() == content


def test_2_for_a_folder_and_another_programs_database(kept: Desk) -> None:
    import sqlite3

    other = kept.folder / "bookmarks.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t(x)")
    db.close()
    before = other.read_bytes()

    kept.do("timeline", other, expect=2)
    kept.do("timeline", kept.folder, expect=2)

    assert other.read_bytes() == before
    assert not list(kept.folder.glob("bookmarks.sqlite-*"))


def test_3_when_one_file_of_an_import_failed_and_the_others_are_in(kept: Desk) -> None:
    good = kept.file("bea.xml", sms_export(texts_with("+447700900102", "Bea", "2026-03-02T09:00:00+00:00", ["yes"])))

    receipts = kept.take_in(kept.folder / "missing", good, expect=3)

    assert [bool(receipt["error"]) for receipt in receipts] == [True, False]
    assert "yes" in kept.texts()


@pytest.mark.parametrize(
    "typed",
    [
        [],
        ["nonsense"],
        ["timeline"],
        ["timeline", "{vault}", "--nonsense"],
        ["timeline", "{vault}", "--from", "the day before"],
        ["timeline", "{vault}", "--to", "2026-13-01"],
        ["search", "{vault}"],
        ["search", "{vault}", "x", "--limit", "0"],
        ["bundle", "{vault}"],
        ["log", "{vault}", "--text", "a", "--text-file", "b"],
        ["import", "{vault}"],
    ],
)
def test_64_when_it_was_typed_wrongly(kept: Desk, typed: list[str]) -> None:
    said = kept.do(*[word.format(vault=kept.vault) for word in typed], expect=64)

    assert said.out == ""
    assert said.err.strip()


def test_64_when_no_passphrase_is_given_and_nobody_is_there_to_ask(kept: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEEWARD_PASSPHRASE_FILE")

    kept.do("timeline", kept.vault, expect=64)


def test_66_when_a_named_file_is_missing(kept: Desk) -> None:
    gone = kept.folder / "gone"

    kept.do("timeline", gone, expect=66)
    kept.do("verify", gone, expect=66)
    kept.do("timeline", kept.vault, "--passphrase-file", gone, expect=66)
    kept.do("log", kept.vault, "--text-file", gone, expect=66)
    kept.do("restore", gone, kept.folder / "new.vault", "--identity", gone, expect=66)

    assert not (kept.folder / "new.vault").exists()


def test_73_when_something_is_already_there(kept: Desk) -> None:
    there = kept.file("there", "precious")
    folder = kept.folder / "full"
    folder.mkdir()
    (folder / "there").write_text("precious", encoding="utf-8")
    key = kept.file("key", "x")

    kept.do("new", there, expect=73)
    kept.do("new", kept.vault, expect=73)
    kept.do("bundle", kept.vault, "--out", there, expect=73)
    kept.do("backup", kept.vault, "--out", there, "--backup-passphrase-file", kept.secret, expect=73)
    kept.do("restore", there, kept.vault, "--identity", key, expect=73)
    kept.do("export", kept.vault, "--out", folder, expect=73)
    kept.do("export", kept.vault, "--out", there, expect=73)

    assert there.read_text("utf-8") == "precious"
    assert [path.name for path in folder.iterdir()] == ["there"]
    assert kept.sound()


def test_73_when_the_folder_is_not_there(kept: Desk) -> None:
    nowhere = kept.folder / "nowhere" / "file"

    kept.do("new", nowhere, expect=73)
    kept.do("bundle", kept.vault, "--out", nowhere, expect=73)
    kept.do("backup", kept.vault, "--out", nowhere, "--backup-passphrase-file", kept.secret, expect=73)


def test_75_while_another_process_has_the_vault_open(kept: Desk) -> None:
    with kept.open():
        said = kept.run("timeline", kept.vault, expect=75)
        kept.run("log", kept.vault, "--text", "x", expect=75)

    assert "open" in said.err
    assert kept.texts() == ["hi"]


def test_77_when_the_passphrase_is_wrong(kept: Desk) -> None:
    wrong = kept.file("wrong", "lantern copper river meadow basket")
    before = kept.vault.read_bytes()

    for name, *more in (["timeline"], ["verify"], ["import", str(kept.folder / "carl.xml")], ["log", "--text", "x"]):
        said = kept.do(name, kept.vault, *more, "--passphrase-file", wrong, expect=77)
        assert said.out == ""

    assert kept.vault.read_bytes() == before
    assert kept.texts() == ["hi"]


def test_130_when_she_stops_it(kept: Desk) -> None:
    process = kept.start("log", kept.vault, "--text", "-", stdin=subprocess.PIPE)
    # It waits for words: the interpreter has long set up its handler by then.
    _until_it_reads(process)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130, err
    assert out == b""
    assert b"Traceback" not in err
    assert kept.texts() == ["hi"]


def _until_it_reads(process: subprocess.Popen[bytes]) -> None:
    import time

    for _ in range(600):
        if "pipe" in Path(f"/proc/{process.pid}/wchan").read_text("ascii") or _sleeps_in_read(process.pid):
            return
        time.sleep(0.05)
    raise AssertionError("it never waited")


def _sleeps_in_read(pid: int) -> bool:
    """Whether the process waits for standard input: system call 0 (read) on descriptor 0, on x86-64; 63 on ARM."""
    try:
        call = Path(f"/proc/{pid}/syscall").read_text("ascii").split()
    except OSError:
        return False
    return call[:2] in (["0", "0x0"], ["63", "0x0"])


def test_0_when_the_reader_of_the_output_goes_away(kept: Desk) -> None:
    with subprocess.Popen(
        [sys.executable, str(QUICK), "timeline", str(kept.vault), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 0
    assert err == b""


def test_with_json_an_error_is_one_json_object_on_standard_error(kept: Desk) -> None:
    import json

    said = kept.do("timeline", kept.folder / "gone", "--json", expect=66)

    told = json.loads(said.err)
    assert told["error"]["id"] == "L106"
    assert told["error"]["exit"] == 66
    assert told["error"]["message"]
    assert said.out == ""


def test_every_status_of_the_contract_is_one_of_an_error_class_or_done() -> None:
    contract = {0, 1, 2, 3, 64, 73, 75, 77, 130}

    classes = {vars(errors)[name].exit_status for name in errors.__all__}

    assert contract - {0} <= classes
    # Beside the contract: an input file that is missing or cannot be read, and our own mistakes.
    assert classes - contract == {66, 70}


def test_what_nobody_foresaw_is_one_sentence_and_70(kept: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the blue door sticks")

    monkeypatch.setattr("leeward.cli.timeline_cmd.everything", fail)
    said = kept.do("timeline", kept.vault, expect=70)

    assert "ZeroDivisionError" in said.err
    assert "door" not in said.err
    assert "L900" in said.err

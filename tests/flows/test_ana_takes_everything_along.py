"""Ana backs up, restores on another device, and takes everything out in open formats."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import Desk, sms_export, texts_with

CARL = "+447700900103"


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A vault with a conversation, and an incident that was changed and has a file."""
    desk.new()
    carl = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["where are you", "at work", "=cmd()", "please stop"])
    desk.take_in(desk.file("carl.xml", sms_export(carl)))
    note = desk.file("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9)
    desk.write_down("Carl broke the lock.", "--when", "2026-03-02T22:10", "--attach", note)
    return desk


@pytest.fixture
def age_key(desk: Desk, program: Callable[[str], str]) -> tuple[Path, str]:
    """A key file of the age program, and its recipient."""
    key = desk.folder / "ana.key"
    subprocess.run([program("age-keygen"), "-o", str(key)], check=True, capture_output=True)
    found = subprocess.run([program("age-keygen"), "-y", str(key)], check=True, capture_output=True, text=True)
    return key, found.stdout.strip()


def test_a_backup_to_a_key_opens_with_the_age_program_and_is_still_sealed_inside(
    kept: Desk, program: Callable[[str], str], age_key: tuple[Path, str]
) -> None:
    key, recipient = age_key
    out, opened = kept.folder / "backup.age", kept.folder / "backup.tar"

    kept.do("backup", kept.vault, "--out", out, "--to", recipient)
    subprocess.run([program("age"), "-d", "-i", str(key), "-o", str(opened), str(out)], check=True)

    with tarfile.open(opened) as members:
        names = members.getnames()
    assert names[0] == "README.txt"
    assert "cells/head" in names
    assert b"where are you" not in opened.read_bytes()
    assert b"Carl" not in opened.read_bytes()


def test_a_backup_to_a_passphrase_opens_with_the_age_program(kept: Desk, program: Callable[[str], str]) -> None:
    secret = kept.file("backup words", "seven small boats\n")
    out, opened = kept.folder / "backup.age", kept.folder / "backup.tar"

    kept.do("backup", kept.vault, "--out", out, "--backup-passphrase-file", secret)

    assert _typed([program("age"), "-d", "-o", str(opened), str(out)], "seven small boats\n") == 0
    with tarfile.open(opened) as members:
        assert "end.json" in members.getnames()


def test_a_restored_vault_holds_everything_and_is_sound(kept: Desk, age_key: tuple[Path, str]) -> None:
    key, recipient = age_key
    out = kept.folder / "backup.age"
    before = kept.items()
    kept.do("backup", kept.vault, "--out", out, "--to", recipient)

    kept.vault = kept.folder / "on the new phone.vault"
    kept.do("restore", out, kept.vault, "--identity", key)

    assert kept.items() == before
    assert kept.sound()
    assert kept.vault.stat().st_mode & 0o777 == 0o600
    kept.write_down("and it goes on")
    assert kept.sound()


def test_a_backup_is_restored_with_its_own_passphrase_and_opened_with_the_vaults(kept: Desk) -> None:
    secret, wrong = kept.file("backup words", "seven small boats\n"), kept.file("wrong words", "six small boats\n")
    out, back = kept.folder / "backup.age", kept.folder / "back.vault"
    kept.do("backup", kept.vault, "--out", out, "--backup-passphrase-file", secret)

    kept.do("restore", out, back, "--backup-passphrase-file", wrong, expect=77)
    assert not back.exists()
    kept.do("restore", out, back, "--backup-passphrase-file", secret)

    kept.do("timeline", back, "--passphrase-file", secret, expect=77)
    kept.do("timeline", back)


def test_a_backup_that_was_cut_or_changed_makes_no_vault(kept: Desk, age_key: tuple[Path, str]) -> None:
    key, recipient = age_key
    out, back = kept.folder / "backup.age", kept.folder / "back.vault"
    kept.do("backup", kept.vault, "--out", out, "--to", recipient)
    whole = out.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1

    for name, content in (("cut.age", whole[:-500]), ("changed.age", bytes(changed)), ("empty.age", b"")):
        said = kept.do("restore", kept.file(name, content), back, "--identity", key, expect=1)
        assert said.err.strip()
        assert not back.exists()


def test_a_backup_asks_for_exactly_one_protection(kept: Desk, age_key: tuple[Path, str]) -> None:
    out = kept.folder / "backup.age"

    kept.do("backup", kept.vault, "--out", out, expect=64)
    kept.do("backup", kept.vault, "--out", out, "--to", age_key[1], "--backup-passphrase-file", kept.secret, expect=64)
    kept.do("restore", out, kept.folder / "x", expect=64)

    assert not out.exists()


def test_an_export_holds_everything_in_forms_other_programs_read(kept: Desk) -> None:
    [incident] = [item for item in kept.items() if item["kind"] == "incident"]
    with kept.open() as session:
        from leeward.app.incidents import amend_incident, set_aside

        amend_incident(session, incident["id"], {"text": "Carl broke the lock and left."})
        set_aside(session, kept_id(kept_items(session), "at work"))
    out = kept.folder / "everything"

    said = kept.json("export", kept.vault, "--out", out)

    assert said["folder"] == str(out)
    [archive] = (out / "archives").iterdir()
    assert (archive / "original.xml").read_bytes() == (kept.folder / "carl.xml").read_bytes()
    records = [json.loads(line) for line in (archive / "records.jsonl").read_text("utf-8").splitlines()]
    assert [record["text"] for record in records] == ["where are you", "at work", "=cmd()", "please stop"]
    assert json.loads((archive / "receipt.json").read_text("utf-8"))["records"] == 4
    [told] = [json.loads(line) for line in (out / "incidents.jsonl").read_text("utf-8").splitlines()]
    assert told["now"]["text"] == "Carl broke the lock and left."
    assert [version["kind"] for version in told["history"]] == ["incident", "amendment"]
    assert told["history"][0]["text"] == "Carl broke the lock."
    [file] = (out / "attachments").iterdir()
    assert file.read_bytes() == (kept.folder / "photo.jpg").read_bytes()
    assert file.suffix == ".jpg"
    with (out / "timeline.csv").open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["text"] for row in rows] == [
        "where are you",
        "at work",
        "'=cmd()",
        "please stop",
        "Carl broke the lock and left.",
    ]
    kinds = [json.loads(line)["kind"] for line in (out / "entries.jsonl").read_text("utf-8").splitlines()]
    assert kinds == ["setting", "archive", "reading", "incident", "amendment", "aside", "handover"]
    assert (out / "proof" / "checkpoint").read_text("utf-8")


def test_an_export_is_for_her_alone_and_says_that_it_is_not_protected(kept: Desk) -> None:
    out = kept.folder / "everything"

    said = kept.do("export", kept.vault, "--out", out)

    assert "not protected" in said.err
    for path in [out, *out.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def kept_items(session: Any) -> list[Any]:
    from leeward.evidence.item import Asked

    return list(session.timeline.all(Asked()))


def kept_id(items: list[Any], text: str) -> str:
    return str(next(item.id for item in items if item.text == text))


def _typed(command: list[str], words: str) -> int:
    """Run a program that asks at the terminal; type *words* at its question. Return its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    said = b""
    while b":" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, words.encode())
    while True:
        try:
            if not os.read(terminal, 1024):
                break
        except OSError:  # the other end was closed: it has ended
            break
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status)

"""Ana hands a part over: to Dana, a professional, as a file anybody can check; to Bea, sealed to her key."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.flows.desk import ROOT, Desk, sms_export, texts_with

CARL = "+447700900103"
BEA = "+447700900102"
PROOF_ALONE = (
    "import runpy, sys\n"
    "sys.path[:0] = sys.argv[1:3]; sys.argv[:] = ['leeward_proof', *sys.argv[3:]]\n"
    "try:\n    import leeward\n"
    "except ModuleNotFoundError:\n    pass\n"
    "else:\n    sys.exit(99)\n"
    "runpy.run_module('leeward_proof', run_name='__main__')\n"
)


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """A vault with two conversations and an incident with a file."""
    desk.new()
    carl = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["where are you", "at work", "liar", "please stop"])
    bea = texts_with(BEA, "Bea", "2026-03-05T09:00:00+00:00", ["coffee?", "yes, at four"])
    desk.take_in(desk.file("carl.xml", sms_export(carl)), desk.file("bea.xml", sms_export(bea)))
    note = desk.file("photo of the door.bin", bytes(range(256)) * 9)
    desk.write_down("Carl broke the lock.", "--when", "2026-03-02T22:10", "--attach", note)
    return desk


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Run the independent check where leeward cannot be imported."""
    place = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "src" / "leeward_proof", place / "leeward_proof")

    def run(file: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", PROOF_ALONE, str(place), sysconfig.get_path("purelib"), str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def unpacked(bundle: Path, into: Path) -> Path:
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(into)
    return into


def test_a_bundle_is_checked_by_three_programs_that_do_not_know_each_other(
    kept: Desk, alone: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    out = kept.folder / "for dana.zip"

    made = kept.json("bundle", kept.vault, "--out", out, "--person", "Carl")

    assert made["items"] == 5
    assert made["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert out.stat().st_mode & 0o777 == 0o600
    folder = unpacked(out, kept.folder / "unpacked")
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert sums.returncode == 0, sums.stderr
    proven = alone(out)
    assert proven.returncode == 0, proven
    assert kept.sound(out)
    transcript = (folder / "transcript.txt").read_text(encoding="utf-8")
    for words in ("where are you", "at work", "liar", "please stop", "Carl broke the lock."):
        assert words in transcript
    assert "coffee" not in transcript


def test_a_changed_letter_is_found_by_each_of_them(
    kept: Desk, alone: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    out = kept.folder / "for dana.zip"
    kept.do("bundle", kept.vault, "--out", out)
    changed = kept.folder / "changed.zip"
    with zipfile.ZipFile(out) as before, zipfile.ZipFile(changed, "w") as after:
        for info in before.infolist():
            content = before.read(info)
            if info.filename == "transcript.txt":
                content = content.replace(b"liar", b"dear")
            after.writestr(info, content)

    folder = unpacked(changed, kept.folder / "unpacked")
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)

    assert sums.returncode == 1
    assert alone(changed).returncode == 1
    report = kept.json("verify", changed, expect=1)
    assert report["sound"] is False
    assert report["problems"]
    assert set(report["problems"][0]) >= {"where", "what"}


def test_the_report_of_a_check_is_what_the_contract_says(kept: Desk) -> None:
    out = kept.folder / "for dana.zip"
    kept.do("bundle", kept.vault, "--out", out)

    for file, kind in ((out, "bundle"), (kept.vault, "vault")):
        report = kept.json("verify", file)

        assert list(report)[:4] == ["kind", "sound", "problems", "not_proven"]
        assert (report["kind"], report["sound"], report["problems"]) == (kind, True, [])
        assert report["not_proven"]


def test_an_attachment_comes_out_byte_for_byte(kept: Desk) -> None:
    out = kept.folder / "for dana.zip"

    kept.do("bundle", kept.vault, "--out", out, "--person", "Carl")

    folder = unpacked(out, kept.folder / "unpacked")
    [attached] = (folder / "attachments").iterdir()
    assert attached.read_bytes() == bytes(range(256)) * 9


def test_a_period_and_single_items_narrow_what_is_handed_over(kept: Desk) -> None:
    day, two = kept.folder / "day.zip", kept.folder / "two.zip"
    chosen = [item["id"] for item in kept.items() if item["text"] in ("liar", "coffee?")]

    first = kept.json("bundle", kept.vault, "--out", day, "--from", "2026-03-01", "--to", "2026-03-01")
    second = kept.json("bundle", kept.vault, "--out", two, "--entries", ",".join(chosen))

    assert (first["items"], second["items"]) == (4, 2)
    words = zipfile.ZipFile(two).read("transcript.txt").decode()
    assert "liar" in words
    assert "coffee?" in words
    assert "please stop" not in words


def test_a_whole_archive_goes_only_when_it_is_asked_for(kept: Desk) -> None:
    without, whole = kept.folder / "a.zip", kept.folder / "b.zip"

    kept.do("bundle", kept.vault, "--out", without, "--person", "Carl")
    kept.do("bundle", kept.vault, "--out", whole, "--person", "Carl", "--whole-archives")

    original = (kept.folder / "carl.xml").read_bytes()
    for file, expected in ((without, False), (whole, True)):
        with zipfile.ZipFile(file) as packed:
            assert (original in [packed.read(name) for name in packed.namelist()]) is expected
        assert kept.sound(file)


def test_nothing_that_fits_makes_no_bundle(kept: Desk) -> None:
    out = kept.folder / "nothing.zip"

    kept.do("bundle", kept.vault, "--out", out, "--person", "Nobody", expect=64)
    kept.do("bundle", kept.vault, "--out", out, "--entries", "nosuchid", expect=64)

    assert not out.exists()


def test_bea_opens_her_bundle_with_the_age_program(kept: Desk, program: Callable[[str], str]) -> None:
    key, recipient = _bea(kept, program)
    sealed, opened = kept.folder / "for bea.age", kept.folder / "opened.zip"

    made = kept.json("bundle", kept.vault, "--out", sealed, "--person", "Carl", "--to-recipient", recipient)

    assert made["sha256"] == hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert sealed.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"liar" not in sealed.read_bytes()
    subprocess.run([program("age"), "-d", "-i", str(key), "-o", str(opened), str(sealed)], check=True)
    assert kept.sound(opened)
    assert "liar" in zipfile.ZipFile(opened).read("transcript.txt").decode()


@pytest.mark.parametrize("recipient", ["age1nonsense", "ssh-rsa AAAA", "", "AGE-SECRET-KEY-1QQQQ"])
def test_a_key_that_is_none_makes_no_file(kept: Desk, recipient: str) -> None:
    out = kept.folder / "for bea.age"

    said = kept.do("bundle", kept.vault, "--out", out, "--to-recipient", recipient, expect=64)

    assert "age1" in said.err
    assert not out.exists()


def test_every_handover_is_written_down(kept: Desk) -> None:
    out = kept.folder / "for dana.zip"
    kept.do("bundle", kept.vault, "--out", out, "--person", "Carl")

    with kept.open() as session:
        [custody] = [entry.fields for entry in session.vault.entries() if entry.kind == "handover"]

    assert custody["form"] == "bundle"
    assert custody["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert custody["period"] == {"person": "Carl"}


def _bea(desk: Desk, program: Callable[[str], str]) -> tuple[Path, str]:
    key = desk.folder / "bea.key"
    subprocess.run([program("age-keygen"), "-o", str(key)], check=True, capture_output=True)
    found = subprocess.run([program("age-keygen"), "-y", str(key)], check=True, capture_output=True, text=True)
    return key, found.stdout.strip()

"""P-KEEP for whatever comes in: one calm sentence, the right exit status, nothing lost, and a vault that is sound.

Each hostile or broken file is taken in between two good ones. Whatever becomes of it, its bytes are sealed as they
were, the good ones are read, and the vault passes its check.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import resource
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import Desk, Text, chat_export, instant, sms_export, texts_with

CARL = "+447700900103"
BEFORE = sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["first of the good ones"]))
AFTER = sms_export(texts_with(CARL, "Carl", "2026-03-02T09:00:00+00:00", ["last of the good ones"]))
BLAME = re.compile(
    r"\b(invalid|illegal|fatal|error:|failed to|you must|wrong input|oops|sorry|abort)\b|!", re.IGNORECASE
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as into:
        for name, content in members:
            into.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return out.getvalue()


def declaring_4_gib(packed: bytes) -> bytes:
    """Return a zip whose table of contents says that its only member unpacks to nearly 4 GiB."""
    entry = packed.rindex(b"PK\x01\x02")
    return packed[: entry + 24] + b"\x00\x00\xff\xff" + packed[entry + 28 :]


def laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "lol"}">' for n in range(1))
    levels += "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = '<smses count="1"><sms address="+447700900103" date="1772366400000" type="1" body="&l9;" /></smses>'
    return f'<?xml version="1.0"?><!DOCTYPE smses [{levels}]>{body}'.encode()


def outside() -> bytes:
    doctype = '<!DOCTYPE smses [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % y SYSTEM "http://example.com/y">%y;]>'
    body = '<smses count="1"><sms address="+447700900103" date="1772366400000" type="1" body="&x;" /></smses>'
    return f'<?xml version="1.0"?>{doctype}{body}'.encode()


def row(**changed: str) -> bytes:
    fields = {"address": CARL, "date": "1772366400000", "type": "1", "body": "words", "contact_name": "Carl", **changed}
    inside = " ".join(f'{name}="{value}"' for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<smses count="1">\n<sms {inside} />\n</smses>\n'.encode()


CHAT = chat_export([("14/02/2026, 19:06", "Carl", "one"), ("14/02/2026, 19:07", "Ana", "two")])
_NESTED = zipped(("inner.zip", zipped(("chat.txt", CHAT))))

FILES: dict[str, bytes] = {
    "empty.txt": b"",
    "empty.xml": b"",
    "empty.zip": zipped(),
    "one_byte.xml": b"<",
    "photo.txt": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(4000),
    "noise.xml": hashlib.shake_256(b"noise").digest(50_000),
    "noise.zip": b"PK\x03\x04" + hashlib.shake_256(b"noise").digest(50_000),
    "cut.xml": sms_export(texts_with(CARL, "Carl", "2026-03-03T09:00:00+00:00", ["a", "b", "c"]))[:-200],
    "cut.zip": zipped(("WhatsApp Chat with Carl.txt", CHAT * 50))[:-60],
    "bomb.zip": declaring_4_gib(zipped(("WhatsApp Chat with Carl.txt", CHAT + bytes(1_000_000)))),
    "blank.zip": zipped(("WhatsApp Chat with Carl.txt", CHAT + bytes(20_000_000))),
    "climbs.zip": zipped(("../../../../tmp/leeward_was_here.txt", CHAT), ("/etc/leeward_was_here", b"x")),
    "nested.zip": _NESTED,
    "laughs.xml": laughs(),
    "outside.xml": outside(),
    "utf16.txt": CHAT.decode().encode("utf-16"),
    "latin1.txt": CHAT.decode().replace("one", "für dich").encode("latin-1"),
    "half_utf8.txt": CHAT.replace(b"one", b"f\xc3 \xe2\x82 \xff\xfe"),
    "surrogates.xml": row(body="&#55357; &#xDC00;"),
    "surrogate_bytes.txt": CHAT.replace(b"one", b"\xed\xa0\xbd here"),
    "nul.txt": CHAT.replace(b"one", b"be\x00fore"),
    "nul.xml": row(body="be&#0;fore"),
    "long_line.txt": CHAT.replace(b"one", b"x" * 10_000_000),
    "long_line.xml": row(body="y" * 10_000_000),
    "no_line_end.txt": b"14/02/2026, 19:06 - Carl: " + b"z" * 2_000_000,
    "far_past.xml": row(date="-99999999999999999"),
    "far_future.xml": row(date="99999999999999999999999999"),
    "year_9999.xml": row(date="253402300799999"),
    "year_1.xml": row(date="-62135596800000"),
    "odd_numbers.xml": row(date="12e5", type="banana"),
    "commands.txt": CHAT.replace(b"one", b"\x1b]0;owned\x07\x1b[2J\xe2\x80\xae txt.exe"),
    "formula.xml": row(body="=HYPERLINK(&quot;x&quot;)", contact_name="=1+1"),
    "only_head.xml": b"<?xml version='1.0'?><smses count='100000000'>",
    "deep.xml": b"<?xml version='1.0'?>" + b"<a>" * 20_000,
    "many_names.txt": b"".join(b"14/02/2026, 19:06 - N%d: x\n" % n for n in range(5_000)),
}
ENDS_WITH_AN_ERROR = {"bomb.zip", "cut.zip", "empty.zip", "noise.zip"}
"""Containers that cannot be read. All others give a receipt without one: refusals are named in it."""


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_bad_file_is_sealed_as_it_is_accounted_for_and_harms_nothing(desk: Desk, name: str) -> None:
    content = FILES[name]
    files = [desk.file("before.xml", BEFORE), desk.file(name, content), desk.file("after.xml", AFTER)]
    began = time.monotonic()

    said = desk.do("import", desk.vault, *files, "--json", expect=3 if name in ENDS_WITH_AN_ERROR else 0)

    receipts = said.json
    assert [receipt["records"] for receipt in (receipts[0], receipts[2])] == [1, 1]
    receipt = receipts[1]
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["items_in"] == receipt["records"] + len(receipt["refused"])
    assert bool(receipt["error"]) == (name in ENDS_WITH_AN_ERROR)
    if receipt["error"]:
        assert "The original is safe in your vault." in receipt["error"]
        assert receipt["records"] == 0
        calm(receipt["error"])
    for sentence in [each["why"] for each in receipt["refused"]] + [each["text"] for each in receipt["flags"]]:
        calm(sentence)
    assert time.monotonic() - began < 60
    _is_whole(desk, name, content)


def calm(sentence: str) -> None:
    assert sentence.strip().endswith((".", "?")), sentence
    assert not BLAME.search(sentence), sentence


def _is_whole(desk: Desk, name: str, content: bytes) -> None:
    """The stream can be shown, the vault is sound, and what came in comes out again."""
    shown = desk.do("timeline", desk.vault)
    assert "first of the good ones" in shown.out
    assert "last of the good ones" in shown.out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown.out)
    assert desk.sound()
    out = desk.folder / "out"
    desk.do("export", desk.vault, "--out", out)
    originals = [path.read_bytes() for path in (out / "archives").glob("*/original*")]
    assert content in originals
    assert not Path("/tmp/leeward_was_here.txt").exists()
    assert not Path("/etc/leeward_was_here").exists()


def test_what_a_bad_file_says_can_be_handed_over_and_checked(desk: Desk) -> None:
    for name in ("nul.txt", "commands.txt", "half_utf8.txt", "surrogates.xml", "far_future.xml", "formula.xml"):
        desk.take_in(desk.file(name, FILES[name]))
    out = desk.folder / "bundle.zip"

    desk.do("bundle", desk.vault, "--out", out)

    assert desk.sound(out)
    words = zipfile.ZipFile(out).read("transcript.txt").decode()
    assert "\x1b" not in words
    assert "\u202e" not in words


def test_entities_are_not_followed(desk: Desk) -> None:
    desk.take_in(desk.file("outside.xml", FILES["outside.xml"]))
    desk.take_in(desk.file("laughs.xml", FILES["laughs.xml"]))

    shown = desk.do("timeline", desk.vault).out

    assert "root:" not in shown
    assert len(shown) < 10_000


def test_a_minute_with_fifty_thousand_messages_keeps_its_order(desk: Desk) -> None:
    at = instant("2026-03-03T09:00:00+00:00")
    burst = [Text(at + n % 2 * 1000, CARL, "Carl", False, f"answer {n}") for n in range(50_000)]
    file = desk.file("burst.xml", sms_export(burst))
    began = time.monotonic()

    [receipt] = desk.take_in(file)
    [again] = desk.take_in(
        desk.file("again.xml", sms_export([*burst, *texts_with(CARL, "Carl", "2026-03-04T09:00:00+00:00", ["x"])]))
    )

    assert receipt["records"] == 50_000
    assert again["duplicates"] == 50_000
    assert time.monotonic() - began < 60
    shown = [item["text"] for item in desk.items("--to", "2026-03-03") if item["same_as"] is None]
    assert shown == [text.words for text in burst[::2]] + [text.words for text in burst[1::2]]


def test_odd_things_in_the_place_of_a_file_are_one_sentence_each(desk: Desk) -> None:
    fifo, loop, dangling = desk.folder / "fifo", desk.folder / "loop", desk.folder / "dangling"
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    dangling.symlink_to(desk.folder / "gone")
    good = desk.file("good.xml", BEFORE)

    receipts = desk.take_in(fifo, loop, dangling, "/dev/zero", good, expect=3)

    assert [bool(receipt["error"]) for receipt in receipts] == [True] * 4 + [False]
    for receipt in receipts[:4]:
        calm(receipt["error"])
        assert "Nothing was lost." in receipt["error"]
    assert desk.texts() == ["first of the good ones"]
    for path in (fifo, loop, dangling, Path("/dev/zero")):
        desk.do("log", desk.vault, "--text", "x", "--attach", path, expect=66)
    assert desk.sound()


def test_a_folder_with_odd_things_in_it_gives_what_it_has(desk: Desk) -> None:
    folder = desk.folder / "phone"
    (folder / "deep").mkdir(parents=True)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "fifo")
    (folder / "deep" / "texts.xml").write_bytes(BEFORE)
    (folder / "link.xml").symlink_to("/etc/passwd")
    odd = os.fsencode(folder) + b"/odd \xff name.txt"
    twin = os.fsencode(folder) + b"/odd \xfe name.txt"
    for path in (odd, twin):
        with open(path, "wb") as file:
            file.write(b"words")

    said = desk.do("import", desk.vault, folder, "--json")

    [receipt] = said.json
    assert receipt["records"] == 1
    assert receipt["error"] is None
    assert said.err == ""
    assert b"root:" not in _original(desk)
    assert desk.sound()


def test_an_empty_folder_is_one_sentence(desk: Desk) -> None:
    folder = desk.folder / "nothing"
    folder.mkdir()

    [receipt] = desk.take_in(folder, expect=3)

    assert "no file in this folder" in receipt["error"]
    assert desk.sound()


def _original(desk: Desk) -> bytes:
    out = desk.folder / "taken out"
    desk.do("export", desk.vault, "--out", out)
    [original] = (out / "archives").glob("*/original*")
    return original.read_bytes()


def test_a_file_name_that_is_no_text_is_kept_as_well_as_it_can_be(desk: Desk) -> None:
    path = Path(os.fsdecode(os.fsencode(desk.folder) + b"/t\xffxts.xml"))
    path.write_bytes(BEFORE)

    [receipt] = desk.take_in(path)
    item = desk.write_down("x", "--attach", path)

    assert receipt["records"] == 1
    assert item["attachments"][0]["name"] == "t\ufffdxts.xml"
    desk.do("bundle", desk.vault, "--out", desk.folder / "bundle.zip")
    assert desk.sound(desk.folder / "bundle.zip")


# -- the vault itself ------------------------------------------------------------------------------------------------


def test_a_damaged_vault_says_where_and_keeps_showing_what_it_can(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", BEFORE))
    whole = bytearray(desk.vault.read_bytes())
    seen = set()

    for at in range(0, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[at : at + 200] = bytes(byte ^ 0x5A for byte in changed[at : at + 200])
        hurt = desk.file("hurt.vault", bytes(changed))
        for beside in desk.folder.glob("hurt.vault-*"):
            beside.unlink()
        said = desk.do("timeline", hurt, expect=None)
        assert said.status in (0, 1, 2, 77), said
        seen.add(said.status)
        if said.status:
            calm(said.err)
        check = desk.do("verify", hurt, "--json", expect=None)
        assert check.status in (0, 1, 2, 77)

    assert 1 in seen
    assert desk.vault.read_bytes() == bytes(whole)


def test_a_cut_vault_is_said_to_be_damaged(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", BEFORE))
    whole = desk.vault.read_bytes()

    for keep in (100, 4096, len(whole) // 2, len(whole) - 16384):
        said = desk.do("timeline", desk.file("cut.vault", whole[:keep]), expect=None)
        assert said.status in (1, 2), (keep, said)
        calm(said.err)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 3 MiB. Where none can be mounted, the test is left out: a file limit stands beside it."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_place_that_cannot_be_written_is_73_and_nothing_is_lost(desk: Desk, small_disk: Path) -> None:
    desk.take_in(desk.file("a.xml", BEFORE))
    content = desk.vault.read_bytes()
    desk.vault = small_disk / "notes.vault"
    desk.vault.write_bytes(content)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    for command in (
        ["log", desk.vault, "--text", "x"],
        ["import", desk.vault, desk.folder / "a.xml"],
        ["new", small_disk / "other.vault"],
    ):
        said = desk.run(*command, expect=73)
        calm(said.err)

    assert desk.vault.read_bytes() == content
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert desk.texts() == ["first of the good ones"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into folders that forbid it; the disk above says the same")
def test_a_read_only_folder_is_73_and_nothing_is_lost(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", BEFORE))
    desk.vault.chmod(0o444)
    desk.folder.chmod(0o555)
    try:
        for command in (["log", desk.vault, "--text", "x"], ["new", desk.folder / "other.vault"]):
            calm(desk.run(*command, expect=73).err)
    finally:
        desk.folder.chmod(0o755)
        desk.vault.chmod(0o600)

    assert desk.texts() == ["first of the good ones"]


def test_a_full_disk_is_73_and_loses_nothing_that_was_acknowledged(desk: Desk, small_disk: Path) -> None:
    desk.vault = small_disk / "notes.vault"
    desk.new()
    desk.take_in(desk.file("a.xml", BEFORE))
    kept = desk.write_down("kept before the disk was full")
    big = desk.file("big.bin", os.urandom(4_000_000))

    for command in (["import", desk.vault, big], ["log", desk.vault, "--text", "x", "--attach", big]):
        said = desk.run(*command, expect=73)
        calm(said.err)
        assert "safe" in said.err or "Nothing was lost" in said.err
    _fill(small_disk / "fill")
    shown = desk.run("timeline", desk.vault, "--json")
    # What was taken back left room inside the vault's own files: that may be used, until it is used up.
    acknowledged = []
    for n in range(30):
        words = desk.file("words.txt", f"{n} {os.urandom(200_000).hex()}")
        full = desk.run("log", desk.vault, "--text-file", words, expect=None)
        if full.status:
            break
        acknowledged.append(words.read_text())

    assert [item["text"] for item in shown.json] == ["first of the good ones", kept["text"]]
    assert full.status == 73
    calm(full.err)
    (small_disk / "fill").unlink()
    desk.write_down("and on it goes")
    assert desk.texts() == ["first of the good ones", kept["text"], *acknowledged, "and on it goes"]
    assert desk.sound()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            return


def test_a_file_that_may_not_grow_is_73_and_loses_nothing(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", BEFORE))
    big = desk.file("big.bin", os.urandom(3_000_000))
    out = desk.folder / "out.zip"

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    said = desk.run("import", desk.vault, big, preexec_fn=small, expect=73)
    calm(said.err)
    desk.write_down("with a big file", "--attach", big)
    for command in (
        ["bundle", desk.vault, "--out", out],
        ["backup", desk.vault, "--out", out, "--backup-passphrase-file", desk.secret],
        ["export", desk.vault, "--out", desk.folder / "folder"],
    ):
        said = desk.run(*command, preexec_fn=small, expect=73)
        calm(said.err)
        assert not out.exists()

    assert desk.texts() == ["first of the good ones", "with a big file"]
    assert desk.sound()


def test_a_hostile_backup_makes_no_vault(desk: Desk) -> None:
    import tarfile

    from pyrage import x25519

    from leeward.vault.age import age_encrypt

    def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as into:
            for info, content in members:
                info.size = len(content)
                into.addfile(info, io.BytesIO(content))
        return out.getvalue()

    def link(name: str, to: str) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, to
        return info

    cases: dict[str, bytes] = {
        "empty": b"",
        "not a tar": b"hello" * 400,
        "no end": tarred((tarfile.TarInfo("backup.json"), b'{"format": "leeward/backup/1", "objects": 0}')),
        "climbs": tarred((tarfile.TarInfo("../../etc/x"), b"x")),
        "link": tarred((link("cells/head", "/etc/passwd"), b"")),
        "numbers": tarred((tarfile.TarInfo("backup.json"), b'{"format": "leeward/backup/1", "objects": "many"}')),
    }
    key = x25519.Identity.generate()
    identity = desk.file("key", str(key))
    for name, content in cases.items():
        file = desk.folder / f"{name}.age"
        with file.open("wb") as out:
            age_encrypt(io.BytesIO(content), out, [str(key.to_public())])
        said = desk.do("restore", file, desk.folder / "new.vault", "--identity", identity, expect=1)
        calm(said.err)
        assert not (desk.folder / "new.vault").exists()


def test_help_says_the_same_sentence_for_people_and_programs(desk: Desk) -> None:
    import json

    for typed in (["timeline", desk.folder / "gone"], ["log", desk.vault], ["search", desk.vault, "…"]):
        words = desk.do(*typed, expect=None)
        program = desk.do(*typed, "--json", expect=None)

        told: Any = json.loads(program.err)
        assert told["error"]["message"] == words.err.strip()
        assert told["error"]["exit"] == words.status == program.status
        calm(words.err)

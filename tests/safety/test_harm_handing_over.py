"""L-3, L-10, T-2, M-3: what a bundle may hold, what it says about itself, and what it must not tell about her.

L-3   an archive in which she takes no part is flagged and stays out of bundles, unless she picks from it one by one
L-10  facts only; the cover says what a bundle is not; the whole thread, both sides, by default
T-2   no path, no name of device or account, no plan, no feeling, no neutral-looking trace leaves with it
M-3   no score, no percentage, no label: the check proves what the format says and nothing else
"""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import socket
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import ROOT, Desk, chat_export, sms_export, texts_with

CARL = "+447700900103"
COVER = "Selected by the owner. Not proof of truth or completeness."


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def handed(desk: Desk, *more: object, name: str = "bundle.zip", expect: int = 0) -> dict[str, bytes]:
    out = desk.folder / name
    desk.do("bundle", desk.vault, "--out", out, *more, expect=expect)
    with zipfile.ZipFile(out) as packed:
        return {each: packed.read(each) for each in packed.namelist()}


def words_of(bundle: dict[str, bytes]) -> str:
    return bundle["transcript.txt"].decode()


def inside(bundle: dict[str, bytes]) -> bytes:
    """Everything a bundle holds, with the values of the proof unpacked from their base64."""
    whole = b"\n".join([*(name.encode() for name in bundle), *bundle.values()])
    packed = re.findall(rb'"([A-Za-z0-9+/]{8,}={0,2})"', bundle["proof/bundle.json"])
    return whole + b"\n".join(base64.b64decode(value) for value in packed if len(value) % 4 == 0)


# -- L-3 -------------------------------------------------------------------------------------------------------------

HIS_CHAT = chat_export(
    [("14/02/2026, 19:06", "Carl", "to his brother"), ("14/02/2026, 19:07", "Dan", "from his brother")]
)


def test_l3_a_conversation_she_takes_no_part_in_is_flagged_and_stays_out(desk: Desk) -> None:
    [receipt] = desk.take_in(desk.file("WhatsApp Chat with Dan.txt", HIS_CHAT), "--me", "Ana")
    desk.take_in(desk.file("mine.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["to me"]))))

    assert "not_a_party" in [flag["code"] for flag in receipt["flags"]]
    said = desk.json("bundle", desk.vault, "--out", desk.folder / "all.zip")
    assert said["items"] == 1
    assert "take no part" in said["left_out"][0]
    transcript = zipfile.ZipFile(desk.folder / "all.zip").read("transcript.txt").decode()
    assert "to me" in transcript
    assert "brother" not in transcript


def test_l3_nothing_but_such_a_conversation_makes_no_bundle(desk: Desk) -> None:
    desk.take_in(desk.file("WhatsApp Chat with Dan.txt", HIS_CHAT), "--me", "Ana")

    desk.do("bundle", desk.vault, "--out", desk.folder / "all.zip", expect=64)

    assert not (desk.folder / "all.zip").exists()


def test_l3_it_goes_out_when_she_picks_it_one_by_one(desk: Desk) -> None:
    desk.take_in(desk.file("WhatsApp Chat with Dan.txt", HIS_CHAT), "--me", "Ana")
    [first, _] = [item for item in desk.items("--kind", "message")]

    transcript = words_of(handed(desk, "--entries", first["id"]))

    assert "to his brother" in transcript
    assert "from his brother" not in transcript


def test_l3_one_of_her_own_conversations_is_not_flagged(desk: Desk) -> None:
    chat = chat_export([("14/02/2026, 19:06", "Carl", "one"), ("14/02/2026, 19:07", "Ana", "two")])

    [receipt] = desk.take_in(desk.file("WhatsApp Chat with Carl.txt", chat), "--me", "Ana")

    assert "not_a_party" not in [flag["code"] for flag in receipt["flags"]]


def test_l3_the_flag_is_still_there_when_it_is_taken_in_again_and_after_a_restart(desk: Desk) -> None:
    file = desk.file("WhatsApp Chat with Dan.txt", HIS_CHAT)
    desk.take_in(file, "--me", "Ana")
    [again] = desk.take_in(file)
    with desk.open() as session:
        session.vault.log.set_snapshot(None, [])

    assert "not_a_party" in [flag["code"] for flag in again["flags"]]
    desk.do("bundle", desk.vault, "--out", desk.folder / "all.zip", expect=64)


# -- L-10 ------------------------------------------------------------------------------------------------------------


def test_l10_the_cover_says_what_it_is_not_in_every_form(desk: Desk, program: Callable[[str], str]) -> None:
    desk.write_down("He broke the lock.")

    bundle = handed(desk)

    assert COVER in "\n".join(words_of(bundle).splitlines()[:8])
    assert COVER in bundle["README.txt"].decode()
    pdf = desk.file("transcript.pdf", bundle["transcript.pdf"])
    printed = subprocess.run([program("pdftotext"), str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert COVER in re.sub(r"\s+", " ", printed)


def test_l10_a_person_brings_the_whole_thread_with_both_sides(desk: Desk) -> None:
    said = ["where are you", "at work", "liar", "please stop"]
    desk.take_in(desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", said))))

    transcript = words_of(handed(desk, "--person", "Carl"))

    assert [transcript.index(words) for words in said] == sorted(transcript.index(words) for words in said)


def test_l10_facts_go_out_and_feelings_and_labels_stay(desk: Desk) -> None:
    from leeward.app.incidents import record_incident

    with desk.open() as session:
        record_incident(
            session,
            text="He broke the lock.",
            abuse=["coercive-control-label"],
            more={
                "feelings": "frozen-feeling",
                "effects": "sleepless-effect",
                "quotes": ["open-up-quote"],
                "where": "hall",
            },
        )

    bundle = handed(desk)

    assert b"open-up-quote" in inside(bundle)
    for kept_back in (b"coercive-control-label", b"frozen-feeling", b"sleepless-effect"):
        assert kept_back not in inside(bundle)


# -- T-2 -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(desk: Desk, program: Callable[[str], str]) -> dict[str, bytes]:
    """A bundle of everything there is."""
    del program
    chat = chat_export([("14/02/2026, 19:06", "Carl", "one"), ("14/02/2026, 19:07", "Ana", "two")])
    desk.take_in(desk.file("WhatsApp Chat with Carl.txt", chat), "--me", "Ana")
    desk.take_in(desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["three"]))))
    secret = desk.folder / "shelter on mill road"
    secret.mkdir()
    photo = secret / "door.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    desk.write_down("He broke the lock.", "--kind", "my-word-for-it", "--attach", photo)
    desk.write_down("Bea keeps my bag.", "--when", "2020-01-01")
    return handed(desk, "--from", "2026-01-01")


def test_t2_a_bundle_holds_no_path_and_no_name_of_device_or_account(desk: Desk, full: dict[str, bytes]) -> None:
    held = inside(full)

    for trace in {
        os.fsencode(desk.folder),
        b"shelter on mill road",
        b"/home/",
        b"/tmp/",
        b"notes.vault",
        socket.gethostname().encode(),
        os.fsencode(Path.home()),
        b"my-word-for-it",
        b"Bea keeps my bag",
    }:
        assert len(trace) < 4 or trace not in held, trace
    assert not re.search(rb"\b" + re.escape(getpass.getuser().encode()) + rb"@", held)


def test_t2_members_carry_neither_time_nor_owner(desk: Desk, full: dict[str, bytes]) -> None:
    with zipfile.ZipFile(desk.folder / "bundle.zip") as packed:
        for info in packed.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.extra, info.comment) == (b"", b"")
        assert packed.comment == b""
    assert full


def test_t2_the_metadata_of_the_pdf_is_neutral(full: dict[str, bytes]) -> None:
    pdf = full["transcript.pdf"]

    found = set(re.findall(rb"/(Title|Author|Subject|Keywords|Creator|Producer|CreationDate|ModDate)\s*[(<]", pdf))
    assert found <= {b"Title", b"Creator", b"Producer", b"CreationDate", b"ModDate"}
    assert re.findall(rb"/Title\s*\(([^)]*)\)", pdf) in ([b"Transcript"], [])
    for day in re.findall(rb"/(?:CreationDate|ModDate)\s*\(D:(\d{14})([^)]*)\)", pdf):
        assert day[1] in (b"Z", b"+00'00'", b"+00'00", b"")


def test_t2_the_names_of_files_stay_with_their_items_alone(full: dict[str, bytes]) -> None:
    assert not [name for name in full if "door" in name]
    assert "door.jpg" in words_of(full)


def test_t2_a_whole_original_is_handed_over_with_no_path_either(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["three"]))))

    assert os.fsencode(desk.folder) not in inside(handed(desk, "--whole-archives"))


# -- M-3 and the words we use ----------------------------------------------------------------------------------------

SCORES = re.compile(r"\d\s?%|\bscore\b|\bper ?cent\b|\bprobab|\brisk level\b|\bconfidence\b|\blikely\b", re.IGNORECASE)
LABELS = re.compile(
    r"\b(abuser|victim|perpetrator|survivor|narcissis\w*|toxic|gasligh\w*|manipulat\w*|stalker|liar|guilty)\b",
    re.IGNORECASE,
)
ALARM = re.compile(
    r"!|\b(warning|danger(?!ous)|urgent|immediately|never forget|brave|strong woman|sorry)\b", re.IGNORECASE
)


def our_words(desk: Desk) -> list[str]:
    """What Leeward itself says over a whole evening: help, receipts, lists, checks, a bundle of neutral items."""
    said = [
        desk.do(*typed).out for typed in ([name, "--help"] for name in ("import", "log", "bundle", "verify", "export"))
    ]
    file = desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["one", "two"])))
    for typed in (
        ["import", desk.vault, file],
        ["log", desk.vault, "--text", "three"],
        ["timeline", desk.vault],
        ["search", desk.vault, "three"],
        ["verify", desk.vault],
        ["bundle", desk.vault, "--out", desk.folder / "b.zip"],
        ["verify", desk.folder / "b.zip"],
        ["export", desk.vault, "--out", desk.folder / "out"],
        ["doctor"],
    ):
        done = desk.do(*typed)
        said += [done.out, done.err]
    with zipfile.ZipFile(desk.folder / "b.zip") as packed:
        said += [packed.read(name).decode() for name in packed.namelist() if name.endswith(".txt")]
    return said


def test_m3_nothing_leeward_says_is_a_score_a_label_or_an_alarm(desk: Desk) -> None:
    for text in our_words(desk):
        for forbidden in (SCORES, LABELS, ALARM):
            assert not forbidden.search(text), (forbidden.search(text), text[:400])


def test_m3_no_item_receipt_or_report_has_a_place_for_a_score() -> None:
    from leeward.app.checking import Report
    from leeward.app.receipts import Receipt
    from leeward.evidence.incident import INCIDENT
    from leeward.evidence.item import Item
    from leeward.messages.record import FIELDS

    names = {*Report.__struct_fields__, *Receipt.__struct_fields__, *Item.__struct_fields__, *FIELDS, *INCIDENT.fields}

    assert not [name for name in names if re.search("score|rating|risk|severity|percent|verdict|label", name)]


def test_m3_every_sentence_in_the_source_is_plain_and_calm() -> None:
    sentence = re.compile(r'"([A-Z][^"\n]{20,}[.?])"')
    for path in sorted((ROOT / "src" / "leeward" / "app").glob("*.py")) + sorted(
        (ROOT / "src" / "leeward" / "cli").glob("*.py")
    ):
        for text in sentence.findall(path.read_text("utf-8")):
            assert not LABELS.search(text), (path.name, text)
            assert not SCORES.search(text), (path.name, text)
            assert "!" not in text, (path.name, text)


def test_m3_a_report_of_a_check_says_what_it_does_not_prove(desk: Desk) -> None:
    desk.write_down("three")
    handed(desk)

    for file in (desk.vault, desk.folder / "bundle.zip"):
        report: Any = json.loads(desk.do("verify", file, "--json").out)
        assert any("true" in sentence for sentence in report["not_proven"])

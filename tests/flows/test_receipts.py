"""Every import ends with an account: what came in, what was refused, what was known already, what times mean."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import ROOT, Desk, Text, chat_export, instant, sms_export, texts_with

CARL = "+447700900103"
RECEIPT = [
    "file", "sha256", "reader", "reader_version", "items_in", "records", "messages", "system", "calls", "other",
    "duplicates", "refused", "participants", "first", "last", "zone_rule", "ambiguous_times", "media_referenced",
    "media_present", "flags", "error", "seconds",
]  # fmt: skip
SAMPLES = ROOT / "src" / "leeward" / "ingest" / "readers"
FLAGS = {
    line.split("`")[1]
    for line in (ROOT / "docs/formats/archive.md").read_text("utf-8").partition("| code |")[2].splitlines()
    if line.startswith("| `")
}


def codes(receipt: Any) -> list[str]:
    return [flag["code"] for flag in receipt["flags"]]


def balanced(receipt: Any) -> bool:
    return bool(
        receipt["items_in"] == receipt["records"] + len(receipt["refused"])
        and receipt["records"] == receipt["messages"] + receipt["system"] + receipt["calls"] + receipt["other"]
        and 0 <= receipt["duplicates"] <= receipt["records"]
    )


def test_a_receipt_has_exactly_the_fields_of_the_contract(desk: Desk) -> None:
    desk.new()
    texts = desk.file("carl.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello", "no"])))
    chat = desk.file(
        "WhatsApp Chat with Bea.txt",
        chat_export([("14/02/2026, 19:06", "Bea", "x"), ("14/02/2026, 19:07", "Ana", "y")]),
    )
    picture = desk.file("photo.jpg", b"\xff\xd8\xff\xe0")

    receipts = desk.take_in(texts, chat, picture, desk.folder / "missing.xml", expect=3)

    for receipt in receipts:
        assert list(receipt) == RECEIPT
        assert balanced(receipt)
        assert set(codes(receipt)) <= FLAGS
        for refused in receipt["refused"]:
            assert list(refused) == ["where", "why"]
        for each in receipt["participants"]:
            assert list(each) == ["name", "handle", "count"]
    assert receipts[0]["participants"] == [
        {"name": "Carl", "handle": CARL, "count": 1},
        {"name": "", "handle": "", "count": 1},
    ]
    assert receipts[0]["first"] == "2026-03-01T09:00:00.000+00:00"
    assert receipts[0]["zone_rule"]


@pytest.mark.parametrize("kind", ["sms_backup_restore", "whatsapp_txt"])
def test_every_sample_of_a_reader_balances_and_leaves_a_sound_vault(desk: Desk, kind: str) -> None:
    files = sorted(
        path
        for path in (SAMPLES / kind / "samples").rglob("*")
        if path.suffix in (".xml", ".txt", ".zip") and path.parent.name.upper() not in ("LICENCES", "LICENSES")
    )
    desk.new()

    receipts = desk.take_in(*files)

    assert len(receipts) == len(files) > 5
    for receipt, path in zip(receipts, files, strict=True):
        assert balanced(receipt), path
        assert receipt["error"] is None, path
        assert receipt["reader"] == kind, path
        assert receipt["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(desk.items()) == sum(receipt["records"] for receipt in receipts)
    assert desk.sound()


def test_a_file_nobody_can_read_is_kept_as_it_is(desk: Desk) -> None:
    desk.new()
    content = b"\x00\x01\x02 what is this"

    [receipt] = desk.take_in(desk.file("thing.bin", content))

    assert receipt["reader"] == "kept as it is"
    assert codes(receipt) == ["kept_as_is"]
    assert (receipt["records"], receipt["error"]) == (0, None)
    assert desk.items() == []
    assert desk.sound()
    out = desk.folder / "out"
    desk.do("export", desk.vault, "--out", out)
    assert [path.read_bytes() for path in out.rglob("original*")] == [content]


def test_a_file_that_is_missing_does_not_stop_the_others(desk: Desk) -> None:
    desk.new()
    good = desk.file("carl.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello"])))

    first, second = desk.take_in(desk.folder / "missing.xml", good, expect=3)

    assert first["error"]
    assert first["sha256"] is None
    assert second["records"] == 1


def test_the_same_file_again_adds_nothing(desk: Desk) -> None:
    desk.new()
    file = desk.file("carl.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello", "no"])))
    [first] = desk.take_in(file)
    before = desk.items()
    copy = desk.file("another name.xml", file.read_bytes())

    [second] = desk.take_in(copy)

    assert second["file"] == str(copy)
    assert codes(second) == [*codes(first), "already_here"]
    assert second["duplicates"] == second["records"] == 2
    same = ("records", "messages", "items_in", "participants", "first", "last", "sha256", "reader")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert desk.items() == before


def test_overlapping_exports_are_linked_and_nothing_is_dropped(desk: Desk) -> None:
    desk.new()
    day = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["one", "two", "three", "four"])

    [first] = desk.take_in(desk.file("old.xml", sms_export(day[:3])))
    [second] = desk.take_in(desk.file("new.xml", sms_export(day[1:])))

    assert (first["duplicates"], second["duplicates"]) == (0, 2)
    assert second["records"] == 3
    items = desk.items()
    assert sorted(item["text"] for item in items) == sorted(["one", "two", "two", "three", "three", "four"])
    newer = [item for item in items if item["source"]["archive"] == items[-1]["source"]["archive"]]
    older = {item["text"]: item["id"] for item in items if item not in newer}
    assert {item["text"]: item["same_as"] for item in newer} == {
        "two": older["two"],
        "three": older["three"],
        "four": None,
    }
    assert all(item["same_as"] is None for item in items if item not in newer)


def test_words_said_twice_are_only_known_as_often_as_they_were_said(desk: Desk) -> None:
    desk.new()
    at = instant("2026-03-01T09:00:00+00:00")
    twice = [Text(at + n * 1000, CARL, "Carl", False, "answer me") for n in range(2)]
    thrice = [Text(at + n * 1000, CARL, "Carl", False, "answer me") for n in range(3)]

    desk.take_in(desk.file("old.xml", sms_export(twice)))
    [receipt] = desk.take_in(desk.file("new.xml", sms_export(thrice)))

    assert receipt["duplicates"] == 2
    assert len(desk.items()) == 5


def test_a_full_minute_is_linked_as_a_quiet_one(desk: Desk) -> None:
    desk.new()
    at = instant("2026-03-01T09:00:00+00:00")
    old = [Text(at + n, CARL, "Carl", False, f"answer {n % 300}") for n in range(900)]
    new = [*old, Text(at, CARL, "Carl", False, "answer 7")]

    desk.take_in(desk.file("old.xml", sms_export(old)))
    [receipt] = desk.take_in(desk.file("new.xml", sms_export(new)))

    assert receipt["duplicates"] == 900


def test_the_same_words_to_two_people_are_two_messages(desk: Desk) -> None:
    desk.new()
    at = instant("2026-03-01T09:00:00+00:00")

    desk.take_in(desk.file("a.xml", sms_export([Text(at, CARL, "Carl", False, "hi")])))
    [receipt] = desk.take_in(desk.file("b.xml", sms_export([Text(at, "+447700900102", "Bea", False, "hi")])))

    assert receipt["duplicates"] == 0


CLOCK_CHANGE = chat_export(
    [
        ("26/10/2025, 00:30", "Carl", "summer"),
        ("26/10/2025, 01:30", "Carl", "first or second time round"),
        ("26/10/2025, 02:30", "Carl", "winter"),
        ("28/03/2026, 23:00", "Carl", "evening"),
        ("29/03/2026, 01:30", "Ana", "never on a clock"),
        ("29/03/2026, 02:30", "Carl", "after"),
        ("25/10/2026, 00:59", "Carl", "before"),
        ("25/10/2026, 01:59", "Carl", "clearly the first"),
        ("25/10/2026, 01:05", "Ana", "clearly the second"),
        ("25/10/2026, 02:30", "Carl", "last"),
    ]
)


def test_a_zone_turns_clock_times_into_instants_and_counts_those_it_cannot(desk: Desk) -> None:
    desk.new()

    [receipt] = desk.take_in(desk.file("WhatsApp Chat with Carl.txt", CLOCK_CHANGE), "--zone", "Europe/Dublin")

    at = {item["text"]: (item["at"], item["at_kind"]) for item in desk.items("--kind", "message")}
    assert at["evening"] == ("2026-03-28T23:00:00+00:00", "instant")
    assert at["never on a clock"] == ("2026-03-29T01:30:00", "floating")
    assert at["after"] == ("2026-03-29T02:30:00+01:00", "instant")
    assert at["before"] == ("2026-10-25T00:59:00+01:00", "instant")
    assert at["first or second time round"] == ("2025-10-26T01:30:00", "floating")
    assert at["winter"] == ("2025-10-26T02:30:00+00:00", "instant")
    assert at["clearly the second"] == ("2026-10-25T01:05:00+00:00", "instant")
    assert at["last"] == ("2026-10-25T02:30:00+00:00", "instant")
    assert receipt["ambiguous_times"] == 2
    assert "clock_change" in codes(receipt)
    assert receipt["first"] == "2025-10-26T00:30:00.000+01:00"
    assert receipt["last"] == "2026-10-25T02:30:00.000+00:00"
    assert "Europe/Dublin" in receipt["zone_rule"]


def test_without_a_zone_clock_times_float_and_keep_the_order_of_the_file(desk: Desk) -> None:
    desk.new()

    [receipt] = desk.take_in(desk.file("WhatsApp Chat with Carl.txt", CLOCK_CHANGE))

    items = desk.items("--kind", "message")
    assert {item["at_kind"] for item in items} == {"floating"}
    assert [item["text"] for item in items][7:9] == ["clearly the first", "clearly the second"]
    assert (receipt["first"], receipt["last"]) == ("2025-10-26T00:30:00", "2026-10-25T02:30:00")
    assert "zone_unknown" in codes(receipt)


def test_a_zone_nobody_knows_takes_nothing_in(desk: Desk) -> None:
    desk.new()
    file = desk.file("WhatsApp Chat with Carl.txt", CLOCK_CHANGE)

    desk.do("import", desk.vault, file, "--zone", "Europe/Atlantis", expect=64)

    assert desk.items() == []


def test_me_says_which_side_is_hers(desk: Desk) -> None:
    desk.new()
    file = desk.file("WhatsApp Chat with Carl.txt", CLOCK_CHANGE)

    [receipt] = desk.take_in(file, "--me", "Ana")

    items = desk.items("--kind", "message")
    assert {item["text"] for item in items if item["from_me"]} == {"never on a clock", "clearly the second"}
    assert "not_a_party" not in codes(receipt)


def test_media_in_a_zip_is_counted_and_what_is_missing_is_said(desk: Desk) -> None:
    desk.new()
    chat = chat_export(
        [
            ("14/02/2026, 19:06", "Bea", "IMG-20260214-WA0001.jpg (file attached)"),
            ("14/02/2026, 19:07", "Ana", "IMG-20260214-WA0002.jpg (file attached)"),
        ]
    )
    packed = desk.folder / "WhatsApp Chat with Bea.zip"
    picture = b"\xff\xd8\xff\xe0" + bytes(200)
    with zipfile.ZipFile(packed, "w") as into:
        into.writestr("WhatsApp Chat with Bea.txt", chat)
        into.writestr("IMG-20260214-WA0001.jpg", picture)

    [receipt] = desk.take_in(packed)

    assert (receipt["media_referenced"], receipt["media_present"]) == (2, 1)
    assert "media_missing" in codes(receipt)
    first, second = desk.items("--kind", "message")
    assert first["attachments"][0]["sha256"] == hashlib.sha256(picture).hexdigest()
    assert (first["attachments"][0]["here"], second["attachments"][0]["here"]) == (True, False)
    out = desk.folder / "bundle.zip"
    desk.do("bundle", desk.vault, "--out", out)
    with zipfile.ZipFile(out) as handed:
        assert [handed.read(name) for name in handed.namelist() if name.startswith("attachments/")] == [picture]


def test_calls_and_texts_of_one_phone_are_told_apart(desk: Desk) -> None:
    desk.new()
    calls = SAMPLES / "sms_backup_restore" / "samples" / "sms-backup-restore-parser" / "minimal_calls.xml"

    [receipt] = desk.take_in(calls)

    assert receipt["calls"] == receipt["records"] > 0
    assert {item["kind"] for item in desk.items()} == {"call"}


def test_thousands_of_refusals_are_counted_and_the_account_still_balances(desk: Desk, tmp_path: Path) -> None:
    desk.new()
    rows = "".join(f'<sms address="1" date="1772366400000" type="1" body="{n}\n' for n in range(12_000))
    good = '<sms address="1" date="1772366400000" type="1" body="here" />'
    file = desk.file("broken.xml", f'<?xml version="1.0"?><smses count="1">{good}\n{rows}</smses>')

    [first] = desk.take_in(file)
    [again] = desk.take_in(file)

    assert balanced(first)
    assert balanced(again)
    assert (again["items_in"], again["refused"]) == (first["items_in"], first["refused"])
    assert desk.sound()

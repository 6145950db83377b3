"""Ana makes a vault, takes in what she has, writes down what happens, and finds it again."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import PASSPHRASE, Desk, chat_export, sms_export, texts_with

CARL = "+447700900103"
BEA = "+447700900102"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(64) + b"\xff\xd9"
ITEM = ["id", "kind", "at", "at_kind", "written_at", "person", "service", "text", "source", "attachments"]


@pytest.fixture
def two_exports(desk: Desk) -> list[Path]:
    carl = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["where are you", "at work", "liar", "please stop"])
    bea = texts_with(BEA, "Bea", "2026-03-01T09:00:30+00:00", ["coffee?", "yes, at four"])
    return [desk.file("carl.xml", sms_export(carl)), desk.file("bea.xml", sms_export(bea))]


def test_new_makes_a_sealed_file_for_her_alone(desk: Desk) -> None:
    said = desk.do("new", desk.vault, "--json")

    assert said.json == {"vault": str(desk.vault), "zone": "Europe/Dublin"}
    assert desk.vault.stat().st_mode & 0o777 == 0o600
    assert PASSPHRASE.encode() not in desk.vault.read_bytes()
    assert desk.sound()


def test_a_weak_passphrase_from_a_file_is_warned_about_and_not_refused(desk: Desk) -> None:
    desk.secret.write_text("secret\n", encoding="utf-8")

    said = desk.do("new", desk.vault)

    assert said.err.strip()
    desk.items()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_one_line_end_of_a_passphrase_file_does_not_count(desk: Desk, ending: bytes) -> None:
    desk.secret.write_bytes(b"four words in here")
    desk.new()

    desk.secret.write_bytes(b"four words in here" + ending)

    assert desk.items() == []


def test_a_second_line_end_of_a_passphrase_file_counts(desk: Desk) -> None:
    desk.secret.write_bytes(b"four words in here")
    desk.new()

    desk.secret.write_bytes(b"four words in here\n\n")

    desk.do("timeline", desk.vault, expect=77)


def test_the_option_is_stronger_than_the_environment(desk: Desk) -> None:
    desk.new()
    other = desk.file("other", "not this one")

    desk.do("timeline", desk.vault, "--passphrase-file", other, expect=77)
    desk.secret.write_text("not this one either", encoding="utf-8")

    assert desk.do("timeline", desk.vault, "--passphrase-file", desk.file("right", PASSPHRASE)).out == ""


def test_two_exports_give_two_receipts_in_the_order_given(desk: Desk, two_exports: list[Path]) -> None:
    desk.new()

    receipts = desk.take_in(*reversed(two_exports))

    assert [receipt["file"] for receipt in receipts] == [str(path) for path in reversed(two_exports)]
    assert [receipt["records"] for receipt in receipts] == [2, 4]
    for receipt, path in zip(receipts, reversed(two_exports), strict=True):
        assert receipt["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert receipt["error"] is None


def test_a_zip_and_a_folder_given_as_one_file_are_one_archive_each(desk: Desk) -> None:
    chat = chat_export([("14/02/2026, 19:06", "Bea", "look"), ("14/02/2026, 19:07", "Ana", "I see")])
    packed = desk.folder / "WhatsApp Chat with Bea.zip"
    with zipfile.ZipFile(packed, "w") as into:
        into.writestr("WhatsApp Chat with Bea.txt", chat)
        into.writestr("IMG-20260214-WA0001.jpg", JPEG)
    folder = desk.folder / "from the old phone"
    folder.mkdir()
    (folder / "texts.xml").write_bytes(sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello"])))
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.txt").write_text("nothing", encoding="utf-8")
    desk.new()

    receipts = desk.take_in(packed, folder)

    assert [receipt["reader"] for receipt in receipts] == ["whatsapp_txt", "sms_backup_restore"]
    assert [receipt["messages"] for receipt in receipts] == [2, 1]
    assert receipts[0]["sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert sorted(desk.texts("--kind", "message")) == ["I see", "hello", "look"]


def test_the_same_folder_is_the_same_archive_the_next_day(desk: Desk) -> None:
    folder = desk.folder / "phone"
    folder.mkdir()
    (folder / "a.xml").write_bytes(sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello"])))
    desk.new()
    [first] = desk.take_in(folder)
    (folder / "a.xml").touch()

    [second] = desk.take_in(folder)

    assert second["sha256"] == first["sha256"]
    assert "already_here" in [flag["code"] for flag in second["flags"]]


def test_an_item_is_exactly_what_the_contract_says(desk: Desk, two_exports: list[Path]) -> None:
    desk.new()
    desk.take_in(two_exports[0])
    logged = desk.write_down("He took the car key.", "--when", "2026-03-01T09:01:30+00:00")

    items = desk.items()

    assert [list(item)[:10] for item in items] == [ITEM] * 5
    first, second, mine = items[0], items[1], items[2]
    assert first["kind"] == "message"
    assert first["at"] == "2026-03-01T09:00:00+00:00"
    assert first["at_kind"] == "instant"
    assert first["written_at"] is None
    assert (first["person"], first["service"], first["text"]) == ("Carl", "sms", "where are you")
    source = first["source"]
    assert first["id"] == f"{source['archive']}:0"
    assert two_exports[0].read_bytes()[source["offset"] :].startswith(b"<sms ")
    assert second["person"] is None
    assert second["from_me"] is True
    assert mine == logged
    assert mine["kind"] == "incident"
    assert mine["source"] is None
    assert mine["written_at"].startswith("20")
    assert all(set(item["source"]) == {"archive", "offset"} for item in items if item["source"])


@pytest.mark.parametrize(
    ("when", "at", "kind"),
    [
        ("2026-03-01T21:30:00-05:00", "2026-03-02T02:30:00+00:00", "instant"),
        ("2026-07-01T21:30", "2026-07-01T21:30:00+01:00", "instant"),
        ("2026-03-01", "2026-03-01", "about"),
        ("~2026-03-01T21:30", "2026-03-01T21:30:00+00:00", "about"),
        ("about 2026-03-01", "2026-03-01", "about"),
    ],
)
def test_when_is_taken_as_she_says_it(desk: Desk, when: str, at: str, kind: str) -> None:
    desk.new()

    item = desk.write_down("x", "--when", when)

    assert (item["at"], item["at_kind"]) == (at, kind)


def test_without_when_it_happened_as_it_was_written(desk: Desk) -> None:
    desk.new()

    item = desk.write_down("x")

    assert item["at"] == item["written_at"]
    assert item["at_kind"] == "instant"


def test_words_come_from_standard_input_or_a_file_just_as_they_are(desk: Desk) -> None:
    words = "  He said:\n\n\t“Never.”  \n"
    desk.new()

    typed = desk.json("log", desk.vault, "--text", "-", stdin=words.encode())
    kept = desk.json("log", desk.vault, "--text-file", desk.file("words.txt", words))

    assert typed["text"] == kept["text"] == words
    assert [item["text"] for item in desk.json("search", desk.vault, "-", stdin=b"never\n")] == [words, words]


def test_attachments_keep_name_bytes_and_type_by_content(desk: Desk) -> None:
    picture = desk.file("holiday.txt", JPEG)
    words = desk.file("letter.jpg", "Dear Ana, …")
    empty = desk.file("empty.pdf", b"")
    desk.new()

    item = desk.write_down("the hall", "--attach", picture, "--attach", words, "--attach", empty)

    kept = item["attachments"]
    assert [part["name"] for part in kept] == ["holiday.txt", "letter.jpg", "empty.pdf"]
    assert [part["size"] for part in kept] == [len(JPEG), 13, 0]
    assert [part["sha256"] for part in kept] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (picture, words, empty)
    ]
    assert [part.get("type") for part in kept] == ["image/jpeg", "text/plain", None]
    assert desk.items()[0]["attachments"] == kept


def test_a_period_is_whole_days_in_the_zone_of_the_vault(desk: Desk) -> None:
    # Dublin: summer time begins on 29 March 2026 at 01:00 UTC; the day has 23 hours.
    desk.new()
    for when in ("2026-03-28T23:59:59+00:00", "2026-03-29T00:00:00+00:00", "2026-03-29T22:59:59+00:00",
                 "2026-03-29T23:00:00+00:00"):  # fmt: skip
        desk.write_down(when, "--when", when)

    day = desk.texts("--from", "2026-03-29", "--to", "2026-03-29")

    assert day == ["2026-03-29T00:00:00+00:00", "2026-03-29T22:59:59+00:00"]


def test_a_period_of_instants_ends_before_its_end(desk: Desk) -> None:
    desk.new()
    for when in ("2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"):  # 01:30 twice on a clock in Dublin
        desk.write_down(when, "--when", when)

    first = desk.texts("--from", "2026-10-25T01:30:00+01:00", "--to", "2026-10-25T01:30:00+00:00")
    both = desk.texts("--from", "2026-10-25", "--to", "2026-10-25")

    assert first == ["2026-10-25T00:30:00+00:00"]
    assert len(both) == 2


def test_a_person_means_both_sides_of_their_conversations_and_nobody_elses(desk: Desk, two_exports: list[Path]) -> None:
    desk.new()
    desk.take_in(*two_exports)
    desk.write_down("Carl was at the door", "--when", "2026-03-02T08:00:00+00:00")
    desk.write_down("scarlet fever again", "--when", "2026-03-02T09:00:00+00:00")

    carl = ["where are you", "at work", "liar", "please stop", "Carl was at the door"]
    assert desk.texts("--person", "Carl") == carl
    assert desk.texts("--person", "carl") == carl
    assert desk.texts("--person", "+44 7700 900103") == carl[:4]
    assert desk.texts("--person", "Bea") == ["coffee?", "yes, at four"]
    assert desk.texts("--person", "Nobody") == []


def test_two_chats_without_a_title_are_not_one_conversation(desk: Desk) -> None:
    carl = desk.file(
        "_chat.txt", chat_export([("14/02/2026, 19:06", "Carl", "one"), ("14/02/2026, 19:07", "Ana", "two")])
    )
    other = desk.folder / "other"
    other.mkdir()
    bea = other / "_chat.txt"
    bea.write_bytes(chat_export([("14/02/2026, 20:06", "Bea", "three"), ("14/02/2026, 20:07", "Ana", "four")]))
    desk.new()

    desk.take_in(carl, bea, "--me", "Ana")

    assert desk.texts("--person", "Carl", "--kind", "message") == ["one", "two"]
    assert desk.texts("--person", "Bea", "--kind", "message") == ["three", "four"]


def test_kinds_and_services_narrow_what_is_shown(desk: Desk, two_exports: list[Path]) -> None:
    chat = desk.file(
        "WhatsApp Chat with Bea.txt",
        chat_export([("14/02/2026, 19:06", "Bea", "hi"), ("14/02/2026, 19:07", "Ana", "ho")]),
    )
    desk.new()
    desk.take_in(*two_exports, chat)
    desk.write_down("x")

    def kinds(*more: str) -> set[str]:
        return {item["kind"] for item in desk.items(*more)}

    assert kinds() == {"message", "system", "incident"}
    assert kinds("--kind", "incident") == {"incident"}
    assert kinds("--kind", "system") == {"system"}
    assert {item["service"] for item in desk.items("--service", "whatsapp")} == {"whatsapp"}
    desk.do("timeline", desk.vault, "--kind", "opinion", expect=64)


def test_a_search_is_of_words_phrases_and_beginnings_newest_first(desk: Desk) -> None:
    desk.new()
    words = [
        "Die Tür klemmt, wenn es regnet",
        "the blue door sticks",
        "a door, blue",
        "今夜は帰らない",
        'he said "never"',
    ]
    for hour, text in enumerate(words):
        desk.write_down(text, "--when", f"2026-03-01T{hour:02}:00:00+00:00")

    def found(query: str) -> list[str]:
        return [item["text"] for item in desk.found(query)]

    assert found("door blue") == [words[2], words[1]]
    assert found('"blue door"') == [words[1]]
    assert found("stick*") == [words[1]]
    assert found("TUR") == found("tür") == [words[0]]
    assert found("帰ら") == [words[3]]
    assert found('said "never') == [words[4]]
    assert found("nothing-like-it") == []
    assert found("door OR NOT NEAR(") == []
    desk.do("search", desk.vault, "?!", expect=64)


def test_a_search_marks_where_the_words_stand(desk: Desk) -> None:
    desk.new()
    desk.write_down("the blue door, the DOOR")

    [item] = desk.found("door")

    assert [item["text"][start:end] for start, end in item["highlights"]] == ["door", "DOOR"]


def test_pages_stay_in_step_while_things_are_added(desk: Desk) -> None:
    from leeward.app.incidents import record_incident
    from leeward.app.looking import asked_for, page

    desk.new()
    for n in range(7):
        desk.write_down(f"old {n}", "--when", f"2026-03-{n + 1:02}T12:00:00+00:00")
    seen: list[str] = []

    with desk.open() as session:
        after: int | None = None
        while True:
            found = page(session, asked_for(session), limit=2, after=after)
            seen += [item.text for item in found.items]
            record_incident(session, text="newer", when="2026-04-01T12:00:00+00:00")
            if found.more is None:
                break
            after = found.more

    assert seen == [f"old {n}" for n in reversed(range(7))]


def test_every_item_comes_once_over_many_pages(desk: Desk) -> None:
    from leeward.app.looking import asked_for, page

    same = "2026-03-01T09:00:00+00:00"
    words = [f"word {n}" for n in range(600)]  # more than the ties of one millisecond
    texts = [text._replace(ms=1_772_355_600_000) for text in texts_with(CARL, "Carl", same, words)]
    desk.new()
    desk.take_in(desk.file("burst.xml", sms_export(texts)))
    desk.write_down("in between", "--when", same)

    with desk.open() as session:
        seen: list[Any] = []
        after: int | None = None
        while True:
            found = page(session, asked_for(session), limit=7, after=after, newest_first=False)
            seen += [item.text for item in found.items]
            if found.more is None:
                break
            after = found.more

    assert [text for text in seen if text != "in between"] == words
    assert len(seen) == 601


def test_the_same_question_gets_the_same_answer_from_the_log_and_from_the_snapshot(
    desk: Desk, two_exports: list[Path]
) -> None:
    desk.new()
    desk.take_in(*two_exports)
    desk.write_down("Carl again", "--when", "2026-03-01T09:01:00+00:00")
    with desk.open() as session:
        quick = list(session.timeline.all(_everything()))
        assert session.timeline.loaded
        session.vault.log.set_snapshot(None, [])

    with desk.open() as session:
        anew = list(session.timeline.all(_everything()))
        assert not session.timeline.loaded

    assert anew == quick


def _everything() -> Any:
    from leeward.evidence.item import Asked

    return Asked(aside=True)

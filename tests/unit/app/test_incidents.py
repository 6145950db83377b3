"""Changing, setting aside and deleting: what stays, what is out of sight, and what is gone for good."""

from __future__ import annotations

import os
import re
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import Desk, sms_export, texts_with

from leeward.app.handing_over import hand_over
from leeward.app.incidents import amend_incident, delete, record_incident, set_aside
from leeward.core.errors import LeewardError, NotHere, UsageError
from leeward.evidence.incident import INCIDENT
from leeward.evidence.item import Asked

CARL = "+447700900103"
PHRASE = "the blue door sticks when it rains"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def texts(session: Any, **asked: Any) -> list[str]:
    return [item.text for item in session.timeline.all(Asked(**asked))]


def plain_bytes(desk: Desk) -> bytes:
    """Everything the vault's storage holds, its log beside it too."""
    return b"".join(path.read_bytes() for path in desk.folder.glob("notes.vault*"))


def projected(session: Any) -> bytes:
    db: sqlite3.Connection = session.timeline.db
    return db.serialize()


def test_a_change_shows_the_new_words_and_keeps_the_earlier_ones(desk: Desk) -> None:
    with desk.open() as session:
        item = record_incident(session, text="He came at nine.", more={"quotes": ["open up"], "feelings": "cold"})

        changed = amend_incident(session, item.id, {"text": "He came at ten.", "quotes": None, "where": "the hall"})

        assert (changed.id, changed.text) == (item.id, "He came at ten.")
        assert changed.extra["where"] == "the hall"
        assert changed.extra["feelings"] == "cold"
        assert "quotes" not in changed.extra
        assert texts(session, query="nine") == []
        assert texts(session, query="hall") == ["He came at ten."]
        history = session.timeline.history(item.id)
        assert [version.fields.get("text") for version in history] == ["He came at nine.", "He came at ten."]
    assert desk.sound()
    assert desk.texts() == ["He came at ten."]


def test_a_change_can_be_changed_again_and_taken_back(desk: Desk) -> None:
    with desk.open() as session:
        item = record_incident(session, text="one", when="2026-03-01")

        for words in ("two", "three", "one"):
            amend_incident(session, item.id, {"text": words})
        amend_incident(session, item.id, {"happened": {"day": "2026-03-02", "about": True}})

        assert texts(session) == ["one"]
        assert [each.at for each in session.timeline.all(Asked())] == ["2026-03-02"]
        assert len(session.timeline.history(item.id)) == 5


def test_only_fields_of_an_incident_can_be_changed(desk: Desk) -> None:
    with desk.open() as session:
        item = record_incident(session, text="one")

        with pytest.raises(UsageError):
            amend_incident(session, item.id, {"kind": "setting"})
        with pytest.raises(NotHere):
            amend_incident(session, "nosuchid", {"text": "two"})


def test_fields_of_a_newer_version_live_through_changes_and_exports(desk: Desk) -> None:
    with desk.open() as session:
        fields = {"text": "from a newer Leeward"}
        entry = session.vault.append(INCIDENT, fields, unknown={"mood": {"scale": [1, "…"]}})

        amend_incident(session, entry.id, {"text": "changed by this one"})

        current = session.timeline.current(entry.number)
        assert current["mood"] == {"scale": [1, "…"]}
        assert current["text"] == "changed by this one"
    out = desk.folder / "out"
    desk.do("export", desk.vault, "--out", out)
    assert '"mood": {"scale": [1, "…"]}' in (out / "entries.jsonl").read_text("utf-8")
    assert '"mood": {"scale": [1, "…"]}' in (out / "incidents.jsonl").read_text("utf-8")


def test_what_is_set_aside_is_out_of_sight_and_out_of_bundles_until_it_is_brought_back(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["one", "two"]))))
    with desk.open() as session:
        incident = record_incident(session, text="three").id
        message = next(item.id for item in session.timeline.all(Asked(query="two")))
        for identity in (incident, message):
            set_aside(session, identity)

        assert texts(session) == ["one"]
        assert texts(session, query="two") == []
        assert texts(session, aside=True) == ["one", "two", "three"]
        assert _handed(session, desk.folder / "without.zip") == {"one"}
        for identity in (incident, message):
            set_aside(session, identity, aside=False)
        assert texts(session) == ["one", "two", "three"]
        assert _handed(session, desk.folder / "with.zip") == {"one", "two", "three"}


def test_what_is_set_aside_stays_aside_when_it_is_changed_and_when_the_vault_is_opened_anew(desk: Desk) -> None:
    with desk.open() as session:
        item = record_incident(session, text="one")
        set_aside(session, item.id)

        amend_incident(session, item.id, {"text": "two"})

        assert texts(session) == []
    assert desk.texts() == []


def _handed(session: Any, out: Path) -> set[str]:
    hand_over(session, out, asked=Asked(), pdf=False)
    return set(re.findall(r"^\s*\d+\s+\| (.*)$", zipfile.ZipFile(out).read("transcript.txt").decode(), re.MULTILINE))


def test_a_deleted_incident_is_gone_from_everywhere_and_the_log_says_that_it_went(desk: Desk) -> None:
    photo = desk.file("photo.jpg", b"\xff\xd8\xff\xe0" + os.urandom(50_000))
    item = desk.write_down(PHRASE, "--attach", photo, "--when", "2026-03-01T09:00")
    desk.write_down("something else")
    with desk.open() as session:
        amend_incident(session, item["id"], {"text": f"{PHRASE} and more"})
        session.timeline.save()
        size = len(list(session.vault.storage.names()))
        assert PHRASE.encode() in projected(session)

        delete(session, item["id"], "I do not want to keep it")

        assert texts(session, aside=True) == ["something else"]
        assert texts(session, query="door") == []
        assert PHRASE.encode() not in projected(session)
        assert b"sticks" not in projected(session)
        assert session.vault.log.snapshot is None
        assert len(list(session.vault.storage.names())) < size
        removal = [entry.fields for entry in session.vault.entries() if entry.kind == "removal"]
        assert [(each["of"], each["was_kind"]) for each in removal] == [(item["id"], "incident")]
        with pytest.raises(LeewardError):
            amend_incident(session, item["id"], {"text": "back"})
    assert desk.sound()
    assert desk.texts() == ["something else"]
    out = desk.folder / "out"
    desk.do("export", desk.vault, "--out", out)
    assert not [path for path in out.rglob("*") if path.is_file() and PHRASE.encode() in path.read_bytes()]
    assert list((out / "attachments").iterdir()) == []


def test_a_deleted_archive_takes_its_messages_names_and_original_along(desk: Desk) -> None:
    content = sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", [PHRASE, "no"]))
    desk.take_in(desk.file("carl.xml", content))
    [receipt] = desk.take_in(
        desk.file("bea.xml", sms_export(texts_with("+447700900102", "Bea", "2026-03-02T09:00:00+00:00", ["hi"])))
    )
    archive = desk.items()[0]["source"]["archive"]

    with desk.open() as session:
        delete(session, archive)

        assert texts(session, aside=True) == ["hi"]
        for words in (PHRASE, "Carl", CARL):
            assert words.encode() not in projected(session)
        assert session.timeline.handles() == ["+447700900102"]
        session.timeline.save()
    assert desk.sound()
    assert desk.texts() == ["hi"]
    [again] = desk.take_in(desk.folder / "carl.xml")
    assert "already_here" not in [flag["code"] for flag in again["flags"]]
    assert desk.texts() == [PHRASE, "no", "hi"]
    assert receipt["records"] == 1


def test_a_message_that_was_linked_to_a_deleted_archive_stands_alone(desk: Desk) -> None:
    day = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["one", "two"])
    desk.take_in(desk.file("old.xml", sms_export(day)))
    desk.take_in(
        desk.file("new.xml", sms_export([*day, *texts_with(CARL, "Carl", "2026-03-02T09:00:00+00:00", ["x"])]))
    )
    archive = next(item["source"]["archive"] for item in desk.items() if item["same_as"] is None)

    with desk.open() as session:
        delete(session, archive)
        record_incident(session, text="new in an old place", when="2026-03-01T09:00:00+00:00")

        assert [item.same_as for item in session.timeline.all(Asked(kind="message"))] == [None] * 3
    assert desk.sound()


def test_one_message_of_an_archive_cannot_be_deleted_alone(desk: Desk) -> None:
    desk.take_in(desk.file("a.xml", sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["one"]))))
    [item] = desk.items()

    with desk.open() as session, pytest.raises(UsageError) as refused:
        delete(session, item["id"])

    assert "set it aside" in refused.value.sentence()
    assert desk.texts() == ["one"]


def test_deleted_bytes_are_gone_from_the_file_itself(desk: Desk) -> None:
    photo = desk.file("photo.bin", os.urandom(300_000))
    item = desk.write_down("x", "--attach", photo)
    sealed = plain_bytes(desk)
    pieces = [sealed[start : start + 64] for start in range(100_000, len(sealed) - 100_000, 10_000)]
    pieces = [piece for piece in pieces if len(set(piece)) > 20]
    assert pieces

    with desk.open() as session:
        delete(session, item["id"])

    left = plain_bytes(desk)
    assert [piece for piece in pieces if piece in left] == []


def test_nothing_to_save_is_not_saved(desk: Desk) -> None:
    desk.do("log", desk.vault, "--text", "  \n", expect=64)
    desk.do("log", desk.vault, expect=64)
    desk.do("log", desk.vault, "--text", "x", "--when", "yesterday", expect=64)
    desk.do("log", desk.vault, "--text", "x", "--attach", desk.folder / "missing", expect=66)
    desk.do("log", desk.vault, "--text", "x", "--attach", desk.folder, expect=64)

    assert desk.items() == []
    assert desk.sound()

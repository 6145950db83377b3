"""What a bundle opens: what holds now, each item once, and nothing that was changed or taken back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import Desk

from leeward.app.handing_over import hand_over
from leeward.app.incidents import amend_incident, record_incident
from leeward.core.errors import UsageError
from leeward.evidence.item import Asked
from leeward_proof.verify import check


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def handed(session: Any, out: Path, *entries: str) -> dict[str, bytes]:
    """Hand over *entries*, check the bundle, and return its members."""
    hand_over(session, out, asked=Asked(), entries=entries, pdf=False)
    assert check(out).problems == ()
    with zipfile.ZipFile(out) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def test_words_and_places_she_took_out_do_not_leave_with_what_replaced_them(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as session:
        item = record_incident(session, text="I hid with Bea.", more={"where": "the shelter", "witnesses": "Dana"})
        amend_incident(session, item.id, {"text": "I hid.", "where": None})
        amend_incident(session, item.id, {"text": "I hid at nine."})

        members = handed(session, tmp_path / "out.zip", item.id)

    everything = b"".join(members.values())
    assert b"I hid at nine." in members["transcript.txt"]
    assert b"Dana" in members["transcript.txt"]
    for gone in (b"Bea", b"shelter", b"I hid."):
        assert gone not in everything


def test_a_file_she_took_off_does_not_leave_and_does_not_stop_the_bundle(desk: Desk, tmp_path: Path) -> None:
    picture = tmp_path / "picture.txt"
    picture.write_text("not for anyone")
    with desk.open() as session:
        item = record_incident(session, text="He broke the door.", attachments=[picture])
        amend_incident(session, item.id, {"attachments": None})

        members = handed(session, tmp_path / "out.zip", item.id)

    assert not [name for name in members if name.startswith("attachments/")]
    assert b"picture.txt" not in b"".join(members.values())


def test_a_file_that_still_belongs_leaves_with_the_changed_words(desk: Desk, tmp_path: Path) -> None:
    picture = tmp_path / "picture.txt"
    picture.write_text("the door")
    with desk.open() as session:
        item = record_incident(session, text="He broke a door.", attachments=[picture])
        amend_incident(session, item.id, {"text": "He broke the door."})

        members = handed(session, tmp_path / "out.zip", item.id)

    assert members["attachments/0001.txt"] == b"the door"


def test_another_list_of_files_is_refused_and_the_vault_stays_sound(desk: Desk, tmp_path: Path) -> None:
    picture = tmp_path / "picture.txt"
    picture.write_text("the door")
    with desk.open() as session:
        item = record_incident(session, text="He broke the door.", attachments=[picture])
        [entry] = session.timeline.history(item.id)
        kept = entry.fields["attachments"]

        with pytest.raises(UsageError):
            amend_incident(session, item.id, {"attachments": kept})

        assert session.vault.check() == []


def test_an_item_named_twice_stands_in_the_bundle_once(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as session:
        item = record_incident(session, text="He broke the door.")

        members = handed(session, tmp_path / "out.zip", item.id, item.id)

    assert len(json.loads(members["proof/bundle.json"])["items"]) == 1


def test_she_is_told_that_the_bundle_names_her_zone(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as session:
        zone = session.zone
        item = record_incident(session, text="He broke the door.")

        notes = hand_over(session, tmp_path / "out.zip", asked=Asked(), entries=[item.id], pdf=False).notes

    assert zone not in (None, "UTC", "Etc/UTC")
    assert any(str(zone) in note for note in notes)

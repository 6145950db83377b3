"""An import stands whatever its reader says: a turned child ends as one receipt, and never blocks the next import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flows.desk import Desk, sms_export, texts_with

from leeward.app import importing
from leeward.core.errors import ReaderStopped
from leeward.ingest.base import Event, Flag, Outcome, Recognised, Refused
from leeward.messages.record import Kind, Record

CARL = "+447700900103"
GOOD = sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", ["hello"]))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def record(**changed: Any) -> Record:
    fields: dict[str, Any] = {
        "kind": Kind.MESSAGE, "member": "", "offset": 0, "length": 1, "raw": b"x", "sender": "Carl", "time": "then",
        "at": 1_772_355_600_000, "wall": None, "text": "words", **changed,
    }  # fmt: skip
    return Record(**fields)


def says(monkeypatch: pytest.MonkeyPatch, *events: Event | Exception) -> None:
    def read(*_: object, **__: object) -> Iterator[Event]:
        yield Recognised("turned", "1", "sms", "")
        for event in events:
            if isinstance(event, Exception):
                raise event
            yield event

    monkeypatch.setattr(importing, "read_confined", read)


HOSTILE: dict[str, dict[str, Any]] = {
    "a kind that is none": {"kind": 99},
    "a direction that is none": {"direction": -7},
    "an offset beyond any file": {"offset": 2**63},
    "a length below nothing": {"length": -1},
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_row_no_honest_reader_makes_ends_as_one_receipt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        says(patch, [record(), record(**HOSTILE[name])], Outcome(""))
        [receipt] = desk.take_in(desk.file("a.xml", GOOD + b" "), expect=3)

    assert "The original is safe in your vault." in receipt["error"]
    assert receipt["records"] == 0
    assert "stopped" in [flag["code"] for flag in receipt["flags"]]
    assert desk.items() == []
    assert desk.take_in(desk.file("b.xml", GOOD))[0]["records"] == 1
    assert desk.sound()


@pytest.mark.parametrize("ms", [2**62, -(2**62), 253_402_300_800_000, -62_135_596_800_001])
def test_a_time_nobody_can_write_is_kept_as_not_known(desk: Desk, monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    says(monkeypatch, [record(at=ms), record(at=None, wall=ms), record()], Outcome(""))

    [receipt] = desk.take_in(desk.file("a.xml", GOOD))

    assert receipt["records"] == 3
    assert [item["at"] for item in desk.items()].count(None) == 2
    assert desk.sound()


def test_a_reader_that_stops_in_the_middle_leaves_none_of_its_rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        many = [[record(text=f"{n} {m}") for m in range(2_000)] for n in range(6)]
        says(patch, *many, Refused("line 1", "It was cut."), ReaderStopped("The reader of this file failed."))
        [receipt] = desk.take_in(desk.file("a.xml", GOOD), expect=3)

    assert (receipt["records"], receipt["items_in"], receipt["refused"]) == (0, 0, [])
    assert receipt["reader"] == "turned"
    assert desk.items() == []
    assert desk.sound()


def test_hundreds_of_thousands_of_refusals_are_kept_as_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = [Refused(f"row {n}", "It was cut.") for n in range(30_000)]
    says(monkeypatch, *refusals, Outcome("", flags=(Flag("truncated", "The file ends in the middle."),)))
    file = desk.file("a.xml", GOOD)

    [first] = desk.take_in(file)
    [again] = desk.take_in(file)

    assert len(first["refused"]) == len(again["refused"]) == first["items_in"] == again["items_in"] == 30_000
    with desk.open() as session:
        [kept] = [entry.fields["receipt"] for entry in session.vault.entries() if entry.kind == "reading"]
    assert len(kept["refused"]) == 10_000
    assert kept["refused_further_on"] == 20_000

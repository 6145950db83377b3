from typing import Any

import pytest

from leeward.core.errors import FromNewerVersion, OurMistake, UsageError
from leeward.vault import records
from leeward.vault.records import Schema, kinds, new_fields, read, register

NOTE = Schema("note", 1, {"text": "what was written", "place": "where"})


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_KINDS", {})


def test_a_kind_is_registered_once_and_may_be_named_again() -> None:
    assert register(NOTE) is NOTE
    register(NOTE)

    assert kinds() == {"note": NOTE}


def test_two_parts_cannot_claim_the_same_kind() -> None:
    register(NOTE)

    with pytest.raises(OurMistake):
        register(NOTE._replace(version=2))


def test_a_kind_cannot_have_more_fields_than_an_entry_has_slots() -> None:
    register(Schema("most", 1, {f"f{number}": "x" for number in range(12)}))

    with pytest.raises(OurMistake):
        register(Schema("more", 1, {f"f{number}": "x" for number in range(13)}))


def test_empty_fields_are_left_out_and_false_and_zero_stay() -> None:
    schema = Schema("note", 1, dict.fromkeys("abcdef", "x"))

    made = new_fields(schema, "id", {"ms": 1}, {"a": None, "b": "", "c": [], "d": {}, "e": False, "f": 0})

    assert made == {"id": "id", "kind": "note", "v": 1, "written": {"ms": 1}, "e": False, "f": 0}


def test_a_field_the_kind_does_not_have_is_our_mistake() -> None:
    with pytest.raises(OurMistake):
        new_fields(NOTE, "id", {}, {"textt": "x"})


def test_an_entry_of_an_older_version_is_read_through_every_migration_and_not_changed() -> None:
    def second(fields: dict[str, Any]) -> dict[str, Any]:
        return {**{name: value for name, value in fields.items() if name != "where"}, "place": fields["where"]}

    def third(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "place": {"text": fields["place"]}}

    register(NOTE._replace(version=3, migrations={1: second, 2: third}))
    old = {"id": "a", "kind": "note", "v": 1, "written": {}, "where": "kitchen", "extra": 1}
    kept = dict(old)

    view = read(old)

    assert view.known["place"] == {"text": "kitchen"}
    assert view.unknown == {"extra": 1}
    assert not view.newer
    assert old == kept


def test_an_entry_of_a_newer_version_is_shown_as_such_with_all_its_fields() -> None:
    register(NOTE)

    view = read({"id": "a", "kind": "note", "v": 2, "written": {}, "text": "x", "mood": "y"})

    assert view.newer
    assert (view.known["text"], view.unknown) == ("x", {"mood": "y"})


def test_an_unknown_kind_is_kept_whole() -> None:
    fields = {"id": "a", "kind": "dream", "v": 1, "written": {}, "text": "x"}

    view = read(fields)

    assert (view.kind, view.newer, view.unknown) == ("dream", True, fields)


@pytest.mark.parametrize("fields", [{}, {"kind": "note"}, {"kind": 1, "v": 1}, {"kind": "note", "v": "1"}])
def test_an_entry_without_kind_or_version_is_not_guessed_at(fields: dict[str, Any]) -> None:
    with pytest.raises(FromNewerVersion):
        read(fields)


def test_unknown_fields_that_leave_no_room_are_said() -> None:
    schema = Schema("note", 1, {f"f{number}": "x" for number in range(12)})
    full = {name: "x" for name in schema.fields}

    assert len(new_fields(schema, "id", {}, full)) == records.MAX_FIELDS
    with pytest.raises(UsageError):
        new_fields(schema._replace(fields={**schema.fields, "f12": "x"}), "id", {}, {**full, "f12": "x"})

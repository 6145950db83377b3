import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import LeewardError, NotHere, UsageError
from leeward.people.handles import handle_of
from leeward.people.person import Act, Joined, Named, Split, Undone, owners, persons_after, same_key

NUMBER, OTHER, NAME = handle_of("+44 7700 900103"), handle_of("07700 900103"), handle_of("Carl 💙")


def test_a_person_has_the_handles_she_joined_in_that_order() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Joined("p1", NAME), Joined("p1", NUMBER)]

    carl = persons_after(acts)["p1"]

    assert carl.name == "Carl"
    assert carl.handles == (NAME, NUMBER)


def test_nothing_joins_by_itself() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Joined("p1", NUMBER)]

    assert OTHER not in persons_after(acts)["p1"].handles
    assert same_key([NUMBER, OTHER, NAME, NUMBER], region="GB") == [(NUMBER, OTHER)]
    assert same_key([NUMBER, OTHER, NAME]) == []


def test_a_new_name_keeps_the_handles() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Joined("p1", NUMBER), Named("p1", "  my   ex ")]

    assert persons_after(acts)["p1"].name == "my ex"
    assert persons_after(acts)["p1"].handles == (NUMBER,)


def test_a_split_takes_one_handle_away() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Joined("p1", NUMBER), Joined("p1", NAME), Split("p1", NUMBER)]

    assert persons_after(acts)["p1"].handles == (NAME,)


def test_a_handle_belongs_to_one_person() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Named("p2", "Bea"), Joined("p1", NUMBER)]

    with pytest.raises(UsageError, match="already belongs to Carl") as caught:
        persons_after([*acts, Joined("p2", NUMBER)])

    assert "take it from Carl first" in caught.value.sentence()
    assert persons_after([*acts, Joined("p1", NUMBER)]) == persons_after(acts)
    assert persons_after([*acts, Split("p1", NUMBER), Joined("p2", NUMBER)])["p2"].handles == (NUMBER,)


@pytest.mark.parametrize("act", [Joined("p9", NUMBER), Split("p9", NUMBER), Undone(0), Undone(5), Undone(-1)])
def test_an_act_about_nothing_is_refused(act: Act) -> None:
    with pytest.raises(NotHere):
        persons_after([act])


def test_splitting_what_was_never_joined_is_refused() -> None:
    with pytest.raises(UsageError, match="not one of"):
        persons_after([Named("p1", "Carl"), Split("p1", NUMBER)])


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        persons_after([Named("p1", "  ")])


def test_taking_back_can_be_taken_back() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Joined("p1", NUMBER), Undone(1), Undone(2)]

    assert persons_after(acts[:3])["p1"].handles == ()
    assert persons_after(acts)["p1"].handles == (NUMBER,)


def test_taking_back_that_would_give_a_handle_two_owners_is_refused() -> None:
    acts: list[Act] = [
        Named("p1", "Carl"),
        Named("p2", "Bea"),
        Joined("p1", NUMBER),
        Split("p1", NUMBER),
        Joined("p2", NUMBER),
    ]

    with pytest.raises(UsageError, match="already belongs to Carl"):
        persons_after([*acts, Undone(3)])


handles = st.sampled_from([NUMBER, OTHER, NAME])
persons = st.sampled_from(["p1", "p2"])
any_act = st.one_of(
    st.builds(Named, persons, st.sampled_from(["Ana", "Carl"])),
    st.builds(Joined, persons, handles),
    st.builds(Split, persons, handles),
    st.builds(Undone, st.integers(0, 8)),
)


def only_what_fits(wanted: list[Act]) -> list[Act]:
    acts: list[Act] = []
    for act in wanted:
        try:
            persons_after([*acts, act])
        except LeewardError:
            continue
        acts.append(act)
    return acts


@given(st.lists(any_act, max_size=12))
def test_every_act_can_be_taken_back_right_after_it(wanted: list[Act]) -> None:
    acts = only_what_fits(wanted)

    for length in range(len(acts)):
        assert persons_after([*acts[: length + 1], Undone(length)]) == persons_after(acts[:length])


@given(st.lists(any_act, max_size=12))
def test_a_handle_never_has_two_owners(wanted: list[Act]) -> None:
    people = persons_after(only_what_fits(wanted)).values()

    held = [handle for person in people for handle in person.handles]
    assert len(held) == len(set(held))


@given(any_act)
def test_an_act_reads_back_as_it_was_written(act: Act) -> None:
    assert msgspec.json.decode(msgspec.json.encode(act), type=Act) == act


def test_owners_speak_for_a_key_only_when_one_person_holds_it() -> None:
    acts: list[Act] = [Named("p1", "Carl"), Named("p2", "Bea"), Joined("p1", NUMBER), Joined("p1", NAME)]

    alone = owners(persons_after(acts).values(), region="GB")
    shared = owners(persons_after([*acts, Joined("p2", OTHER)]).values(), region="GB")

    assert alone == {"tel:+447700900103": "p1", "name:carl 💙": "p1"}
    assert shared == {"name:carl 💙": "p1"}

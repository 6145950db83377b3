"""A person is a name she gives and the handles she says are theirs.

Nothing joins by itself: two handles with one key, or one name in two files, are offered, and she decides. Each thing
she does is an `Act`, a plain value; the persons are what all acts so far come to. Undoing is an act too, so nothing she
did is ever lost, and what a mistake had joined comes apart again exactly. This module only computes: writing the acts
down as entries is done by whoever calls it.

    >>> from leeward.people.handles import handle_of
    >>> ana_new = handle_of("+44 7700 900101")
    >>> acts = [Named("p1", "Ana"), Joined("p1", ana_new), Undone(1)]
    >>> persons_after(acts[:2])["p1"].handles == (ana_new,)
    True
    >>> persons_after(acts)["p1"].handles
    ()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from leeward.core.errors import NotHere, UsageError
from leeward.people.handles import Handle, matching_key

__all__ = ["Act", "Joined", "Named", "Person", "Split", "Undone", "owners", "persons_after", "same_key"]


class Person(msgspec.Struct, frozen=True):
    """Somebody, as she sees them.

    Attributes:
        id: an entry id; the entry in which the person was first named.
        name: what she calls them.
        handles: in the order in which she joined them.
    """

    id: str
    name: str
    handles: tuple[Handle, ...] = ()


class Named(msgspec.Struct, frozen=True, tag="named"):
    """She gave a person a name, the first one or another."""

    person: str
    name: str


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """She said: this handle is this person."""

    person: str
    handle: Handle


class Split(msgspec.Struct, frozen=True, tag="split"):
    """She said: this handle is not this person after all."""

    person: str
    handle: Handle


class Undone(msgspec.Struct, frozen=True, tag="undone"):
    """She took back an earlier act.

    Attributes:
        act: its position among all acts, from 0. An `Undone` can be taken back as well.
    """

    act: int


Act = Named | Joined | Split | Undone


def persons_after(acts: Sequence[Act]) -> dict[str, Person]:
    """
    Return the persons that all *acts* come to, by id, in the order in which they were first named.

    To try an act, add it to the acts so far and call this: when it raises, the act does not fit and is not written.

    Raises:
        NotHere: an act speaks of a person or an act that is not there.
        UsageError: a handle is already somebody's, is not theirs, or a name is empty.
    """
    persons: dict[str, Person] = {}
    for act in _still_standing(acts):
        if isinstance(act, Named):
            name = " ".join(act.name.split())
            if not name:
                raise UsageError("A person needs a name.", next_step="Any name you will recognise will do.")
            person = persons.get(act.person)
            persons[act.person] = Person(act.person, name, person.handles if person else ())
        else:
            persons[act.person] = _after(act, persons)
    return persons


def _still_standing(acts: Sequence[Act]) -> list[Named | Joined | Split]:
    """Leave out what was taken back. The newest act is looked at first: it may take back another taking back."""
    undone: set[int] = set()
    for position in range(len(acts) - 1, -1, -1):
        act = acts[position]
        if not isinstance(act, Undone):
            continue
        if not 0 <= act.act < position:
            raise NotHere("There is nothing here to take back.")
        if position not in undone:
            undone.add(act.act)
    return [act for position, act in enumerate(acts) if not isinstance(act, Undone) and position not in undone]


def _after(act: Joined | Split, persons: Mapping[str, Person]) -> Person:
    person = persons.get(act.person)
    if person is None:
        raise NotHere("This person is not in the vault.", next_step="Give the person a name first.")
    if isinstance(act, Split):
        if act.handle not in person.handles:
            raise UsageError(f"This is not one of the numbers, addresses or names of {person.name}.")
        return Person(person.id, person.name, tuple(handle for handle in person.handles if handle != act.handle))
    owner = next((each for each in persons.values() if act.handle in each.handles), None)
    if owner is person:
        return person
    if owner is not None:
        raise UsageError(
            f"This already belongs to {owner.name}.", next_step=f"If that is wrong, take it from {owner.name} first."
        )
    return Person(person.id, person.name, (*person.handles, act.handle))


def owners(persons: Iterable[Person], region: str | None = None) -> dict[str, str]:
    """
    Return who is behind each matching key: key to person id, for reading many messages.

    A key that two persons share (she joined two writings of one number to two people) is left out: it says nothing.
    """
    found: dict[str, str] = {}
    shared: set[str] = set()
    for person in persons:
        for handle in person.handles:
            key = matching_key(handle.as_written, region)
            if found.setdefault(key, person.id) != person.id:
                shared.add(key)
    return {key: person for key, person in found.items() if key not in shared}


def same_key(handles: Iterable[Handle], region: str | None = None) -> list[tuple[Handle, ...]]:
    """Return the groups of two or more *handles* that may be one: to be offered to her, never joined by us."""
    groups: dict[str, list[Handle]] = {}
    for handle in handles:
        group = groups.setdefault(matching_key(handle.as_written, region), [])
        if handle not in group:
            group.append(handle)
    return [tuple(group) for group in groups.values() if len(group) > 1]

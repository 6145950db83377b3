"""Who is who: names she gives, and handles she says are theirs. Everything can be taken back."""

from __future__ import annotations

from leeward.app.session import Session
from leeward.core.errors import NotHere
from leeward.evidence.persons import PERSON, act_to
from leeward.people.handles import Handle, handle_of
from leeward.people.person import Act, Joined, Named, Person, Split, Undone, persons_after, same_key

__all__ = ["join", "name_person", "persons", "rename", "split", "suggestions", "undo"]


def persons(session: Session) -> list[Person]:
    """Return everybody she named, in the order in which they were first named."""
    return list(session.timeline.persons().values())


def name_person(session: Session, name: str) -> Person:
    """Name a new person. Raises `UsageError` for an empty name."""
    identity = session.vault.new_id()
    return _do(session, Named(identity, name), identity)


def rename(session: Session, person: str, name: str) -> Person:
    """Give a person another name. Raises `NotHere`, `UsageError`."""
    if person not in session.timeline.persons():
        raise NotHere("This person is not in the vault.")
    return _do(session, Named(person, name), person)


def join(session: Session, person: str, handle: str) -> Person:
    """Say that a number, address or name is this person's. Raises `NotHere`, `UsageError`."""
    return _do(session, Joined(person, handle_of(handle)), person)


def split(session: Session, person: str, handle: str) -> Person:
    """Say that it is not theirs after all. Raises `NotHere`, `UsageError`."""
    return _do(session, Split(person, handle_of(handle)), person)


def undo(session: Session, act: int) -> None:
    """Take back act number *act*, from 0. Raises `NotHere`."""
    _write(session, Undone(act))


def suggestions(session: Session) -> list[tuple[Handle, ...]]:
    """Return groups of handles that may be one, to be offered to her; groups she has joined are left out."""
    taken = {handle for person in persons(session) for handle in person.handles}
    found = (handle_of(text) for text in session.timeline.handles())
    return [group for group in same_key(found) if not set(group) <= taken]


def _do(session: Session, act: Act, person: str) -> Person:
    _write(session, act)
    return session.timeline.persons()[person]


def _write(session: Session, act: Act) -> None:
    persons_after([*session.timeline.acts(), act])  # raises when it does not fit: then it is not written
    session.vault.append(PERSON, {"act": act_to(act)}, zone=session.zone)

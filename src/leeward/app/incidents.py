"""Writing down what happened, changing it, taking it back.

An incident is saved whole in one act: its files are sealed first, then the entry that owns them. A change is an
amendment; the earlier words stay in the history. Deleting destroys keys and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leeward.app.given_files import Given, seal_given
from leeward.app.session import Session
from leeward.core.errors import LeewardError, NotHere, UsageError
from leeward.evidence.incident import INCIDENT, parse_when
from leeward.evidence.item import Item
from leeward.ingest.media.kinds import type_of
from leeward.vault.kinds import ARCHIVE, ASIDE, REMOVAL
from leeward.vault.log import Entry

__all__ = ["amend_incident", "delete", "record_incident", "set_aside"]


def record_incident(
    session: Session,
    *,
    text: str = "",
    when: str | None = None,
    abuse: Sequence[str] = (),
    attachments: Sequence[Path] = (),
    more: dict[str, Any] | None = None,
) -> Item:
    """Save an incident; durable on return.

    Args:
        session: open vault.
        text: what happened, kept exactly as it is.
        when: as `parse_when` reads it; now when None.
        abuse: kinds of abuse, in her words.
        attachments: files to seal with it.
        more: further fields of the incident (quotes, feelings, where, witnesses, …).

    Returns:
        The item as the timeline shows it.

    Raises:
        UsageError: nothing to save, or a time that is not understood.
        CannotRead: an attachment cannot be read; nothing was saved.
    """
    if not text.strip() and not attachments and not more:
        raise UsageError("There is nothing to save yet.", next_step="Write what happened, or add a file.")
    zone = session.zone
    happened = parse_when(when, zone) if when is not None else None
    vault = session.vault
    file_key = vault.random(32)
    kept: list[dict[str, Any]] = []
    try:
        for path in attachments:
            kept.append(_seal_attachment(session, file_key, path))
        fields = {
            **_sound(more or {}),
            "text": _sound(text),
            "happened": happened,
            "abuse": _sound(list(abuse)),
            "attachments": kept,
        }
        owns = [("blob", part["blob"]) for part in kept]
        entry = vault.append(INCIDENT, fields, zone=zone, file_key=file_key, owns=owns)
    except LeewardError:
        for part in kept:
            vault.drop_file(part["blob"])
        raise
    return _item(session, entry.id)


def _sound(value: Any) -> Any:
    """Return a value without half characters (lone surrogates), which no file format can hold; nothing else changes."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_sound(part) for part in value]
    if isinstance(value, dict):
        return {name: _sound(part) for name, part in value.items()}
    return value


def _seal_attachment(session: Session, file_key: bytes, path: Path) -> dict[str, Any]:
    given = Given(path)
    if path.is_dir():
        raise UsageError("A folder cannot be attached.", next_step="Attach its files one by one.")
    head = next(given.portions(), b"")[:4096]
    info = seal_given(session.vault, file_key, given.portions())
    return {
        "name": given.name,
        "blob": info.blob,
        "size": info.size,
        "sha256": info.sha256,
        **({"type": found} if (found := type_of(head)) else {}),
    }


def _item(session: Session, identity: str) -> Item:
    item = session.timeline.item(identity)
    if item is None:
        raise NotHere("There is nothing with this id.", next_step="Please check the id.")
    return item


def _entry(session: Session, identity: str) -> Entry:
    number = session.timeline.number_of(identity)
    if number is None:
        raise NotHere("There is nothing with this id.", next_step="Please check the id.")
    return session.vault.entry(number)


def amend_incident(session: Session, identity: str, change: dict[str, Any]) -> Item:
    """Change fields of an incident; None takes one away. The earlier words stay in its history.

    Raises:
        NotHere: no such incident.
        UsageError: a field that an incident does not have, or another list of files: they can only be taken off.
    """
    entry = _entry(session, identity)
    # A list of files in an amendment would name files that only the earlier entry's key opens.
    listed = change.get("attachments") is not None
    if entry.kind != INCIDENT.kind or set(change) - set(INCIDENT.fields) or listed:
        raise UsageError("This cannot be changed in this way.")
    session.vault.amend(entry, _sound(change), zone=session.zone)
    return _item(session, identity)


def set_aside(session: Session, identity: str, aside: bool = True) -> None:
    """Keep an item out of sight and out of bundles, or bring it back. Nothing is deleted.

    Raises:
        NotHere: no such item.
    """
    _item(session, identity)
    session.vault.append(ASIDE, {"of": identity, "aside": aside}, zone=session.zone)


def delete(session: Session, identity: str, reason: str = "") -> None:
    """Destroy an incident or a whole archive: keys, files, readings, amendments. Says so in the log.

    A single message of an archive cannot be deleted: set it aside, or delete the archive.

    Raises:
        NotHere: no such entry.
        UsageError: a message of an archive.
    """
    if ":" in identity:
        raise UsageError(
            "One message of an archive cannot be deleted alone.",
            next_step="You can set it aside, or delete the whole archive.",
        )
    entry = _entry(session, identity)
    if entry.kind not in (INCIDENT.kind, ARCHIVE.kind):
        raise UsageError("This kind of entry cannot be deleted.")
    timeline = session.timeline
    rows = timeline.db.execute("SELECT number FROM entries WHERE of = ? AND kind <> ?", (identity, REMOVAL.kind))
    also = [found for (number,) in rows.fetchall() if (found := session.vault.log.entry(number)) is not None]
    session.vault.remove(entry, reason, also, zone=session.zone)
    session.forget_timeline()

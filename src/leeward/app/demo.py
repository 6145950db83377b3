"""A filled example: an invented story, two exports, two incidents. Nothing in it is about anybody."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from leeward.app.importing import import_files
from leeward.app.incidents import record_incident
from leeward.app.receipts import Receipt
from leeward.app.session import Session
from leeward.evidence.item import Item
from leeward.ingest.base import Hints

__all__ = ["EXAMPLE_ZONE", "fill", "lay_out"]

EXAMPLE_ZONE = "Europe/London"

_EXPORTS = ("chat_with_chris.txt", "texts.xml")

_NOTE = "Note to myself: the door, seen from inside, the morning after. The lock no longer closes.\n"

_INCIDENTS = (
    (
        "2026-03-12T20:05",
        "He stood outside and hit the door until the lock gave. Lea was in her room and heard it. "
        "He left when the neighbour opened his window.",
        ("property damage",),
        True,
    ),
    ("~2026-03-05T21:10", "He took my bank card out of my bag and kept it.", ("money",), False),
)


def lay_out(folder: Path) -> list[Path]:
    """Write the example's exports and the note into *folder*; return the exports."""
    packed = resources.files("leeward.app") / "example"
    for name in _EXPORTS:
        (folder / name).write_bytes((packed / name).read_bytes())
    (folder / "door.txt").write_text(_NOTE, encoding="utf-8")
    return [folder / name for name in _EXPORTS]


def fill(session: Session, folder: Path) -> tuple[list[Receipt], list[Item]]:
    """Take the example that `lay_out` wrote into a vault; return receipts and incidents."""
    receipts = import_files(session, [folder / name for name in _EXPORTS], Hints(me="Ana", zone=EXAMPLE_ZONE))
    items = [
        record_incident(
            session, text=text, when=when, abuse=abuse, attachments=[folder / "door.txt"] if with_note else []
        )
        for when, text, abuse, with_note in _INCIDENTS
    ]
    return receipts, items

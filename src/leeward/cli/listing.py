"""How items are printed: one paragraph each for a person, one JSON object each for a program."""

from __future__ import annotations

from collections.abc import Iterable

from leeward.cli.voice import Voice, printable
from leeward.evidence.item import Item

__all__ = ["describe", "print_items"]


def describe(item: Item) -> str:
    """Return one item in words."""
    when = item.at or "time not known"
    about = {"about": "about ", "floating": "clock time "}.get(item.at_kind, "")
    who = item.person or ("you" if item.from_me else "")
    where = " ".join(part for part in (item.service, "·", who) if part) if item.service else who
    head = f"{about}{when}  {item.kind}  {where}".rstrip()
    text = printable(item.text).replace("\n", "\n    ")
    lines = [f"{printable(head, one_line=True)}  [{item.id}]", f"    {text}"] if text else [f"{head}  [{item.id}]"]
    for part in item.attachments:
        state = "" if part.get("here") else " (not in the file)"
        lines.append(printable(f"    + {part.get('name') or 'attachment'}{state}", one_line=True))
    return "\n".join(lines)


def print_items(voice: Voice, items: Iterable[Item]) -> None:
    """Print items as they come."""
    if voice.json:
        voice.result_list(items)
        return
    count = 0
    for item in items:
        voice.result(describe(item))
        count += 1
    if not count:
        voice.say("Nothing fits.")

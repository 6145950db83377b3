"""How the words shown for a message are tied to the bytes that were committed to.

Follows docs/formats/bundle.md §5. A rule never searches for the words anywhere in the bytes: "you said you would kill
me" must not pass as "kill me". Each takes a whole value, from a known beginning to a known end. What no rule can tie
is shown next to its source bytes instead.

>>> ties("line", b"01.02.24, 10:00 - Bea: On my way", "Bea", "On my way")
True
>>> ties("line", b"01.02.24, 10:00 - Bea: Not on my way", "Bea", "on my way")
False
>>> ties("line", b"01.02.24, 10:00 - Ana: you said Bea: Stay", "Bea", "Stay")
False
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.parsers import expat

__all__ = ["RECORD_RULES", "rule_for", "ties"]

RECORD_RULES = ("line", "xml", "json")
"""Rules for records that can be checked, in the order they are tried. The last resort is ``source``."""

_PAIR = re.compile(r"&#(5[5-6]\d{3});&#(5[6-7]\d{3});")
_TEXT_ATTRIBUTES = ("body", "text")
_TEXT_MEMBERS = ("text", "content", "body", "message")


def rule_for(raw: bytes, sender: str, text: str, time: str = "") -> str:
    """Return the first rule that ties *text* to *raw*, ``source`` when none does."""
    return next((rule for rule in RECORD_RULES if ties(rule, raw, sender, text, time)), "source")


def ties(rule: str, raw: bytes, sender: str, text: str, time: str = "") -> bool:
    """Return True when *rule* finds exactly *text* in *raw*. Never raises, whatever the bytes are.

    Args:
        rule: a word of `RECORD_RULES`.
        raw: the source bytes.
        sender, time: as written; the line rule finds both in front of the words.
        text: the words as shown.
    """
    if not text:
        return False  # or a message could be shown as if it had said nothing
    try:
        source = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if rule == "line":
        before, found, rest = source.replace("\r\n", "\n").rstrip("\r\n").partition(f"{sender}: ")
        # A colon in front of the sender would make somebody who is only quoted the one who speaks.
        return bool(sender and found) and rest == text and ": " not in before and time in before
    if rule == "xml":
        return text in _attributes(source)
    if rule == "json":
        return text in _members(source)
    return False


def _attributes(source: str) -> list[str]:
    if not source.lstrip().startswith("<") or "<!" in source:
        return []  # no declarations: an entity could make any text out of nothing
    found: list[str] = []

    def start(_name: str, attributes: dict[str, str]) -> None:
        found.extend(attributes[name] for name in _TEXT_ATTRIBUTES if name in attributes)

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    try:
        parser.Parse(_PAIR.sub(_join_pair, source).encode("utf-8"), True)
    except (expat.ExpatError, ValueError):
        return []
    return found


def _join_pair(match: re.Match[str]) -> str:
    high, low = int(match[1]), int(match[2])
    if 0xD800 <= high < 0xDC00 <= low < 0xE000:
        return f"&#{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)};"
    return match[0]


def _members(source: str) -> list[str]:
    if not source.lstrip().startswith("{"):
        return []
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        return []
    found: list[str] = []
    for name in _TEXT_MEMBERS if isinstance(value, dict) else ():
        one = value.get(name)
        if isinstance(one, str):
            found.append(one)
            try:
                found.append(one.encode("latin-1").decode("utf-8"))
            except UnicodeError:
                pass
        elif isinstance(one, list):
            found.append("".join(_piece(piece) for piece in one))
    return found


def _piece(piece: Any) -> str:
    if isinstance(piece, dict):
        piece = piece.get("text")
    return piece if isinstance(piece, str) else ""

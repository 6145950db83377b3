"""What a person types to search, turned into what the word index understands, and where the words were found."""

from __future__ import annotations

import re

from leeward.core.errors import UsageError

__all__ = ["MARK_OFF", "MARK_ON", "UNSEGMENTED", "like_pattern", "mark_all", "match_expression", "spans"]

UNSEGMENTED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts that are written without spaces (or whose words are found in the middle): the word index cannot cut them."""

MARK_ON, MARK_OFF = "\ue000", "\ue001"


def like_pattern(query: str) -> str:
    """Return the LIKE pattern (escape ``\\``) for text in a script that is written without spaces."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", query.strip().strip('"')) + "%"


_TERM = re.compile(r'"([^"]*)"|(\S+)')


def match_expression(query: str) -> str:
    """Return the FTS5 expression for what was typed: all words, quoted phrases, ``begin*``. Nothing else is syntax.

    Raises:
        UsageError: there is no word in it.
    """
    terms = []
    for phrase, word in _TERM.findall(query):
        text = phrase or word
        prefix = "*" if word.endswith("*") and len(word) > 1 else ""
        text = text.rstrip("*") if prefix else text
        if any(c.isalnum() for c in text):
            terms.append('"' + text.replace('"', '""').replace("\0", " ") + '"' + prefix)
    if not terms:
        raise UsageError("There is no word to search for.", next_step="Type one word or more.")
    return " AND ".join(terms)


def mark_all(text: str, needle: str) -> str:
    """Return *text* with every *needle* between marks."""
    return re.sub(re.escape(needle), lambda found: f"{MARK_ON}{found[0]}{MARK_OFF}", text, flags=re.IGNORECASE)


def spans(marked: str | None) -> list[tuple[int, int]]:
    """Return [start, end] of every marked place, in characters of the text without marks."""
    if not marked or MARK_ON not in marked:
        return []
    before, *parts = marked.split(MARK_ON)
    found, at = [], len(before)
    for part in parts:
        inside, _, outside = part.partition(MARK_OFF)
        found.append((at, at + len(inside)))
        at += len(inside) + len(outside)
    return found

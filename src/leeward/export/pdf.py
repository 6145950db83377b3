"""The PDF transcript: the same items as ``transcript.txt``, for the eye and for paper.

Follows docs/formats/bundle.md §7. Sober and grey. It is made from the values the verifier reads, in memory: no
temporary file, no network, no package. What it never carries: marks, labels, a path, a user's name, a clock other than
the time given. Pictures are not shown in it; they are files beside it.

Best effort: scripts for which this device has no font may show as boxes. The cover says that the text counts.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from leeward.core.errors import OurMistake
from leeward_proof.bundle import Bundle
from leeward_proof.transcript import STATEMENT, cover_facts, item_lines, participants, source_lines, visible

__all__ = ["pdf_available", "pdf_transcript"]

_UNBROKEN = re.compile(r"\S{40}")
"""A word longer than a line would run off the paper: it may be broken every 40 characters."""
_BEYOND_BUILT_IN = re.compile("[\u0590-\u1dff\u2c80-\ua63f\ua6a0-\ufdff\ufe30-\U0010ffff\u2600-\u27bf]")
"""Scripts and signs the built-in fonts do not have. Without them the fonts of this device are not even looked at."""

# A bar runs beside the words of an item: without it a message could set a line that looks like the head of the next.
_TEMPLATE = """\
#let d = json("data.json")
#set document(title: "Transcript", author: (), keywords: (), date: auto)
#set page(paper: "a4", margin: (x: 22mm, top: 20mm, bottom: 22mm), footer: context [
  #set text(8pt, fill: luma(35%))
  Selected by the owner. #h(1fr) Page #counter(page).display() of #counter(page).final().first()
])
#set text(10pt, font: d.fonts, lang: "en", hyphenate: false, number-type: "lining")
#set par(leading: 0.55em, justify: false)
#text(20pt, weight: "bold")[Transcript]
#v(2mm)
#text(12pt)[*#d.statement*]
#v(2mm)
The text transcript (transcript.txt) counts. Where this PDF shows a sign differently or not at all, read it there.
#v(4mm)
#grid(columns: (26mm, 1fr), row-gutter: 2.6mm, ..d.facts.map(f => (text(fill: luma(35%), f.at(0)), f.at(1))).flatten())
#v(2mm)
*Participants, as the items name them*
#for p in d.people { block(spacing: 2mm, inset: (left: 4mm), p) }
#v(2mm)
*Sources*
#for s in d.sources {
  block(spacing: 2.4mm, inset: (left: 4mm), {
    s.at(0)
    for f in s.at(1) { linebreak(); text(8.5pt, fill: luma(30%), f) }
  })
}
#v(2mm)
#text(8.5pt, fill: luma(30%))[SHA-256 of transcript.txt: #d.digest]
#pagebreak()
#for i in d.items {
  if i.day != none {
    block(above: 7mm, below: 4mm, width: 100%, sticky: true, stroke: (bottom: 0.5pt + luma(60%)),
      inset: (bottom: 1.5mm), text(weight: "bold", i.day))
  }
  block(spacing: 4mm, inset: (left: 2mm), {
    text(9pt, weight: "bold", i.head)
    if i.text != "" {
      block(above: 1.6mm, below: 1.6mm, inset: (left: 3mm, y: 0.6mm), stroke: (left: 0.8pt + luma(60%)), i.text)
    }
    for f in i.facts { block(spacing: 1.2mm, text(8pt, fill: luma(35%), f)) }
  })
}
"""


def pdf_available() -> bool:
    """Return True when the part that makes PDF files is installed."""
    return importlib.util.find_spec("typst") is not None


def pdf_transcript(bundle: Bundle, digest: str, made: datetime) -> bytes:
    """Return ``transcript.pdf``.

    Args:
        bundle: the values of the bundle.
        digest: SHA-256 of transcript.txt in hex, printed on the cover.
        made: written into the document as its date, in UTC.

    Raises:
        OurMistake: the document could not be made, or the part that makes it is not installed.
    """
    try:
        typst: Any = importlib.import_module("typst")
    except ImportError as error:
        raise OurMistake("The part that makes PDF files is not installed.") from error
    data = msgspec.json.encode(_data(bundle, digest))
    own_fonts = _BEYOND_BUILT_IN.search(data.decode("utf-8")) is None
    try:
        result: bytes = typst.compile(
            {"main.typ": _TEMPLATE.encode("utf-8"), "data.json": data},
            format="pdf",
            ignore_system_fonts=own_fonts,
            timestamp=int(made.astimezone(UTC).timestamp()),
        )
    except (typst.TypstError, RuntimeError, ValueError, TypeError) as error:
        raise OurMistake("The PDF could not be made.", next_step="The bundle can be made without it.") from error
    return result


def _data(bundle: Bundle, digest: str) -> dict[str, Any]:
    items = []
    day = None
    for item in bundle.items:
        head, texts, facts = "", [], []
        for role, line in item_lines(bundle, item):
            shown = _shown(line)
            if role == "head":
                head = shown
            elif role == "text":
                texts.append(shown)
            else:
                facts.append(f"= {shown}" if role == "source" else shown)
        new_day = item.day != day
        day = item.day
        title = (_shown(item.day) or "Day unknown") if new_day else None
        items.append({"day": title, "head": head, "text": "\n".join(texts), "facts": facts})
    return {
        "statement": STATEMENT,
        "facts": [[label, _shown(value)] for label, value in cover_facts(bundle)],
        "people": [_shown(one) for one in participants(bundle)] or ["nobody named"],
        "sources": [[_shown(title), [_shown(fact) for fact in facts]] for title, facts in source_lines(bundle)]
        + [["Written down by the owner", [f"{own:,} items" if own > 1 else "1 item"]] for own in [_own(bundle)] if own],
        "digest": _shown(digest),
        "fonts": ["Libertinus Serif", "Noto Sans", "Noto Sans CJK SC", "Noto Color Emoji", "DejaVu Sans"],
        "items": items,
    }


def _own(bundle: Bundle) -> int:
    return sum(1 for item in bundle.items if item.entries)


def _shown(text: str) -> str:
    return _UNBROKEN.sub("\\g<0>\u200b", visible(text))

"""The transcript and the custody record: made from a bundle's values, the same bytes every time and everywhere.

Follows docs/formats/bundle.md §7–8. The maker of a bundle and its check both call this, so the text a person reads is
the text that was checked. Nothing here depends on locale, clock, or the Unicode version of the interpreter: characters
that could hide, reorder or imitate are printed as their number, and widths come from a fixed table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from leeward_proof.bundle import Bundle, Item
from leeward_proof.commit import RECORD_FIELDS
from leeward_proof.note import Checkpoint

__all__ = [
    "COLUMNS",
    "PAGE_LINES",
    "STATEMENT",
    "columns",
    "counted",
    "cover_facts",
    "custody",
    "item_lines",
    "participants",
    "source_lines",
    "transcript",
    "visible",
    "wrap",
]

PAGE_LINES = 56
"""Numbered lines on a page: with its head and margins what an A4 or Letter sheet holds at 10 points."""
COLUMNS = 96
"""Columns of a line without its number; 100 with it."""
STATEMENT = "Selected by the owner. Not proof of truth or completeness."

_TEXT_INDENT = " " * 6

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u27e8\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_NO_COLUMN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u200c\u200d\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_TWO_COLUMNS = re.compile(
    "[\u1100-\u115e\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
    "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff\U00020000-\U0003fffd]"
)


def visible(text: str) -> str:
    """Return *text* with every character that could hide, reorder or imitate printed as its number.

    >>> visible("ab\\u202ecd")
    'ab⟨U+202E⟩cd'
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def columns(text: str) -> int:
    """Return how many columns *text* takes, by the fixed table of docs/formats/bundle.md §7."""
    if text.isascii():
        return len(text)
    return len(text) - len(_NO_COLUMN.findall(text)) + len(_TWO_COLUMNS.findall(text))


def wrap(text: str, width: int) -> list[str]:
    """Return pieces of at most *width* columns; joined they are *text* again."""
    if columns(text) <= width:
        return [text]
    pieces = []
    start = taken = 0
    space = -1
    for at, character in enumerate(text):
        size = 1 if character.isascii() else columns(character)
        if taken + size > width:
            cut = space + 1 if space >= start else at
            pieces.append(text[start:cut])
            start, taken, space = cut, columns(text[cut:at]), -1
        if character == " ":
            space = at
        taken += size
    pieces.append(text[start:])
    return pieces


def _line(indent: str, first: str, text: str) -> Iterator[str]:
    """Yield *text* made visible, wrapped, with *first* before its first piece and ``> `` before the others."""
    before = first
    for piece in wrap(visible(text), COLUMNS - len(indent) - max(2, len(first))):
        yield f"{indent}{before}{piece}"
        before = "> "


def _within(lines: Iterator[str], limit: int | None) -> list[str]:
    # A hostile description must not make us hold more than the text it should equal.
    kept = []
    size = 0
    for line in lines:
        size += len(line) + 3
        if limit is not None and size > limit:
            raise OverflowError("longer than the text it should be")
        kept.append(line)
    return kept


def _pages(lines: list[str]) -> bytes:
    total = -(-len(lines) // PAGE_LINES)
    out = []
    for page in range(total):
        out.append(f"Page {page + 1} of {total}\n\n")
        for number, line in enumerate(lines[page * PAGE_LINES : (page + 1) * PAGE_LINES], 1):
            out.append(f"{number:>2}  {line}\n" if line else f"{number:>2}\n")
        out.append("\n")
    return "".join(out).encode("utf-8")


def counted(number: int, word: str) -> str:
    """Return *number* and *word*, which takes an s when it is not one.

    >>> counted(1200, "item")
    '1,200 items'
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def transcript(bundle: Bundle, limit: int | None = None) -> bytes:
    """Return ``transcript.txt`` of *bundle*.

    Raises:
        OverflowError: it would be longer than *limit* bytes; nothing that long was kept.
    """
    return _pages(_within(_body(bundle), limit))


def _body(bundle: Bundle) -> Iterator[str]:
    yield from _cover(bundle)
    day = None
    for item in bundle.items:
        yield ""
        if item.day != day:
            day = item.day
            yield from _line("", "", f"---- {day or 'day unknown'} ----")
            yield ""
        yield from _item(bundle, item)


def _cover(bundle: Bundle) -> Iterator[str]:
    yield "TRANSCRIPT"
    yield ""
    yield STATEMENT
    yield "This is the text that the proof speaks about. Where the PDF looks different, this text counts."
    yield ""
    for label, value in cover_facts(bundle):
        yield from _line("", f"{label:<9}", value)
    yield ""
    yield "Participants, as the items name them"
    for one in participants(bundle):
        yield from _line("  ", "", one)
    yield ""
    yield "Sources"
    yield from _sources(bundle)
    yield ""
    yield "Characters that could hide or reorder text are printed as their number, such as ⟨U+202E⟩."
    yield 'A line that begins with "|" or ">" is text of an item; ">" goes on where the line above ends.'
    yield '"as written" and "recorded" show the values the proof is about.'


def cover_facts(bundle: Bundle) -> list[tuple[str, str]]:
    """Return what the cover states, as label and value; the counts add up to the items."""
    kinds: dict[str, int] = {}
    for item in bundle.items:
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
    counts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
    return [
        ("Made", bundle.made.at),
        ("Program", bundle.made.program),
        ("Times", bundle.made.zone),
        ("Log", bundle.origin),
        ("Items", f"{len(bundle.items):,} ({counts})"),
        ("First", _when(bundle.items[0])),
        ("Last", _when(bundle.items[-1])),
        ("Files", f"{len(bundle.files):,}"),
    ]


def participants(bundle: Bundle) -> list[str]:
    """Return one line for each participant with the count of their items, and one for all other items."""
    said: dict[tuple[str, str], int] = {}
    for item in bundle.items:
        said[item.person, item.handle] = said.get((item.person, item.handle), 0) + 1
    lines = [f"{_who(*person)}: {counted(said.pop(person, 0), 'item')}" for person in bundle.people]
    if said:
        lines.append(f"others or nobody named: {counted(sum(said.values()), 'item')}")
    return lines


def source_lines(bundle: Bundle) -> Iterator[tuple[str, list[str]]]:
    """Yield each archive as its title and what is known of it."""
    counts = Counter(bundle.reading_of)
    for number, reading in enumerate(bundle.readings):
        shown = {field.name: field.value for field in bundle.entries[reading.entry].open}
        received = reading.received or "on a day not stated"
        facts = [
            f"SHA-256 {shown.get('original', '')}",
            f"{counted(reading.size, 'byte')}; received {received}" if reading.size else f"received {received}",
            f"read by {shown.get('reader', '')} {shown.get('reader_version', '')}",
            f"{counted(counts[number], 'item')} here",
        ]
        if reading.original:
            facts.append(f"included whole: {bundle.files[reading.original - 1].name}")
        yield reading.name or "a file of messages", facts


def _sources(bundle: Bundle) -> Iterator[str]:
    for number, (title, facts) in enumerate(source_lines(bundle), 1):
        yield from _line("  ", f"{number}. ", title)
        for fact in facts:
            yield from _line("     ", "", fact)
    if own := sum(1 for item in bundle.items if item.entries):
        yield f"  Written down by the owner: {counted(own, 'item')}"


def _when(item: Item) -> str:
    return " ".join(part for part in (item.day, item.clock, item.zone) if part) or "time unknown"


def _who(name: str, handle: str) -> str:
    return f"{name} ({handle})" if name and handle else name or handle


_LAYOUT = {
    "head": ("", ""),
    "text": (_TEXT_INDENT, "| "),
    "fact": (_TEXT_INDENT, ""),
    "source": (_TEXT_INDENT, "= "),
    "digest": (_TEXT_INDENT + "  ", ""),
}


def _item(bundle: Bundle, item: Item) -> Iterator[str]:
    for role, text in item_lines(bundle, item):
        yield from _line(*_LAYOUT[role], text)


def item_lines(bundle: Bundle, item: Item) -> Iterator[tuple[str, str]]:
    """Yield what is printed for *item* as role (head, text, fact, source, digest) and line, not yet made visible."""
    head = (
        f"#{item.n}",
        _when(item),
        "" if item.kind == "message" else item.kind,
        _who(item.person, item.handle),
        item.service,
        f"in {item.thread}" if item.thread else "",
        *(f"[{mark}]" for mark in item.marks),
    )
    yield "head", "  ".join(part for part in head if part)
    if item.written:
        yield "fact", f"written down {item.written}"
    if item.text:
        for line in item.text.split("\n"):
            yield "text", line
    if item.record >= 0:
        record = bundle.records[item.record]
        yield "fact", f'as written: time "{record.time}", sender "{record.sender}"'
        if item.words != "line":
            # Who wrote to whom may stand in the source alone; and all that is opened is to be seen here.
            yield "fact", "source as kept:"
            for line in record.raw.decode("utf-8", "backslashreplace").split("\n"):
                yield "source", line
    for number in item.entries:
        for field in sorted(bundle.entries[number].open, key=lambda field: field.name):
            if field.name != "text":
                yield "fact", f"recorded: {field.name} {field.canonical.decode('utf-8')}"
    for number in item.files:
        file = bundle.files[number - 1]
        about = ", ".join(part for part in (file.type, counted(file.size, "byte")) if part)
        yield "fact", f"{file.name}: {file.shown or 'without a name'} ({about})"
        yield "digest", f"SHA-256 {file.sha256}"


def custody(bundle: Bundle, head: Checkpoint, limit: int | None = None) -> bytes:
    """Return ``custody.txt`` of *bundle*, whose log stood at *head*. Raises OverflowError as `transcript` does."""
    return _pages(_within(_custody(bundle, head), limit))


def _custody(bundle: Bundle, head: Checkpoint) -> Iterator[str]:
    yield "WHERE THE ITEMS COME FROM"
    yield ""
    yield STATEMENT
    yield ""
    yield from _line("", "", f"The bundle was made {bundle.made.at} by {bundle.made.program}.")
    yield "The owner of the vault chose the items. The program copied them and did not change them."
    yield from _line("", "", f"They stand in the log {bundle.origin},")
    yield f"which had {head.size:,} closed batches when the bundle was made, and the root"
    yield f"  {head.root.hex()}"
    yield "The check program finds every item in that log by its proof."
    yield ""
    yield "Sources"
    yield from _sources(bundle)
    yield ""
    yield "A file of messages is sealed as it was received, before it is read. Its SHA-256 is written into the log."
    yield "Reading does not change it: each message is bound to the bytes it was read from."
    places = sum(1 for record in bundle.records if record.values[RECORD_FIELDS.index("place")] is not None)
    if places:
        yield from _line("", "", f"For {counted(places, 'message')} the place in the file is shown as well.")
    if bundle.files:
        yield ""
        yield "Files in this bundle"
        for file in bundle.files:
            yield from _line("  ", "", f"{file.name}: {file.shown or 'without a name'} ({counted(file.size, 'byte')})")
            yield f"    SHA-256 {file.sha256}"

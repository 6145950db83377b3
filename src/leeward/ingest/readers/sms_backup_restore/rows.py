"""Finds where each row begins and ends, without understanding it.

Top level of the file::

    <?xml …?> <!-- … --> <smses count="…"> ROW* </smses>          ROW = <sms …/> | <mms …>…</mms>
    <calls count="…"> ROW* </calls>                               ROW = <call …/>

In XML a ``<`` cannot stand inside a value, so the next ``<sms``, ``<mms`` or ``<call`` is the next row whatever went
wrong in this one: one broken row never takes another with it. Rows longer than `LONGEST` and rows that the end of the
file cuts off are reported by their place. Anything else at top level is reported too, or is an element we do not know.

Most rows of a backup look alike, byte for byte, but for their values. The owner of the scanner may take such rows by
itself (`Fast`); only what it leaves is looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from leeward.ingest.readers.sms_backup_restore.splitter import Embedded, Encoding, Splitter

__all__ = ["LONGEST", "ROW_NAMES", "Fast", "Found", "Scanner"]

LONGEST: Final = 4 * 2**20
"""Bytes of a row with its pictures diverted. The longest message a phone sends is some 10,000 characters."""

ROW_NAMES: Final = (b"sms", b"mms", b"call")
_ROOTS: Final = (b"smses", b"calls")

_LONGEST_NAME: Final = 16
"""Bytes that wait at the end of a block: the start of the next row may be cut there."""

_LEAD: Final = 64
"""Bytes of white space before a row that are remembered."""

_SPACE: Final = re.compile(rb"[ \t\r\n\xef\xbb\xbf]*+")
_ATTRIBUTES: Final = rb"(?:[ \t\r\n]++[^\s<>\"'/=]++[ \t\r\n]*+=[ \t\r\n]*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+[ \t\r\n]*+"
_START: Final = re.compile(rb"<([A-Za-z_][\w.:-]*+)" + _ATTRIBUTES + rb"(/?)>")
_LENIENT: Final = re.compile(
    rb"<(?:sms|call)(?:[ \t\r\n]++[^\s<>\"'/=]++=\"[^\"]*+\")*+[ \t\r\n]*+(?:/>|></(?:sms|call)>)"
)
_CLOSE: Final = re.compile(rb"</([A-Za-z_][\w.:-]*+)[ \t\r\n]*+>")
_NAME: Final = re.compile(rb"<([A-Za-z_][\w.:-]*+)(?=[\s/>])")
_NEXT: Final = re.compile(rb"<(?:(?:sms|mms|call)(?=[\s/>])|/(?:smses|calls)[ \t\r\n]*+>)")
_DOCTYPE: Final = re.compile(
    rb"<!DOCTYPE(?:[^\[\"'>]|\"[^\"]*+\"|'[^']*+')*+(?:\[(?:[^\]\"']|\"[^\"]*+\"|'[^']*+')*+\][ \t\r\n]*+)?>"
)


class Found:
    """Something at top level.

    Attributes:
        what: ``"row"``, ``"root"``, ``"end"`` (of the root), ``"other"`` (an unknown element), ``"broken"``,
            ``"long"``, ``"cut"`` (by the end of the file), ``"stray"`` (text or markup that belongs to nothing),
            ``"doctype"``, or ``"full"``: nothing, the owner wanted to hand on what it has.
        name: element name, where there is one.
        offset: first byte in the file.
        length: bytes in the file.
        row: the bytes in the stream: diverted, and UTF-8 where the file is UTF-16.
        lead: the white space before it.
        embedded: its ``data`` values, each with its place in the file.
    """

    __slots__ = ("embedded", "lead", "length", "name", "offset", "row", "what")

    def __init__(self, what: str, offset: int, name: bytes = b"") -> None:
        self.what = what
        self.name = name
        self.offset = offset
        self.length = 0
        self.row = b""
        self.lead = b""
        self.embedded: list[tuple[int, Embedded]] = []


Fast = Callable[[bytes, int, int], tuple[int, bool]]
"""Takes the text, a position in it and the offset of that position in the file; returns the position after the rows it
took, and True when it wants `Found` "full" before it goes on. Rows it takes hold no ``data`` value."""


class Scanner:
    """Reads a stream once.

    Attributes:
        cut: True at the end when the file stops inside something, or before the root is closed.
    """

    def __init__(self, splitter: Splitter, encoding: Encoding) -> None:
        self.cut = False
        self._splitter = splitter
        self._encoding = encoding
        self._text = b""
        self._pos = 0
        self._offset = 0
        self._embedded: list[Embedded] = []
        self._open_roots = 0
        self._in_stray = False
        self._skipping = False

    def items(self, fast: Fast) -> Iterator[Found]:
        """Yield what stands at top level, in order, but for the rows that *fast* takes."""
        blocks = self._splitter.blocks()
        at_end = False
        while True:
            while True:
                if not self._encoding.wide:
                    pos, full = fast(self._text, self._pos, self._offset)
                    self._offset += pos - self._pos
                    self._pos = pos
                    if full:
                        yield Found("full", self._offset)
                        continue
                found = self._one(at_end)
                if found is None:
                    break
                if found.what:
                    yield found
            if at_end:
                break
            block = next(blocks, None)
            if block is None:
                at_end = True
                self.cut = self._splitter.cut_inside_character
            else:
                self._add(*block)
        self.cut = self.cut or self._open_roots > 0

    def _add(self, data: bytes, embedded: list[Embedded]) -> None:
        left = len(self._text) - self._pos
        for value in self._embedded:
            value.at -= self._pos
        for value in embedded:
            value.at += left
        self._text = self._text[self._pos :] + data
        self._pos = 0
        self._embedded += embedded

    def _one(self, at_end: bool) -> Found | None:
        """Return the next thing (nameless for nothing worth saying), None when more text is needed or none is left."""
        text = self._text
        if self._skipping and not self._skip():
            return None
        start = _SPACE.match(text, self._pos).end()  # type: ignore[union-attr]  # it matches the empty text too
        if start == len(text):
            # White space waits for the row it stands before, so that the row keeps its shape.
            self._take(start if at_end else max(self._pos, start - _LEAD))
            return None
        lead = text[max(self._pos, start - _LEAD) : start]
        self._take(start)
        if text[start] != 0x3C:
            return self._stray(text.find(b"<", start))
        self._in_stray = False
        for opening, closing in ((b"<!--", b"-->"), (b"<?", b"?>")):
            if text.startswith(opening, start):
                end = text.find(closing, start + len(opening))
                if end >= 0:
                    self._take(end + len(closing))
                    return Found("", 0)
                return self._unfinished(at_end, b"")
        if text.startswith(b"<!", start):
            doctype = _DOCTYPE.match(text, start)
            return self._up_to("doctype", b"", doctype.end()) if doctype else self._unfinished(at_end, b"")
        close = _CLOSE.match(text, start)
        if close is not None:
            if close[1] in _ROOTS:
                self._open_roots = 0
                return self._up_to("end", close[1], close.end())
            return self._up_to("stray", close[1], close.end())
        tag = _START.match(text, start)
        if tag is None:
            name = _NAME.match(text, start)
            return self._unfinished(at_end, name[1] if name else b"")
        name_of_tag = tag[1]
        if name_of_tag in _ROOTS:
            self._open_roots = 0 if tag[2] else 1
            return self._up_to("root", name_of_tag, tag.end())
        what = "row" if name_of_tag in ROW_NAMES else "other"
        if tag[2]:
            found = self._up_to(what, name_of_tag, tag.end())
            found.lead = lead
            return found
        following = _NEXT.search(text, tag.end())
        limit = following.start() if following else len(text)
        at = text.find(b"</" + name_of_tag, tag.end(), limit)
        closing_tag = _CLOSE.match(text, at) if at >= 0 else None
        if closing_tag is not None and closing_tag[1] == name_of_tag:
            return self._up_to(what, name_of_tag, closing_tag.end())
        return self._unfinished(at_end, name_of_tag)

    def _stray(self, end: int) -> Found:
        """Go to the next ``<``; say it once, however many blocks of it there are."""
        said = self._in_stray
        self._in_stray = True
        found = self._up_to("stray", b"", end if end >= 0 else len(self._text))
        if said:
            found.what = ""
        return found

    def _skip(self) -> bool:
        """Go to the next row after one that was too long; False while it is not in sight."""
        following = _NEXT.search(self._text, self._pos)
        if following is None:
            self._take(max(self._pos, len(self._text) - _LONGEST_NAME))
            return False
        self._skipping = False
        self._take(following.start())
        return True

    def _unfinished(self, at_end: bool, name: bytes) -> Found | None:
        """Something begins here and does not end: wait, or report it and go on at the next row."""
        text, start = self._text, self._pos
        following = _NEXT.search(text, start + 1)
        if following is not None:
            if name in (b"sms", b"call"):
                whole = _LENIENT.match(text, start, following.start())
                if whole is not None:
                    return self._up_to("row", name, whole.end())
            return self._up_to("broken", name, following.start())
        if not at_end and len(text) - start <= LONGEST:
            return None
        if not at_end:
            self._skipping = True
            return self._up_to("long", name, len(text) - _LONGEST_NAME)
        self.cut = True
        if name in (b"sms", b"call"):
            whole = _LENIENT.match(text, start)
            if whole is not None:
                return self._up_to("row", name, whole.end())
        return self._up_to("cut", name, len(text))

    def _up_to(self, what: str, name: bytes, end: int) -> Found:
        """Return what stands from here to *end*, and go there."""
        start = self._pos
        if what in ("row", "other") and end - start > LONGEST:
            what = "long"  # it happened to be in memory already; the bound must not depend on that
        found = Found(what, self._offset, name)
        if what in ("row", "other", "root"):
            found.row = self._text[start:end]
            place = self._offset
            behind = start
            for value in self._embedded:
                if value.at >= end:
                    break
                place += self._encoding.size(self._text[behind : value.at])
                found.embedded.append((place, value))
                place += value.original_length
                behind = value.at + value.length
        self._take(end)
        found.length = self._offset - found.offset
        return found

    def _take(self, end: int) -> None:
        """Go on to *end*, counting the bytes of the file that this means."""
        if self._encoding.wide:
            self._offset += self._encoding.size(self._text[self._pos : end])
        else:
            self._offset += end - self._pos
        passed = 0
        for value in self._embedded:
            if value.at >= end:
                break
            shown = self._text[value.at : value.at + value.length]
            self._offset += value.original_length - self._encoding.size(shown)
            passed += 1
        if passed:
            del self._embedded[:passed]
        self._pos = end

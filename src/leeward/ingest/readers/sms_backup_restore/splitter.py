"""Takes long base64 values out of a byte stream before anything else looks at it.

An MMS carries its picture as one attribute, ``data="…"``, that may be a gigabyte long. Every XML parser holds an
attribute whole. So the values are *diverted* here, in constant memory: hashed and decoded as they pass, and replaced as
docs/formats/archive.md §4 says::

    in     … <part ct="image/jpeg" data="/9j/4AAQSkZJRg…(1 GB)…" /> …
    out    … <part ct="image/jpeg" data="@sha256:ab12…" /> …            and one `Embedded` that says where it was

Values below `DIVERT_FROM` bytes stay where they are; they are decoded and reported just the same.

What counts as such a value: the text after ``data=`` and a quote, where everything since the last ``<`` is a tag with
complete, quoted attributes, at most `CONTEXT` bytes long. The word inside somebody's message is not. A ``<`` inside the
value ends it: the row is broken there, and the rows after it must not be lost.

The result depends on the bytes alone, never on how they were cut into reads, so that a row read again gives the same
bytes again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from leeward.ingest.media.base64_text import Base64Text
from leeward.ingest.media.kinds import HEAD, type_of

__all__ = ["CONTEXT", "DIVERT_FROM", "Embedded", "Encoding", "Splitter", "encoding_of"]

DIVERT_FROM: Final = 1024
"""Bytes; docs/formats/archive.md §4."""

CONTEXT: Final = 16 * 1024
"""Bytes of a tag before its ``data=``. Real ones have some hundreds; the bound keeps hostile files linear."""

_READ: Final = 2**20
_DATA: Final = re.compile(rb"data[ \t\r\n]*+=[ \t\r\n]*+([\"'])")
_TAG_SO_FAR: Final = re.compile(
    rb"<[^\s<>\"'/=]++(?:[ \t\r\n]++[^\s<>\"'/=]++[ \t\r\n]*+=[ \t\r\n]*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+[ \t\r\n]++"
)


class Encoding:
    """How the bytes of a member become bytes in which ``<`` and ``"`` are what they look like, and back.

    Attributes:
        name: the codec.
        wide: True for UTF-16: the stream is turned into UTF-8, and `original` turns a part of it back.
        guessed: True when nothing in the file names the encoding.
    """

    def __init__(self, name: str, *, guessed: bool = False) -> None:
        self.name = name
        self.wide = name.startswith("utf-16")
        self.guessed = guessed

    def original(self, part: bytes) -> bytes:
        """Return the bytes of the file that *part* of the stream was made from."""
        return part.decode("utf-8", "surrogatepass").encode(self.name, "surrogatepass") if self.wide else part

    def size(self, part: bytes) -> int:
        """Return how many bytes of the file *part* of the stream was made from."""
        return len(self.original(part)) if self.wide else len(part)

    def utf8(self, row: bytes) -> bytes:
        """Return *row* of the stream as UTF-8, in which damage may remain."""
        return row if self.wide or self.name == "utf-8" else row.decode(self.name, "replace").encode()


def encoding_of(head: bytes) -> Encoding:
    """
    Return the encoding of a file that begins with *head*.

    Order: byte order mark, zero bytes around the first ``<``, the XML declaration, UTF-8. Latin-1 is read as
    Windows-1252, which is what writers of "ISO-8859-1" mean (WHATWG Encoding §4.2).
    """
    if head.startswith(b"\xff\xfe"):
        return Encoding("utf-16-le")
    if head.startswith(b"\xfe\xff"):
        return Encoding("utf-16-be")
    if head.startswith(b"<") and head[1:8:2] == bytes(4):
        return Encoding("utf-16-le", guessed=True)
    if head[1:2] == b"<" and head[0:8:2] == bytes(4):
        return Encoding("utf-16-be", guessed=True)
    declared = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]{0,80}?encoding\s*=\s*[\"']([\w.-]{1,20})", head)
    if declared and declared[1].lower() in (b"iso-8859-1", b"latin-1", b"latin1", b"windows-1252", b"cp1252"):
        return Encoding("cp1252")
    return Encoding("utf-8")


class Embedded:
    """One ``data`` value of a row.

    Attributes:
        at: position of its first byte, in the block that it came with.
        length: bytes it takes in the block.
        original_length: bytes it takes in the file.
        sha256: of the decoded bytes, hex; ``""`` when it is empty or not base64.
        size: decoded bytes, -1 likewise.
        type: media type by content.
    """

    __slots__ = ("at", "length", "original_length", "sha256", "size", "type")

    def __init__(self, at: int, length: int, value: _Value) -> None:
        self.at = at
        self.length = length
        self.original_length = value.original_length
        present = value.size > 0 and not value.text.broken
        self.sha256 = value.decoded.hexdigest() if present else ""
        self.size = value.size if present else -1
        self.type = type_of(value.head) if present else ""


class Splitter:
    """Reads a stream once, *read_bytes* at a time.

    Attributes:
        cut_inside_character: True at the end when half a UTF-16 unit was left over.
    """

    def __init__(self, stream: BinaryIO, encoding: Encoding, *, read_bytes: int = _READ) -> None:
        self._read_bytes = read_bytes
        self.cut_inside_character = False
        self._stream = stream
        self._encoding = encoding
        self._half = b""

    def blocks(self) -> Iterator[tuple[bytes, list[Embedded]]]:
        """Yield the stream with long values diverted, about a mebibyte at a time, and the values of each block."""
        pending = b""
        while True:
            chunk = self._read()
            pending += chunk
            parts: list[bytes] = []
            embedded: list[Embedded] = []
            length = pos = search = 0
            hold = len(pending)
            while (found := pending.find(b"data", search)) >= 0:
                data = _DATA.match(pending, found)
                if data is None:
                    search = found + 4
                    continue
                tag = pending.rfind(b"<", max(pos, found - CONTEXT), found)
                if tag < 0 or _TAG_SO_FAR.fullmatch(pending, tag, found) is None:
                    search = data.end()
                    continue
                start = data.end()
                quote = data[1]
                end = _value_end(pending, start, quote)
                if end < 0 and len(pending) - start < DIVERT_FROM:
                    hold = tag if chunk else hold
                    break
                value = _Value(self._encoding)
                stop = end if end >= 0 else len(pending)
                value.feed(pending[start:stop])
                if end < 0:
                    rest = self._pass_through(value, quote)
                    shown = value.placeholder()
                    parts += (pending[pos:start], shown)
                    length += start - pos
                    pending, pos, search = rest, 0, 0
                    hold = len(pending)
                else:
                    short = stop - start < DIVERT_FROM
                    shown = pending[start:stop] if short else value.placeholder()
                    parts += (pending[pos:start], shown)
                    length += start - pos
                    pos = search = stop
                value.finish()
                embedded.append(Embedded(length, len(shown), value))
                length += len(shown)
            if chunk:
                hold = self._hold(pending, pos, hold)
            parts.append(pending[pos:hold])
            pending = pending[hold:]
            if any(parts):
                yield b"".join(parts), embedded
            if not chunk:
                return

    def _hold(self, pending: bytes, pos: int, hold: int) -> int:
        """Return from where the bytes wait for the next read: an open tag, as far as it may matter to a ``data=``."""
        tag = pending.rfind(b"<", max(pos, len(pending) - 2 * CONTEXT))
        if tag < 0:
            return min(hold, max(pos, len(pending) - 2 * CONTEXT))
        return min(hold, tag)

    def _pass_through(self, value: _Value, quote: bytes) -> bytes:
        """Feed *value* from the stream until it ends; return what follows, with the quote (or the ``<``)."""
        while chunk := self._read():
            end = _value_end(chunk, 0, quote)
            if end >= 0:
                value.feed(chunk[:end])
                return chunk[end:]
            value.feed(chunk)
        return b""

    def _read(self) -> bytes:
        if not self._encoding.wide:
            return self._stream.read(self._read_bytes)
        while True:
            data = self._stream.read(self._read_bytes)
            units = self._half + data
            whole = len(units) & ~1
            high = 1 if self._encoding.name.endswith("le") else 0
            if data and whole >= 2 and units[whole - 2 + high] & 0xFC == 0xD8:
                whole -= 2  # the first half of a pair waits for the second
            self._half = units[whole:]
            if not data:
                self.cut_inside_character = bool(self._half)
            text = units[:whole].decode(self._encoding.name, "surrogatepass")
            if text or not data:
                return text.encode("utf-8", "surrogatepass")


def _value_end(text: bytes, start: int, quote: bytes) -> int:
    """Return where the value that begins at *start* ends: at its quote, or at a ``<``; -1 when neither is here."""
    end = text.find(quote, start)
    broken = text.find(b"<", start, end if end >= 0 else len(text))
    return broken if broken >= 0 else end


class _Value:
    """What is known of one value while it passes."""

    def __init__(self, encoding: Encoding) -> None:
        self.text = Base64Text()
        self.decoded = hashlib.sha256()
        self.size = 0
        self.head = b""
        self.original_length = 0
        self._encoding = encoding
        self._own = hashlib.sha256()

    def feed(self, part: bytes) -> None:
        original = self._encoding.original(part)
        self.original_length += len(original)
        self._own.update(original)
        self._take(self.text.feed(part))

    def finish(self) -> None:
        self._take(self.text.finish())

    def placeholder(self) -> bytes:
        return b"@sha256:" + self._own.hexdigest().encode()

    def _take(self, decoded: bytes) -> None:
        self.decoded.update(decoded)
        self.size += len(decoded)
        if len(self.head) < HEAD:
            self.head += decoded[: HEAD - len(self.head)]

"""The bytes of a chat text as blocks of whole lines in UTF-8, with the way back to the source bytes.

What it does: tells the encoding by its bytes, cuts the stream into blocks that end where a line ends, and for UTF-16
and Windows-1252 turns each line into UTF-8 while it remembers where the line stood. Offsets always mean the original
bytes. What it refuses: holding more than `LONGEST_LINE` bytes of one line; a longer line is cut, and the block says so.

    UTF-8          as it is; a BOM, CR before LF and damaged bytes are left in place
    lone CR        a file without any LF in its first `PROBE` bytes: CR becomes LF in the matching form, same length
    UTF-16         by BOM, or by the zero bytes between ASCII letters
    Windows-1252   only when the whole file holds bytes beyond ASCII and none of them is UTF-8; the receipt says so
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

__all__ = ["LONGEST_LINE", "PROBE", "Block", "Form", "blocks", "form_of", "repaired"]

PROBE: Final = 64 * 1024
"""Bytes that decide the form; also the size of the first block, so that styles of heads are learnt early."""

LONGEST_LINE: Final = 10 * 2**20 + 2**19
"""Bytes of one line, and of one record. Raw bytes and text of one record must fit a frame of 24 MiB together."""

_BLOCK: Final = 2**20


class Form(NamedTuple):
    """How the bytes of a text are to be taken.

    Attributes:
        encoding: a name for `bytes.decode`.
        bom: bytes of the mark at the start.
        cr: lines end with a lone CR.
    """

    encoding: str
    bom: int
    cr: bool


class Block(NamedTuple):
    """Some whole lines.

    Attributes:
        data: the lines in UTF-8 with LF, for matching.
        source: the original bytes.
        places: for a form whose lengths differ: (index in data, index in source) of every line; None when they agree.
        whole: False when *data* begins inside a line that was too long.
    """

    data: bytes
    source: bytes
    places: list[tuple[int, int]] | None
    whole: bool


def form_of(head: bytes, *, western: bool = False) -> Form:
    """
    Tell the form of a text by its first bytes.

    Args:
        head: up to `PROBE` bytes from the start.
        western: take it for Windows-1252, because the whole file was seen to hold no UTF-8.
    """
    if head.startswith(b"\xff\xfe"):
        return Form("utf-16-le", 2, not _has(head, b"\n\x00") and _has(head, b"\r\x00"))
    if head.startswith(b"\xfe\xff"):
        return Form("utf-16-be", 2, not _has(head, b"\x00\n") and _has(head, b"\x00\r"))
    sample = head[:4096]
    for encoding, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = sample[zero::2].count(0)
        if len(sample) >= 8 and zeros * 3 > len(sample) and sample[1 - zero :: 2].count(0) * 10 < zeros:
            end = "\n".encode(encoding)
            return Form(encoding, 0, not _has(head, end) and _has(head, "\r".encode(encoding)))
    bom = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    return Form("cp1252" if western else "utf-8", bom, b"\n" not in head and b"\r" in head)


def _has(data: bytes, unit: bytes) -> bool:
    """Say whether a two-byte unit stands at an even place."""
    return _find_unit(data, unit, 0) >= 0


def _find_unit(data: bytes, unit: bytes, start: int) -> int:
    """Return the first even index of a two-byte unit, -1 when there is none."""
    at = data.find(unit, start)
    while at >= 0 and at % 2:
        at = data.find(unit, at + 1)
    return at


def _rfind_unit(data: bytes, unit: bytes) -> int:
    """Return the last even index of a two-byte unit, -1 when there is none."""
    at = data.rfind(unit)
    while at >= 0 and at % 2:
        at = data.rfind(unit, 0, at + 1)
    return at


def repaired(data: bytes) -> str:
    """
    Decode damaged UTF-8: surrogate halves that belong together are joined, other damage becomes U+FFFD.

    Some phones and editors write an emoji as two three-byte halves (CESU-8).
    """
    text = data.decode("utf-8", "surrogatepass") if _only_surrogates(data) else data.decode("utf-8", "replace")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def _only_surrogates(data: bytes) -> bool:
    """Say whether the only damage is surrogate halves."""
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _western(data: bytes) -> str:
    """Decode Windows-1252; the five bytes it leaves undefined keep their number."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(chr(b) if b in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([b]).decode("cp1252") for b in data)


def _read(stream: BinaryIO, size: int) -> bytes:
    """Read *size* bytes unless the stream ends; a stream may give less at a time."""
    parts = []
    while size > 0:
        part = stream.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def blocks(stream: BinaryIO, form: Form) -> Iterator[Block]:
    """Yield the whole stream, BOM included in the source of the first line but not in its data."""
    wide = form.encoding.startswith("utf-16")
    end = ("\r" if form.cr else "\n").encode(form.encoding)
    rest = b""
    whole = True
    size = PROBE
    while True:
        fresh = _read(stream, size)
        size = _BLOCK
        data = rest + fresh if rest else fresh
        if not data:
            return
        cut = len(data)
        whole_next = True
        if len(fresh) == 0:
            rest = b""
        else:
            last = _rfind_unit(data, end) if wide else data.rfind(end)
            if last >= 0:
                cut = last + len(end)
            elif len(data) < LONGEST_LINE:
                rest = data
                continue
            else:
                cut = min(len(data), LONGEST_LINE)
                cut -= cut % 2 if wide else _inside_character(data, cut)
                whole_next = False
            rest = data[cut:]
        yield _block(data[:cut], form, whole)
        whole = whole_next


def _inside_character(data: bytes, cut: int) -> int:
    """Return by how many bytes a cut must move back to stand between two UTF-8 characters."""
    for back in range(4):
        if cut + back >= len(data) or data[cut - back] & 0xC0 != 0x80:
            return back
    return 0


def _block(source: bytes, form: Form, whole: bool) -> Block:
    """Turn source bytes of whole lines into a block."""
    if form.encoding == "utf-8":
        return Block(source.replace(b"\r", b"\n") if form.cr else source, source, None, whole)
    wide = form.encoding.startswith("utf-16")
    end = ("\r" if form.cr else "\n").encode(form.encoding)
    data = bytearray()
    places = []
    at = 0
    while at < len(source):
        found = _find_unit(source, end, at) if wide else source.find(end, at)
        stop = len(source) if found < 0 else found + len(end)
        line = source[at:stop]
        places.append((len(data), at))
        text = (
            line.decode(form.encoding, "surrogatepass" if len(line) % 2 == 0 else "replace") if wide else _western(line)
        )
        if form.cr:
            text = text.replace("\r", "\n")
        data += text.encode("utf-8", "surrogatepass")
        at = stop
    return Block(bytes(data), source, places, whole)

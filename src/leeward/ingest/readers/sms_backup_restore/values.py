"""Attribute values as writers really leave them, made into text.

XML knows five named references and numbers; exports also hold what XML forbids: an emoji as two surrogate numbers
(``&#55357;&#56841;``), ``&#0;``, a bare ``&``, names nobody declared, raw control bytes, broken UTF-8. Each is repaired
here and counted, so that the person is told; the raw bytes of the row stay as they were. A name that only a document
type could declare is never expanded: it stays in the text as it is written.

Two forms, which must agree (tests/test_values.py): `unescape` makes a value into text; `mend` makes a row into XML that
expat accepts.

Source: XML 1.0 §2.2 (characters), §4.1 (references).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mend", "mend_characters", "unescape"]

_REPLACEMENT: Final = "\ufffd"
_NAMED: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_REFERENCE: Final = re.compile(r"&(?:(?:amp|lt|gt|quot|apos);|#(?:[0-9]{1,10}|[xX][0-9A-Fa-f]{1,8});)?")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBERS: Final = re.compile(rb"(?:&#(?:[0-9]{1,10}|[xX][0-9A-Fa-f]{1,8});)++")
_NUMBER: Final = re.compile(rb"&#([^;]++);")
_BARE: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);|#(?:[0-9]{1,10}|[xX][0-9A-Fa-f]{1,8});)")


def unescape(value: str) -> tuple[str, int]:
    """Return the text of an attribute *value*, and how many repairs it took."""
    if "&" not in value:
        return value, 0
    repairs = 0

    def read(match: re.Match[str]) -> str:
        nonlocal repairs
        written = match[0]
        named = _NAMED.get(written)
        if named is not None:
            return named
        if written == "&":
            repairs += 1
            return "&"
        point = _point(written[2:-1])
        if 0xD800 <= point < 0xE000:
            return chr(point)
        if not _is_character(point):
            repairs += 1
            return _REPLACEMENT
        return chr(point)

    text = _REFERENCE.sub(read, value)
    if _SURROGATE.search(text):
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        repairs += len(text) - len(joined) + joined.count(_REPLACEMENT) - text.count(_REPLACEMENT)
        text = joined
    return text, repairs


def mend(row: bytes) -> tuple[bytes, int]:
    """Return *row* with its references made legal, and how many repairs it took."""
    if b"&" not in row:
        return row, 0
    row, repairs = _BARE.subn(b"&amp;", row)

    def read(match: re.Match[bytes]) -> bytes:
        nonlocal repairs
        text = "".join(_lone(_point(number.decode())) for number in _NUMBER.findall(match[0]))
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        repairs += len(text) - len(joined) + joined.count(_REPLACEMENT)
        return "".join(f"&#{ord(char)};" for char in joined).encode()

    if b"&#" in row:
        row = _NUMBERS.sub(read, row)
    return row, repairs


def mend_characters(row: bytes) -> bytes:
    """Return *row* as UTF-8 without anything XML forbids; each such place becomes U+FFFD."""
    return _ILLEGAL.sub(_REPLACEMENT, row.decode("utf-8", "replace")).encode()


def _point(number: str) -> int:
    return int(number[1:], 16) if number[0] in "xX" else int(number)


def _is_character(point: int) -> bool:
    """Tell whether XML allows the code point; surrogates are looked at elsewhere."""
    return point in (9, 10, 13) or 0x20 <= point <= 0xFFFD or 0x10000 <= point <= 0x10FFFF


def _lone(point: int) -> str:
    """Return the character; a surrogate stays one, so that two halves can meet; anything illegal is marked."""
    return chr(point) if _is_character(point) else _REPLACEMENT

"""Base64 text that arrives in pieces of any size, decoded in constant memory.

A picture of a gigabyte may stand in one attribute. The text is decoded as it passes: at most three characters wait for
the next piece. What exports put between the characters is left out: white space, the zero bytes of UTF-16, and white
space written as a reference (``&#10;``). Anything else outside the alphabet makes the text *broken*, and this is said:
a picture decoded around a hole would be another picture. Missing ``=`` at the end is forgiven.

Source: RFC 4648 §4.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

__all__ = ["Base64Text"]

_SKIPPED: Final = b" \t\r\n\x00"
_REFERENCE: Final = re.compile(rb"&#(?:0*(?:9|10|13|32)|[xX]0*(?:9|[aA]|[dD]|20));")
_LONGEST_REFERENCE: Final = 12


class Base64Text:
    """Feed it the text in order; it returns the bytes.

    Attributes:
        broken: True from the first character that cannot belong to base64. No bytes are returned from then on.
    """

    def __init__(self) -> None:
        self.broken = False
        self._waiting = b""
        self._ended = False

    def feed(self, text: bytes) -> bytes:
        """Return the bytes that *text*, with what waited before it, decodes to."""
        if self.broken:
            return b""
        if not self._waiting and not len(text) & 3:
            try:  # what nearly every export writes: the alphabet and nothing else
                decoded = binascii.a2b_base64(text, strict_mode=True)
            except binascii.Error:
                pass  # skipped characters, or damage: the long way finds out
            else:
                return self._whole(text, decoded)
        text = self._waiting + text.translate(None, _SKIPPED)
        held = b""
        if b"&" in text:
            cut = text.rfind(b"&")
            if b";" not in text[cut:] and len(text) - cut < _LONGEST_REFERENCE:
                text, held = text[:cut], text[cut:]  # the rest of the reference may be in the next piece
            text = _REFERENCE.sub(b"", text)
        whole = len(text) & ~3
        self._waiting = text[whole:] + held
        return self._decode(text[:whole])

    def finish(self) -> bytes:
        """Return the last bytes. Call it once, when the text is over; look at `broken` after it."""
        text = self._waiting
        if self.broken or not text:
            return b""
        if len(text) == 1 or len(text) > 3:
            self.broken = True
            return b""
        return self._decode(text + b"=" * (4 - len(text)))

    def _decode(self, text: bytes) -> bytes:
        try:
            return self._whole(text, binascii.a2b_base64(text, strict_mode=True))
        except binascii.Error:
            self.broken = True
            return b""

    def _whole(self, text: bytes, decoded: bytes) -> bytes:
        """Return *decoded*, unless the base64 had ended before *text*."""
        if text and self._ended:
            self.broken = True
            return b""
        self._ended = self._ended or text.endswith(b"=")
        return decoded

"""Values that must not be seen: they print as stars, cannot be pickled, and compare in constant time.

A `Secret` protects against the accident: a secret in a log line, an error text, a debugger's list of variables, a
pickle. It does not protect against someone who reads the memory of the process. `forget` overwrites our own copy;
Python, OpenSSL or the kernel may hold others. What ends every copy is the end of the process, and locking does that.

    >>> Passphrase.from_text("correct horse")
    Passphrase(****)
    >>> Passphrase.from_file_bytes(b"correct horse\\n") == Passphrase.from_text("correct horse")
    True
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from typing import NoReturn, Self

from leeward.core.errors import OurMistake, UsageError

__all__ = ["Passphrase", "Secret"]

_STARS = "****"  # always four: the number of stars must not tell the length
_BYTE_ORDER_MARK = "\ufeff"  # editors on Windows put it in front without showing it
_ONE_NEWLINE = re.compile(r"(?:\r\n|\n|\r)\Z")  # of any system; a second one is kept


class Secret:
    """Some bytes that only `reveal` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray) -> None:
        self._value: bytearray | None = bytearray(value)

    def reveal(self) -> bytes:
        """
        Return the bytes. The danger is here: the caller keeps them in as small a place as it can.

        Raises:
            OurMistake: they were forgotten already.
        """
        if self._value is None:
            raise OurMistake("A secret was used after it was dropped.", next_step="Please unlock the vault again.")
        return bytes(self._value)

    def forget(self) -> None:
        """Overwrite our copy with zeros and drop it. May be called again."""
        if self._value is not None:
            self._value[:] = bytes(len(self._value))
            self._value = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_STARS})"

    def __str__(self) -> str:
        return _STARS

    def __format__(self, spec: str) -> str:
        return _STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal(), other.reveal())

    __hash__ = None  # type: ignore[assignment]  # a hash would let a secret be a key, and be compared in other ways

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not written down: it can be neither pickled nor copied")


class Passphrase(Secret):
    """What a person types to open a vault, in one form however the keyboard made it.

    ::

        text → byte order mark in front off → one trailing newline (CR LF, LF or CR) off → Unicode NFKC → UTF-8

    NFKC, because two keyboards may write the same accented letter in two ways, and a passphrase that does not open on
    another device is lost. Letter case, spaces inside and at the ends stay as typed. Follows docs/formats/vault.md.
    """

    __slots__ = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """
        Take what was typed; an invisible mark in front and one newline at the end are taken off.

        Raises:
            UsageError: it is empty, or holds half a character (a lone surrogate).
        """
        trimmed = _ONE_NEWLINE.sub("", text.removeprefix(_BYTE_ORDER_MARK))
        try:
            value = unicodedata.normalize("NFKC", trimmed).encode()
        except UnicodeEncodeError:
            raise UsageError(
                "This passphrase holds a character that cannot be kept.", next_step="Please type it again."
            ) from None  # the cause would carry the text
        if not value:
            raise UsageError("The passphrase is empty.", next_step="Please type one.")
        return cls(value)

    @classmethod
    def from_file_bytes(cls, content: bytes) -> Self:
        """
        Take what a passphrase file holds: UTF-8 text, trimmed as `from_text` trims it.

        Raises:
            UsageError: it is not UTF-8 text, or empty.
        """
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise UsageError(
                "The passphrase file is not plain text.",
                next_step="Save it as UTF-8 text with nothing in it but the passphrase.",
            ) from None  # the cause would carry the bytes
        return cls.from_text(text)

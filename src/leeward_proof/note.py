"""Signed notes and checkpoints as C2SP defines them, with one Ed25519 key.

Follows docs/formats/log.md §4, c2sp.org/signed-note and c2sp.org/tlog-checkpoint::

    text, ends with LF
    (empty line)
    U+2014 SP name SP base64( key id[4] || signature[64] ) LF

>>> Checkpoint.parse_text("example.com/log\\n2\\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\\n").size
2
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from leeward_proof.errors import Unsound

__all__ = ["Checkpoint", "VerifierKey", "decode_base64", "open_note", "sign_note", "verify_signature"]

_ED25519 = b"\x01"
_MAX_NOTE = 1_000_000
"""Bytes. The same limit other readers of signed notes use; a checkpoint has about 200."""

_LOW_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)
"""The points of small order: a signature by such a key says nothing. Two have x = 0 and a second form, sign bit set."""

_FIELD_PRIME = 2**255 - 19


def decode_base64(text: str) -> bytes:
    """Decode standard base64, refusing every non-canonical spelling.

    Raises:
        ValueError: not base64, or not the one canonical spelling of its bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


class VerifierKey(NamedTuple):
    """A name and an Ed25519 public key, 32 bytes."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that mark this key's signature lines."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``name+hash+base64``.

        Raises:
            Unsound: the parts do not fit together, or the point is one that can sign nothing in earnest.
        """
        try:
            name, key_id, encoded = text.split("+", 2)
            data = decode_base64(encoded)
        except ValueError as error:
            raise Unsound("signature", "verifier key", "not a verifier key") from error
        if not name or any(c.isspace() for c in name) or data[:1] != _ED25519 or len(data) != 33:
            raise Unsound("signature", "verifier key", "not an Ed25519 verifier key")
        key = cls(name, data[1:])
        if key.key_id.hex() != key_id:
            raise Unsound("signature", "verifier key", "the key does not fit its own key id")
        if _in_doubt(key.public):
            raise Unsound("signature", "verifier key", "a key that can be forged")
        return key


def sign_note(text: str, key: VerifierKey, sign: Callable[[bytes], bytes]) -> str:
    """Return *text* (which ends with LF) as a note signed by *sign*, a function from message to 64 bytes."""
    if not text.endswith("\n") or "\n\n" in text:
        raise ValueError("a note text ends with one line end and has no empty line")
    signature = sign(text.encode())
    return f"{text}\n— {key.name} {base64.b64encode(key.key_id + signature).decode()}\n"


def open_note(note: str, key: VerifierKey, *, layer: str = "checkpoint") -> str:
    """Return the text of a note that *key* signed.

    Raises:
        Unsound: not a note, no line by this key, a line that is not canonical, or a wrong signature.
    """
    if len(note.encode("utf-8", "surrogatepass")) > _MAX_NOTE:
        raise Unsound(layer, "note", "far too long for a signed note")
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or not text:
        raise Unsound(layer, "note", "not a signed note")
    if any(ord(c) < 0x20 and c != "\n" for c in note) or any(0xD800 <= ord(c) <= 0xDFFF for c in note):
        raise Unsound(layer, "note", "control characters in a signed note")
    text += "\n"
    valid = False
    for line in lines[:-1].split("\n"):
        dash, name, encoded = [*line.split(" ", 2), "", ""][:3]
        if dash != "—" or not name or not encoded:
            raise Unsound(layer, "note", "a signature line is not well formed")
        try:
            data = decode_base64(encoded)
        except ValueError as error:
            raise Unsound(layer, "note", "a signature line is not well formed") from error
        if len(data) < 5:
            raise Unsound(layer, "note", "a signature line is not well formed")
        if name != key.name or data[:4] != key.key_id:
            continue
        if valid:
            raise Unsound(layer, "note", "two signatures by the same key")
        verify_signature(key.public, data[4:], text.encode(), layer=layer)
        valid = True
    if not valid:
        raise Unsound(layer, "note", "not signed by the key of this log")
    return text


def verify_signature(public: bytes, signature: bytes, message: bytes, *, layer: str = "signature") -> None:
    """Check one Ed25519 signature, 64 bytes, by a public key, 32 bytes.

    Libraries disagree on points of small order and on points that are not written in their one form
    (docs/formats/log.md §4). Both are refused here before any library is asked, in the key and in the signature.

    Raises:
        Unsound: the signature is not one by this key, or either holds such a point.
    """
    if len(public) != 32 or len(signature) != 64 or _in_doubt(public) or _in_doubt(signature[:32]):
        raise Unsound(layer, "note", "the signature is wrong")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Unsound(layer, "note", "the signature is wrong") from error


def _in_doubt(point: bytes) -> bool:
    return point in _LOW_ORDER or int.from_bytes(point, "little") & ((1 << 255) - 1) >= _FIELD_PRIME


class Checkpoint(NamedTuple):
    """The head of a log: origin, number of batches, root (32 bytes), and extension lines kept as they are."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse_text(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint.

        Raises:
            Unsound: not three well-formed lines.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0]:
            raise Unsound("checkpoint", "text", "not a checkpoint")
        origin, size, encoded, *extensions = lines[:-1]
        if not size.isascii() or not size.isdigit() or (size != "0" and size[0] == "0") or len(size) > 19:
            raise Unsound("checkpoint", "size", "the size is not a plain number")
        try:
            digest = decode_base64(encoded)
        except ValueError as error:
            raise Unsound("checkpoint", "root", "the root is not base64") from error
        if len(digest) != 32 or any(not line for line in extensions):
            raise Unsound("checkpoint", "text", "not a checkpoint")
        return cls(origin, int(size), digest, tuple(extensions))

"""age files: what leaves the vault whole, in a format that other programs open.

To public keys the library does all of it. To a passphrase the library encrypts only what it holds whole in memory, so
that one case is written here as a stream, after the age specification (C2SP age.md)::

    age-encryption.org/v1
    -> scrypt <salt, base64> <work>
    <file key wrapped, base64>
    --- <HMAC, base64>
    nonce[16] | chunk[64 KiB + 16] …         last chunk marked in its nonce

It is checked against the public test vectors, the library and the ``age`` program (tests/unit/vault/test_age.py).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

import pyrage

from leeward.vault.primitives import ChaCha, SealBroken, hkdf_sha256, hmac_sha256, scrypt

__all__ = [
    "AgeRefused",
    "Readable",
    "Writable",
    "age_decrypt",
    "age_decrypt_passphrase",
    "age_encrypt",
    "age_encrypt_passphrase",
    "new_age_identity",
]


class Readable(Protocol):
    """Gives up to *count* bytes at a time; empty at the end."""

    def read(self, count: int, /) -> bytes:
        """Return up to *count* bytes."""


class Writable(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take all of *data*; return its length."""

    def flush(self) -> None:
        """Hand on what is held."""


class AgeRefused(Exception):
    """A recipient, identity, passphrase or file that age does not accept; the text says which."""


def age_encrypt(plain: Readable, sealed: Writable, recipients: Sequence[str]) -> None:
    """Encrypt a stream to ``age1…`` recipients.

    Raises:
        AgeRefused: a recipient that is none.
    """
    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError as error:
        raise AgeRefused("recipient") from error
    pyrage.encrypt_io(plain, sealed, keys)


def age_decrypt(sealed: Readable, plain: Writable, identities: Sequence[str]) -> None:
    """Decrypt a stream with ``AGE-SECRET-KEY-1…`` identities.

    Raises:
        AgeRefused: an identity that is none, no identity fits, or the file was changed or cut short. What was written
            to *plain* before that must not be used.
    """
    try:
        keys = [pyrage.x25519.Identity.from_str(text) for text in identities]
    except pyrage.IdentityError as error:
        raise AgeRefused("identity") from error
    try:
        pyrage.decrypt_io(sealed, plain, keys)
    except (pyrage.DecryptError, OSError, ValueError) as error:
        raise AgeRefused("file") from error


_AGE_CHUNK = 64 * 1024
_AGE_WORK = 18
"""log2 of the scrypt cost: 2^18 takes about half a second and 256 MiB, and phones with the age program manage it."""
_AGE_MAX_WORK = 22
"""A hostile file cannot ask for more than 4 GiB."""


def age_encrypt_passphrase(
    plain: Readable, sealed: Writable, passphrase: bytes, random: Callable[[int], bytes]
) -> None:
    """Encrypt a stream to a passphrase, as age v1 with one scrypt stanza.

    The library encrypts to a passphrase only what it holds whole; this streams. Checked against its vectors, the
    library and the ``age`` program. Source: C2SP age.md.
    """
    file_key, salt, nonce = random(16), random(16), random(16)
    wrap = _wrap_key(passphrase, salt, _AGE_WORK)
    body = ChaCha(wrap).close(bytes(12), file_key)
    head = f"age-encryption.org/v1\n-> scrypt {_b64(salt)} {_AGE_WORK}\n{_b64(body)}\n---".encode()
    mac = hmac_sha256(hkdf_sha256(file_key, b"", b"header"), head)
    sealed.write(head + f" {_b64(mac)}\n".encode() + nonce)
    cipher = ChaCha(hkdf_sha256(file_key, nonce, b"payload"))
    counter = 0
    current = _read_full(plain, _AGE_CHUNK)
    while True:
        following = _read_full(plain, _AGE_CHUNK) if len(current) == _AGE_CHUNK else b""
        last = not following
        sealed.write(cipher.close(counter.to_bytes(11, "big") + bytes([last]), current))
        if last:
            break
        current, counter = following, counter + 1
    sealed.flush()


def age_decrypt_passphrase(sealed: Readable, plain: Writable, passphrase: bytes) -> None:
    """Decrypt a stream that was encrypted to a passphrase.

    Raises:
        AgeRefused: "passphrase" when it does not fit or the file is for keys; "file" when it is none, was changed or
            is cut short. What was written to *plain* before that must not be used.
    """
    buffered = _Buffered(sealed)
    lines = [buffered.line() for _ in range(3)]
    first, stanza, body_line = lines
    parts = stanza.split(" ")
    if first != "age-encryption.org/v1":
        raise AgeRefused("file")
    if len(parts) != 4 or parts[:2] != ["->", "scrypt"]:
        raise AgeRefused("passphrase" if parts[0] == "->" else "file")
    salt, body = _unb64(parts[2]), _unb64(body_line)
    work = parts[3]
    if len(salt) != 16 or len(body) != 32 or not work.isdigit() or not work.isascii() or work[0] == "0":
        raise AgeRefused("file")
    if len(work) > 2 or int(work) > _AGE_MAX_WORK:
        raise AgeRefused("file")
    tail = buffered.line()
    if not tail.startswith("--- "):
        raise AgeRefused("file")
    try:
        file_key = ChaCha(_wrap_key(passphrase, salt, int(work))).open(bytes(12), body)
    except SealBroken as error:
        raise AgeRefused("passphrase") from error
    head = "\n".join((*lines, "---")).encode()
    if not hmac.compare_digest(hmac_sha256(hkdf_sha256(file_key, b"", b"header"), head), _unb64(tail[4:])):
        raise AgeRefused("file")
    nonce = buffered.take(16)
    if len(nonce) != 16:
        raise AgeRefused("file")
    cipher = ChaCha(hkdf_sha256(file_key, nonce, b"payload"))
    counter = 0
    current = buffered.take(_AGE_CHUNK + 16)
    while True:
        following = buffered.take(_AGE_CHUNK + 16) if len(current) == _AGE_CHUNK + 16 else b""
        last = not following
        try:
            opened = cipher.open(counter.to_bytes(11, "big") + bytes([last]), current)
        except SealBroken as error:
            raise AgeRefused("file") from error
        if last and not opened and counter:
            raise AgeRefused("file")  # an empty last chunk is only allowed when it is the only one
        plain.write(opened)
        if last:
            break
        current, counter = following, counter + 1
    plain.flush()


def new_age_identity() -> tuple[str, str]:
    """Return a fresh (identity, recipient) pair of text."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def _wrap_key(passphrase: bytes, salt: bytes, work: int) -> bytes:
    return scrypt(passphrase, b"age-encryption.org/v1/scrypt" + salt, work)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise AgeRefused("file") from error
    if _b64(data) != text:
        raise AgeRefused("file")
    return data


def _read_full(stream: Readable, count: int) -> bytes:
    parts, missing = [], count
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class _Buffered:
    """Lines first, then bytes, from one stream."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._rest = b""

    def line(self) -> str:
        while b"\n" not in self._rest:
            part = self._stream.read(4096)
            if not part or len(self._rest) > 64 * 1024:
                raise AgeRefused("file")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return line.decode("ascii")
        except UnicodeDecodeError as error:
            raise AgeRefused("file") from error

    def take(self, count: int) -> bytes:
        held, self._rest = self._rest[:count], self._rest[count:]
        return held + _read_full(self._stream, count - len(held))

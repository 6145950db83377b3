"""Every cryptographic primitive Leeward uses, and nothing else does.

No other module of Leeward imports ``cryptography`` (a contract in the import rules). Nothing here is our
own construction: sealing is C2SP chunked encryption as ``cryptography`` implements it, the rest are RFC primitives.
`self_test` runs known answers before the first key is used; it follows docs/formats/vault.md §2–3.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from leeward.core.errors import OurMistake

__all__ = [
    "KDF_PROFILES",
    "SEAL_OVERHEAD",
    "ChaCha",
    "KdfProfile",
    "SealBroken",
    "Signer",
    "argon2id",
    "expand",
    "hkdf_sha256",
    "hmac_sha256",
    "keyed_name",
    "random_bytes",
    "scrypt",
    "seal",
    "self_test",
    "unseal",
]

KEY = 32
"""Bytes of every symmetric key."""

SEAL_OVERHEAD = 24 + 32
"""Bytes in front of the chunks: salt and key commitment. Each 16 KiB chunk adds a 16-byte tag."""


class SealBroken(Exception):
    """A sealed object did not open: wrong key, wrong place, or changed bytes. Callers turn it into a family error."""


class KdfProfile(NamedTuple):
    """Argon2id cost: memory in KiB, passes, lanes."""

    memory_kib: int
    passes: int
    lanes: int


KDF_PROFILES: dict[int, KdfProfile] = {
    1: KdfProfile(64 * 1024, 3, 4),  # RFC 9106 §4, second recommended option: the floor
    2: KdfProfile(128 * 1024, 3, 4),
    3: KdfProfile(256 * 1024, 3, 4),
    4: KdfProfile(512 * 1024, 3, 4),
    5: KdfProfile(1024 * 1024, 3, 4),
}
"""The closed list of docs/formats/vault.md §2: a hostile header cannot ask for more memory than this."""


def random_bytes(count: int) -> bytes:
    """Return *count* bytes from the operating system."""
    return os.urandom(count)


def argon2id(secret: bytes, salt: bytes, profile: KdfProfile, length: int = KEY) -> bytes:
    """Stretch a passphrase. Takes about the seconds and exactly the memory its profile asks for."""
    return Argon2id(
        salt=salt, length=length, iterations=profile.passes, lanes=profile.lanes, memory_cost=profile.memory_kib
    ).derive(secret)


def expand(key: bytes, info: bytes, length: int = KEY) -> bytes:
    """Return HKDF-Expand-SHA512 of a uniformly random *key*."""
    return HKDFExpand(algorithm=SHA512(), length=length, info=info).derive(key)


def keyed_name(key: bytes, label: bytes) -> str:
    """Return 64 hex digits that say nothing about *label* to anyone without *key* (HMAC-SHA256)."""
    return hmac.digest(key, label, "sha256").hex()


def seal(key: bytes, context: bytes, plain: bytes) -> bytes:
    """Seal *plain* (at most a few MiB: it is held whole) under a 32-byte key and a context that names its place."""
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(plain) + encryptor.finalize()


def unseal(key: bytes, context: bytes, sealed: bytes) -> bytes:
    """Open what `seal` made.

    Raises:
        SealBroken: wrong key, wrong context, or any changed, missing or added byte. Nothing is released.
    """
    try:
        decryptor = Cobblestone256Decryptor(key, context)
        return decryptor.update(sealed) + decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error


class Signer:
    """An Ed25519 key that signs checkpoints and manifests."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """The 32-byte public key."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return a 64-byte signature."""
        return self._key.sign(message)


def scrypt(secret: bytes, salt: bytes, work: int) -> bytes:
    """Stretch a passphrase as age does: cost 2^work, 1 KiB blocks. Takes 1 KiB · 2^work of memory."""
    return Scrypt(salt=salt, length=KEY, n=1 << work, r=8, p=1).derive(secret)


def hkdf_sha256(key: bytes, salt: bytes, info: bytes) -> bytes:
    """Return HKDF-SHA256, 32 bytes."""
    return HKDF(algorithm=SHA256(), length=KEY, salt=salt, info=info).derive(key)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA256, 32 bytes."""
    return hmac.digest(key, message, "sha256")


class ChaCha:
    """ChaCha20-Poly1305 under one key, 12-byte nonces chosen by the caller, each once."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def close(self, nonce: bytes, plain: bytes) -> bytes:
        """Return cipher text and tag."""
        return self._cipher.encrypt(nonce, plain, None)

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        """Return the plain text. Raises `SealBroken`."""
        try:
            return self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise SealBroken from error


_TESTED: list[bool] = []


def self_test() -> None:
    """Run known answers once a process, before the first key is used. About a millisecond.

    Raises:
        OurMistake: a primitive gave a wrong answer; nothing must be opened or written with it.
    """
    if _TESTED:
        return
    for name, answer in _known_answers():
        if not answer():
            raise OurMistake(
                f"A self-check of the encryption ({name}) gave a wrong answer on this computer.",
                next_step="Nothing was opened or written. Please install Leeward again before using it.",
            )
    _TESTED.append(True)


def _known_answers() -> Iterable[tuple[str, Callable[[], bool]]]:
    key, other = bytes(range(32)), bytes(range(1, 33))
    yield "SHA-256", lambda: sha256(b"abc").hexdigest().startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    # RFC 5869 has no SHA-512 case; this answer was computed a second way, with one HMAC-SHA512 call.
    yield "HKDF", lambda: expand(key, b"info", 42).hex() == _HKDF_ANSWER
    yield "Argon2id", lambda: argon2id(bytes([1] * 32), bytes([2] * 16), KdfProfile(32, 3, 4)).hex() == _ARGON_ANSWER
    yield "Ed25519", lambda: Signer(bytes.fromhex(_ED_SEED)).sign(b"").hex() == _ED_SIGNATURE
    yield "sealing", lambda: unseal(key, b"place", bytes.fromhex(_SEALED)) == b"known answer"

    def refuses(wrong_key: bytes, context: bytes, sealed: bytes) -> bool:
        try:
            unseal(wrong_key, context, sealed)
        except SealBroken:
            return True
        return False

    sealed = bytes.fromhex(_SEALED)
    yield "refusing a wrong key", lambda: refuses(other, b"place", sealed)
    yield "refusing a wrong place", lambda: refuses(key, b"elsewhere", sealed)
    yield "refusing a changed byte", lambda: refuses(key, b"place", sealed[:-1] + bytes([sealed[-1] ^ 1]))


_ED_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # RFC 8032 §7.1, test 1
_ED_SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
_ARGON_ANSWER = "03aab965c12001c9d7d0d2de33192c0494b684bb148196d73c1df1acaf6d0c2e"
_HKDF_ANSWER = "d40d67a9d7c34ec3c2c3eca41e6f25e08441c93422575b091a5d9f9cb9bd6da3f7145c42fae0a63d0c73"
_SEALED = (
    "4b1799755c041055dd9250b057e539333d37051707894117635cf024fdf74aefff9031bc7348f730d93aa08a97349e948277fd08b535b9e8"
    "5414c9cff1ca65e29da8045b0e3280c49c5558ddbc0e26f522747e78"
)

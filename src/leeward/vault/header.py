"""The readable part of a vault, and the slots that a passphrase opens.

::

    magic[8] "vault/v1" | format[1] | kdf[1] | profile[1] | reserved[1] | salt[32] | 16 x slot[200]
    slot      salt[24] | commitment[32] | sealed(u8 1 | role[1] | 0[2] | compartment[16] | root[32] | 0[76]) | tag[16]

Follows docs/formats/vault.md §2. All 16 slots are tried whatever matches, so the time does not tell which one opened.
"""

from __future__ import annotations

from typing import NamedTuple

from leeward.core.clock import Clock
from leeward.core.errors import FromNewerVersion, NotAVault, WrongPassphrase
from leeward.core.secret import Passphrase
from leeward.vault.primitives import KDF_PROFILES, SealBroken, argon2id, expand, random_bytes, seal, unseal

__all__ = ["SLOTS", "Opened", "add_passphrase", "choose_kdf", "new_header", "open_header", "replace_slot"]

MAGIC = b"vault/v1"
SLOTS = 16
_FIXED = 44
_SLOT = 200
_SIZE = _FIXED + SLOTS * _SLOT
_STANDARD = 0
_MAIN = 0
_TARGET_SECONDS = 0.7
"""What unlocking may take on the device that creates the vault (docs/formats/vault.md §2)."""


class Opened(NamedTuple):
    """What a slot held: its number, the compartment id (16 bytes) and the root key (32 bytes)."""

    slot: int
    compartment: bytes
    root: bytes


def choose_kdf(clock: Clock) -> int:
    """Measure this device and return the costliest profile that stays near 0.7 s; never below 1.

    The floor is measured once and scaled by memory: Argon2's time grows in proportion to it.
    """
    before = clock.steady()
    argon2id(b"measure", bytes(32), KDF_PROFILES[1])
    floor = max(clock.steady() - before, 1e-6)
    chosen = 1
    for number, profile in KDF_PROFILES.items():
        if floor * profile.memory_kib / KDF_PROFILES[1].memory_kib <= _TARGET_SECONDS:
            chosen = number
    return chosen


def _slot_key(passphrase: Passphrase, fixed: bytes) -> bytes:
    stretched = argon2id(passphrase.reveal(), fixed[12:44], KDF_PROFILES[fixed[9]])
    return expand(stretched, b"leeward/v1/slot")


def _slot_context(fixed: bytes, slot: int) -> bytes:
    return b"leeward/v1|slot|" + fixed + b"|" + str(slot).encode()


def new_header(kdf: int) -> bytes:
    """Return a header whose 16 slots are all unused: random bytes throughout."""
    fixed = MAGIC + bytes([1, kdf, _STANDARD, 0]) + random_bytes(32)
    return fixed + random_bytes(SLOTS * _SLOT)


def add_passphrase(header: bytes, slot: int, passphrase: Passphrase, compartment: bytes, root: bytes) -> bytes:
    """Return *header* with *slot* opening to *root* for *passphrase*."""
    fixed = _check(header)
    payload = bytes([1, _MAIN, 0, 0]) + compartment + root + bytes(76)
    sealed = seal(_slot_key(passphrase, fixed), _slot_context(fixed, slot), payload)
    return replace_slot(header, slot, sealed)


def replace_slot(header: bytes, slot: int, content: bytes) -> bytes:
    """Return *header* with the 200 bytes of *slot* replaced."""
    start = _FIXED + slot * _SLOT
    return header[:start] + content + header[start + _SLOT :]


def _check(header: bytes) -> bytes:
    """Return the fixed part.

    Raises:
        NotAVault: not a header at all.
        FromNewerVersion: a format, profile or cost this version does not know.
    """
    if len(header) != _SIZE or header[:8] != MAGIC:
        raise NotAVault("This file is not a vault, or its beginning is damaged.", next_step="Please check the name.")
    if header[8] != 1 or header[10] != _STANDARD or header[9] not in KDF_PROFILES:
        raise FromNewerVersion(
            "This vault was made by a newer version of Leeward.", next_step="Please open it with that version."
        )
    return header[:_FIXED]


def open_header(header: bytes, passphrase: Passphrase) -> Opened:
    """Try all slots with *passphrase*.

    Raises:
        WrongPassphrase: none opened. A damaged slot looks the same from here.
        NotAVault, FromNewerVersion: as the header says.
    """
    fixed = _check(header)
    key = _slot_key(passphrase, fixed)
    found: Opened | None = None
    for slot in range(SLOTS):
        start = _FIXED + slot * _SLOT
        try:
            payload = unseal(key, _slot_context(fixed, slot), header[start : start + _SLOT])
        except SealBroken:
            continue
        if payload[0] == 1 and payload[1] == _MAIN and found is None:
            found = Opened(slot, payload[4:20], payload[20:52])
    if found is None:
        raise WrongPassphrase(
            "This passphrase does not open the vault.",
            next_step="Please try again. Upper and lower case matter. There is no limit on tries.",
        )
    return found

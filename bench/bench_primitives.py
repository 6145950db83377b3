"""Sealing and hashing by themselves: how much of every budget they can explain.

The floors are single calls: AES-256-GCM under one key for sealing (no commitment, no salt, no derived key), and the
SHA-256 calls of one record for its leaf, on bytes of the same lengths.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import measure
from leeward.vault.primitives import seal, unseal
from leeward.vault.readings import record_leaves
from leeward_proof.commit import RECORD_BLIND, RECORD_FIELDS, record_keystream

SECONDS = 0.5
CONTEXT = b"leeward/v1|entry|00000000000000000000000000000000|123456"


def rate(act: object, *given: object) -> float:
    """Return calls a second, the best of three stretches."""
    call = act if callable(act) else None
    assert call is not None
    best = 0.0
    for _ in range(3):
        count, spent = 0, 0.0
        while spent < SECONDS:
            spent += measure.timed(lambda: [call(*given) for _ in range(32)])[0]
            count += 32
        best = max(best, count / spent)
    return best


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "")
    report = measure.Report("primitives", full=asked.full)
    key = os.urandom(32)
    bare = AESGCM(key)
    nonce = bytes(12)
    for name, size in (("256 B", 256), ("4 KiB", 4096), ("1 MiB", 2**20)):
        plain = os.urandom(size)
        sealed = seal(key, CONTEXT, plain)
        floor_sealed = bare.encrypt(nonce, plain, CONTEXT)
        for what, ours, floor in (
            ("seal", rate(seal, key, CONTEXT, plain), rate(bare.encrypt, nonce, plain, CONTEXT)),
            ("unseal", rate(unseal, key, CONTEXT, sealed), rate(bare.decrypt, nonce, floor_sealed, CONTEXT)),
        ):
            note = f"{ours * size / 1e6:,.0f} MB/s"
            report.row(f"{what} {name}", ours, "1/s", beside="AES-256-GCM alone", value=floor, note=note)
    count = 8192
    facts = [
        (os.urandom(72), b"\x00%d\x0072" % (n * 72), b"Ben", b"01/03/2014, 08:38", b"[]", b"") for n in range(count)
    ]
    stream = record_keystream(bytes(32), 0)(count * RECORD_BLIND)
    leaves = count / measure.best_of(5, lambda: record_leaves(stream, facts))
    values = [bytes(110), *[bytes(60)] * (len(RECORD_FIELDS) - 1), bytes(290), bytes(33)]
    hashes = 1 / measure.best_of(5, lambda: [[sha256(v).digest() for v in values] for _ in range(1000)]) * 1000
    report.row("leaves of records", leaves, "1/s", beside="the SHA-256 calls alone", value=hashes)
    keystream = count / measure.best_of(5, lambda: record_keystream(bytes(32), 0)(count * RECORD_BLIND))
    report.row("keystream of records", keystream, "1/s")
    return report.write()


if __name__ == "__main__":
    sys.exit(main())

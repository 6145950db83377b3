"""Write the vault vectors: padding, names, a header with Argon2id profile 1, an entry with its page of keys, a head.

python vectors/vault/generate.py [FOLDER]

Written from docs/formats/vault.md and the C2SP page on chunked encryption alone: nothing of Leeward's vault is used, so
that two ways of reading the page are compared. Every secret is the SHA-256 of a label.
"""

from __future__ import annotations

import hmac
import json
import sys
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HERE = Path(__file__).resolve().parent
CHUNK = 16 * 1024


def secret(label: str, length: int = 32) -> bytes:
    blocks = -(-length // 32)
    return b"".join(sha256(f"vault vector|{label}|{n}".encode()).digest() for n in range(blocks))[:length]


COMPARTMENT, ROOT = secret("compartment", 16), secret("root")


def expand(key: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDFExpand(algorithm=SHA512(), length=length, info=info).derive(key)


def seal(key: bytes, context: bytes, plain: bytes, salt: bytes) -> bytes:
    """C2SP chunked encryption with AES-256-GCM and SHA-512, the salt given."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    stream = expand(key, info, 32 + 12 + 32)
    cipher, nonce, sealed = AESGCM(stream[:32]), int.from_bytes(stream[32:44], "big"), salt + stream[44:]
    for number in range(len(plain) // CHUNK + 1):
        chunk = plain[number * CHUNK : (number + 1) * CHUNK]
        sealed += cipher.encrypt((nonce ^ number).to_bytes(12, "big"), chunk, None)
    return sealed


def padme(length: int) -> int:
    """Padmé as the paper has it, with E = floor(log2 L) and S = floor(log2 E) + 1."""
    if length < 2:
        return length
    e = length.bit_length() - 1
    s = e.bit_length()
    step = 2 ** (e - s)
    return -(-length // step) * step


def bucket(content: int) -> int:
    need = content + 4
    return next((size for size in (1024, 2048, 4096, 8192, 16384, 65536) if need <= size), padme(need))


def context(kind: str, *parts: str) -> bytes:
    return "|".join(("leeward/v1", kind, COMPARTMENT.hex(), *parts)).encode()


def name(kind: str, *parts: str) -> str:
    label = b"\x00".join(part.encode() for part in (kind, *parts))
    return hmac.digest(expand(ROOT, b"leeward/v1/locator"), label, "sha256").hex()


def padded(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content + bytes(bucket(len(content)) - 4 - len(content))


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def padding() -> dict[str, Any]:
    lengths = sorted(
        {
            *range(20),
            *(2**n + d for n in range(4, 33) for d in (-5, -4, -3, -1, 0, 1)),
            100_000,
            999_999,
            20 * 2**20 + 3,
        }
    )
    return {
        "about": "Padmé sizes of lengths, and sealed-over sizes of contents (4 bytes of length, then the next bucket)",
        "padme": [[length, padme(length)] for length in lengths],
        "buckets": [[length, bucket(length)] for length in lengths],
    }


def names() -> dict[str, Any]:
    blob = "0123456789abcdef"
    places = [
        ["secrets"],
        ["head"],
        ["entry", "0"],
        ["entry", "255"],
        ["entry", "1000000"],
        ["keys", "0", "0"],
        ["keys", "3", "17"],
        ["batch", "0"],
        ["blob", blob, "0"],
        ["block", blob, "12"],
        ["leaves", blob, "0", "1"],
        ["snapshot", blob, "0"],
    ]
    return {
        "about": "object names and sealing contexts of places; the context as text",
        "root": ROOT.hex(),
        "compartment": COMPARTMENT.hex(),
        "places": [{"place": place, "name": name(*place), "context": context(*place).decode()} for place in places],
    }


def header() -> dict[str, Any]:
    words = "lantern copper café ﬁn"
    typed = unicodedata.normalize("NFKC", words).encode()
    fixed = b"vault/v1" + bytes([1, 1, 0, 0]) + secret("salt")
    pass_key = Argon2id(salt=fixed[12:], length=32, iterations=3, lanes=4, memory_cost=64 * 1024).derive(typed)
    slot_key = expand(pass_key, b"leeward/v1/slot")
    number = 11
    plain = bytes([1, 0, 0, 0]) + COMPARTMENT + ROOT + bytes(76)
    slots = [secret(f"unused slot {n}", 200) for n in range(16)]
    slots[number] = seal(slot_key, b"leeward/v1|slot|" + fixed + b"|%d" % number, plain, secret("slot salt", 24))
    return {
        "about": "a whole header with Argon2id profile 1; the passphrase as typed, before NFKC",
        "passphrase": words,
        "pass_key": pass_key.hex(),
        "slot_key": slot_key.hex(),
        "slot": number,
        "compartment": COMPARTMENT.hex(),
        "root": ROOT.hex(),
        "header": (fixed + b"".join(slots)).hex(),
    }


def entry() -> dict[str, Any]:
    number, key, seed, file_key = 5, secret("entry key"), secret("seed"), secret("file key")
    fields = {
        "id": "0123456789abcdef",
        "kind": "setting",
        "v": 1,
        "written": {"ms": 1772366400000, "zone": "Europe/Dublin"},
        "name": "note",
        "value": "Zoë said: “stay”",
    }
    plain = seed + file_key + canonical(fields)
    page = bytes(32 * number) + key + bytes(32 * (255 - number))
    epoch, epoch_key = 2, secret("epoch key")
    wrap = expand(expand(ROOT, b"leeward/v1/keys"), b"leeward/v1/epoch" + epoch.to_bytes(4, "big") + epoch_key)
    return {
        "about": "entry 5 sealed under its own key, and the page of keys (number 0, version 3) that holds this key",
        "root": ROOT.hex(),
        "compartment": COMPARTMENT.hex(),
        "number": number,
        "key": key.hex(),
        "seed": seed.hex(),
        "file_key": file_key.hex(),
        "fields": fields,
        "name": name("entry", "5"),
        "sealed": seal(key, context("entry", "5"), padded(plain), secret("entry salt", 24)).hex(),
        "epoch": epoch,
        "epoch_key": epoch_key.hex(),
        "page_name": name("keys", "0", "3"),
        "page_sealed": seal(wrap, context("keys", "0", "3"), padded(page), secret("page salt", 24)).hex(),
    }


def head() -> dict[str, Any]:
    members = {
        "generation": 6,
        "entries": 6,
        "pages": [3],
        "epoch": 2,
        "epoch_key": secret("epoch key").hex(),
        "batches": 0,
        "frontier": [],
        "pending": [secret(f"commitment {n}").hex() for n in range(6)],
        "checkpoint": "",
        "pending_day": "2026-03-01",
        "snapshot": None,
        "jobs": [["blob", "0123456789abcdef"]],
    }
    key = expand(ROOT, b"leeward/v1/head")
    return {
        "about": "a head as it stands in its cell",
        "root": ROOT.hex(),
        "compartment": COMPARTMENT.hex(),
        "head": members,
        "sealed": seal(key, context("head"), padded(canonical(members)), secret("head salt", 24)).hex(),
    }


FILES = {
    "padding.json": padding,
    "names.json": names,
    "header.json": header,
    "entry.json": entry,
    "head.json": head,
}


def main(folder: Path) -> None:
    for file, make in FILES.items():
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        (folder / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

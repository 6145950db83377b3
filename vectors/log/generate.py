"""Write the log vectors: seeds, digests, batch, trees, checkpoints and canonical JSON (log.md, archive.md).

python vectors/log/generate.py [FOLDER]
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from world import World, secret  # noqa: E402  (after the path is set)

from leeward_proof import commit  # noqa: E402  (after the path is set)
from leeward_proof.note import Checkpoint, VerifierKey, sign_note  # noqa: E402  (after the path is set)
from leeward_proof.tree import consistency_proof, helpers_for, inclusion_path, leaf_hash, root  # noqa: E402  (likewise)

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64, 65, 100)


def one_entry() -> dict[str, Any]:
    """The worked example of docs/formats/log.md §6."""
    seed = bytes(range(32))
    fields: dict[str, Any] = {"id": "0000000000000001", "kind": "incident", "text": "Example", "v": 1}
    return {"about": "one entry from its seed", **entry(seed, fields)}


def entry(seed: bytes, fields: dict[str, Any]) -> dict[str, Any]:
    values = {name: commit.canonical(value) for name, value in fields.items()}
    blind = commit.entry_blind(seed)
    digests = commit.entry_digests(blind, values)
    commitment = commit.entry_commitment(blind.r, digests)
    return {
        "seed": seed.hex(),
        "fields": fields,
        "canonical": {name: value.decode() for name, value in sorted(values.items())},
        "r": blind.r.hex(),
        "salts": [salt.hex() for salt in blind.salts],
        "places": blind.places(fields),
        "digests": [digest.hex() for digest in digests],
        "commitment": commitment.hex(),
        "leaf": leaf_hash(commitment).hex(),
    }


def entries() -> dict[str, Any]:
    many: dict[str, Any] = {f"field_{n:02d}": n for n in range(16)}
    odd: dict[str, Any] = {
        "id": "0000000000000002",
        "text": "Zoë \U0001f600\n\u202e\u0000",
        "v": 1,
        "list": [1, {"b": None, "a": True}],
    }
    cases = [("full", many), ("odd_text", odd), ("one_field", {"v": 1}), ("none", {})]
    return {
        "about": "entries with 16, some, one and no fields",
        "cases": [{"name": name, **entry(secret(f"log vector {name}"), fields)} for name, fields in cases],
    }


def batch() -> dict[str, Any]:
    cases = []
    for count in (0, 1, 2, 63, 64):
        seed = secret(f"batch of {count}")
        commitments = [secret(f"commitment {n}") for n in range(count)]
        laid = commit.lay_out_batch(seed, commitments)
        cases.append(
            {
                "seed": seed.hex(),
                "entries": [one.hex() for one in commitments],
                "positions": laid.positions,
                "commitments": [one.hex() for one in laid.commitments],
                "root": root([leaf_hash(one) for one in laid.commitments]).hex(),
            }
        )
    return {"about": "batches with 0, 1, 2, 63 and 64 entries", "cases": cases}


def record() -> dict[str, Any]:
    seed = secret("records")
    values = [b"01.02.24, 10:00 - Bea: Hello\n", b"\x000\x0029", b"Bea", b"01.02.24, 10:00", b"[]"]
    stream = commit.record_keystream(seed, 0)
    first, second = stream(commit.RECORD_BLIND), stream(commit.RECORD_BLIND)
    digests = commit.record_digests(second, values)
    return {
        "about": "record 1 of a reading, its padding form, and the order of a segment of 64",
        "seed": seed.hex(),
        "blind_0": first.hex(),
        "blind_1": second.hex(),
        "values": [base64.b64encode(value).decode() for value in values],
        "digests": [digest.hex() for digest in digests],
        "commitment": commit.record_commitment(second[:32], digests).hex(),
        "padding_commitment": commit.padding_commitment(second[:32]).hex(),
        "widths": [[n, commit.segment_width(n, True)] for n in (0, 1, 63, 64, 65, 1000, 32_768, 32_769, 65_536)],
        "order_of_segment_0": commit.segment_order(seed, 0, 64),
        "order_of_segment_1": commit.segment_order(seed, 1, 64),
        "blind_65536": commit.record_keystream(seed, 65_536)(commit.RECORD_BLIND).hex(),
    }


def trees() -> dict[str, Any]:
    leaves = [leaf_hash(bytes([n])) for n in range(max(SIZES))]
    cases = []
    for size in SIZES:
        known_sets = [[0], [size - 1], sorted({size // 2, 0}), list(range(0, size, 3)), list(range(size))]
        cases.append(
            {
                "size": size,
                "root": root(leaves[:size]).hex(),
                "inclusion": {str(i): [n.hex() for n in inclusion_path(leaves[:size], i)] for i in (0, size - 1)},
                "consistency": {
                    str(old): [n.hex() for n in consistency_proof(leaves[:size], old)] for old in SIZES if old <= size
                },
                "helpers": [
                    {"known": known, "helpers": [n.hex() for n in helpers_for(leaves[:size], known)]}
                    for known in known_sets
                ],
            }
        )
    return {"about": "trees whose leaf n has the data of the one byte n", "cases": cases}


def checkpoints() -> dict[str, Any]:
    world = World("log vectors")
    other = World("another log")
    key, sign = world.verifier, world.sign
    text = Checkpoint(key.name, 3, secret("a root")).text()
    good = sign_note(text, key, sign)
    row = good.splitlines()[-1]
    signature = base64.b64decode(row.rpartition(" ")[2])

    def signed(changed: str) -> str:
        return sign_note(changed, key, sign)

    def with_signature(data: bytes) -> str:
        return good.replace(row, row.rpartition(" ")[0] + " " + base64.b64encode(data).decode())

    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[36:], "little") + order
    accept = {
        "plain": good,
        "size_zero": signed(text.replace("\n3\n", "\n0\n")),
        "extension_lines": signed(text + "one more line\nand another\n"),
        "stranger_beside": good + sign_note(text, other.verifier, other.sign).splitlines()[-1] + "\n",
    }
    refuse = {
        "no_signature": text,
        "empty_line_only": text + "\n",
        "other_key": sign_note(text, other.verifier, other.sign),
        "same_name_other_key": sign_note(text, VerifierKey(key.name, other.verifier.public), other.sign),
        "text_changed": good.replace("\n3\n", "\n4\n"),
        "signature_changed": with_signature(signature[:-1] + bytes([signature[-1] ^ 1])),
        "signature_short": with_signature(signature[:-1]),
        "signature_long": with_signature(signature + b"\0"),
        "signature_s_not_reduced": with_signature(signature[:36] + s.to_bytes(32, "little")),
        "signature_r_low_order": with_signature(signature[:4] + b"\1" + bytes(31) + signature[36:]),
        "signature_twice": good + row + "\n",
        "base64_without_padding": good.rstrip("=\n") + "\n",
        "base64_url_alphabet": good.replace(row, row.replace("+", "-").replace("/", "_")),
        "no_last_line_end": good[:-1],
        "hyphen_for_dash": good.replace("\u2014", "-"),
        "carriage_returns": good.replace("\n", "\r\n"),
        "control_character": signed(text.replace("\n3\n", "\n3\n").replace(key.name, key.name, 1) + "bell \x07\n"),
        "size_with_zero": signed(text.replace("\n3\n", "\n03\n")),
        "size_signed": signed(text.replace("\n3\n", "\n+3\n")),
        "size_arabic_digits": signed(text.replace("\n3\n", "\n\u0663\n")),
        "size_of_20_digits": signed(text.replace("\n3\n", "\n" + "9" * 20 + "\n")),
        "root_short": signed(Checkpoint(key.name, 3, bytes(31)).text()),
        "root_missing": signed(f"{key.name}\n3\n"),
    }
    return {
        "about": "signed checkpoints; to be opened with this key",
        "key": str(key),
        "accept": [{"name": name, "note": note} for name, note in accept.items()],
        "refuse": [{"name": name, "note": note} for name, note in refuse.items()],
        "keys_refuse": [
            {"name": "low_order", "key": str(VerifierKey(key.name, bytes(32)))},
            {"name": "low_order_sign_of_zero", "key": str(VerifierKey(key.name, b"\1" + bytes(30) + b"\x80"))},
            {"name": "y_not_reduced", "key": str(VerifierKey(key.name, (2**255 - 19 + 3).to_bytes(32, "little")))},
            {"name": "wrong_id", "key": str(key).replace("+", "+0", 1)},
            {"name": "other_algorithm", "key": str(key).replace("+A", "+B", 2)},
            {"name": "short", "key": str(key)[:-8]},
            {"name": "no_name", "key": str(VerifierKey("", key.public))},
        ],
    }


def canonical_json() -> dict[str, Any]:
    accept = [
        "null",
        "true",
        "0",
        "-1",
        "9007199254740991",
        "-9007199254740991",
        '""',
        "[]",
        "{}",
        '"\\b\\t\\n\\f\\r"',
        '"\\u0000\\u001f"',
        '"\\"\\\\/"',
        '"é\u2028\U0001f600\x7f"',
        '{"a":1,"b":[true,null]}',
        '{"Z":1,"a":2,"é":3,"\uffff":4,"\U0001f600":5}',
    ]
    refuse = {
        "white_space": "[1, 2]",
        "space_before": " 1",
        "line_end_behind": "1\n",
        "names_out_of_order": '{"b":1,"a":2}',
        "name_twice": '{"a":1,"a":1}',
        "utf16_order": '{"\U0001f600":1,"\uffff":2}',
        "fraction": "1.5",
        "fraction_zero": "1.0",
        "exponent": "1e3",
        "minus_zero": "-0",
        "leading_zero": "01",
        "too_large": "9007199254740992",
        "too_small": "-9007199254740992",
        "not_a_number": "NaN",
        "infinity": "-Infinity",
        "needless_escape": '"\\u0061"',
        "slash_escaped": '"\\/"',
        "capital_escape": '"\\u001F"',
        "long_escape": '"\\u000a"',
        "delete_escaped": '"\\u007f"',
        "lone_surrogate": '"\\ud800"',
        "surrogate_pair_escaped": '"\\ud83d\\ude00"',
        "raw_control": '"\x01"',
        "empty": "",
        "two_values": "1 2",
        "trailing_comma": "[1,]",
        "single_quotes": "'a'",
        "comment": "1//",
        "byte_order_mark": "\ufeff1",
    }
    return {
        "about": "canonical JSON; the texts are in base64 because some are no JSON at all",
        "accept": [base64.b64encode(text.encode()).decode() for text in accept],
        "refuse": [
            *({"name": name, "text": base64.b64encode(text.encode()).decode()} for name, text in refuse.items()),
            {"name": "not_utf8", "text": base64.b64encode(b'"\xff"').decode()},
            {"name": "surrogate_bytes", "text": base64.b64encode(b'"\xed\xa0\x80"').decode()},
            {"name": "overlong", "text": base64.b64encode(b'"\xc0\xaf"').decode()},
        ],
    }


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "one_entry": one_entry,
    "entries": entries,
    "batch": batch,
    "record": record,
    "trees": trees,
    "checkpoints": checkpoints,
    "canonical_json": canonical_json,
}


def files() -> dict[str, bytes]:
    """Return every vector: file name to bytes."""
    return {
        f"{name}.json": (json.dumps(make(), indent=1, sort_keys=True) + "\n").encode("ascii")
        for name, make in FILES.items()
    }


def main(folder: Path) -> None:
    for name, data in files().items():
        (folder / name).write_bytes(data)
        print(name, len(data), sha256(data).hexdigest()[:16])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

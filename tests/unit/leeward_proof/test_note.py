"""Signed notes, and which Ed25519 signatures we accept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from leeward_proof.errors import Unsound
from leeward_proof.note import Checkpoint, VerifierKey, decode_base64, open_note, sign_note, verify_signature

DATA = Path(__file__).parents[2] / "data" / "vectors"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEY = VerifierKey("example.com/log", PUBLIC)


def accepted(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        verify_signature(public, signature, message)
    except Unsound:
        return False
    return True


def test_wycheproof_signatures_are_judged_as_they_should_be() -> None:
    groups = json.loads((DATA / "wycheproof" / "ed25519_test.json").read_text())["testGroups"]

    wrong = [
        test["tcId"]
        for group in groups
        for test in group["tests"]
        if accepted(*(bytes.fromhex(one) for one in (group["publicKey"]["pk"], test["sig"], test["msg"])))
        != (test["result"] == "valid")
    ]

    assert wrong == []
    assert sum(len(group["tests"]) for group in groups) > 100


def test_points_that_libraries_disagree_on_are_refused() -> None:
    doubtful = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}
    cases = json.loads((DATA / "ed25519-edge" / "ed25519vectors.json").read_text())

    passed = [
        case for case in cases if accepted(bytes.fromhex(case["key"]), bytes.fromhex(case["sig"]), case["msg"].encode())
    ]

    assert [case["number"] for case in passed if doubtful & set(case["flags"])] == []
    assert len(cases) > 600


def test_a_note_comes_back_as_it_was_signed() -> None:
    text = "one\ntwo – ü\n"

    note = sign_note(text, KEY, PRIVATE.sign)

    assert open_note(note, KEY) == text
    assert VerifierKey.parse(str(KEY)) == KEY


@pytest.mark.parametrize("text", ["", "no end", "gap\n\nin it\n"])
def test_a_text_that_is_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="a note text"):
        sign_note(text, KEY, PRIVATE.sign)


def test_a_note_without_end_is_not_read() -> None:
    with pytest.raises(Unsound, match="too long"):
        open_note("a" * 1_000_001, KEY)


def test_half_a_character_does_not_pass() -> None:
    with pytest.raises(Unsound):
        open_note("\ud800\n\n— a b\n", KEY)


@pytest.mark.parametrize("text", ["", "+", "a+b", "a+b+c", "a+00000000+AA==", "a b+00000000+" + "A" * 44])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Unsound) as caught:
        VerifierKey.parse(text)

    assert caught.value.layer == "signature"


@pytest.mark.parametrize("text", ["A", "AA", "AA=", "AB==", "AA==\n", " AA==", "A-==", "AA=A", "é"])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


def test_a_checkpoint_keeps_lines_it_does_not_know() -> None:
    head = Checkpoint("example.com/log", 5, bytes(32), ("extension", "another"))

    assert Checkpoint.parse_text(head.text()) == head


@pytest.mark.parametrize(
    "text", ["", "a\n", "a\n1\n", "a\n1\nAA==\n", "\n1\n" + "A" * 43 + "=\n", "a\n-1\n" + "A" * 43 + "=\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Unsound):
        Checkpoint.parse_text(text)

import hashlib
import hmac
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from leeward.core.clock import FixedClock
from leeward.core.errors import OurMistake
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.vault import primitives
from leeward.vault.primitives import KdfProfile, SealBroken, Signer, argon2id, expand, keyed_name, seal, unseal
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.vault import Vault

VECTORS = Path(__file__).parents[2] / "data" / "vectors"


def wycheproof(name: str) -> list[dict[str, Any]]:
    content = json.loads((VECTORS / "wycheproof" / name).read_text(encoding="utf-8"))
    return [case for group in content["testGroups"] for case in group["tests"]]


def argon2_cases() -> list[dict[str, str]]:
    cases: list[dict[str, str]] = []
    for line in (VECTORS / "argon2" / "argon2id.txt").read_text(encoding="utf-8").splitlines():
        name, found, value = line.partition("=")
        if line.startswith("COUNT"):
            cases.append({})
        elif found and cases and not line.startswith("#"):
            cases[-1][name.strip()] = value.strip()
    return cases


SEALED = wycheproof("c2sp_chunked_encryption_aes_256_gcm_test.json")


@pytest.mark.parametrize("case", SEALED, ids=lambda case: str(case["comment"]))
def test_sealing_agrees_with_the_published_vectors(case: dict[str, Any]) -> None:
    key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
    sealed = zlib.decompress(bytes.fromhex(case["ct"]))

    if case["result"] == "valid":
        plain = unseal(key, context, sealed)

        assert len(plain) == case["msgLength"]
        assert hashlib.sha512(plain).hexdigest() == case["msgSha512"]
    else:
        with pytest.raises(SealBroken):
            unseal(key, context, sealed)


def test_the_published_vectors_are_all_there() -> None:
    results = [case["result"] for case in SEALED]

    assert (results.count("valid"), results.count("invalid")) == (6, 14)


def test_what_is_sealed_opens_with_its_key_and_place_alone() -> None:
    key, other = bytes(32), bytes([1] * 32)
    sealed = seal(key, b"place", b"words")

    assert unseal(key, b"place", sealed) == b"words"
    assert seal(key, b"place", b"words") != sealed
    assert len(sealed) == len(b"words") + primitives.SEAL_OVERHEAD + 16
    for wrong in ((other, b"place", sealed), (key, b"elsewhere", sealed), (key, b"place", sealed + b"\0")):
        with pytest.raises(SealBroken):
            unseal(*wrong)


def test_expanding_agrees_with_the_published_vectors() -> None:
    compared = 0
    for case in wycheproof("hkdf_sha512_test.json"):
        if case["result"] != "valid":
            continue
        extracted = hmac.digest(bytes.fromhex(case["salt"]) or bytes(64), bytes.fromhex(case["ikm"]), "sha512")

        found = expand(extracted, bytes.fromhex(case["info"]), case["size"])

        assert found.hex() == case["okm"], case["tcId"]
        compared += 1
    assert compared == 55


def test_expanding_more_than_the_construction_allows_is_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        expand(bytes(64), b"", 255 * 64 + 1)


def test_argon2id_agrees_with_the_published_vectors() -> None:
    compared = 0
    for case in argon2_cases():
        if "secret" in case or not case["pass"]:
            continue  # a vault uses neither a secret, nor associated data, nor an empty passphrase
        profile = KdfProfile(int(case["memcost"]), int(case["iter"]), int(case["lanes"]))

        found = argon2id(bytes.fromhex(case["pass"]), bytes.fromhex(case["salt"]), profile, int(case["length"]))

        assert found.hex() == case["output"]
        compared += 1
    assert compared == 4


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [  # RFC 8032 §7.1, tests 1 to 3
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_signing_agrees_with_the_standard(seed: str, public: str, message: str, signature: str) -> None:
    signer = Signer(bytes.fromhex(seed))

    assert signer.public.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature


def test_a_name_depends_on_key_and_label_and_has_64_digits() -> None:
    names = {keyed_name(bytes([key] * 32), label) for key in (1, 2) for label in (b"a", b"b")}

    assert len(names) == 4
    assert all(len(name) == 64 and set(name) <= set("0123456789abcdef") for name in names)


@pytest.mark.parametrize("broken", ["expand", "argon2id", "Signer", "unseal", "sha256"])
def test_one_wrong_answer_of_the_encryption_stops_everything(
    broken: str, monkeypatch: pytest.MonkeyPatch, clock: FixedClock, chance: RandomBytes, passphrase: Passphrase
) -> None:
    monkeypatch.setattr(primitives, "_TESTED", [])
    right = getattr(primitives, broken)

    class Wrong:
        """Answers like the right one, with the first bit changed."""

        def __init__(self, *arguments: object) -> None:
            self._answer = right(*arguments)

        def _change(self, answer: bytes) -> bytes:
            return bytes([answer[0] ^ 1]) + answer[1:]

        def hex(self) -> str:
            return self._change(self._answer).hex()

        def hexdigest(self) -> str:
            return self._change(self._answer.digest()).hex()

        def sign(self, message: bytes) -> bytes:
            return self._change(self._answer.sign(message))

    monkeypatch.setattr(primitives, broken, Wrong)
    storage = MemoryStorage()

    with pytest.raises(OurMistake, match="self-check") as refused:
        Vault.create(storage, passphrase, clock=clock, random=chance, kdf=1)

    assert "Nothing was opened" in refused.value.sentence()
    assert not list(storage.names())
    assert storage.cell("header") is None
    with pytest.raises(OurMistake, match="self-check"):
        Vault.unlock(storage, passphrase, clock=clock, random=chance)


def test_encryption_that_opens_everything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "_TESTED", [])
    monkeypatch.setattr(primitives, "unseal", lambda key, context, sealed: b"known answer")

    with pytest.raises(OurMistake, match="refusing a wrong key"):
        primitives.self_test()


def test_the_self_check_passes_and_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "_TESTED", [])
    asked: list[str] = []
    answers = list(primitives._known_answers())

    def known() -> list[object]:
        asked.append("once")
        return [*answers]

    monkeypatch.setattr(primitives, "_known_answers", known)

    primitives.self_test()
    primitives.self_test()

    assert asked == ["once"]


def test_the_cost_of_a_passphrase_is_never_below_the_floor() -> None:
    code = "from leeward.vault.primitives import KDF_PROFILES as p; print([tuple(p[n]) for n in sorted(p)])"

    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert found.strip() == str([(64 * 1024 * 2**step, 3, 4) for step in range(5)])

"""The vault's code reads what was written from its format page by another program (vectors/vault)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leeward.core.clock import FixedClock
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.vault.header import open_header
from leeward.vault.keys import KeyRing
from leeward.vault.log import Entry
from leeward.vault.primitives import KDF_PROFILES, KdfProfile
from leeward.vault.seal import Place, padded_size, padme
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.vault import Vault

VECTORS = Path(__file__).parents[3] / "vectors" / "vault"


def vector(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return content


@pytest.fixture
def ring() -> KeyRing:
    known = vector("names.json")
    return KeyRing(bytes.fromhex(known["compartment"]), bytes.fromhex(known["root"]))


def test_the_vectors_are_what_their_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, VECTORS / "generate.py", tmp_path], check=True)

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert written == {path.name: path.read_bytes() for path in VECTORS.glob("*.json")}
    assert len(written) == 5


def test_the_generator_does_not_use_the_code_it_is_compared_with() -> None:
    assert "leeward" not in (VECTORS / "generate.py").read_text(encoding="utf-8").replace("leeward/v1", "").replace(
        "nothing of Leeward", ""
    )


def test_paddings_are_those_of_the_vectors() -> None:
    known = vector("padding.json")

    assert all(padme(length) == size for length, size in known["padme"])
    assert all(padded_size(length) == size for length, size in known["buckets"])
    assert len(known["padme"]) > 150


def test_names_and_contexts_are_those_of_the_vectors(ring: KeyRing) -> None:
    for known in vector("names.json")["places"]:
        place = Place(*known["place"])

        assert ring.sealer.name(place) == known["name"]
        assert ring.sealer._context(place).decode() == known["context"]


def test_a_header_with_the_first_profile_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KDF_PROFILES, 1, KdfProfile(64 * 1024, 3, 4))
    known = vector("header.json")

    opened = open_header(bytes.fromhex(known["header"]), Passphrase.from_text(known["passphrase"]))

    assert (opened.slot, opened.compartment.hex(), opened.root.hex()) == (
        known["slot"],
        known["compartment"],
        known["root"],
    )


def test_an_entry_and_its_page_of_keys_open(ring: KeyRing) -> None:
    known = vector("entry.json")
    epoch = ring.epoch(known["epoch"], bytes.fromhex(known["epoch_key"]))

    page = ring.sealer.open(epoch, Place("keys", 0, 3), bytes.fromhex(known["page_sealed"]))
    key = page[32 * known["number"] : 32 * known["number"] + 32]
    plain = ring.sealer.open(key, Place("entry", known["number"]), bytes.fromhex(known["sealed"]))

    assert (len(page), key.hex()) == (8192, known["key"])
    assert (plain[:32].hex(), plain[32:64].hex()) == (known["seed"], known["file_key"])
    assert json.loads(plain[64:]) == known["fields"]


def test_a_whole_vault_put_together_from_the_vectors_opens(
    clock: FixedClock, chance: RandomBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KDF_PROFILES, 1, KdfProfile(64 * 1024, 3, 4))
    header, head, entry = vector("header.json"), vector("head.json"), vector("entry.json")
    ring = KeyRing(bytes.fromhex(header["compartment"]), bytes.fromhex(header["root"]))
    secrets = json.dumps({"ed25519": "01" * 32, "origin": "0" * 32 + ".vault.invalid"}).encode()
    storage = MemoryStorage()
    storage.objects = {
        entry["name"]: bytes.fromhex(entry["sealed"]),
        entry["page_name"]: bytes.fromhex(entry["page_sealed"]),
        ring.sealer.name(Place("secrets")): ring.sealer.close(ring.secrets, Place("secrets"), secrets),
    }
    storage.cells = {
        "header": bytes.fromhex(header["header"]),
        "spare": bytes.fromhex(header["header"]),
        "head": bytes.fromhex(head["sealed"]),
    }

    vault = Vault.unlock(storage, Passphrase.from_text(header["passphrase"]), clock=clock, random=chance)

    found = list(vault.entries())
    assert found == [
        Entry(5, entry["fields"], bytes.fromhex(entry["seed"]), bytes.fromhex(entry["file_key"])),
    ]
    assert [problem.where for problem in vault.check()] == ["entry 5"]  # its commitment is not the one in that head

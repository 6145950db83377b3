"""The stored vectors: made anew they are the same, and each does what its manifest says."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from leeward_proof import commit
from leeward_proof.errors import LAYERS, NotABundle, Unsound
from leeward_proof.note import Checkpoint, VerifierKey, open_note
from leeward_proof.tree import leaf_hash, root, root_from_known, verify_consistency, verify_inclusion
from leeward_proof.verify import check

VECTORS = Path(__file__).parents[3] / "vectors"
BUNDLES = json.loads((VECTORS / "bundle" / "manifest.json").read_text(encoding="utf-8"))["cases"]


def generator(kind: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generate_{kind}", VECTORS / kind / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except (Unsound, ValueError):
        return True
    return False


def stored(name: str) -> Any:
    return json.loads((VECTORS / "log" / f"{name}.json").read_text())


@pytest.mark.parametrize("case", BUNDLES, ids=[case["file"].removesuffix(".zip") for case in BUNDLES])
def test_a_bundle_vector_does_what_its_manifest_says(case: dict[str, str]) -> None:
    path = VECTORS / "bundle" / case["file"]

    if case["expect"] == "not a bundle":
        with pytest.raises(NotABundle):
            check(path)
        return
    report = check(path)

    assert report.sound == (case["expect"] == "sound")
    assert [problem.layer for problem in report.problems][:1] == ([case["layer"]] if "layer" in case else [])
    assert report.not_proven


def test_bundle_vectors_made_anew_are_the_stored_ones() -> None:
    made = generator("bundle").cases()

    names = {path.stem for path in (VECTORS / "bundle").glob("*.zip")}
    assert names == made.keys() == {case["file"].removesuffix(".zip") for case in BUNDLES}
    for name, (data, expect) in made.items():
        assert (VECTORS / "bundle" / f"{name}.zip").read_bytes() == data, name
        assert {"file": f"{name}.zip", **expect} in BUNDLES


def test_log_vectors_made_anew_are_the_stored_ones() -> None:
    made = generator("log").files()

    assert {path.name for path in (VECTORS / "log").glob("*.json")} == made.keys()
    for name, data in made.items():
        assert (VECTORS / "log" / name).read_bytes() == data, name


def test_every_layer_has_a_flaw_that_only_it_finds() -> None:
    found = {case.get("layer") for case in BUNDLES}

    assert set(LAYERS) <= found


def test_the_worked_example_is_the_one_in_the_document() -> None:
    case = stored("one_entry")

    assert case["seed"] == bytes(range(32)).hex()
    assert case["fields"] == {"id": "0000000000000001", "kind": "incident", "text": "Example", "v": 1}
    assert leaf_hash(bytes.fromhex(case["commitment"])).hex() == case["leaf"]


@pytest.mark.parametrize("case", stored("trees")["cases"], ids=lambda case: f"size_{case['size']}")
def test_a_tree_vector_is_proved_in_every_way(case: dict[str, Any]) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(case["size"])]
    whole = bytes.fromhex(case["root"])
    roots = {other["size"]: bytes.fromhex(other["root"]) for other in stored("trees")["cases"]}

    assert root(leaves) == whole
    for index, proof in case["inclusion"].items():
        verify_inclusion(leaves[int(index)], int(index), case["size"], [bytes.fromhex(n) for n in proof], whole)
    for old, proof in case["consistency"].items():
        verify_consistency(int(old), case["size"], roots[int(old)], whole, [bytes.fromhex(n) for n in proof])
    for one in case["helpers"]:
        known = {place: leaves[place] for place in one["known"]}
        helpers = [bytes.fromhex(n) for n in one["helpers"]]
        assert root_from_known(case["size"], known, helpers, layer="top tree") == whole


def _open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    return Checkpoint.parse_text(open_note(note, key))


def test_checkpoint_vectors_open_or_are_refused() -> None:
    vector = stored("checkpoints")
    key = VerifierKey.parse(vector["key"])

    for case in vector["accept"]:
        assert Checkpoint.parse_text(open_note(case["note"], key)).origin == key.name
    for case in vector["refuse"]:
        assert refused(partial(_open_checkpoint, case["note"], key)), case["name"]
    for case in vector["keys_refuse"]:
        assert refused(partial(VerifierKey.parse, case["key"])), case["name"]


def test_canonical_json_vectors_are_read_or_refused() -> None:
    vector = stored("canonical_json")

    for text in vector["accept"]:
        data = base64.b64decode(text)
        assert commit.canonical(commit.read_canonical(data)) == data
    for case in vector["refuse"]:
        assert refused(partial(commit.read_canonical, base64.b64decode(case["text"]))), case["name"]


def test_a_bundle_may_come_as_an_open_file() -> None:
    data = (VECTORS / "bundle" / "sound_one_entry.zip").read_bytes()

    report = check(io.BytesIO(data))

    assert report.sound

"""Trees: public vectors of RFC 6962, a real tiled log, and every shape of a small tree."""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from leeward_proof.errors import Unsound
from leeward_proof.note import Checkpoint, VerifierKey, open_note
from leeward_proof.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    helpers_for,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    root_from_known,
    verify_consistency,
    verify_inclusion,
)

DATA = Path(__file__).parents[2] / "data" / "vectors"
TLOG = DATA / "tlog-tiles"
LOG_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
LEAVES = [leaf_hash(bytes([n])) for n in range(70)]


def cases(kind: str) -> list[Any]:
    paths = sorted((DATA / "merkle-rfc6962" / kind).rglob("*.json"))
    return [pytest.param(path, id="/".join(path.parts[-2:]).removesuffix(".json")) for path in paths]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.parametrize("path", cases("inclusion"))
def test_inclusion_agrees_with_the_public_vectors(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [decoded(one) for one in case["proof"] or []]

    def verify() -> None:
        verify_inclusion(
            decoded(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, decoded(case["root"]), layer="batch"
        )

    if case["wantErr"]:
        with pytest.raises(Unsound) as caught:
            verify()
        assert caught.value.layer == "batch"
    else:
        verify()


@pytest.mark.parametrize("path", cases("consistency"))
def test_consistency_agrees_with_the_public_vectors(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [decoded(one) for one in case["proof"] or []]

    def verify() -> None:
        verify_consistency(case["size1"], case["size2"], decoded(case["root1"]), decoded(case["root2"]), proof)

    if case["wantErr"]:
        with pytest.raises(Unsound):
            verify()
    else:
        verify()


def test_the_public_vectors_are_there() -> None:
    assert len(list(cases("inclusion"))) > 40
    assert len(list(cases("consistency"))) > 40


def heads() -> dict[int, bytes]:
    key = VerifierKey.parse(LOG_KEY)
    found = {}
    for path in sorted(TLOG.glob("checkpoint*")):
        head = Checkpoint.parse_text(open_note(path.read_text(encoding="utf-8"), key))
        found[head.size] = head.root
    return found


def test_every_head_of_a_real_log_follows_from_its_tiles() -> None:
    found = heads()

    for size, stated in found.items():
        tile = (TLOG / "tile" / "0" / "000.p" / str(size)).read_bytes() if size else b""
        leaves = [tile[i : i + 32] for i in range(0, len(tile), 32)]
        assert len(leaves) == size
        assert root(leaves) == stated
    assert {0, 1, 2, 15} <= found.keys()


def test_the_tiles_of_a_real_log_follow_from_its_entries() -> None:
    bundle = (TLOG / "tile" / "entries" / "000.p" / "15").read_bytes()
    tile = (TLOG / "tile" / "0" / "000.p" / "15").read_bytes()

    leaves = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        leaves.append(leaf_hash(bundle[2 : 2 + length]))
        bundle = bundle[2 + length :]

    assert b"".join(leaves) == tile


def test_every_two_heads_of_a_real_log_are_consistent() -> None:
    found = heads()
    tile = (TLOG / "tile" / "0" / "000.p" / "15").read_bytes()
    leaves = [tile[i : i + 32] for i in range(0, len(tile), 32)]

    for old, new in itertools.combinations(sorted(size for size in found if size), 2):
        proof = consistency_proof(leaves[:new], old)
        verify_consistency(old, new, found[old], found[new], proof)
        with pytest.raises(Unsound):
            verify_consistency(old, new, found[new], found[old], proof)
    with pytest.raises(Unsound):
        verify_consistency(0, 15, found[0], found[15], [])


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_a_small_tree_is_proved_and_no_other_place_is(size: int) -> None:
    leaves = LEAVES[:size]
    whole = root(leaves)

    for index in range(size):
        proof = inclusion_path(leaves, index)
        verify_inclusion(leaves[index], index, size, proof, whole)
        for other in range(size + 1):
            if other != index:
                with pytest.raises(Unsound):
                    verify_inclusion(leaves[index], other, size, proof, whole)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_prefix_of_a_small_tree_is_consistent(size: int) -> None:
    leaves = LEAVES[:size]

    for old in range(1, size + 1):
        proof = consistency_proof(leaves, old)
        verify_consistency(old, size, root(leaves[:old]), root(leaves), proof)
        if proof:
            with pytest.raises(Unsound):
                verify_consistency(old, size, root(leaves[:old]), root(leaves), proof[:-1])
        with pytest.raises(Unsound):
            verify_consistency(old, size, root(leaves[:old]), root(leaves), [*proof, LEAVES[0]])


def test_the_frontier_gives_the_root_after_every_leaf() -> None:
    frontier = Frontier()

    assert frontier.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, 1):
        frontier.append(leaf)
        assert frontier.root() == root(LEAVES[:size])
        assert Frontier(frontier.size, frontier.nodes).root() == frontier.root()


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="fit its size"):
        Frontier(3, [bytes(32)])
    with pytest.raises(ValueError, match="fit its size"):
        Frontier(1, [bytes(31)])


@pytest.mark.parametrize("size", range(1, 9))
def test_every_choice_of_leaves_of_a_small_tree_has_its_helpers(size: int) -> None:
    leaves = LEAVES[:size]

    for count in range(1, size + 1):
        for known in itertools.combinations(range(size), count):
            helpers = helpers_for(leaves, known)
            shown = {place: leaves[place] for place in known}
            assert root_from_known(size, shown, helpers, layer="batch") == root(leaves)
            with pytest.raises(Unsound, match="too long"):
                root_from_known(size, shown, [*helpers, LEAVES[0]], layer="batch")
            if helpers:
                with pytest.raises(Unsound, match="too short"):
                    root_from_known(size, shown, helpers[:-1], layer="batch")


def test_helpers_of_one_leaf_are_its_audit_path_in_another_order() -> None:
    for index in range(64):
        assert sorted(helpers_for(LEAVES[:64], [index])) == sorted(inclusion_path(LEAVES[:64], index))


@pytest.mark.parametrize("known", [{}, {64: bytes(32)}, {-1: bytes(32)}])
def test_nothing_known_and_places_outside_are_refused(known: dict[int, bytes]) -> None:
    with pytest.raises(Unsound) as caught:
        root_from_known(64, known, [], layer="segment")

    assert caught.value.layer == "segment"


def test_helpers_of_nothing_or_of_places_outside_cannot_be_asked_for() -> None:
    for known in ([], [-1], [3]):
        with pytest.raises(IndexError):
            helpers_for(LEAVES[:3], known)
    with pytest.raises(IndexError):
        inclusion_path(LEAVES[:3], 3)
    with pytest.raises(IndexError):
        consistency_proof(LEAVES[:3], 4)


def test_a_leaf_is_never_a_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])

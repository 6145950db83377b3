"""Whatever is put into a bundle comes out again; whatever is changed inside is refused, and nothing breaks."""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.export.bundle import Item, compose
from leeward_proof.commit import canonical, read_canonical
from leeward_proof.container import container_chunks, part_of
from leeward_proof.errors import NotABundle
from leeward_proof.transcript import columns, visible, wrap
from leeward_proof.tree import helpers_for, leaf_hash, root, root_from_known
from leeward_proof.verify import check, read_bundle
from leeward_proof.words import ties


def _load(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "vectors" / name
    spec = importlib.util.spec_from_file_location(f"made_up_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"made_up_{path.stem}"] = module
    spec.loader.exec_module(module)
    return module


made_up = _load("world.py")
vectors = _load("bundle/generate.py")
text = st.text(st.characters(codec="utf-8"), max_size=300)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=20,
)


@given(json_values)
def test_canonical_json_comes_back(value: Any) -> None:
    data = canonical(value)

    assert read_canonical(data) == value
    assert canonical(read_canonical(data)) == data


@given(
    st.integers(1, 300).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), min_size=1)))
)
def test_helpers_give_the_root_for_any_leaves_of_any_tree(case: tuple[int, set[int]]) -> None:
    size, known = case
    leaves = [leaf_hash(n.to_bytes(2, "big")) for n in range(size)]

    helpers = helpers_for(leaves, known)

    assert root_from_known(size, {n: leaves[n] for n in known}, helpers, layer="batch") == root(leaves)
    changed = {n: leaves[n] for n in known} | {min(known): bytes(32)}
    assert root_from_known(size, changed, helpers, layer="batch") != root(leaves)


@given(text, st.integers(10, 100))
def test_wrapped_lines_fit_and_join_again(line: str, width: int) -> None:
    shown = visible(line)

    pieces = wrap(shown, width)

    assert "".join(pieces) == shown
    assert all(columns(piece) <= width for piece in pieces)


@given(st.binary(max_size=200), text, text.filter(bool))
def test_nothing_makes_the_tying_of_words_break(raw: bytes, sender: str, words: str) -> None:
    for rule in ("line", "xml", "json", "other"):
        if ties(rule, raw, sender, words):
            assert rule != "other"


@settings(max_examples=60)
@given(
    notes=st.lists(st.tuples(text, st.lists(text, max_size=2)), max_size=3),
    lines=st.lists(st.tuples(st.binary(max_size=100), text, text, text), min_size=1, max_size=8),
    data=st.data(),
)
def test_any_words_and_bytes_make_a_sound_bundle_that_shows_them(notes: Any, lines: Any, data: st.DataObject) -> None:
    world = made_up.World()
    entries = [world.incident(f"{n}", words, more=marks) for n, (words, marks) in enumerate(notes)]
    records = [(raw, b"\x000\x000", sender.encode(), time.encode(), b"[]") for raw, sender, time, _ in lines]
    archive = world.archive("any", records)
    chosen = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, unique=True))
    opened = [world.archives[archive].opening(n) for n in chosen]
    items = [Item(kind="message", person=lines[n][1], text=lines[n][3], record=(0, i)) for i, n in enumerate(chosen)]
    items += [Item(kind="incident", text=notes[n][0], marks=notes[n][1], entries=[n]) for n in range(len(entries))]
    contents = world.contents(items, [(entry, ("text", "more")) for entry in entries], [(archive, opened)])

    whole = b"".join(compose(contents, world.sign, pdf=False).chunks())

    report, bundle = read_bundle(io.BytesIO(whole))
    assert report.problems == ()
    assert bundle is not None
    assert [item.text for item in bundle.items] == [item.text for item in items]
    assert [bundle.records[item.record].raw for item in bundle.items if item.record >= 0] == [
        lines[n][0] for n in chosen
    ]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += _paths(value[key], (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += _paths(inner, (*path, number))
    return found


FLAWS = vectors.Flaws()
DESCRIPTION = json.loads(FLAWS.members["proof/bundle.json"])
PATHS = _paths(DESCRIPTION)


@settings(max_examples=300)
@given(st.sampled_from(PATHS[1:]), json_values)
def test_any_value_put_anywhere_into_the_description_is_refused_and_nothing_breaks(path: Any, value: Any) -> None:
    changed = copy.deepcopy(DESCRIPTION)
    place = changed
    for step in path[:-1]:
        place = place[step]
    same = canonical(place[path[-1]]) == canonical(value)
    place[path[-1]] = value
    parts = vectors.seal({**FLAWS.members, "proof/bundle.json": canonical(changed)}, FLAWS.world)

    try:
        report = check(io.BytesIO(vectors.zipped(parts)))
    except NotABundle:
        assert path == ("format",)
        return

    assert report.sound == same


@settings(max_examples=200)
@given(st.sampled_from(sorted(FLAWS.members)), st.binary(max_size=400))
def test_any_bytes_as_a_member_are_refused_and_nothing_breaks(name: str, content: bytes) -> None:
    parts = {**FLAWS.members, name: content}
    if not name.startswith("SHA256SUMS"):
        parts = vectors.seal(parts, FLAWS.world)

    report = check(io.BytesIO(b"".join(container_chunks([part_of(*one) for one in parts.items()]))))

    # What the README says is signed but not judged; the document says so.
    assert report.sound == (name == "README.txt")


def test_the_parts_used_above_make_a_sound_bundle() -> None:
    with zipfile.ZipFile(io.BytesIO(FLAWS.zip)) as file:
        assert file.testzip() is None
    assert check(io.BytesIO(FLAWS.zip)).sound

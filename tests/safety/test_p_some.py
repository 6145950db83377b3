"""P-SOME: what is shown says nothing about what is not shown, beyond docs/formats/bundle.md §2."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.export.bundle import compose
from leeward_proof import commit

PLANTED = "the blue door sticks when it rains"
OPENS = ("kind", "text", "when", "written")


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "vectors" / "world.py"
    spec = importlib.util.spec_from_file_location("made_up_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made_up_world"] = module
    spec.loader.exec_module(module)
    return module


made_up = _load()

words = st.text(st.characters(codec="utf-8"), max_size=200)
hidden_entries = st.lists(
    st.tuples(st.sampled_from(["incident", "note", "plan", "archive"]), st.dictionaries(
        st.from_regex(r"x[a-z0-9_]{0,20}", fullmatch=True), words, max_size=12
    )),
    max_size=20,
)  # fmt: skip
hidden_lines = st.lists(st.tuples(st.sampled_from(["Bea", "Carl", "Somebody else"]), words), max_size=31)


def bundle_among(before: Any, after: Any, lines_before: Any, lines_after: Any) -> dict[str, bytes]:
    """Make the same disclosure out of a vault that holds these other things."""
    world = made_up.World()

    def hide(entries: Any) -> None:
        for n, (kind, fields) in enumerate(entries):
            world.add(f"hidden {len(world.entries)} {n}", kind=kind, **fields)

    hide(before)
    shown = world.incident("shown", "Shown.")
    hide(after)
    world.end_batch()
    hide(before[:3])
    shown_line = made_up.line(7, "Bea", "Shown too", offset=1000)
    records = [made_up.line(n, who, text.replace("\n", " ")) for n, (who, text) in enumerate(lines_before)]
    place = len(records)
    records += [shown_line]
    records += [made_up.line(n, who, text.replace("\n", " ")) for n, (who, text) in enumerate(lines_after)]
    archive = world.archive("chat", records, original=b"the same file")
    world.end_batch()
    world.incident("last", "The number of batches is stated, so it is the same in each of these vaults.")
    hide(after[:3])
    opened = world.archives[archive].opening(place)
    contents = world.contents(
        [made_up.note(0, "Shown."), made_up.message((0, 0), shown_line)], [(shown, OPENS)], [(archive, [opened])]
    )
    return {part.name: b"".join(part.read()) for part in compose(contents, world.sign, pdf=False).parts}


def shape(value: Any, name: str = "") -> Any:
    """Return *value* without what is random: digests by their length, positions as such."""
    if isinstance(value, dict):
        return {key: shape(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        if name == "open" and len(value) and isinstance(value[0], list):
            return sorted(["position", *field[1:]] for field in value)
        return [shape(inner, name) for inner in value]
    if name in ("blind", "helpers", "root", "roots", "top", "check"):
        return len(value)
    return "position" if name == "at" and isinstance(value, int) else value


@settings(max_examples=25)
@given(*([hidden_entries] * 4), *([hidden_lines] * 4))
def test_two_vaults_that_differ_in_hidden_things_give_bundles_of_one_shape(
    before: Any,
    after: Any,
    other_before: Any,
    other_after: Any,
    lines: Any,
    more: Any,
    other_lines: Any,
    other_more: Any,
) -> None:
    one = bundle_among(before, after, lines, more)

    other = bundle_among(other_before, other_after, other_lines, other_more)

    first, second = (json.loads(parts["proof/bundle.json"]) for parts in (one, other))
    for value in (first, second):  # the roots that the reading committed to differ, by design
        for entry in (entry for batch in value["batches"] for entry in batch["entries"]):
            entry["open"] = [[at, name, _rootless(name, inner)] for at, name, inner in entry["open"]]
    assert shape(first) == shape(second)
    for name in ("README.txt", "proof/checkpoint", "SHA256SUMS", "SHA256SUMS.sig"):
        assert len(one[name]) == len(other[name])
    assert one["custody.txt"].count(b"\n") == other["custody.txt"].count(b"\n")
    assert len(one["transcript.txt"]) == len(other["transcript.txt"])


def _rootless(name: str, value: Any) -> Any:
    return {**value, "root": len(value["root"])} if name == "records" else value


def test_the_shape_would_show_another_size_class() -> None:
    small = bundle_among([], [], [], [])

    large = bundle_among([], [], [("Bea", f"{n}") for n in range(100)], [])

    first, second = (json.loads(parts["proof/bundle.json"]) for parts in (small, large))
    assert shape(first) != shape(second)


def test_no_hidden_word_is_anywhere_in_a_bundle() -> None:
    hidden = [("incident", {"text": PLANTED, "place": PLANTED}), ("plan", {"step": PLANTED})]

    parts = bundle_among(hidden, hidden, [("Bea", PLANTED)], [(PLANTED, "x")])

    whole = b"\n".join(parts.values())
    plain = PLANTED.encode()
    needles = [plain, plain.hex().encode(), *(base64.b64encode(bytes(n) + plain)[8:-8] for n in range(3))]
    assert len(parts) == 7
    for needle in needles:
        assert needle not in whole


def test_no_seed_and_no_blind_of_hidden_things_is_anywhere_in_a_bundle() -> None:
    world = made_up.World()
    shown = world.incident("shown", "Shown.")
    hidden = world.incident("hidden", "Hidden.")
    archive = world.archive("chat", [made_up.line(n, "Bea", f"m {n}") for n in range(5)])
    opened = world.archives[archive].opening(2)
    items = [made_up.note(0, "Shown."), made_up.message((0, 0), made_up.line(2, "Bea", "m 2"))]
    contents = world.contents(items, [(shown, ("text",))], [(archive, [opened])])

    parts = {part.name: b"".join(part.read()) for part in compose(contents, world.sign, pdf=False).parts}

    value = json.loads(parts["proof/bundle.json"])
    raw = b"".join(base64.b64decode(text) for text in _strings(value) if _is_base64(text))
    blind = commit.entry_blind(world.seeds[hidden])
    stream = commit.record_keystream(world.archives[archive].seed, 0)(commit.RECORD_BLIND * 5)
    own = commit.entry_blind(world.seeds[shown])
    places = own.places(world.entries[shown])
    closed = [own.salts[place] for name, place in places.items() if name != "text"]
    others = [stream[n * 288 + at : n * 288 + at + 32] for n in (0, 1, 3, 4) for at in range(0, 288, 32)]
    place_salt = stream[2 * 288 + 64 : 2 * 288 + 96]
    media_salt = stream[2 * 288 + 160 : 2 * 288 + 192]
    for secret in [
        *world.seeds,
        world.archives[archive].seed,
        blind.r,
        *blind.salts,
        *closed,
        *others,
        place_salt,
        media_salt,
    ]:
        assert secret not in raw
    assert own.salts[places["text"]] in raw


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", ["field", "entry", "record"])
def test_a_position_says_nothing_about_order(kind: str) -> None:
    places = 16 if kind == "field" else 64
    counts: Counter[int] = Counter()
    rounds = 100 * places

    for n in range(rounds):
        seed = n.to_bytes(32, "big")
        if kind == "field":
            order = [place - 16 for place in commit.entry_blind(seed).others]
        elif kind == "entry":
            order = [0] * places
            for item, position in enumerate(commit.lay_out_batch(seed, [bytes(32)] * places).positions):
                order[position] = item
        else:
            order = commit.segment_order(seed, 0, places)
        counts[order.index(0)] += 1

    # Chi-square of a fair draw has mean places-1 and variance 2(places-1); the seeds are fixed, so this never flickers.
    expected = rounds / places
    chi = sum((counts[place] - expected) ** 2 / expected for place in range(places))
    assert chi < places - 1 + 4 * (2 * (places - 1)) ** 0.5


def test_the_place_of_a_message_in_its_file_stays_closed() -> None:
    parts = bundle_among([], [], [("Bea", "x")] * 5, [])

    assert b'"place"' not in parts["proof/bundle.json"]
    assert b"\\u00001000" not in parts["proof/bundle.json"]

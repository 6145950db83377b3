"""Whatever is written to a vault is read back: files in any portions, fields of any shape, rows in any blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.safety.vault_world import CHEAP, file_info, passphrase, predictable

from leeward.core.clock import FixedClock
from leeward.core.units import MiB, Milliseconds
from leeward.vault.kinds import ARCHIVE, READING, SETTING
from leeward.vault.log import Entry
from leeward.vault.primitives import KDF_PROFILES, expand
from leeward.vault.readings import SourceFacts, record_leaves
from leeward.vault.seal import Place, Sealer, padme
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.vault import Vault
from leeward_proof import commit as commitments
from leeward_proof.tree import leaf_hash, root

CLOCK = FixedClock(Milliseconds(1_772_366_400_000))
SIZES = [0, 1, 15, MiB - 1, MiB, MiB + 1, 2 * MiB, 9 * MiB + 5, 20 * MiB + 3]


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, database=None)


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setitem(KDF_PROFILES, 1, CHEAP)

    yield

    patch.undo()


def new_vault() -> tuple[Vault, MemoryStorage]:
    storage = MemoryStorage()
    return Vault.create(storage, passphrase(), clock=CLOCK, random=predictable(b"round"), kdf=1), storage


def content_of(size: int) -> bytes:
    return hashlib.shake_128(str(size).encode()).digest(size)


def keep(vault: Vault, content: bytes, cuts: list[int]) -> Entry:
    blob, key, writer = vault.begin_file()
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for start, end in pairwise(edges):
        writer.write(content[start:end])
    info = writer.finish()
    return vault.append(ARCHIVE, {"file": info._asdict()}, file_key=key, owns=[("blob", blob)])


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_back(size: int) -> None:
    vault, storage = new_vault()
    content = content_of(size)

    entry = keep(vault, content, [size // 3, size // 2])

    again = Vault.unlock(storage.reopened(), passphrase(), clock=CLOCK, random=predictable(b"again"))
    found = next(again.entries())
    info = file_info(found)
    assert found == entry
    assert b"".join(again.file(found, info).stream()) == content
    assert (info.size, info.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert again.check() == []
    sealed = sum(len(data) for data in storage.objects.values())
    assert sealed < padme(size) * 1.01 + 60_000


@examples(60)
@given(
    size=st.sampled_from([0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB + 77]) | st.integers(0, 3 * MiB),
    cuts=st.lists(st.integers(0, 3 * MiB), max_size=8),
    reads=st.lists(st.tuples(st.integers(0, 3 * MiB + 10), st.integers(0, 2 * MiB)), max_size=6),
)
def test_a_file_written_in_any_portions_is_read_at_any_place(
    size: int, cuts: list[int], reads: list[tuple[int, int]]
) -> None:
    vault, _ = new_vault()
    content = content_of(size)

    entry = keep(vault, content, cuts)

    reader = vault.file(entry, file_info(entry), "a name")
    assert (reader.size, reader.name) == (size, "a name")
    for offset, length in reads:
        assert reader.read_at(offset, length) == content[offset : offset + length]
    assert b"".join(reader.stream()) == content


@examples(40)
@given(sizes=st.lists(st.integers(0, 3 * MiB), min_size=2, max_size=2, unique=True))
def test_files_show_only_their_padded_size(sizes: list[int]) -> None:
    shown = []
    for size in sizes:
        vault, storage = new_vault()
        before = len(storage.objects)
        keep(vault, content_of(size), [])
        pieces = sorted(len(data) for data in storage.objects.values())[before:]
        shown.append((len(storage.objects), sum(pieces)))

    assert (shown[0] == shown[1]) or padme(sizes[0]) != padme(sizes[1])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: name not in {"id", "kind", "v", "written", "name", "value"}
)


@examples(80)
@given(unknown=st.dictionaries(names, json_values, max_size=10), value=st.text(max_size=2000))
def test_fields_of_any_shape_survive_and_keep_their_commitment(unknown: dict[str, Any], value: str) -> None:
    vault, storage = new_vault()
    try:
        entry = vault.append(SETTING, {"name": "x", "value": value}, unknown=unknown)
    except ValueError:
        assert any("\ud800" <= letter <= "\udfff" for letter in value)
        return

    again = Vault.unlock(storage.reopened(), passphrase(), clock=CLOCK, random=predictable(b"again"))

    found = next(again.entries())
    assert found == entry
    assert {name: found.fields[name] for name in unknown} == unknown
    assert found.commitment() == entry.commitment()
    assert again.check() == []


facts = st.tuples(*[st.binary(max_size=60)] * 6)


@examples(60)
@given(stream_seed=st.binary(min_size=32, max_size=32), found=st.lists(facts, max_size=12))
def test_leaves_are_what_the_commitments_say(stream_seed: bytes, found: list[SourceFacts]) -> None:
    stream = commitments.record_keystream(stream_seed, 0)(commitments.RECORD_BLIND * len(found))

    leaves = record_leaves(stream, found)

    for number, values in enumerate(found):
        blind = commitments.record_keystream(stream_seed, number)(commitments.RECORD_BLIND)
        commitment = commitments.record_commitment(blind[:32], commitments.record_digests(blind, values))
        assert leaves[number] == leaf_hash(commitment)
    assert len(leaves) == len(found)


@examples(30)
@given(blocks=st.lists(st.tuples(st.lists(facts, min_size=1, max_size=30), st.binary(max_size=500)), max_size=8))
def test_a_reading_comes_back_block_by_block(blocks: list[tuple[list[SourceFacts], bytes]]) -> None:
    vault, storage = new_vault()
    identity, key, writer = vault.begin_reading()
    for found, kept in blocks:
        writer.add(found, kept)
    info = writer.finish()

    fields = {"archive": "0" * 16, "records": info.field(), "index": info.rows_index()}
    vault.append(READING, fields, identity=identity, file_key=key, owns=[("reading", identity)])

    again = Vault.unlock(storage.reopened(), passphrase(), clock=CLOCK, random=predictable(b"again"))
    reading = again.reading(next(again.entries()))

    everything = [each for found, _ in blocks for each in found]
    assert list(reading.blocks()) == [kept for _, kept in blocks]
    assert reading.info == info
    assert info.records == len(everything)
    for number in range(len(everything)):
        block, within = reading.find(number)
        assert blocks[block][0][within] == everything[number]
        assert reading.first_of(block) + within == number
    assert reading.seed == expand(key, b"leeward/v1/seed")
    leaves = reading.segment(0)
    for number, position in enumerate(reading.positions(0)[: len(everything)]):
        blind = reading.blind(number)
        commitment = commitments.record_commitment(blind[:32], commitments.record_digests(blind, everything[number]))
        assert leaves[position] == leaf_hash(commitment)
    assert root([leaf_hash(each) for each in reading.segment_roots()]) == info.root
    assert again.check() == []


@pytest.mark.parametrize("count", [64, 65, 65_535, 65_536, 65_537, 131_072])
def test_segments_of_every_size_fit_their_root(count: int) -> None:
    vault, _ = new_vault()
    identity, key, writer = vault.begin_reading()
    found: list[SourceFacts] = [(b"%d" % number, b"", b"", b"", b"[]", b"") for number in range(count)]
    for start in range(0, count, 10_000):
        writer.add(found[start : start + 10_000], b"rows")
    info = writer.finish()

    fields = {"archive": "0" * 16, "records": info.field(), "index": info.rows_index()}
    entry = vault.append(READING, fields, identity=identity, file_key=key, owns=[("reading", identity)])

    reading = vault.reading(entry)
    assert info.segments == max(1, -(-count // 65_536))
    assert info.width == (65_536 if count > 32_768 else max(64, 1 << (count - 1).bit_length()))
    assert sum(len(reading.leaves(segment)) for segment in range(info.segments)) == count
    assert vault.check() == []


@examples(100)
@given(length=st.integers(0, 2**40))
def test_padding_never_cuts_and_costs_little(length: int) -> None:
    size = padme(length)

    assert length <= size <= length * 1.12 + 1
    assert padme(size) == size


@examples(100)
@given(content=st.binary(max_size=70_000), key=st.binary(min_size=32, max_size=32))
def test_any_content_opens_to_itself(content: bytes, key: bytes) -> None:

    sealer = Sealer(bytes(16), bytes(32))
    place = Place("entry", 1)

    assert sealer.open(key, place, sealer.close(key, place, content)) == content

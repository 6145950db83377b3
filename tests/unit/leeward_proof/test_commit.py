"""Commitments: their edges. Their values are in vectors/log."""

from __future__ import annotations

import pytest

from leeward_proof import commit


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), {1: "a"}, {"a": 0.5}, [b"bytes"], "\ud800"])
def test_what_has_no_exact_form_is_not_committed_to(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        commit.canonical(value)


def test_hostile_json_is_refused_and_nothing_breaks() -> None:
    for data in (b"[" * 1_000_000, b"9" * 1_000_000, b'{"a":' * 200_000, b"\xff", b""):
        with pytest.raises(ValueError, match=r".+"):
            commit.read_canonical(data)


def test_an_entry_has_at_most_sixteen_fields_without_a_place() -> None:
    blind = commit.entry_blind(bytes(32))

    with pytest.raises(ValueError, match="at most 16"):
        commit.entry_digests(blind, {f"f{n}": b"1" for n in range(17)})
    with pytest.raises(ValueError, match="exactly 32"):
        commit.entry_commitment(blind.r, [bytes(32)] * 31)
    with pytest.raises(ValueError, match="exactly 8"):
        commit.record_commitment(blind.r, [bytes(32)] * 7)
    with pytest.raises(ValueError, match="at most 64"):
        commit.lay_out_batch(bytes(32), [bytes(32)] * 65)


def test_a_commitment_looks_the_same_with_one_field_and_with_sixteen() -> None:
    blind = commit.entry_blind(bytes(32))

    few = commit.entry_digests(blind, {"v": b"1"})
    many = commit.entry_digests(blind, {f"f{n:02d}": b"1" for n in range(16)})

    assert [len(digest) for digest in few] == [len(digest) for digest in many] == [32] * 32
    assert len(set(few)) == 32


def test_every_place_of_a_segment_is_taken_once() -> None:
    order = commit.segment_order(bytes(32), 3, 1024)

    assert sorted(order) == list(range(1024))
    assert order != commit.segment_order(bytes(32), 4, 1024)


def test_the_keystream_can_be_entered_at_any_record() -> None:
    whole = commit.record_keystream(bytes(32), 0)(commit.RECORD_BLIND * 10)

    for n in range(10):
        part = commit.record_keystream(bytes(32), n)(commit.RECORD_BLIND)
        assert part == whole[commit.RECORD_BLIND * n : commit.RECORD_BLIND * (n + 1)]

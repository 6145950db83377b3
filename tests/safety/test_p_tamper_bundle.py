"""P-TAMPER, for bundles: one changed bit anywhere is noticed by the independent check."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from leeward_proof.container import container_chunks, part_of
from leeward_proof.errors import NotABundle
from leeward_proof.verify import _Check, check

BUNDLES = Path(__file__).parents[2] / "vectors" / "bundle"


def noticed(data: bytes) -> bool:
    try:
        return not check(io.BytesIO(data)).sound
    except NotABundle:
        return True


def missed_flips(data: bytes, bits: list[int]) -> list[int]:
    changed = bytearray(data)
    missed = []
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
        if not noticed(bytes(changed)):
            missed.append(bit)
        changed[bit // 8] ^= 1 << bit % 8
    assert bytes(changed) == data
    return missed


def test_thousands_of_changed_bits_are_all_noticed() -> None:
    data = (BUNDLES / "sound_several.zip").read_bytes()
    chance = random.Random(20260131)
    bits = chance.sample(range(8 * len(data)), 3000)

    assert missed_flips(data, bits) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["sound_one_entry", "sound_several"])
def test_every_bit_of_a_bundle_is_noticed(name: str) -> None:
    data = (BUNDLES / f"{name}.zip").read_bytes()

    assert missed_flips(data, list(range(8 * len(data)))) == []


def test_a_changed_byte_is_unsound_and_not_of_an_unknown_kind() -> None:
    data = bytearray((BUNDLES / "sound_one_entry.zip").read_bytes())

    for at in range(0, len(data), 7):
        data[at] ^= 0x20
        assert not check(io.BytesIO(bytes(data))).sound
        data[at] ^= 0x20


def resealed_without_manifest() -> bytes:
    """A bundle whose README was changed and zipped again: only SHA256SUMS still tells."""
    with zipfile.ZipFile(BUNDLES / "sound_several.zip") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["README.txt"] = parts["README.txt"].replace(b"NOT PROVE", b"NOW PROVE")
    return b"".join(container_chunks([part_of(name, data) for name, data in parts.items()]))


def test_this_test_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = resealed_without_manifest()
    assert noticed(changed)

    monkeypatch.setattr(_Check, "check_manifest", lambda _self, _names: None)

    assert not noticed(changed)


def test_a_bundle_put_together_from_two_is_noticed() -> None:
    with (
        zipfile.ZipFile(BUNDLES / "sound_one_entry.zip") as one,
        zipfile.ZipFile(BUNDLES / "sound_several.zip") as other,
    ):
        names = [name for name in one.namelist()]
        for taken in names:
            parts = [part_of(name, (other if name == taken else one).read(name)) for name in names]
            mixed = b"".join(container_chunks(parts))
            assert noticed(mixed) == (one.read(taken) != other.read(taken))

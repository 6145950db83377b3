import pytest

from leeward.core.errors import OurMistake, VaultDamaged
from leeward.core.units import KiB, MiB
from leeward.vault.primitives import seal
from leeward.vault.seal import Place, Sealer, padded_size, padme

KEY = bytes(range(32))


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(bytes([7] * 16), bytes([8] * 32))


def test_padding_grows_and_costs_at_most_twelve_percent() -> None:
    sizes = [padme(length) for length in range(1, 70_000)]

    assert all(size >= length for length, size in enumerate(sizes, 1))
    assert sizes == sorted(sizes)
    assert max(size / length for length, size in enumerate(sizes, 1)) < 1.12


def test_padding_a_padded_size_adds_nothing() -> None:
    for length in (1, 9, 1000, 12_345, 10 * MiB + 1):
        assert padme(padme(length)) == padme(length)


def test_few_sizes_show_among_many_lengths() -> None:
    assert len({padme(length) for length in range(1, MiB, 7)}) < 300
    assert len({padded_size(length) for length in range(64 * KiB - 4)}) == 6


def test_an_object_shows_only_its_bucket(sealer: Sealer) -> None:
    place = Place("entry", 3)

    sizes = {len(sealer.close(KEY, place, bytes(length))) for length in (0, 1, 500, KiB - 4)}

    assert sizes == {KiB + 24 + 32 + 16}
    assert len(sealer.close(KEY, place, bytes(KiB - 3))) > max(sizes)


@pytest.mark.parametrize("length", [0, 1, KiB - 4, KiB - 3, 64 * KiB - 4, 64 * KiB - 3, 200_001])
def test_what_was_closed_opens_to_the_same_bytes(sealer: Sealer, length: int) -> None:
    content = bytes(i % 251 for i in range(length))

    assert sealer.open(KEY, Place("x"), sealer.close(KEY, Place("x"), content)) == content


def test_an_object_opens_only_where_it_belongs(sealer: Sealer) -> None:
    sealed = sealer.close(KEY, Place("entry", 3), b"words")
    elsewhere = Sealer(bytes([9] * 16), bytes([8] * 32))

    for other, place in ((sealer, Place("entry", 4)), (sealer, Place("batch", 3)), (elsewhere, Place("entry", 3))):
        with pytest.raises(VaultDamaged, match=str(place)):
            other.open(KEY, place, sealed)


def test_names_tell_apart_every_kind_and_part(sealer: Sealer) -> None:
    places = [Place("entry", 1), Place("entry", 11), Place("keys", 1, 1), Place("keys", 11), Place("keys", 1, 11)]

    assert len({sealer.name(place) for place in places}) == len(places)


def test_a_sealed_length_that_cannot_be_true_is_our_mistake(sealer: Sealer) -> None:
    lie = seal(KEY, b"leeward/v1|x|" + bytes([7] * 16).hex().encode(), (2000).to_bytes(4, "big") + bytes(1020))

    with pytest.raises(OurMistake):
        sealer.open(KEY, Place("x"), lie)

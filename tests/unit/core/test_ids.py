import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import OurMistake, UsageError
from leeward.core.ids import RecordAddress, is_entry_id, new_entry_id, parse_address, parse_entry_id

ten_bytes = st.binary(min_size=10, max_size=10)


@given(ten_bytes)
def test_an_id_carries_all_eighty_bits(raw: bytes) -> None:
    written = new_entry_id(lambda count: raw[:count])

    number = 0
    for character in written:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    assert is_entry_id(written)
    assert number.to_bytes(10, "big") == raw


@given(ten_bytes, st.integers(0, 2**32 - 1))
def test_an_address_reads_back_as_it_was_written(raw: bytes, number: int) -> None:
    address = RecordAddress(new_entry_id(lambda count: raw), number)

    read = parse_address(str(address))

    assert read == address


def test_an_id_may_be_typed_with_capitals_hyphens_and_look_alikes() -> None:
    typed = " OOOG-4OR4-OM3O-E2O9 "

    read = parse_entry_id(typed)

    assert read == "000g40r40m30e209"


@pytest.mark.parametrize("text", ["", "000g40r40m30e20", "000g40r40m30e2090", "000g40r40m30e20u", "000g40r40m30e20é"])
def test_what_is_no_id_is_refused_with_a_sentence(text: str) -> None:
    assert not is_entry_id(text)
    with pytest.raises(UsageError, match="not the id of an entry"):
        parse_entry_id(text)


@pytest.mark.parametrize("number", ["", "-1", "+1", "01", "1.0", "99999999999", "1 2", "1_0", "²", "١"])
def test_an_address_with_an_odd_number_is_refused(number: str) -> None:
    with pytest.raises(UsageError, match="not the address"):
        parse_address(f"000g40r40m30e209:{number}")


def test_an_address_without_colon_is_refused() -> None:
    with pytest.raises(UsageError, match="not the address"):
        parse_address("000g40r40m30e209")


def test_a_source_of_chance_that_runs_dry_gives_no_id() -> None:
    with pytest.raises(OurMistake):
        new_entry_id(lambda count: b"\0" * (count - 1))


def test_ids_from_the_system_differ() -> None:
    ids = {new_entry_id(secrets.token_bytes) for _ in range(1000)}

    assert len(ids) == 1000

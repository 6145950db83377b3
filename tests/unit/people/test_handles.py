import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.people.handles import Handle, HandleKind, handle_of, matching_key

ONE_NUMBER = [
    "+44 7700 900123",
    "0044 7700 900123",
    "07700 900123",
    "(07700) 900-123",
    "+44 (0)7700 900123",
    "tel:+44-7700-900123",
    "\u202a+44\u00a07700\u00a0900123\u202c",
    "+４４ ７７００ ９００１２３",
    "٠٧٧٠٠ ٩٠٠١٢٣",
    "447700900123@s.whatsapp.net",
    "447700900123:12@s.whatsapp.net",
]


@pytest.mark.parametrize("written", ONE_NUMBER)
def test_one_number_has_one_key_however_it_is_written(written: str) -> None:
    assert handle_of(written).kind is HandleKind.PHONE
    assert matching_key(written, region="GB") == "tel:+447700900123"


@pytest.mark.parametrize("written", ["07700 900123", "(07700) 900-123", "٠٧٧٠٠ ٩٠٠١٢٣"])
def test_without_a_region_a_national_number_keeps_its_own_key(written: str) -> None:
    assert matching_key(written) == "local:07700900123"


@pytest.mark.parametrize("written", ["+44 7700 900123", "0044 7700 900123", "447700900123@s.whatsapp.net"])
def test_an_international_number_needs_no_region(written: str) -> None:
    assert matching_key(written) == "tel:+447700900123"


@pytest.mark.parametrize("region", ["US", "DE", "FR"])
def test_a_region_gives_a_national_number_its_own_country_only(region: str) -> None:
    assert matching_key("07700 900123", region=region) != "tel:+447700900123"


def test_the_american_way_to_dial_abroad_counts_there() -> None:
    assert matching_key("011 44 7700 900123", region="US") == "tel:+447700900123"


def test_an_extension_is_another_line() -> None:
    assert matching_key("+44 20 7946 0104 ext 5") == "tel:+442079460104;ext=5"


@pytest.mark.parametrize(
    ("written", "kind", "key"),
    [
        ("Ana@Example.org", HandleKind.EMAIL, "mail:ana@example.org"),
        ("  Ana   Blue ", HandleKind.NAME, "name:ana blue"),
        ("\u200eAna", HandleKind.NAME, "name:ana"),
        ("Ana 2", HandleKind.NAME, "name:ana 2"),
        ("STRASSE", HandleKind.NAME, "name:strasse"),
        ("Straße", HandleKind.NAME, "name:strasse"),
        ("120363041234567890@g.us", HandleKind.ID, "id:120363041234567890@g.us"),
        ("112", HandleKind.PHONE, "local:112"),
        ("99", HandleKind.NAME, "name:99"),
        ("+999 12345678", HandleKind.PHONE, "local:+99912345678"),
        ("", HandleKind.NAME, "name:"),
        ("-", HandleKind.NAME, "name:-"),
        ("Carl 💙", HandleKind.NAME, "name:carl 💙"),
    ],
)
def test_other_handles_have_a_key_of_their_kind(written: str, kind: HandleKind, key: str) -> None:
    assert handle_of(written).kind is kind
    assert matching_key(written) == key


def test_a_name_never_matches_a_number() -> None:
    assert matching_key("Ana") != matching_key("112")


@given(st.text(), st.sampled_from([None, "GB", "US", "DE", "ZZ"]))
def test_whatever_a_file_writes_gives_a_key_and_stays_as_written(written: str, region: str | None) -> None:
    handle = handle_of(written)

    assert handle.as_written == written
    assert matching_key(written, region).split(":")[0] in {"tel", "local", "mail", "name", "id"}


@given(st.from_regex(r"[+0-9 ()./x-]{1,40}", fullmatch=True), st.sampled_from([None, "GB", "US"]))
def test_odd_numbers_give_a_key_too(written: str, region: str | None) -> None:
    assert matching_key(written, region) == matching_key(f" {written} ", region)


def test_a_handle_reads_back_as_it_was_written() -> None:
    handle = handle_of("0044 7700 900123")

    assert msgspec.json.decode(msgspec.json.encode(handle), type=Handle) == handle

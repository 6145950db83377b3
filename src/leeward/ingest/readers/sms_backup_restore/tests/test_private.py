"""What a row says about the owner's own phone is held back from what is shown later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.ingest.readers.sms_backup_restore.private import PRIVATE, hold_back


def test_the_sim_and_the_service_centre_are_held_back_and_the_words_stay() -> None:
    row = b'<sms address="+447700900123" body="hello" service_center="+447700900000" sub_id="1" read="1" />'

    shown, held = hold_back(row)

    assert shown == b'<sms address="+447700900123" body="hello" service_center="@private" sub_id="@private" read="1" />'
    assert held == ("+447700900000", "1")


@pytest.mark.parametrize("value", [b"", b"null", b"-1"])
def test_a_value_that_says_nothing_stays(value: bytes) -> None:
    row = b'<sms body="x" service_center="' + value + b'" />'

    assert hold_back(row) == (row, ())


@pytest.mark.parametrize(
    "row",
    [
        b'<sms body=\'he wrote sub_id="7" to me\' read="1" />',
        b'<sms body="my sub_id=7" read="1" />',
        b'<sms body="x" read="1" my_sub_id="7" />',
    ],
)
def test_words_of_a_message_are_never_taken_for_an_attribute(row: bytes) -> None:
    assert hold_back(row) == (row, ())


def test_other_quotes_and_spaces_are_no_hiding_place() -> None:
    shown, held = hold_back(b"<call number = \"1\" subscription_id = '8944500000000000001' />")

    assert b"8944" not in shown
    assert held == ("8944500000000000001",)


@given(st.lists(st.tuples(st.sampled_from([*PRIVATE, b"body", b"date"]), st.text("ab<&;' =", max_size=8)), max_size=6))
def test_the_row_can_be_made_whole_again(attributes: list[tuple[bytes, str]]) -> None:
    parts = [name + b'="' + value.encode() + b'"' for name, value in attributes]
    row = b"<sms " + b" ".join(parts) + b" />"

    shown, held = hold_back(row)

    again = shown
    for value in held:
        again = again.replace(b"@private", value.encode(), 1)
    assert again == row

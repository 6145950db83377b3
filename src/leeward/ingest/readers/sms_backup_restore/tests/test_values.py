from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.ingest.readers.sms_backup_restore.values import mend, mend_characters, unescape

PIECES = st.sampled_from(
    [
        "a",
        "é",
        "&amp;",
        "&lt;",
        "&quot;",
        "&#10;",
        "&#x1F609;",
        "&#55357;",
        "&#56841;",
        "&#0;",
        "&",
        "&lol;",
        "&#xD83D;",
        ";",
        "#",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_both_ways_to_read_a_value_agree(written: str) -> None:
    row, mended = mend(f'<r v="{written}"/>'.encode())

    text, repairs = unescape(written)

    assert ElementTree.fromstring(row).get("v") == text
    assert bool(mended) == bool(repairs)


@pytest.mark.parametrize(
    ("written", "text", "repairs"),
    [
        ("plain", "plain", 0),
        ("&lt;3 &amp; &#10;&#x41;", "<3 & \nA", 0),
        ("&#55357;&#56841;", "\U0001f609", 1),
        ("&#56841;&#55357;", "\ufffd\ufffd", 2),
        ("&#0;&#1114112;", "\ufffd\ufffd", 2),
        ("you & me", "you & me", 1),
        ("&lol9;", "&lol9;", 1),
    ],
)
def test_each_repair_is_counted(written: str, text: str, repairs: int) -> None:
    assert unescape(written) == (text, repairs)


@given(st.binary(max_size=60))
def test_mended_bytes_hold_nothing_that_xml_forbids(row: bytes) -> None:
    text = mend_characters(row).decode()

    assert all(char in "\t\n\r" or " " <= char <= "\ufffd" or char > "\uffff" for char in text)

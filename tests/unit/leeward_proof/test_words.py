"""Words are tied to bytes by whole values only."""

from __future__ import annotations

import pytest

from leeward_proof.words import rule_for, ties

SMS = '<sms address="+49151" date="1" body="{}" />'


@pytest.mark.parametrize(
    ("rule", "raw", "text"),
    [
        ("line", b"01.02.24, 10:00 - Bea: Hello", "Hello"),
        ("line", b"[01.02.24, 10:00:00] Bea: Hello: you\r\nand more\r\n", "Hello: you\nand more"),
        ("line", b"01.02.24, 10:00 - Bea: Bea: said", "Bea: said"),
        ("xml", SMS.format("a &amp; b&#10;c").encode(), "a & b\nc"),
        ("xml", SMS.format("&#55357;&#56832;").encode(), "\U0001f600"),
        ("xml", b"<mms><parts><part seq='0' text='one'/><part text='two'/></parts></mms>", "two"),
        ("json", b'{"text":"Hello"}', "Hello"),
        ("json", b'{"content":"\\u00f0\\u009f\\u0098\\u0080"}', "\U0001f600"),
        ("json", b'{"text":["a ",{"type":"bold","text":"b"}]}', "a b"),
    ],
)
def test_whole_words_are_tied(rule: str, raw: bytes, text: str) -> None:
    assert ties(rule, raw, "Bea", text)
    assert rule_for(raw, "Bea", text) == rule


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"01.02.24, 10:00 - Bea: I did not say yes", "yes"),
        (b"01.02.24, 10:00 - Bea: yes but no", "yes"),
        (b"01.02.24, 10:00 - Bea: I said: yes", "yes"),
        (SMS.format("not yes").encode(), "yes"),
        (SMS.format("x").encode(), "1"),
        (b'{"text":"not yes"}', "yes"),
        (b'{"other":"yes"}', "yes"),
        (b"yes", "yes"),
        (b"\xffBea: yes", "yes"),
        (b"Bea: ", ""),
        (b'<!DOCTYPE a [<!ENTITY e "yes">]><a body="&e;"/>', "yes"),
        (b"<a body=", "yes"),
        (b"{" * 100_000, "yes"),
        (b'{"text":' + b"[" * 100_000, "yes"),
        (b'{"text":[1,null,{"text":5}]}', "yes"),
        (b'{"text":' + b"9" * 10_000 + b"}", "yes"),
        (b"[]", "yes"),
    ],
)
def test_part_of_the_words_or_hostile_bytes_are_not(raw: bytes, text: str) -> None:
    assert rule_for(raw, "Bea", text) == "source"


def test_a_line_without_sender_ties_nothing() -> None:
    assert not ties("line", b"10:00 - : yes", "", "yes")


def test_an_unknown_rule_ties_nothing() -> None:
    assert not ties("trust", b"yes", "Bea", "yes")

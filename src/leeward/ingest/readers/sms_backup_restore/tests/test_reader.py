"""The reader, one flaw or one rule at a time."""

import base64
import hashlib
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.ingest.base import Direction, Hints, Kind
from leeward.ingest.container import open_package
from leeward.ingest.readers.sms_backup_restore import reader as reader_module
from leeward.ingest.readers.sms_backup_restore.reader import SmsBackupRestoreReader
from leeward.ingest.readers.sms_backup_restore.tests.exports import Bytes, Read, mms, sms, smses

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 20
PICTURE = base64.b64encode(JPEG).decode()


def test_what_came_in_has_a_sender_and_what_went_out_has_none() -> None:
    rows = [sms("in"), sms("out", type=2)]

    incoming, outgoing = Read(smses(*[row.replace("/>", 'contact_name="Chris" />') for row in rows])).records

    assert (incoming.sender, incoming.handle, incoming.direction) == ("Chris", "+447700900123", Direction.IN)
    assert (outgoing.sender, outgoing.handle, outgoing.direction) == ("", "", Direction.OUT)
    assert outgoing.extra == {"with": "Chris"}
    assert incoming.thread == outgoing.thread == "+447700900123"


@pytest.mark.parametrize("unknown", ["(Unknown)", "null", ""])
def test_a_contact_without_a_name_is_called_by_the_number(unknown: str) -> None:
    row = sms().replace("/>", f'contact_name="{unknown}" />')

    (record,) = Read(smses(row)).records

    assert record.sender == record.handle == "+447700900123"


@pytest.mark.parametrize(("kind", "state"), [(3, "draft"), (4, "outbox"), (5, "failed"), (6, "queued")])
def test_what_was_never_sent_is_a_message_that_says_so(kind: Any, state: str) -> None:
    read = Read(smses(sms(type=kind)))

    (record,) = read.records
    assert (record.kind, record.direction, record.extra) == (Kind.MESSAGE, Direction.OUT, {"state": state})
    assert ("failed_messages" in read.flags) == (state != "draft")


def test_a_type_nobody_knows_keeps_the_message() -> None:
    (record,) = Read(smses(sms(type=42))).records

    assert (record.direction, record.sender, record.extra) == (Direction.UNKNOWN, "", {"type": "42"})


def test_the_time_of_sending_is_milliseconds_in_sms_and_seconds_in_mms() -> None:
    text = sms().replace("/>", 'date_sent="1707820798500" />')
    picture = mms('ct="text/plain" text="x"', more='date_sent="1707820979"')

    first, second = Read(smses(text, picture)).records

    assert first.extra["sent"] == 1707820798500
    assert second.extra["sent"] == 1707820979000


@pytest.mark.parametrize("written", ["", "null", "yesterday", "0", "-5", "99999999999999999"])
def test_a_time_that_cannot_be_read_is_kept_as_written(written: str) -> None:
    read = Read(smses(sms(date=written)))

    (record,) = read.records
    assert record.at is None
    assert record.time == ("" if written == "null" else written)
    assert "time_unread" in read.flags


def test_an_mms_is_its_texts_and_its_files_without_the_layout() -> None:
    parts = (
        'seq="-1" ct="application/smil" text="&lt;smil/&gt;"',
        'ct="text/plain" text="first"',
        f'ct="image/jpeg" name="null" cl="a.jpg" text="null" data="{PICTURE}"',
        'ct="text/plain" text="second"',
        'ct="video/mp4" name="gone.mp4"',
    )

    read = Read(smses(mms(*parts)))

    (record,) = read.records
    assert record.text == "first\nsecond"
    assert [ref.name for ref in record.media] == ["a.jpg", "gone.mp4"]
    here, gone = record.media
    assert (here.place, here.type, here.size) == ("base64", "image/jpeg", len(JPEG))
    assert here.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert smses(mms(*parts))[here.offset : here.offset + here.length] == PICTURE.encode()
    assert gone.place == ""
    assert "media_missing" in read.flags


def test_a_picture_is_what_its_bytes_say() -> None:
    (record,) = Read(smses(mms(f'ct="text/plain" name="notes.txt" data="{PICTURE}"'))).records

    assert [(ref.name, ref.type) for ref in record.media] == [("notes.txt", "image/jpeg")]


def test_the_sender_of_a_group_message_is_its_address_137() -> None:
    group = "+447700900123~+447700900456"
    parties = [("+447700900456", 137), ("+447700900123", 151), ("insert-address-token", 151)]

    (record,) = Read(smses(mms('ct="text/plain" text="x"', address=group, addrs=parties))).records

    assert (record.thread, record.sender, record.handle) == (group, "+447700900456", "+447700900456")
    assert record.extra["members"] == ["+447700900123"]


def test_the_token_is_the_owner_and_nobody_is_invented() -> None:
    parties = [("insert-address-token", 137), ("+447700900123", 151)]

    (record,) = Read(smses(mms('ct="text/plain" text="x"', box=2, addrs=parties))).records

    assert (record.sender, record.handle, record.direction) == ("", "", Direction.OUT)


def test_an_mms_that_was_never_fetched_is_kept() -> None:
    read = Read(smses(mms(more='m_type="130"')))

    assert [record.extra["state"] for record in read.records] == ["not fetched"]
    assert "failed_messages" in read.flags


@pytest.mark.parametrize(
    ("kind", "name", "direction"),
    [
        (1, "incoming", Direction.IN),
        (2, "outgoing", Direction.OUT),
        (3, "missed", Direction.IN),
        (4, "voicemail", Direction.IN),
        (5, "rejected", Direction.IN),
        (6, "blocked", Direction.IN),
    ],
)
def test_a_call_says_how_it_went(kind: Any, name: str, direction: Any) -> None:
    row = f'<call number="+447700900123" duration="125" date="1707820800000" type="{kind}" presentation="1" />'

    (record,) = Read(f'<calls count="1">{row}</calls>'.encode()).records

    assert (record.kind, record.direction, record.extra) == (Kind.CALL, direction, {"call": name, "duration": 125})


def test_a_sim_number_is_flagged_as_private() -> None:
    row = '<call number="" date="1707820800000" type="3" presentation="2" subscription_id="89440000000000000000" />'

    read = Read(f'<calls count="1">{row}</calls>'.encode())

    assert "private_ids" in read.flags
    assert read.records[0].extra["presentation"] == "restricted"


def test_an_emoji_in_two_halves_is_made_whole_and_said() -> None:
    read = Read(smses(sms("hi &#55357;&#56841; you"), sms("plain")))

    assert read.texts == ["hi \U0001f609 you", "plain"]
    assert "repaired_text" in read.flags


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a&#0;b", "a\ufffdb"),
        ("a&#55357;b", "a\ufffdb"),
        ("Tom & Jerry", "Tom & Jerry"),
        ("a\x01b", "a\ufffdb"),
        ("I <3 you", "I <3 you"),
        ("a &lol9; b", "a &lol9; b"),
    ],
)
def test_damaged_text_is_repaired_and_the_row_is_kept(written: str, text: str) -> None:
    read = Read(smses(sms("before"), sms(written), sms("after")))

    assert read.texts == ["before", text, "after"]
    assert "repaired_text" in read.flags
    assert not read.refused


def test_bytes_that_are_no_utf8_are_marked() -> None:
    data = smses(sms("before"), sms("caf?"), sms("after")).replace(b"caf?", b"caf\xe9")

    read = Read(data)

    assert read.texts == ["before", "caf\ufffd", "after"]
    assert "repaired_text" in read.flags
    assert b"caf\xe9" in read.records[1].raw


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252"])
def test_the_encoding_does_not_matter(encoding: str) -> None:
    rows = (sms("é &#10; ü"), mms(f'ct="image/jpeg" data="{PICTURE}"'), sms("last"))
    declared = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    data = smses(*rows, encoding=encoding, declared=declared)

    read = Read(data)

    assert read.texts == ["é \n ü", "", "last"]
    ref = read.records[1].media[0]
    assert ref.sha256 == hashlib.sha256(JPEG).hexdigest()
    whole = data[ref.offset : ref.offset + ref.length]
    assert whole.replace(b"\0", b"") == PICTURE.encode()
    assert not read.refused


def test_a_row_that_is_never_closed_loses_only_itself() -> None:
    broken = '<sms address="+447700900123" date="1707820800000" type="1" body="no end readable_date="x" />'
    data = smses(sms("before"), broken, sms("after"), mms('ct="text/plain" text="picture"'))

    read = Read(data)

    assert read.texts == ["before", "after", "picture"]
    assert [refused.where for refused in read.refused] == [f"row 2 at byte {data.index(broken.encode()):,}"]


@pytest.mark.parametrize(
    "broken",
    [
        '<mms date="1"><parts><part ct="text/plain" text="x"></parts></mms>',
        '<mms date="1"><parts>',
        '<mms date="1" date="2"></mms>',
        '<mms date="1"><parts><part ct="image/jpeg" data="AAAA',
        f'<mms date="1"><parts><part ct="image/jpeg" data="{PICTURE}',
        "<sms",
    ],
)
def test_a_broken_row_of_any_kind_loses_only_itself(broken: str) -> None:
    read = Read(smses(sms("before"), broken, sms("after")))

    assert read.texts == ["before", "after"]
    assert len(read.refused) == 1


def test_a_count_that_differs_is_said() -> None:
    read = Read(smses(sms(), count=3))

    assert read.outcome.declared == 3
    assert "count_differs" in read.flags


def test_base64_that_is_none_keeps_the_message() -> None:
    read = Read(smses(mms('ct="text/plain" text="look"', 'ct="image/jpeg" data="not base64 at all!"')))

    (record,) = read.records
    assert (record.text, record.media[0].place, record.media[0].size) == ("look", "", -1)
    assert "media_missing" in read.flags


def test_an_unknown_element_is_kept_with_its_bytes() -> None:
    read = Read(smses(sms(), '<rcs body="new kind"><x/></rcs>'))

    assert [record.kind for record in read.records] == [Kind.MESSAGE, Kind.OTHER]
    assert read.records[1].raw == b'<rcs body="new kind"><x/></rcs>'


def test_rows_inside_a_comment_are_no_rows() -> None:
    read = Read(smses(sms("one"), f"<!-- {sms('hidden')} -->", sms("two"), count=2))

    assert read.texts == ["one", "two"]
    assert not read.refused


def test_entities_are_never_expanded() -> None:
    lol = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
    evil = f'<!DOCTYPE smses [<!ENTITY lol0 "lol"><!ENTITY file SYSTEM "file:///etc/passwd">{lol}]>\n'
    data = smses(sms("a &lol9; b"), sms("&file;")).replace(b"<smses", evil.encode() + b"<smses")

    read = Read(data)

    assert read.texts == ["a &lol9; b", "&file;"]
    assert [refused.why for refused in read.refused] == [reader_module._REFUSED["doctype"]]


def test_a_declaration_inside_a_row_reaches_nothing() -> None:
    read = Read(smses('<mms date="1"><!DOCTYPE x [<!ENTITY a "b">]></mms>', sms("after")))

    assert read.texts == ["after"]
    assert len(read.refused) == 1


def test_text_in_a_message_that_looks_like_an_attribute_is_not_diverted() -> None:
    body = f"see data='{'A' * 5000}' there"

    (record,) = Read(smses(sms(body))).records

    assert record.text == body
    assert record.media == ()


def test_a_message_of_ten_million_characters_is_refused_and_the_rest_is_read() -> None:
    read = Read(smses(sms("before"), sms("x" * 10_000_000), sms("after")))

    assert read.texts == ["before", "after"]
    assert [refused.why for refused in read.refused] == [reader_module._REFUSED["long"]]


def test_a_row_that_is_too_long_does_not_leave_its_inside_behind() -> None:
    parts = ['ct="text/plain" text="x"'] * 150_000

    read = Read(smses(sms("before"), mms(*parts), sms("after")))

    assert read.texts == ["before", "after"]
    assert len(read.refused) == 1


def test_zeros_after_the_end_are_reported_once() -> None:
    read = Read(smses(sms()) + b"\0" * 3_000_000)

    assert len(read.records) == 1
    assert len(read.refused) == 1


@pytest.mark.parametrize(
    "data", [b"<smses>", b"<smses", b"<smses count='2'>", b"<calls/>", b"<?xml version='1.0'?><smses>"]
)
def test_a_file_without_rows_is_read(data: Any) -> None:
    read = Read(data)

    assert not read.records
    assert not read.refused
    assert ("truncated" in read.flags) == (data != b"<calls/>")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 <smses", b"hello", b"<html>", b"\0" * 100, b"{}"])
def test_other_files_are_not_claimed(data: Any) -> None:
    assert SmsBackupRestoreReader().sniff(open_package(Bytes(data))) is None


def test_the_events_come_in_lists_of_bounded_length() -> None:
    data = smses(*[sms(str(n)) for n in range(5000)])
    events = list(SmsBackupRestoreReader().read(open_package(Bytes(data)), Hints()))

    lists = [event for event in events if isinstance(event, list)]

    assert [record.text for event in lists for record in event] == [str(n) for n in range(5000)]
    assert max(map(len, lists)) <= 2048


ROWS = (
    sms("one"),
    sms("two &#10; ü"),
    mms('ct="text/plain" text="three"', f'ct="image/jpeg" data="{PICTURE}"'),
    sms("four", type=2),
    "<call/>",
)


@settings(max_examples=200)
@given(st.data())
def test_a_file_cut_anywhere_keeps_its_complete_rows(data: Any) -> None:
    whole = smses(*ROWS)
    cut = data.draw(st.integers(whole.index(b"<smses") + 6, len(whole) - 1))
    complete = sum(whole.index(row.encode()) + len(row.encode()) <= cut for row in ROWS)

    read = Read(whole[:cut])

    assert len(read.records) == complete
    assert len(read.refused) <= 1
    assert ("truncated" in read.flags) == (cut < whole.index(b"</smses>") + len(b"</smses>"))


@settings(max_examples=100)
@given(st.data())
def test_one_changed_byte_never_breaks_the_balance(data: Any) -> None:
    whole = bytearray(smses(*ROWS))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))

    read = Read(bytes(whole))

    assert len(read.records) + len(read.refused) >= 3


BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def escaped(text: str) -> Any:
    for char, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(char, f"&{name};")
    return "".join(char if char.isprintable() else f"&#{ord(char)};" for char in text)


@given(st.lists(st.tuples(BODIES, st.sampled_from("123456"), BODIES), min_size=2, max_size=6))
def test_plain_rows_read_by_pattern_say_what_expat_says(rows: Any) -> None:
    lines = [
        sms(escaped(body), type=kind).replace("/>", f'date_sent="1707820798500" contact_name="{escaped(name)}" />')
        for body, kind, name in rows
    ]
    data = smses(*lines)
    by_pattern = Read(data)

    # A row whose white space is written in another way each time never fits a pattern.
    by_expat = Read(smses(*[line.replace(" date=", " " * (n + 2) + "date=") for n, line in enumerate(lines)]))

    for one, other in zip(by_pattern.records, by_expat.records, strict=True):
        same = ("kind", "sender", "time", "at", "wall", "text", "handle", "direction", "thread", "extra")
        assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]


def test_most_rows_are_read_by_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    read = reader_module._Xml.read

    def counted(self: Any, row: bytes) -> bool:
        seen.append(row)
        return read(self, row)

    monkeypatch.setattr(reader_module._Xml, "read", counted)

    Read(smses(*[sms(f"text {n} & more" if n % 9 == 0 else f"text {n}") for n in range(1000)]))

    assert len(seen) < 15


def test_a_row_of_the_diverted_form_is_small_and_made_again_from_its_place() -> None:
    data = smses(mms(f'ct="image/jpeg" data="{PICTURE}"'))

    (record,) = Read(data).records

    digest = hashlib.sha256(PICTURE.encode()).hexdigest()
    assert f'data="@sha256:{digest}"'.encode() in record.raw
    assert record.length > len(PICTURE)
    row = io.BytesIO(data[record.offset : record.offset + record.length])
    assert SmsBackupRestoreReader().diverted(data[:4096], row) == record.raw

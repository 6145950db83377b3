"""Odd, damaged and hostile chat texts: nothing is dropped, nothing is guessed, nothing breaks."""

# ruff: noqa: DTZ001  # wall clocks float on purpose; lists of names; a sweep says its numbers

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Read = Callable[..., Any]
HEAD = "14/02/2023, 19:06 - "


def iso(wall: int | None) -> str | None:
    return None if wall is None else (datetime(1970, 1, 1) + timedelta(milliseconds=wall)).isoformat()


def times(got: Any) -> list[str | None]:
    return [iso(record.wall) for record in got.records]


# -- containers and encodings ------------------------------------------------------------------------------------------


def test_an_empty_file_gives_no_record_and_no_error(read: Read) -> None:
    got = read(b"")

    assert got.records == []
    assert got.refused == []


def test_text_before_the_first_head_is_refused_as_one_item(read: Read) -> None:
    got = read("Forwarded by mail\n\n" + HEAD + "Ana: hi\n")

    assert len(got.refused) == 1
    assert len(got.records) == 1
    assert got.records[0].offset == 19


def test_a_file_without_any_head_is_refused_not_lost(read: Read) -> None:
    got = read("nothing\nof the kind\n")

    assert got.records == []
    assert len(got.refused) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_gives_the_same_chat(read: Read, encoding: str, end: str) -> None:
    lines = [HEAD + "Ana: hi", "and more", "15/02/2023, 08:00 - Bea: 😂 é"]
    data = end.join([*lines, ""]).encode(encoding)

    got = read(data)

    assert [r.text.replace("\r", "\n") for r in got.records] == ["hi\nand more", "😂 é"]
    assert times(got) == ["2023-02-14T19:06:00", "2023-02-15T08:00:00"]
    assert b"".join(r.raw for r in got.records) == data
    assert got.records[1].offset == got.records[0].length


def test_western_text_is_read_and_the_receipt_says_that_it_was_inferred(read: Read) -> None:
    data = (HEAD + "Jürgen: schön “ok”\n").encode("cp1252")

    got = read(data)

    assert got.records[0].sender == "Jürgen"
    assert got.records[0].text == "schön “ok”"
    assert got.records[0].raw == data
    assert "encoding_guessed" in got.flags


def test_damaged_bytes_are_marked_and_kept(read: Read) -> None:
    data = HEAD.encode() + b"Ana: caf\xc3\xa9 \xff\x00 x\n" + HEAD.encode() + b"Ana: \xed\xa0\xbd\xed\xb8\x82\n"

    got = read(data)

    assert got.records[0].text == "café \ufffd\ufffd x"
    assert got.records[1].text == "😂"
    assert b"".join(r.raw for r in got.records) == data
    assert "repaired_text" in got.flags


@pytest.mark.parametrize("cut", [b"Ana: hi\n14/02/2023, 19:0", b"Ana: cut \xf0\x9f", b"Ana: a\n" + HEAD.encode()])
def test_a_file_that_ends_in_the_middle_is_flagged(read: Read, cut: bytes) -> None:
    got = read(HEAD.encode() + cut)

    assert "truncated" in got.flags


def test_a_line_of_ten_megabytes_is_one_record(read: Read) -> None:
    data = (HEAD + "Ana: " + "x" * 10_000_000 + "\n" + HEAD + "Ana: after\n").encode()

    got = read(data)

    assert [r.length for r in got.records] == [10_000_026, 31]
    assert got.refused == []


def test_what_follows_a_record_too_long_to_carry_is_refused_with_its_place(read: Read) -> None:
    data = (HEAD + "Ana: " + "x" * 25_000_000 + "\n" + HEAD + "Ana: after\n").encode()

    got = read(data)

    assert got.records[-1].text == "after"
    assert len(got.refused) == 1
    assert "truncated" in got.flags
    assert all(r.length <= 10 * 2**20 + 2**19 for r in got.records)


def test_lone_line_separators_do_not_begin_a_record(read: Read) -> None:
    got = read(HEAD + "Ana: one\u2028" + HEAD + "Bea: two\n")

    assert len(got.records) == 1


# -- order -------------------------------------------------------------------------------------------------------------


def test_an_order_that_stays_open_gives_no_time_to_any_record(read: Read) -> None:
    got = read("06/12/2015, 3:15 a.m. - E: x\n06/12/2015, 3:18 a.m. - E: y\n")

    assert got.outcome.order_open
    assert times(got) == [None, None]
    assert set(got.outcome.candidates) == {"DMY", "MDY"}
    assert "order_ambiguous" in got.flags


@pytest.mark.parametrize(("order", "first"), [("DMY", "2015-12-06T03:15:00"), ("MDY", "2015-06-12T03:15:00")])
def test_the_person_settles_an_open_order(read: Read, order: str, first: str) -> None:
    got = read("06/12/2015, 3:15 a.m. - E: x\n", order=order)

    assert times(got) == [first]
    assert not got.outcome.order_open


def test_the_person_cannot_make_the_thirtieth_a_month(read: Read) -> None:
    got = read("30/12/2015, 03:15 - E: x\n", order="MDY")

    assert times(got) == ["2015-12-30T03:15:00"]


def test_the_order_in_which_time_runs_forward_wins(read: Read) -> None:
    got = read("9/10/23, 08:00 - A: x\n10/10/23, 08:00 - A: x\n11/10/23, 08:00 - A: x\n1/11/23, 08:00 - A: x\n")

    assert times(got)[-1] == "2023-11-01T08:00:00"


def test_the_date_inside_a_file_name_settles_the_order(read: Read) -> None:
    got = read("06/05/2023, 10:00 - A: IMG-20230506-WA0001.jpg (file attached)\n")

    assert times(got) == ["2023-05-06T10:00:00"]


def test_a_two_digit_year_may_stand_first(read: Read) -> None:
    got = read("24. 2. 25. 오후 7:06 - A: x\n24. 2. 26. 오전 12:06 - A: x\n")

    assert times(got) == ["2024-02-25T19:06:00", "2024-02-26T00:06:00"]


def test_two_styles_in_one_file_are_settled_each_for_itself(read: Read) -> None:
    got = read(
        "2/4/23, 7:06\u202fPM - A: x\n2/5/23, 7:07\u202fPM - A: x\n15/02/2023, 07:07 - A: x\n16/02/2023, 19:08 - A: x\n"
    )

    assert times(got) == ["2023-02-04T19:06:00", "2023-02-05T19:07:00", "2023-02-15T07:07:00", "2023-02-16T19:08:00"]
    assert "order_mixed" in got.flags


def test_a_date_between_two_orders_of_one_style_stays_unread(read: Read) -> None:
    got = read("13/01/2023, 19:06 - A: x\n02/03/2023, 19:06 - A: ?\n03/20/2023, 19:06 - A: y\n")

    assert times(got) == ["2023-01-13T19:06:00", None, "2023-03-20T19:06:00"]
    assert {"order_mixed", "time_unread"} <= got.flags


# -- times -------------------------------------------------------------------------------------------------------------


def test_an_unknown_day_period_word_is_never_read_as_a_time(read: Read) -> None:
    got = read("14/02/2023, 7:06 XQ - Ana: hi\n15/02/2023, 7:07 XP - Ana: ho\n")

    assert times(got) == [None, None]
    assert got.senders() == {"Ana": 2}
    assert "time_unread" in got.flags


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("12:05 am", "00:05"),
        ("12:05 pm", "12:05"),
        ("00:08 a. m.", "00:08"),
        ("0:30 pm", "12:30"),
        ("7:06 p.\u00a0m.", "19:06"),
        ("7:06\u202fPM", "19:06"),
        ("오후 7:06", "19:06"),
        ("午前0:06", "00:06"),
        ("凌晨1:06", "01:06"),
        ("清晨5:06", "05:06"),
        ("早上7:06", "07:06"),
        ("上午10:06", "10:06"),
        ("中午12:06", "12:06"),
        ("中午1:06", "13:06"),
        ("下午3:06", "15:06"),
        ("晚上7:06", "19:06"),
        ("19 h 06", "19:06"),
        ("klo 19.06", "19:06"),
        ("7:06 ÖS", "19:06"),
        ("7:06 PTG", "19:06"),
        ("٧:٠٦ م", "19:06"),
        ("7:06 μ.μ.", "19:06"),
    ],
)
def test_every_way_to_write_the_hour(read: Read, written: str, read_as: str) -> None:
    got = read(f"2023-02-14 {written} - Ana: hi\n")

    assert times(got) == [f"2023-02-14T{read_as}:00"]


@pytest.mark.parametrize("written", ["15:05 am", "晚上12:30", "7:06 zz", "25:01", "12:61"])
def test_an_impossible_hour_gives_no_time(read: Read, written: str) -> None:
    got = read(f"2023-02-14 {written} - Ana: hi\n")

    assert [t for t in times(got) if t] == []


def test_twenty_four_is_the_midnight_that_the_file_order_shows(read: Read) -> None:
    of_the_day = read("14/02/2023, 23:58 - A: x\n15/02/2023, 24:01 - A: y\n15/02/2023, 09:01 - A: z\n")
    of_the_next = read("14/02/2023, 23:58 - A: x\n14/02/2023, 24:00 - A: y\n15/02/2023, 09:01 - A: z\n")

    assert times(of_the_day)[1] == "2023-02-15T00:01:00"
    assert times(of_the_next)[1] == "2023-02-15T00:00:00"


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("29/9/2568", "2025-09-29"),
        ("29/9/68", "2025-09-29"),
        ("114/9/29", "2025-09-29"),
        ("1402/12/29", "2024-03-19"),
        ("1403/12/30", "2025-03-20"),
        ("1404/1/1", "2025-03-21"),
        ("1399/12/30", "2021-03-20"),
        ("1388/10/11", "2010-01-01"),
    ],
)
def test_years_of_other_calendars_are_exact(read: Read, written: str, read_as: str) -> None:
    got = read(f"{written}, 19:06 - Ana: hi\n")

    assert times(got) == [f"{read_as}T19:06:00"]


@pytest.mark.parametrize("written", ["1445/3/4", "13/4/05", "13/4/99", "13/4/47"])
def test_a_year_that_could_be_two_things_stays_unread(read: Read, written: str) -> None:
    got = read(f"{written}, 19:06 - Ana: hi\n")

    assert times(got) == [None]
    assert got.records[0].time.startswith(written)


# -- people ------------------------------------------------------------------------------------------------------------


def test_a_name_with_a_colon_is_whole_when_it_recurs(read: Read) -> None:
    lines = ["Ali: work: hello", "Ali: work added Mum", "Mum: hi: there", "Ali: work: bye", "Mum: no"]

    got = read("".join(f"{HEAD}{line}\n" for line in lines))

    assert got.senders() == {"Ali: work": 2, "Mum": 2}
    assert got.count(1) == 1


def test_a_name_with_a_dash_is_whole(read: Read) -> None:
    got = read(f"{HEAD}Ali - work: hello - x: y\n")

    assert got.senders() == {"Ali - work": 1}
    assert got.texts() == ["hello - x: y"]


def test_a_colon_without_a_blank_still_ends_a_name(read: Read) -> None:
    got = read(f"{HEAD}Bob:Hi\n{HEAD}Bob:yo: you\n{HEAD}Ann:https://example.org\n{HEAD}Ann:.\n{HEAD}Ann:\n")

    assert got.senders() == {"Bob": 2, "Ann": 3}
    assert got.texts()[-2:] == [".", ""]


@pytest.mark.parametrize(
    "notice", ['Mum changed the subject to "A: b"', "+12 345 created group “Work: team”", "You: were"]
)
def test_a_notice_with_a_colon_in_a_quotation_names_no_sender(read: Read, notice: str) -> None:
    got = read(f"{HEAD}Mum: hi\n{HEAD}Mum: ho\n{HEAD}{notice}\n")

    assert got.records[2].kind == (0 if notice == "You: were" else 1)


def test_numbers_are_handles_and_marks_of_direction_are_no_part_of_a_name(read: Read) -> None:
    got = read("[14/02/2023, 19:06:00] \u202a+44 7700 900123\u202c: hi\n")

    assert got.records[0].sender == "+44 7700 900123"
    assert got.records[0].handle == "+44 7700 900123"


def test_me_is_found_by_name_or_number(read: Read) -> None:
    text = f"{HEAD}Ana: hi\n{HEAD}+44 7700 900123: ho\n"

    by_name, by_number, nobody = read(text, me="ana"), read(text, me="0044 7700-900123"), read(text, me="Zed")

    assert [r.direction for r in by_name.records] == [2, 1]
    assert [r.direction for r in by_number.records] == [1, 2]
    assert "not_a_party" in nobody.flags
    assert "me_unknown" not in by_name.flags


def test_an_iphone_group_speaks_in_its_own_name(read: Read) -> None:
    got = read(
        "[14/02/2023, 19:06:00] Family: \u200eMessages and calls are end-to-end encrypted. No one outside can read.\n"
        "[14/02/2023, 19:06:01] Family: \u200eAna created this group\n"
        "[14/02/2023, 19:07:00] Ana: hi\n"
        "\u200e[14/02/2023, 19:08:00] ~\u202fBea: \u200eimage omitted\n"
        "[14/02/2023, 19:09:00] Bea: \u200eThis message was deleted.\n"
        "\u200e[14/02/2023, 19:10:00] Ana: report.pdf • \u200e3 pages \u200edocument omitted\n"
        "[14/02/2023, 19:11:00] Ana: \u200eAna changed this group's icon\n"
    )

    assert [r.kind for r in got.records] == [1, 1, 0, 0, 0, 0, 1]
    assert sum(1 for r in got.records if r.media) == 2


# -- quotations and forgeries ------------------------------------------------------------------------------------------


def test_lines_pasted_from_another_phone_stay_inside_the_message(read: Read) -> None:
    chat = f"{HEAD}Ana: look\n[12/02/2023, 10:00:00] Bob: I hate you\n[13/02/2023, 10:00:10] Bob: sorry\n"
    chat += "15/02/2023, 08:00 - Cat: oh\n" * 8

    got = read(chat)

    assert got.senders() == {"Ana": 1, "Cat": 8}
    assert "I hate you" in got.texts()[0]
    assert "order_mixed" in got.flags


def test_a_pasted_line_in_the_files_own_style_cannot_be_told_and_the_receipt_says_so(read: Read) -> None:
    got = read(f"{HEAD}Ana: look\n{HEAD}Bob: forged\n")

    assert got.senders() == {"Ana": 1, "Bob": 1}
    assert "spoofable_source" in got.flags


def test_numbers_inside_messages_do_not_begin_records(read: Read) -> None:
    body = "1. 2. 3\n12:30 - lunch\n2/11/19: Arrival\n192.168.0.1:8080 - router\n"
    body += "2/11/19, 14:48 Ana Bee: not here\n+44 7700 900123"

    got = read(f"{HEAD}Ana: {body}\n{HEAD}Ana: ok\n")

    assert got.texts() == [body, "ok"]


# -- media -------------------------------------------------------------------------------------------------------------


def test_a_file_is_found_by_its_composed_or_decomposed_name(read: Read) -> None:
    members = {
        "WhatsApp Chat with Zoé.txt": f"{HEAD}A: été.jpg (fichier joint)\nlegend\n".encode(),
        unicodedata.normalize("NFD", "été.jpg"): b"\xff\xd8\xff\xe0 picture",
        "notes.txt": f"{HEAD}A: not a chat of its own\n".encode(),
    }

    got = read(members, name="export.zip")

    ref = got.records[0].media[0]
    assert (ref.place, ref.size, ref.type) == ("member", 12, "image/jpeg")
    assert len(ref.sha256) == 64
    assert got.outcome.title == "Zoé"
    assert len(got.records) == 1
    assert "members_unread" in got.flags


def test_a_path_in_a_message_leads_nowhere(read: Read) -> None:
    members = {"_chat.txt": f"{HEAD}A: ../../etc/passwd.jpg (file attached)\n".encode(), "passwd.png": b"x"}

    got = read(members, name="x.zip")

    assert [ref.place for ref in got.records[0].media] == [""]
    assert "media_missing" in got.flags


@pytest.mark.parametrize(
    "line",
    [
        "\u200e<attached: 00000003-PHOTO-2023-05-13-09-03-12.jpg>",
        "\u200e<Anhang: 00000003-PHOTO-2023-05-13-09-03-12.jpg>",
        "\u200e<00000003-PHOTO-2023-05-13-09-03-12.jpg eklendi>",
        "look \u200e<添付ファイル: 00000003-PHOTO-2023-05-13-09-03-12.jpg>",
        "00000003-PHOTO-2023-05-13-09-03-12.jpg <\u200eattached>",
    ],
)
def test_an_attachment_is_found_in_every_language(read: Read, line: str) -> None:
    name = "00000003-PHOTO-2023-05-13-09-03-12.jpg"
    members = {"_chat.txt": f"[13/05/2023, 09:03:12] Ana: {line}\n".encode(), name: b"\xff\xd8\xff\xe0"}

    got = read(members, name="WhatsApp Chat - Ana.zip")

    assert [ref.member for ref in got.records[0].media] == [name]


@pytest.mark.parametrize("body", ["<Media omitted>", "<Média sur mesure>", "<メディアなし>", "<Без медиафайлов>"])
def test_what_was_left_out_is_seen_in_every_language(read: Read, body: str) -> None:
    got = read(f"{HEAD}Ana: {body}\n{HEAD}Ana: I <3 you\n{HEAD}Ana: <b>no</b>\n")

    assert [bool(r.media) for r in got.records] == [True, False, False]
    assert "media_not_included" in got.flags


def test_two_chats_in_one_zip_are_two_threads(read: Read) -> None:
    members = {
        "a/WhatsApp Chat with Ana.txt": f"{HEAD}Ana: hi\n".encode(),
        "b/WhatsApp Chat with Bea.txt": f"{HEAD}Bea: ho\n".encode(),
    }

    got = read(members, name="all.zip")

    assert [(r.member[0], r.thread, r.sender) for r in got.records] == [("a", "Ana", "Ana"), ("b", "Bea", "Bea")]


# -- flags -------------------------------------------------------------------------------------------------------------


def test_a_count_near_the_silent_limit_is_said(read: Read) -> None:
    lines = "".join(f"14/02/2023, {h:02}:{m:02} - Ana: x\n" for h in range(24) for m in range(60)) * 28
    chat = "".join(lines.splitlines(keepends=True)[:39_999])

    cut, whole = read(chat), read(f"{HEAD}Messages and calls are end-to-end encrypted.\n" + chat)

    assert "cap_suspected" in cut.flags
    assert "cap_suspected" not in whole.flags


def test_every_flag_is_in_the_closed_list(read: Read) -> None:
    from pathlib import Path

    page = Path(__file__).parents[6] / "docs/formats/archive.md"
    if not page.exists():
        pytest.skip("the documents are not part of the installed package")

    source = (Path(__file__).parents[1] / "account.py").read_text(encoding="utf-8")

    import re

    said = set(re.findall(r'^\s+"([a-z]+_[a-z_]+)",$|say\([^,]+, "([a-z_]+)"', source, re.MULTILINE))
    codes = {a or b for a, b in said}
    known = set(re.findall(r"^\| `([a-z_]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert codes
    assert codes <= known


# -- anything at all ---------------------------------------------------------------------------------------------------

PIECE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            HEAD.encode(),
            b"\n",
            b"\r\n",
            b"[14/02/2023, 19:06:07] Ana: \xe2\x80\x8e",
            b"2/15/23, 7:06 PM - Bob: <Media omitted>",
            b"\xef\xbb\xbf",
            b"Ana: x",
            "٢٠٢٣/٢/١٤، ٧:٠٦ م - ".encode(),
            b"\x00",
        ]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECE, max_size=25), order=st.sampled_from([None, "DMY", "MDY", "YMD"]))
def test_any_bytes_are_covered_once_and_in_order(read: Read, pieces: list[bytes], order: str | None) -> None:
    data = b"".join(pieces)

    got = read(data, order=order)

    at = got.records[0].offset if got.records else len(data)
    lead = data[:at]
    assert (
        bool(got.refused) == bool(lead.strip(b"\xef\xbb\xbf \t\r\n\x00"))
        or not got.records
        or data[:2] in (b"\xff\xfe", b"\xfe\xff")
    )
    for record in got.records:
        assert record.offset == at
        assert record.raw == data[at : at + record.length]
        at += record.length
    assert at == len(data)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**7),
            st.sampled_from(["Ana", "Bea R.", "+44 7700 900123", "Zoé 🤓"]),
            st.text(
                st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u200e<>()"), min_size=1, max_size=80
            ),
        ),
        min_size=2,
        max_size=30,
    ),
    st.sampled_from(
        ["{:%d/%m/%Y, %H:%M} - {}: {}\n", "[{:%d.%m.%y, %H:%M:%S}] {}: {}\n", "{:%m/%d/%y, %I:%M %p} - {}: {}\n"]
    ),
)
def test_what_is_written_is_read_back(read: Read, rows: list[tuple[int, str, str]], layout: str) -> None:
    start = datetime(2021, 1, 25, 6, 0)
    moments = [start + timedelta(seconds=sum(r[0] for r in rows[: i + 1]) % 10**8) for i in range(len(rows))]
    moments.sort()
    moments[0], name, text = start, rows[0][1], rows[0][2]
    chat = "".join(layout.format(m, r[1], r[2]) for m, r in zip(moments, rows, strict=True))

    got = read(chat, order="MDY" if "%I" in layout else "DMY")

    exact = [m if "%S" in layout else m.replace(second=0) for m in moments]
    assert times(got) == [m.isoformat() for m in exact]
    assert [r.sender for r in got.records] == [r[1] for r in rows]
    assert name
    assert text

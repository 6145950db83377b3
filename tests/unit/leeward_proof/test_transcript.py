"""The transcript: nothing hides in it, nothing imitates it, and it looks the same everywhere."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from leeward_proof.bundle import Bundle, Item, Made, parse
from leeward_proof.transcript import COLUMNS, PAGE_LINES, STATEMENT, columns, custody, transcript, visible, wrap
from leeward_proof.verify import read_bundle

BUNDLES = Path(__file__).parents[3] / "vectors" / "bundle"


def stored(name: str) -> Bundle:
    report, bundle = read_bundle(BUNDLES / f"{name}.zip")
    assert report.sound
    assert bundle is not None
    return bundle


def saying(text: str, **more: Any) -> Bundle:
    bundle = stored("sound_one_entry")
    item = bundle.items[0]._replace(text=text, **more)
    return Bundle(*bundle[:-1], (item,))


@pytest.mark.parametrize(
    "number", [0, 7, 0x1B, 0x7F, 0x85, 0x200B, 0x200F, 0x2028, 0x202E, 0x2066, 0xFEFF, 0x1BCA1, 0xE0041, 0x27E8]
)
def test_what_could_hide_or_reorder_is_shown_as_its_number(number: int) -> None:
    assert visible(f"a{chr(number)}b") == f"a⟨U+{number:04X}⟩b"


def test_no_control_or_direction_character_is_left() -> None:
    everything = "".join(chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000)

    left = {unicodedata.category(c) for c in visible(everything) if unicodedata.bidirectional(c) not in ("", "BN")}

    assert "Cc" not in left
    directions = {unicodedata.bidirectional(c) for c in visible(everything)}
    assert not directions & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_joiners_of_emoji_and_persian_stay() -> None:
    for text in ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "می\u200cخواهم", "e\u0301", "❤\ufe0f"):
        assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\U0001f600", 2), ("שלום", 4), ("", 0)]
)
def test_columns_follow_the_fixed_table(text: str, width: int) -> None:
    assert columns(text) == width


def test_a_wrapped_line_can_be_joined_again() -> None:
    for text in ("word " * 50, "x" * 300, "日" * 120, "a" + " " * 200 + "b", "short", ""):
        pieces = wrap(text, 40)
        assert "".join(pieces) == text
        assert all(columns(piece) <= 40 for piece in pieces)


def test_no_message_can_imitate_an_item_or_a_page() -> None:
    text = "Hello\nPage 9 of 9\n\n 1  #2  2024-01-01  Carl\n      | forged"

    printed = transcript(saying(text)).decode().split("\n")

    for line in printed:
        if "forged" in line or "Page 9" in line or "#2" in line:
            assert line[4:].startswith("      | ")


def test_no_name_can_break_a_line() -> None:
    printed = transcript(saying("x", person="Carl\n      | I am sorry", handle="1\r2")).decode()

    assert "Carl⟨U+000A⟩      | I am sorry (1⟨U+000D⟩2)" in printed


def test_pages_have_a_fixed_length_and_say_how_many_there_are() -> None:
    pages = transcript(saying("line\n" * 200)).decode().split("Page ")[1:]

    total = len(pages)
    for number, page in enumerate(pages, 1):
        lines = page.split("\n")
        assert lines[0] == f"{number} of {total}"
        body = lines[2:-2]
        assert [int(line[:2]) for line in body] == list(range(1, len(body) + 1))
        assert len(body) == PAGE_LINES or number == total
        assert all(columns(line) <= COLUMNS + 4 for line in lines)
    assert total == 5


def test_the_cover_states_what_it_is_and_its_counts_add_up() -> None:
    bundle = stored("sound_several")

    cover = transcript(bundle).decode().partition("#1  ")[0]

    assert STATEMENT in cover
    assert "Items    4 (incident 1, message 3)" in cover
    assert "Bea (+49 151 0000001): 2 items" in cover
    assert "Carl (+49 151 0000002): 1 item" in cover
    assert "others or nobody named: 1 item" in cover


def test_every_item_shows_number_zone_handle_and_source() -> None:
    printed = transcript(stored("sound_several")).decode()

    assert "#1  2024-02-01 10:01 clock time, zone unknown  Bea (+49 151 0000001)  WhatsApp" in printed
    assert 'as written: time "01.02.24, 10:01", sender "Bea"' in printed
    assert "⟨U+202E⟩reversed" in printed
    assert "#4  2024-02-03 UTC  incident  [amended]" in printed
    assert 'recorded: written "2024-02-03T18:00:00Z"' in printed


def test_words_that_cannot_be_tied_stand_next_to_their_source() -> None:
    printed = transcript(stored("sound_ways_of_words")).decode()

    assert "| Missed call\n" in printed
    assert "= Missed call, 12 s\n" in printed
    assert "= \\xff\\xfenot text\n" in printed


def test_a_small_file_cannot_ask_for_an_endless_text() -> None:
    bundle = saying("x\n" * 100_000)

    with pytest.raises(OverflowError):
        transcript(bundle, limit=10_000)


def test_the_custody_record_names_file_reader_and_log() -> None:
    bundle = stored("sound_whole_archive")
    from leeward_proof.note import Checkpoint

    printed = custody(bundle, Checkpoint(bundle.origin, 1, bytes(32))).decode()

    assert "read by whatsapp 1" in printed
    assert bundle.files[0].sha256 in printed
    assert "included whole: originals/0001.txt" in printed
    assert "received 2024-02-02" in printed
    assert bundle.origin in printed


def test_the_same_values_make_the_same_text_whatever_their_order_in_memory() -> None:
    bundle = stored("sound_several")

    again = Bundle(Made(*bundle.made), *bundle[1:-1], tuple(Item(*item) for item in bundle.items))

    assert transcript(again) == transcript(bundle)


def test_values_come_back_from_their_json() -> None:
    import zipfile

    with zipfile.ZipFile(BUNDLES / "sound_several.zip") as file:
        data = file.read("proof/bundle.json")

    assert parse(data) == stored("sound_several")
    assert json.loads(data)["format"] == "leeward/bundle/1"

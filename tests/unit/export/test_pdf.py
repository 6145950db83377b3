"""The PDF: sober, the same bytes each time, and without a trace of the person or the device."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from leeward.core.errors import OurMistake
from leeward.export import pdf
from leeward_proof.bundle import Bundle
from leeward_proof.verify import read_bundle

BUNDLES = Path(__file__).parents[3] / "vectors" / "bundle"
MADE = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
DIGEST = "ab" * 32


def stored(name: str = "sound_several") -> Bundle:
    bundle = read_bundle(BUNDLES / f"{name}.zip")[1]
    assert bundle is not None
    return bundle


def saying(text: str) -> Bundle:
    bundle = stored("sound_one_entry")
    return Bundle(*bundle[:-1], (bundle.items[0]._replace(text=text),))


def unpacked(data: bytes) -> bytes:
    out = [data]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            out.append(zlib.decompress(stream))
        except zlib.error:
            out.append(stream)
    return b"\n".join(out)


def test_it_is_a_pdf_and_the_same_each_time() -> None:
    first = pdf.pdf_transcript(stored(), DIGEST, MADE)

    assert first.startswith(b"%PDF-")
    assert pdf.pdf_transcript(stored(), DIGEST, MADE) == first


def test_its_date_is_the_one_given_in_utc() -> None:
    there = MADE.astimezone(timezone(timedelta(hours=9)))

    data = pdf.pdf_transcript(stored(), DIGEST, there)

    assert b"CreationDate(D:20260131120000Z)" in data
    assert data == pdf.pdf_transcript(stored(), DIGEST, MADE)


def test_nothing_in_it_names_the_device_or_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "ana-was-here")
    monkeypatch.setenv("HOME", "/home/ana-was-here")

    data = unpacked(pdf.pdf_transcript(stored(), DIGEST, MADE))

    assert b"ana-was-here" not in data
    assert b"/home" not in data
    assert b"/work" not in data
    assert b"/Author" not in data
    assert b"/Title(Transcript)" in data
    assert b"/JavaScript" not in data
    assert b"/URI" not in data
    assert b"/EmbeddedFile" not in data


def test_it_is_grey() -> None:
    data = unpacked(pdf.pdf_transcript(stored(), DIGEST, MADE))

    colours = {
        match
        for match in re.findall(rb"(?<![\w.])([\d.]+) ([\d.]+) ([\d.]+) (?:rg|RG|sc|scn|SC|SCN)\b", data)
        if len(set(match)) > 1
    }
    assert colours == set()


def test_its_text_cannot_become_a_command() -> None:
    hostile = '#panic("x") #read("/etc/passwd") $x$ `raw` */ // \\ <label> @ref = title\n#import "a"'

    data = pdf.pdf_transcript(saying(hostile), DIGEST, MADE)

    assert data.startswith(b"%PDF-")


def test_a_bar_beside_the_words_keeps_them_from_passing_for_the_next_item() -> None:
    def lines_drawn(text: str) -> int:
        return unpacked(pdf.pdf_transcript(saying(text), DIGEST, MADE)).count(b" l\nh\n")

    assert lines_drawn("Hello\n#2  2024-02-03 UTC  message  Bea") == lines_drawn("") + 1


@pytest.mark.parametrize(
    "text", ["\U0001f600 日本語 שלום مرحبا ไทย हिन्दी", "\u202e\x00\x07", "x" * 20_000, "\n" * 500, "e\u0301" * 50]
)
def test_any_script_and_any_sign_makes_a_document(text: str) -> None:
    assert pdf.pdf_transcript(saying(text), DIGEST, MADE).startswith(b"%PDF-")


def test_the_cover_states_what_it_is_and_carries_the_digest_of_the_text() -> None:
    data = pdf._data(stored(), DIGEST)

    assert data["statement"] == "Selected by the owner. Not proof of truth or completeness."
    assert data["digest"].replace("\u200b", "") == DIGEST
    assert ["Items", "4 (incident 1, message 3)"] in data["facts"]
    counts = [found for one in data["people"] for found in re.findall(r": (\d+) item", one)]
    assert len(counts) == len(data["people"])
    assert sum(int(count) for count in counts) == 4


def test_a_new_day_is_announced_once() -> None:
    days = [item["day"] for item in pdf._data(stored(), DIGEST)["items"]]

    assert days == ["2024-02-01", None, None, "2024-02-03"]


def test_where_the_part_is_missing_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("leeward.export.pdf.importlib.import_module", missing)

    with pytest.raises(OurMistake, match="not installed"):
        pdf.pdf_transcript(stored(), DIGEST, MADE)


def test_what_cannot_be_set_is_our_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_TEMPLATE", "#panic()")

    with pytest.raises(OurMistake) as caught:
        pdf.pdf_transcript(stored(), DIGEST, MADE)

    assert "without it" in caught.value.sentence()

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.ingest.media.kinds import HEAD, type_of


def iso(major: Any, *compatible: Any) -> Any:
    brands = b"".join(compatible)
    return (16 + len(brands)).to_bytes(4, "big") + b"ftyp" + major + b"\0\0\0\0" + brands + b"\0" * 40


def ogg(packet: Any) -> Any:
    return b"OggS\x00\x02" + bytes(20) + b"\x01" + bytes([len(packet)]) + packet


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        (b"\xff\xd8\xff\xe1\x00\x10Exif\x00", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\x00\x00\x00none", ""),
        (iso(b"heic", b"mif1", b"heic"), "image/heic"),
        (iso(b"mif1", b"mif1", b"heic"), "image/heic"),
        (iso(b"mif1", b"mif1"), "image/heif"),
        (iso(b"mp42", b"mp42", b"isom"), "video/mp4"),
        (iso(b"isom", b"isom", b"avc1"), "video/mp4"),
        (iso(b"qt  ", b"qt  "), "video/quicktime"),
        (iso(b"3gp5", b"3gp5", b"isom"), "video/3gpp"),
        (iso(b"M4A ", b"M4A ", b"mp42"), "audio/mp4"),
        (iso(b"zzzz"), ""),
        (ogg(b"OpusHead\x01"), "audio/opus"),
        (ogg(b"\x01vorbis"), "audio/ogg"),
        (b"#!AMR\n\x3c", "audio/amr"),
        (b"#!AMR-WB\n\x3c", "audio/amr-wb"),
        (b"ID3\x04\x00\x00\x00\x00\x10\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"SQLite format 3\x00", "application/vnd.sqlite3"),
        (b"BEGIN:VCARD\r\nVERSION:2.1", "text/vcard"),
        (b"\xef\xbb\xbfbegin:vcard\r\n", "text/vcard"),
        ("Grüße, 今日は".encode(), "text/plain"),
        (b"ID3 is a tag format", "text/plain"),
        (b"", ""),
        (b"\x00\x01\x02\x03", ""),
        (b"\xff\xff\xff\xff", ""),
        ("utf-16".encode("utf-16"), ""),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, kind: Any) -> None:
    assert type_of(head) == kind


def test_a_character_cut_by_the_end_of_the_head_is_no_damage() -> None:
    words = ("a" + "é" * HEAD).encode()

    assert type_of(words[:HEAD]) == "text/plain"


@given(st.binary(max_size=64))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    assert isinstance(type_of(head), str)


@given(st.sampled_from([b"RIFF", b"OggS", b"\0\0\0\x18ftyp", b"ID3", b"\xff\xfb", b"\xff\xf1"]), st.binary(max_size=40))
def test_a_cut_signature_is_never_an_error(start: bytes, rest: bytes) -> None:
    assert isinstance(type_of(start + rest), str)

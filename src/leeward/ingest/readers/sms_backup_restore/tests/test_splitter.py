import base64
import hashlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.ingest.readers.sms_backup_restore.splitter import DIVERT_FROM, Encoding, Splitter, encoding_of


def split(data: bytes, encoding: str = "utf-8", read_bytes: int = 2**20) -> Any:
    parts = list(Splitter(io.BytesIO(data), Encoding(encoding), read_bytes=read_bytes).blocks())
    return b"".join(part for part, _ in parts), [value for _, values in parts for value in values]


def part(value: Any, quote: str = '"') -> Any:
    return f"<part ct='image/jpeg' data={quote}{value}{quote} />".encode()


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_value_is_diverted_from_its_exact_length_on(quote: str) -> None:
    short, long = "A" * (DIVERT_FROM - 4), "A" * DIVERT_FROM

    kept, (first,) = split(part(short, quote))
    diverted, (second,) = split(part(long, quote))

    assert kept == part(short, quote)
    assert diverted == part("@sha256:" + hashlib.sha256(long.encode()).hexdigest(), quote)
    assert (first.size, second.size) == (len(short) * 3 // 4, len(long) * 3 // 4)
    assert second.original_length == len(long)


@given(st.binary(min_size=0, max_size=4000), st.integers(7, 3000))
def test_the_result_does_not_depend_on_how_the_bytes_arrive(content: Any, step: int) -> None:
    value = base64.b64encode(content).decode()
    data = b"<smses>" + part(value) + b"<sms body='my data=\"x\" here'/>" + part(value, "'") + b"</smses>"
    whole, values = split(data)

    pieces, again = split(data, read_bytes=step)

    assert pieces == whole
    assert [value.sha256 for value in again] == [value.sha256 for value in values]
    assert [value.sha256 for value in values] == [hashlib.sha256(content).hexdigest() if content else ""] * 2


def test_a_value_that_never_ends_stops_at_the_next_tag() -> None:
    data = b'<mms><part data="' + b"A" * 5000 + b'<sms body="x" />'

    whole, (value,) = split(data)

    assert whole.endswith(b'<sms body="x" />')
    assert value.original_length == 5000


@pytest.mark.parametrize(
    "data",
    [
        b"<sms body='data=\"" + b"A" * 3000 + b"\"' />",
        b'data="' + b"A" * 3000 + b'"',
        b'<part metadata="' + b"A" * 3000 + b'" />',
    ],
)
def test_what_only_looks_like_a_value_stays(data: Any) -> None:
    whole, values = split(data)

    assert whole == data
    assert values == []


def test_utf16_is_hashed_as_it_stands_in_the_file() -> None:
    value = "A" * 2000
    data = part(value).decode().encode("utf-16-le")

    whole, (found,) = split(data, "utf-16-le")

    digest = hashlib.sha256(value.encode("utf-16-le")).hexdigest()
    assert Encoding("utf-16-le").original(whole) == part("@sha256:" + digest).decode().encode("utf-16-le")
    assert found.original_length == 4000


@pytest.mark.parametrize(
    ("head", "name", "guessed"),
    [
        (b"\xff\xfe<\0", "utf-16-le", False),
        (b"\xfe\xff\0<", "utf-16-be", False),
        ("<smses".encode("utf-16-le"), "utf-16-le", True),
        ("<smses".encode("utf-16-be"), "utf-16-be", True),
        (b"<\0smses>", "utf-8", False),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?>", "cp1252", False),
        (b"<?xml version='1.0' encoding='UTF-16'?>", "utf-8", False),
        (b"", "utf-8", False),
    ],
)
def test_the_encoding_is_what_the_bytes_say(head: bytes, name: str, guessed: bool) -> None:
    encoding = encoding_of(head)

    assert (encoding.name, encoding.guessed) == (name, guessed)

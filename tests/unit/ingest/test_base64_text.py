import base64
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.ingest.media.base64_text import Base64Text


def decode(*pieces: Any) -> Any:
    text = Base64Text()
    data = b"".join(text.feed(piece) for piece in pieces) + text.finish()
    return None if text.broken else data


def cut(text: bytes, places: Any) -> Any:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 500), max_size=6), st.booleans())
def test_however_it_arrives_it_decodes_to_the_same(data: Any, places: Any, padded: bool) -> None:
    text = base64.b64encode(data)
    text = text if padded else text.rstrip(b"=")

    assert decode(*cut(text, places)) == data


@given(
    st.binary(min_size=1, max_size=200),
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([b"\n", b"\r\n", b" ", b"&#10;", b"&#xA;", b"\0"])), max_size=6
    ),
    st.lists(st.integers(0, 900), max_size=6),
)
def test_white_space_in_every_form_is_left_out(data: Any, spaces: Any, places: Any) -> None:
    text = base64.b64encode(data)
    for at, space in sorted(((at % (len(text) + 1), space) for at, space in spaces), reverse=True):
        text = text[:at] + space + text[at:]

    assert decode(*cut(text, places)) == data


@pytest.mark.parametrize(
    "text", [b"A", b"AAAAA", b"AA=A", b"AAA=AAAA", b"AAAA*AAA", b"AAAA&lt;", b"====", b"AAAA&", b"@sha"]
)
def test_what_is_no_base64_is_said_to_be_broken(text: bytes) -> None:
    assert decode(text) is None
    assert decode(*[bytes([byte]) for byte in text]) is None

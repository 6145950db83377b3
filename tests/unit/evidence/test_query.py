"""What a person types is only ever words: nothing she types is syntax, and nothing she types is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import UsageError
from leeward.evidence.feed import SHAPE
from leeward.evidence.query import MARK_OFF, MARK_ON, like_pattern, mark_all, match_expression, spans
from leeward.vault.projection import open_projection


@given(st.text(max_size=30))
def test_whatever_is_typed_the_index_understands_it_or_there_is_no_word_in_it(typed: str) -> None:
    db = open_projection(SHAPE)
    try:
        expression = match_expression(typed)
    except UsageError:
        return

    assert db.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression,)).fetchall() == []


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_like_pattern_finds_what_stands_there(before: str, needle: str, after: str) -> None:
    db = open_projection(SHAPE)
    trimmed = needle.strip().strip('"')

    found = db.execute("SELECT ? LIKE ? ESCAPE '\\'", (before + trimmed + after, like_pattern(needle))).fetchone()[0]

    assert found or "\0" in before + needle + after


@pytest.mark.parametrize("typed", ["", "   ", '""', "***", "?!", "-", '"'])
def test_no_word_is_said_so(typed: str) -> None:
    with pytest.raises(UsageError):
        match_expression(typed)


def test_marks_are_places_in_the_text_itself() -> None:
    assert spans(f"a {MARK_ON}door{MARK_OFF}, the {MARK_ON}DOOR{MARK_OFF}") == [(2, 6), (12, 16)]
    assert spans(mark_all("今夜は帰らない", "帰ら")) == [(3, 5)]
    assert spans(None) == spans("no mark") == []

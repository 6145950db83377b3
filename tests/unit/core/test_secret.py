import copy
import pickle
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.core.errors import OurMistake, UsageError
from leeward.core.secret import Passphrase, Secret

PLANTED = "the blue door sticks"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>40}".format, lambda secret: f"{[secret]}"])
def test_a_secret_prints_as_stars(show: object) -> None:
    secret = Passphrase.from_text(PLANTED)

    shown = show(secret)  # type: ignore[operator]  # the functions have no common type

    assert "****" in shown
    assert "blue" not in shown


def test_the_stars_do_not_tell_the_length() -> None:
    assert str(Secret(b"a")) == str(Secret(b"a" * 100))


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode])
def test_a_secret_can_be_neither_written_down_nor_copied(write: object) -> None:
    secret = Secret(b"key")

    with pytest.raises(TypeError):
        write(secret)  # type: ignore[operator]  # the functions have no common type


def test_a_secret_is_compared_by_value_and_is_no_key() -> None:
    secret = Secret(b"key")

    assert secret == Secret(b"key")
    assert secret != Secret(b"kez")
    assert secret != b"key"
    with pytest.raises(TypeError):
        hash(secret)


def test_a_forgotten_secret_is_gone() -> None:
    secret = Secret(b"key")

    secret.forget()
    secret.forget()

    with pytest.raises(OurMistake):
        secret.reveal()
    assert str(secret) == "****"


typed_texts = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda text: text.strip("\r\n") and not text.endswith("\n") and not text.startswith("\ufeff")
)


@given(typed_texts)
def test_a_passphrase_from_a_file_equals_the_typed_one(text: str) -> None:
    typed = Passphrase.from_text(text)

    for content in (text.encode(), text.encode() + b"\n", b"\xef\xbb\xbf" + text.encode() + b"\n"):
        assert Passphrase.from_file_bytes(content) == typed


@given(typed_texts)
def test_the_way_an_accent_was_typed_does_not_matter(text: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)

    assert Passphrase.from_text(composed) == Passphrase.from_text(decomposed)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"abc\n", b"abc"),
        (b"abc\r\n", b"abc"),
        (b"abc\n\n", b"abc\n"),
        (b" abc ", b" abc "),
        (b"Abc\r", b"Abc"),
        (b"abc\n\r\n", b"abc\n"),
    ],
)
def test_only_one_newline_at_the_end_is_taken_off(content: bytes, kept: bytes) -> None:
    passphrase = Passphrase.from_file_bytes(content)

    assert passphrase.reveal() == kept


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\xef\xbb\xbf\n"])
def test_an_empty_passphrase_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="empty"):
        Passphrase.from_file_bytes(content)


def test_a_file_that_is_no_text_is_refused_and_not_quoted() -> None:
    with pytest.raises(UsageError, match="not plain text") as caught:
        Passphrase.from_file_bytes(b"blue\xff\xfe")

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "blue" not in caught.value.sentence()


def test_half_a_character_is_refused_and_not_quoted() -> None:
    with pytest.raises(UsageError, match="cannot be kept") as caught:
        Passphrase.from_text("blue\ud800")

    assert caught.value.__suppress_context__

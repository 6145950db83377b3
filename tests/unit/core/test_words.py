import pytest

from leeward.core.errors import UsageError
from leeward.core.secret import Passphrase
from leeward.core.words import LANGUAGES, suggest_passphrase, weakness, word_list


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_thousands_of_different_words_any_keyboard_can_type(language: str) -> None:
    words = word_list(language)

    assert len(words) == len(set(words)) >= 7776
    assert all(word.isascii() and not any(map(str.isspace, word)) for word in words)


def test_a_language_without_a_list_gets_english_words() -> None:
    assert word_list("tlh") == word_list("en")


def test_each_word_is_chosen_by_chance_from_the_whole_list() -> None:
    asked: list[int] = []

    def choose(words: object) -> str:
        asked.append(len(words))  # type: ignore[arg-type]  # a sequence of words
        return "frost"

    passphrase = suggest_passphrase(choose=choose)

    assert asked == [7776] * 6
    assert passphrase.reveal() == b"frost frost frost frost frost frost"


def test_two_offers_differ() -> None:
    assert suggest_passphrase() != suggest_passphrase()


def test_too_few_words_are_not_offered() -> None:
    with pytest.raises(UsageError, match="fewer than 5"):
        suggest_passphrase(4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_offered_passphrase_is_not_called_weak(language: str) -> None:
    for _ in range(50):
        assert weakness(suggest_passphrase(language=language)) is None


@pytest.mark.parametrize(
    ("text", "habit"),
    [
        ("carl2019", "short"),
        ("aaaaaaaaaaaaaaaa", "repeats"),
        ("blue blue blue blue", "repeats"),
        ("14021987140219", "digits"),
        ("07700 900101 07", "digits"),
        ("qwertyuiopasdf", "keys"),
        ("abcdefghijklmnop", "keys"),
        ("zyxwvutsrqponm", "keys"),
        ("1q2w3e4r5t6y7u", "keys"),
        ("Password123456", "tried first"),
        ("p@ssw0rd!!2019", "tried first"),
        ("iloveyou!!!123", "tried first"),
        ("abacus abdomen", "words"),
        ("Abacus-Abdomen-Frost", "words"),
        ("!!!!????....,,,,----", "repeats"),
    ],
)
def test_a_weak_habit_gets_one_sentence_that_names_it(text: str, habit: str) -> None:
    said = weakness(Passphrase.from_text(text))

    assert said is not None
    assert habit in said
    assert said.startswith("This passphrase")
    assert text.casefold() not in said.casefold()


@pytest.mark.parametrize(
    "text",
    [
        "lantern copper river meadow basket frost",
        "xK9#mQ2$vL7pR4",
        "Tante Käthe backt montags Ölkuchen",
        "窓の外で雨が静かに降り続けている",
    ],
)
def test_a_passphrase_without_such_habits_gets_none(text: str) -> None:
    assert weakness(Passphrase.from_text(text)) is None

"""Passphrases made of words: one is offered by chance, and a weak one of her own gets a sentence.

The words are lists that the ``diceware`` package keeps: for English the long list of the Electronic Frontier
Foundation (7,776 words), for the other languages lists of the same kind. Only its files are read; none of its code
chooses. Each word of a 7,776-word list is worth 12.9 bits when it was chosen by chance:

::

    words    bits    time to try half of them at 1,000 tries a second on each of 1,000 machines
      5      64.6    about 450,000 years
      6      77.5    about 3,500,000,000 years

1,000 tries a second is generous to the other side: a try costs 64 MiB and most of a second (docs/formats/vault.md).

What this cannot do: know what Carl knows. Her dog, her street and her birthday pass every rule below.

    >>> suggest_passphrase(choose=lambda words: words[0]).reveal()
    b'abacus abacus abacus abacus abacus abacus'
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Final

from leeward.core.errors import UsageError
from leeward.core.secret import Passphrase

__all__ = ["FEWEST_WORDS", "LANGUAGES", "suggest_passphrase", "weakness", "word_list"]

_FILES: Final = {
    "ca": "wordlist_ca.txt",
    "de": "wordlist_de.txt",
    "en": "wordlist_en_eff.txt",
    "es": "wordlist_es.txt",
    "fr": "wordlist_fr.txt",
    "it": "wordlist_it.txt",
    "pt": "wordlist_pt-br.txt",
}
LANGUAGES: Final = tuple(_FILES)
"""Languages that have a list of words. All lists are plain ASCII, so they can be typed on any keyboard."""

FEWEST_WORDS = 5
"""64 bits: below, a patient attacker with rented machines comes into reach."""

_SHORTEST = 12
"""Characters. Twelve chosen by chance from letters and digits are 71 bits; people choose far worse than chance."""

_SHORTEST_DIGITS = 20
"""Digits. Twenty by chance are 66 bits."""

_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
         "azertyuiopqsdfghjklmwxcvbn", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn")  # fmt: skip

_FAVOURITES = frozenset(
    """
    admin amor baseball batman butterfly charlie chocolate computer contraseña daniel dragon football freedom hallo
    hello hola iloveyou jessica jesus letmein lovely loveyou master michael monkey mustang mypassword passphrase
    passw password passwort pokemon princess qwerty secret shadow soccer starwars summer sunshine superman teamo
    teddy tequiero test trustno welcome whatever winter
    """.split()  # noqa: SIM905  # a list with a quote around each word is harder to read and to add to
)
"""What lists of leaked passwords have at their top, without the digits people put around them."""

_LOOK_ALIKES = str.maketrans("@013457$!", "aoieastsi")


@lru_cache(maxsize=len(_FILES))
def word_list(language: str = "en") -> tuple[str, ...]:
    """
    Return the words for *language*, each once. Another language gets the English ones.

    Raises:
        UsageError: the ``diceware`` package is not installed; everything else works without it.
    """
    try:
        text = resources.files("diceware").joinpath("wordlists", _FILES.get(language, _FILES["en"])).read_text("ascii")
    except (ModuleNotFoundError, FileNotFoundError):
        raise UsageError(
            "The list of words is not installed, so no passphrase can be offered.",
            next_step="Choose six words by chance yourself, for example with dice and a book.",
        ) from None
    return tuple(line.split()[-1] for line in text.splitlines() if line.strip())


def suggest_passphrase(
    words: int = 6, language: str = "en", choose: Callable[[Sequence[str]], str] = secrets.choice
) -> Passphrase:
    """
    Offer a passphrase of *words* words with spaces between them.

    Args:
        words: at least `FEWEST_WORDS`.
        language: one of `LANGUAGES`; others get English words.
        choose: picks one of a sequence, unpredictably and evenly.

    Raises:
        UsageError: too few words.
    """
    if words < FEWEST_WORDS:
        raise UsageError(f"A passphrase of fewer than {FEWEST_WORDS} words is too easy to find.")
    listed = word_list(language)
    return Passphrase.from_text(" ".join(choose(listed) for _ in range(words)))


def weakness(passphrase: Passphrase) -> str | None:
    """
    Say in one sentence why *passphrase* is weak, or None when nothing shows.

    None is no praise: rules see habits, not what another person knows about her. The sentence never quotes the
    passphrase, and refuses nothing: whether to go on is hers.
    """
    text = passphrase.reveal().decode().casefold()
    bare = re.sub(r"[\W_]+", "", text)
    if len(text) < _SHORTEST:
        return f"This passphrase is short: with fewer than {_SHORTEST} characters, a computer can try them all."
    if bare.isdigit() and len(bare) < _SHORTEST_DIGITS:
        return "This passphrase is only digits: dates and phone numbers are tried first."
    if len(set(bare)) <= 4 or _is_repeated(bare):
        return "This passphrase repeats itself, and repeating adds very little."
    if any(bare in row * 2 or bare in row[::-1] * 2 for row in _ROWS):
        return "This passphrase follows the keys or the alphabet, and such rows are tried first."
    if _is_favourite(text):
        return "This passphrase is built on one of the words that are tried first."
    written = re.findall(r"[^\W_]+", text)
    if len(written) < FEWEST_WORDS and all(word in _every_listed_word() for word in written):
        return f"This passphrase has fewer than {FEWEST_WORDS} common words; {FEWEST_WORDS + 1} chosen by chance hold."
    return None


def _is_repeated(text: str) -> bool:
    return bool(text) and (text + text).find(text, 1) < len(text)


def _is_favourite(text: str) -> bool:
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)  # "p@ssw0rd!2019" hides its word twice: around, and inside
    return any(re.sub(r"[\W\d_]+", "", spelled) in _FAVOURITES for spelled in (inner, inner.translate(_LOOK_ALIKES)))


@lru_cache(maxsize=1)
def _every_listed_word() -> frozenset[str]:
    try:
        return frozenset().union(*(word_list(language) for language in LANGUAGES))
    except UsageError:
        return frozenset()

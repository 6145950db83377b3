"""The page a receiver reads first: what the bundle is, how to check it, and what it does not prove.

Voice: calm and exact, for somebody who never saw Leeward and may have to explain this in court. No claim here goes
beyond docs/formats/bundle.md §1.
"""

from __future__ import annotations

from leeward_proof.transcript import STATEMENT
from leeward_proof.verify import NOT_PROVEN

__all__ = ["readme"]

_TEXT = """\
WHAT THIS IS

A bundle of messages and notes, taken out of a vault of the program Leeward by its owner.
{statement}

  transcript.txt    the items, numbered, page by page. This is the text the proof speaks about.
{pdf}\
  custody.txt       where the items come from: which file, its SHA-256, which reader, when.
{attachments}\
{originals}\
  proof/            the values and the signed head of the log that the check works with.
  SHA256SUMS        the SHA-256 of every file here; SHA256SUMS.sig is its signature.

Each item has a number (#1, #2, ...). Numbers count the items of this bundle only.


HOW TO CHECK IT

1. That no file was damaged on the way. Unpack it into an empty folder, and there:

       sha256sum -c SHA256SUMS

   On a Mac: shasum -a 256 -c SHA256SUMS

2. That the transcript says what was recorded, and that nothing was changed since the bundle was made.
   This needs Python 3.11 or newer with the package "cryptography", and the small program leeward_proof. Its source is
   open. It needs no network, no account and no other part of Leeward. Use the .zip file itself, not the
   unpacked folder:

       python -m leeward_proof THE-BUNDLE.zip

   It answers "SOUND", or names each place that does not fit. With --list it prints every value that was proven.

If a change was made anywhere, even to one letter, the check names the place. The vault still has the items: the owner
can make a new bundle at any time.


WHAT IT PROVES

That the items shown stood in the owner's log, word for word or together with their source, when the head of that log
was signed; that nothing in this file was changed since; that each attachment is the very file that came with its item.


WHAT IT DOES NOT PROVE

{not_proven}
  - Whose log it is. The line "Log" of the check shows its key; ask the owner for the same line by another road.

The words here are no legal advice. What a court accepts differs from place to place.
"""


def readme(*, pdf: bool, attachments: int, originals: int) -> bytes:
    """Return ``README.txt`` for a bundle with these parts."""
    text = _TEXT.format(
        statement=STATEMENT,
        pdf="  transcript.pdf    the same, for reading and printing.\n" if pdf else "",
        attachments="  attachments/      pictures, sounds and other files that belong to items.\n"
        if attachments
        else "",
        originals="  originals/        whole files as they were received.\n" if originals else "",
        not_proven="\n".join(f"  - {sentence}" for sentence in NOT_PROVEN),
    )
    return text.encode("utf-8")

"""Finds out which reader a file is for, by its contents.

Every reader looks at the first bytes; the highest confidence reads, and among equals the one listed first. A file that
nobody claims is *kept as it is*: sealed, listed, without records. That is a result, not an error.

To add a reader: put its class into `READERS`. What it loads at its first use, not when it is imported, goes into
`prepare`: a confined reader cannot open a file any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from leeward.ingest.base import Event, Flag, Hints, Match, Outcome, Package, Reader, Recognised
from leeward.ingest.readers.sms_backup_restore.reader import SmsBackupRestoreReader
from leeward.ingest.readers.whatsapp_txt import words as whatsapp_words
from leeward.ingest.readers.whatsapp_txt.reader import WhatsAppTextReader
from leeward.ingest.zones import named_zone

__all__ = ["KEPT_AS_IT_IS", "READERS", "detect", "keep_as_it_is", "prepare"]

READERS: Final[tuple[Reader, ...]] = (WhatsAppTextReader(), SmsBackupRestoreReader())
"""Every reader there is."""

KEPT_AS_IT_IS: Final = "kept as it is"
"""Name that stands for no reader in a receipt."""


def detect(package: Package, readers: Sequence[Reader] = READERS) -> tuple[Reader, Match] | None:
    """
    Return the reader with the highest claim on *package* and its claim, None when nobody claims it.

    Args:
        package: looked at, at most 256 KiB a member and reader.
        readers: asked in this order.
    """
    best: tuple[Reader, Match] | None = None
    for reader in readers:
        match = reader.sniff(package)
        if match is not None and match.confidence > (best[1].confidence if best else 0):
            best = (reader, match)
    return best


def prepare(hints: Hints) -> None:
    """
    Load everything the readers may need for *hints*.

    Raises:
        UsageError: *hints* name a zone that nobody knows.
    """
    whatsapp_words.table()
    if hints.zone is not None:
        named_zone(hints.zone)


def keep_as_it_is() -> Iterator[Event]:
    """Yield the events for a file that nobody claims: recognised as unknown, no records, flag ``kept_as_is``."""
    yield Recognised(KEPT_AS_IT_IS, "1", "", "Leeward has no reader for this kind of file yet.")
    yield Outcome(
        zone_rule="",
        flags=(
            Flag(
                "kept_as_is",
                "Leeward cannot read this kind of file yet. The original is safe in your vault, unchanged.",
            ),
        ),
    )

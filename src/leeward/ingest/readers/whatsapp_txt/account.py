"""What is counted while a package is read, and what the person is told about it.

The words here are for her: what is known, what is not, whether anything was lost, what she can do. Codes are the closed
list of docs/formats/archive.md §6.
"""

from __future__ import annotations

from typing import Final

from leeward.ingest.base import Flag, Hints

__all__ = ["Tally", "flags_of", "plural", "zone_rule"]

_CAPS: Final = ((39_990, 40_010, False), (9_990, 10_010, True))
"""Messages at which exports end silently: 40,000 without and 10,000 with media, as counts of 39,999 to 40,001 show."""


def plural(n: int, one: str, many: str) -> str:
    """Return a count with its noun."""
    return f"{n:,} {one if n == 1 else many}"


class Tally:
    """What is counted over a whole package, for the flags."""

    def __init__(self) -> None:
        self.records = self.messages = 0
        self.unread = self.backs = self.quoted = 0
        self.missing = self.omitted = self.present = self.members_unread = 0
        self.edited = self.deleted = self.timers = self.repaired = 0
        self.twice = self.never = 0
        self.me_seen = self.notice_on_top = self.cut = self.guessed = False
        self.open = self.mixed = self.contested = self.two_digits = False

    @property
    def cap(self) -> bool:
        """Say whether the count is where exports end silently, and the top of the chat is not there."""
        with_media = self.present > 0
        near = any(low <= self.records <= high for low, high, media in _CAPS if with_media or not media)
        return near and not self.notice_on_top


def zone_rule(hints: Hints) -> str:
    """Say how the times are to be understood."""
    if hints.zone:
        return f"Times are the wall clock of the phone that made the export, read in {hints.zone} as you said."
    return "Times are the wall clock of the phone that made the export; the file does not say in which zone it was."


def flags_of(tally: Tally, hints: Hints) -> list[Flag]:
    """Say what the person should know, in the order of how much it matters."""
    flags = [
        Flag(
            "spoofable_source",
            "This is a plain text file: anyone can add, change or remove lines, and nothing inside it would "
            "show that. The phone's own database, the other person's export or screenshots can support it.",
        )
    ]

    def say(when: object, code: str, text: str) -> None:
        if when:
            flags.append(Flag(code, text))

    say(
        tally.open,
        "order_ambiguous",
        "Day and month could be either way round in this file, so its messages have no date yet. They stand in the "
        "order of the file, and the time of each is kept as it was written.",
    )
    style = "The way dates are written changes inside the file." if tally.mixed or tally.contested else ""
    if tally.quoted:
        style += (
            f" {plural(tally.quoted, 'line looks', 'lines look')} like the start of a message of another phone, but "
            "stand where only a quotation can stand; they were kept as text of the message above."
        )
    say(style, "order_mixed", style.strip())
    say(
        tally.unread,
        "time_unread",
        f"{plural(tally.unread, 'entry has a time', 'entries have a time')} that could not be understood for "
        "certain. The time is kept as it is written.",
    )
    say(
        tally.two_digits,
        "two_digit_year",
        "Years are written with two digits, and the year could stand first or last.",
    )
    say(
        not hints.zone,
        "zone_unknown",
        "The times are those of the phone's clock. The file does not say in which time zone the phone was.",
    )
    say(
        tally.twice or tally.never,
        "clock_change",
        f"{plural(tally.twice, 'time', 'times')} happened twice and {plural(tally.never, 'time', 'times')} "
        "never happened in this zone, because the clocks changed. They are kept as written.",
    )
    say(
        tally.backs,
        "clock_runs_back",
        f"{plural(tally.backs, 'message has', 'messages have')} an earlier time than the one above. The order "
        "of the file is kept.",
    )
    say(tally.cut, "truncated", "The file may end, or one of its messages may be cut, in the middle.")
    say(
        tally.cap,
        "cap_suspected",
        "The app leaves out older messages, without saying so, when a chat has more than about 40,000 messages "
        "(10,000 with media). The number found here is near that limit, and the notice that starts a chat is "
        "not there.",
    )
    say(
        tally.missing,
        "media_missing",
        f"{plural(tally.missing, 'file is', 'files are')} referred to but not here, or could not be read.",
    )
    say(
        tally.omitted,
        "media_not_included",
        f"{plural(tally.omitted, 'picture, sound or file was', 'pictures, sounds or files were')} left out when "
        "the export was made. The chat can be exported again with media.",
    )
    say(
        tally.repaired,
        "repaired_text",
        f"The text of {plural(tally.repaired, 'entry was', 'entries were')} damaged and is marked; the original "
        "bytes are kept.",
    )
    say(tally.guessed, "encoding_guessed", "The text is not UTF-8; it was read as Western European (Windows-1252).")
    say(
        tally.edited,
        "edited_messages",
        f"{plural(tally.edited, 'message was', 'messages were')} edited. What stood there before is not in the export.",
    )
    say(
        tally.deleted,
        "deleted_messages",
        f"{plural(tally.deleted, 'message was', 'messages were')} deleted before the export. The export still "
        "shows when.",
    )
    say(tally.timers, "disappearing", "Disappearing messages were on for some time, so messages are probably missing.")
    say(
        tally.members_unread,
        "members_unread",
        f"{plural(tally.members_unread, 'other file', 'other files')} in the zip belong to no message; they are kept.",
    )
    say(
        tally.records and not hints.me,
        "me_unknown",
        "The file does not say which of the people in it made the export.",
    )
    say(
        hints.me and tally.messages and not tally.me_seen,
        "not_a_party",
        "The name you gave for yourself writes nothing in this chat.",
    )
    return flags

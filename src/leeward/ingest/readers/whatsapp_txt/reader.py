"""The reader of WhatsApp's "Export chat": a text file, or a zip of that text with its media.

Two passes. The first (`survey.py`) learns how this file writes heads, which order day and month have, and who
writes; the second cuts the text into records and reads each. Between heads every byte belongs to the record above
it, so the records of a member lie end to end; text before the first head is refused as one item.

It refuses to guess: an order of day and month that stays open gives no time to any record; a day-period word that is
in no table gives no time to its record; text that looks like a head of another style, but whose time does not run on
from the record above, is a quotation and stays inside that record. Nothing here can tell a pasted line in the file's
own style from a real message, and the receipt says so (flag ``spoofable_source``).

Example::

    for event in WhatsAppTextReader().read(package, Hints(order="DMY")):
        ...
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from leeward.ingest.base import Event, Hints, Match, Outcome, Package, Recognised
from leeward.ingest.readers.whatsapp_txt.account import Tally, flags_of, plural, zone_rule
from leeward.ingest.readers.whatsapp_txt.attachments import Shelf
from leeward.ingest.readers.whatsapp_txt.bodies import mentions
from leeward.ingest.readers.whatsapp_txt.cuts import is_open, milliseconds
from leeward.ingest.readers.whatsapp_txt.dates import DAY_MS, UNREAD, days_of
from leeward.ingest.readers.whatsapp_txt.feed import PROBE, form_of
from leeward.ingest.readers.whatsapp_txt.heads import read_date
from leeward.ingest.readers.whatsapp_txt.phrases import ENCRYPTED
from leeward.ingest.readers.whatsapp_txt.scribe import Scribe
from leeward.ingest.readers.whatsapp_txt.survey import Survey, survey
from leeward.ingest.readers.whatsapp_txt.titles import names_the_app, title_of
from leeward.ingest.zones import named_zone

__all__ = ["WhatsAppTextReader"]


class WhatsAppTextReader:
    """Reads chat texts; see the contract in `leeward.ingest.base.Reader`."""

    name = "whatsapp_txt"
    version = "1"
    service = "whatsapp"

    def sniff(self, package: Package) -> Match | None:
        """Look for lines that begin with a date and a time in the app's frames."""
        best: Match | None = None
        for member in _texts(package):
            match = _look(package, member)
            if match is not None and (best is None or match.confidence > best.confidence):
                best = match
        return best

    def read(self, package: Package, hints: Hints) -> Iterator[Event]:
        """Yield the events of all chat texts in the package."""
        if hints.zone:
            named_zone(hints.zone)
        chats = _chats(package)
        surveys = []
        for member in chats:
            seen = _survey(package, member)
            seen.settle(hints.order.upper() if hints.order else None)
            surveys.append(seen)
        heads = sum(seen.heads for seen in surveys)
        yield Recognised(self.name, self.version, self.service, _recognised(surveys, heads))
        tally = Tally()
        open_order = [seen for seen in surveys if is_open(seen)]
        all_open = bool(open_order) and len(open_order) == len([s for s in surveys if s.heads])
        title = ""
        others = [member for member in package.members() if member not in chats]
        used: set[str] = set()
        for member, seen in zip(chats, surveys, strict=True):
            own = title_of(member) or (title_of(package.name) if len(chats) == 1 else "")
            title = own if len(chats) == 1 else ""
            shelf = Shelf(package, others, member.rpartition("/")[0] + "/" if "/" in member else "")
            yield from Scribe(package, member, seen, hints, own, shelf, tally).records()
            used |= shelf.used
            tally.missing += len(shelf.damaged)
        tally.members_unread = len([member for member in others if member not in used])
        tally.open = bool(open_order)
        styles = [style for seen in surveys for style in seen.styles.values() if style.heads]
        tally.mixed |= any(sum(style.whole for style in seen.styles.values()) > 1 for seen in surveys)
        tally.contested = any(not style.orders or style.evidence.tilted for style in styles)
        tally.two_digits = any(len({order.index("Y") for order in style.orders}) > 1 for style in styles)
        yield Outcome(
            zone_rule=zone_rule(hints),
            flags=flags_of(tally, hints),
            order_open=all_open,
            candidates=_candidates(surveys) if all_open else {},
            title=title,
        )


def _texts(package: Package) -> list[str]:
    """Return the members that may be chat texts, the likeliest first."""
    members = list(package.members())
    if members == [""]:
        return [""]
    texts = [m for m in members if m.lower().endswith(".txt")]
    return sorted(texts, key=lambda m: (not names_the_app(m), m.count("/")))[:64]


def _chats(package: Package) -> list[str]:
    """Return the members that are chat texts, in the container's order; a text sent as a file is not one of them."""
    texts = _texts(package)
    if texts == [""]:
        return texts
    named = [m for m in texts if names_the_app(m) and _look(package, m) is not None]
    if named:
        return [m for m in package.members() if m in named]
    looks = [(match.confidence, -i, m) for i, m in enumerate(texts) if (match := _look(package, m)) is not None]
    return [max(looks)[2]] if looks else texts[:1]


def _beginning(stream: BinaryIO, size: int) -> bytes:
    """Return the first bytes of a stream, however little it gives at a time."""
    found = b""
    while len(found) < size and (part := stream.read(size - len(found))):
        found += part
    return found


def _look(package: Package, member: str) -> Match | None:
    """Judge one text by its first bytes."""
    with package.open(member) as stream:
        head = _beginning(stream, PROBE)
    seen = survey(io.BytesIO(head), form_of(head))
    if seen.damaged and not seen.beyond_ascii:
        seen = survey(io.BytesIO(head), form_of(head, western=True))
    seen.settle(None)
    heads = max((style.heads for style in seen.styles.values()), default=0)
    if not heads:
        return None
    lines = head.count(b"\n") + head.count(b"\r") // 2 + 1
    first = next(iter(seen.styles.values())).first
    share = seen.heads / lines
    named = names_the_app(member or package.name) or "whatsapp" in package.name.casefold()
    confidence = 0.35 + 0.35 * min(1.0, 2 * share) + (0.25 if named else 0.0)
    if mentions(head.decode("utf-8", "replace")[:2000], ENCRYPTED):
        confidence += 0.04
    if first is not None and first[2].family.startswith("[") and first[1].count(b":") == 1:
        # An iPhone always writes seconds; other programs write such brackets without.
        confidence -= 0.25
    if not seen.roster.names() or first is None:
        confidence -= 0.2
    if confidence < 0.3:
        return None
    return Match(round(confidence, 3), "A text with the line heads of a WhatsApp chat export.")


def _survey(package: Package, member: str) -> Survey:
    """Make the first pass; a second time when the bytes turn out not to be UTF-8 at all."""
    with package.open(member) as stream:
        head = _beginning(stream, PROBE)
    form = form_of(head)
    with package.open(member) as stream:
        seen = survey(stream, form)
    if seen.damaged and not seen.beyond_ascii and form.encoding == "utf-8":
        with package.open(member) as stream:
            seen = survey(stream, form_of(head, western=True))
    return seen


def _recognised(surveys: Sequence[Survey], heads: int) -> str:
    """Say in one sentence what the file is."""
    families = {style.family for seen in surveys for style in seen.styles.values() if style.whole}
    phone = "an iPhone" if families and all(f[0] == "[" for f in families) else "an Android phone"
    if any(f[0] == ":" for f in families):
        phone = "an older iPhone"
    chats = "" if len(surveys) == 1 else f" with {len(surveys)} chats"
    return f"A WhatsApp chat export, in the form that {phone} writes{chats}; about {plural(heads, 'entry', 'entries')}."


def _candidates(surveys: Sequence[Survey]) -> dict[str, tuple[str, str]]:
    """Return what each open order would make of the outermost heads."""
    found: dict[str, tuple[str, str]] = {}
    seen = surveys[0]
    style = max(seen.styles.values(), key=lambda s: s.heads)
    if style.first is None or style.last is None:
        return {}
    for order in style.orders:
        ends = []
        for date, time, _ in (style.first, style.last):
            written = read_date(date.decode("utf-8", "replace"))
            day = days_of(written, order) if written else None
            span = milliseconds(time, style.words)
            ends.append(
                _iso(day * DAY_MS + max(span, 0) if day is not None and day != UNREAD and span is not None else None)
            )
        found[order] = (ends[0], ends[1])
    return found


def _iso(wall: int | None) -> str:
    """Return a floating time in ISO 8601."""
    return "" if wall is None else (datetime(1970, 1, 1) + timedelta(milliseconds=wall)).isoformat()  # noqa: DTZ001  # floating on purpose

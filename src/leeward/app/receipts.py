"""The account of an import: what came in, what came out, what was refused and why.

Fields, order and flag codes are docs/formats/archive.md §6. A `Tally` counts while records stream by; it never holds
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from leeward.ingest.base import Flag, Outcome, Recognised, Record, Refused
from leeward.messages.record import Direction, Kind

__all__ = ["Receipt", "Tally", "failed", "from_kept"]

_MAX_REFUSED_KEPT = 10_000
"""Refusals kept one by one; of those beyond, only their number is kept."""

_FURTHER_ON = Refused("further on", "Not listed one by one: too many.")


class Receipt(msgspec.Struct, kw_only=True):
    """One receipt; the names are the contract of the command line."""

    file: str
    sha256: str | None
    reader: str
    reader_version: str
    items_in: int = 0
    records: int = 0
    messages: int = 0
    system: int = 0
    calls: int = 0
    other: int = 0
    duplicates: int = 0
    refused: list[Refused] = []
    participants: list[dict[str, Any]] = []
    first: str | None = None
    last: str | None = None
    zone_rule: str = ""
    ambiguous_times: int = 0
    media_referenced: int = 0
    media_present: int = 0
    flags: list[Flag] = []
    error: str | None = None
    seconds: float = 0.0
    detail: str = ""
    title: str = ""
    candidates: dict[str, tuple[str, str]] = {}

    def to_keep(self) -> dict[str, Any]:
        """Return what the reading's entry keeps: all but where the file lay and how long it took.

        Refusals beyond the first 10,000 are kept as a number: a file of garbage must not make an entry of a gigabyte.
        """
        kept: dict[str, Any] = msgspec.to_builtins(self)
        del kept["file"], kept["seconds"]
        if len(self.refused) > _MAX_REFUSED_KEPT:
            kept["refused"] = kept["refused"][:_MAX_REFUSED_KEPT]
            kept["refused_further_on"] = len(self.refused) - _MAX_REFUSED_KEPT
        return kept

    def contract(self) -> dict[str, Any]:
        """Return exactly the fields that the command line promises (docs/formats/archive.md §6)."""
        whole: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("detail", "title", "candidates"):
            del whole[name]
        whole["participants"] = [
            {name: each[name] for name in ("name", "handle", "count")} for each in whole["participants"]
        ]
        return whole

    def balances(self) -> bool:
        """Say whether everything that came in is accounted for."""
        return (
            self.items_in == self.records + len(self.refused)
            and self.records == self.messages + self.system + self.calls + self.other
        )


def from_kept(kept: dict[str, Any], *, file: str, seconds: float) -> Receipt:
    """Return a receipt that was kept in a vault."""
    receipt = msgspec.convert({**kept, "file": file, "seconds": seconds}, Receipt)
    further = kept.get("refused_further_on", 0)
    return msgspec.structs.replace(receipt, refused=[*receipt.refused, *[_FURTHER_ON] * further])


def failed(file: str, sha256: str | None, sentence: str, *, seconds: float) -> Receipt:
    """Return the receipt of a file that could not be taken in at all."""
    return Receipt(file=file, sha256=sha256, reader="", reader_version="", error=sentence, seconds=seconds)


class Tally:
    """Counts what a reader says, and makes the receipt at the end."""

    def __init__(self) -> None:
        self._kinds = [0, 0, 0, 0]
        self._senders: Counter[tuple[str, str, bool]] = Counter()
        self._refused: list[Refused] = []
        self._more_refused = 0
        self._referenced = 0
        self._present = 0
        self._first_wall: int | None = None
        self._last_wall: int | None = None

    def add(self, records: Sequence[Record]) -> None:
        """Count records, in source order."""
        kinds, senders = self._kinds, self._senders
        for record in records:
            kinds[record.kind] += 1
            if record.kind == Kind.MESSAGE:
                senders[(record.sender, record.handle, record.direction == Direction.OUT)] += 1
            if record.media:
                self._referenced += len(record.media)
                self._present += sum(1 for ref in record.media if ref.place)
            elif record.extra and record.extra.get("media_omitted"):
                self._referenced += 1
            if record.wall is not None:
                if self._first_wall is None:
                    self._first_wall = record.wall
                self._last_wall = record.wall

    def refuse(self, refused: Refused) -> None:
        """Count one refusal."""
        if len(self._refused) < _MAX_REFUSED_KEPT:
            self._refused.append(refused)
        else:
            self._more_refused += 1

    def receipt(
        self,
        file: str,
        sha256: str,
        recognised: Recognised,
        outcome: Outcome,
        *,
        duplicates: int,
        ambiguous: int,
        instants: tuple[int | None, int | None],
        zone: str | None,
        flags: Sequence[Flag],
        seconds: float,
    ) -> Receipt:
        """Return the receipt.

        Args:
            file, sha256: of the original.
            recognised, outcome: what the reader said.
            duplicates: records another archive already holds.
            ambiguous: clock times that happened twice or never in *zone*.
            instants: earliest and latest instant, milliseconds; (None, None) when times float.
            zone: IANA name the person gave.
            flags: further flags.
            seconds: how long it took.
        """
        refused = list(self._refused)
        if self._more_refused:
            refused += [_FURTHER_ON] * self._more_refused  # each counts one, so the balance still holds
        records = sum(self._kinds)
        first, last = self._span(instants, zone, outcome.order_open)
        return Receipt(
            file=file,
            sha256=sha256,
            reader=recognised.reader,
            reader_version=recognised.version,
            items_in=records + len(refused),
            records=records,
            messages=self._kinds[Kind.MESSAGE],
            system=self._kinds[Kind.SYSTEM],
            calls=self._kinds[Kind.CALL],
            other=self._kinds[Kind.OTHER],
            duplicates=duplicates,
            refused=refused,
            participants=self._participants(),
            first=first,
            last=last,
            zone_rule=outcome.zone_rule if zone is None or instants[0] is None else _zone_rule(outcome.zone_rule, zone),
            ambiguous_times=ambiguous,
            media_referenced=self._referenced,
            media_present=self._present,
            flags=[*outcome.flags, *flags],
            seconds=round(seconds, 3),
            detail=recognised.detail,
            title=outcome.title,
            candidates=outcome.candidates,
        )

    def _participants(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "handle": handle, "count": count, **({"owner": True} if out else {})}
            for (name, handle, out), count in self._senders.most_common()
        ]

    def _span(
        self, instants: tuple[int | None, int | None], zone: str | None, order_open: bool
    ) -> tuple[str | None, str | None]:
        if order_open:
            return None, None
        if instants[0] is not None and instants[1] is not None:
            return _instant(instants[0], zone), _instant(instants[1], zone)
        if self._first_wall is not None and self._last_wall is not None:
            return _wall(self._first_wall), _wall(self._last_wall)
        return None, None


def _zone_rule(rule: str, zone: str) -> str:
    return f"Clock times of this file were taken as {zone}, because you said so." if "clock" in rule.lower() else rule


def _instant(ms: int, zone: str | None) -> str:
    moment = datetime.fromtimestamp(ms // 1000, ZoneInfo(zone) if zone else UTC).replace(microsecond=ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds")


def _wall(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None).isoformat(timespec="seconds")

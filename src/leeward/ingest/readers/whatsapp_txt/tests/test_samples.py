"""Every sample is read as its expectation says, to the byte."""

# ruff: noqa: DTZ001  # wall clocks float on purpose; lists of names; a sweep says its numbers

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[1] / "samples"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))["files"]


def iso(wall: int | None) -> str | None:
    return None if wall is None else (datetime(1970, 1, 1) + timedelta(milliseconds=wall)).isoformat()


@pytest.mark.parametrize("path", sorted(EXPECTED))
def test_a_sample_gives_what_was_counted_by_hand(path: str, read: Callable[..., Any]) -> None:
    want = EXPECTED[path]

    got = read((SAMPLES / path).read_bytes(), name=Path(path).name)

    facts = {
        "records": len(got.records),
        "messages": got.count(0),
        "system": got.count(1),
        "media_referenced": sum(1 for r in got.records if r.media),
        "media_present": sum(1 for r in got.records for ref in r.media if ref.place),
        "deleted": sum(1 for r in got.records if (r.extra or {}).get("deleted")),
        "edited": sum(1 for r in got.records if (r.extra or {}).get("edited")),
        "multiline": sum(1 for r in got.records if r.raw.strip().count(b"\n")),
        "senders": got.senders(),
        "first": iso(got.records[0].wall),
        "last": iso(got.records[-1].wall),
        "candidates": {name: {"first": a, "last": b} for name, (a, b) in got.outcome.candidates.items()},
    }
    assert {key: facts[key] for key in want if key in facts} == {key: want[key] for key in want if key in facts}
    assert want.get("records_min", 0) <= len(got.records) <= want.get("records_max", 10**9)
    assert "AMBIGUOUS" not in want.get("date_order", "") or got.outcome.order_open


@pytest.mark.parametrize("path", sorted(EXPECTED))
def test_records_lie_end_to_end_over_the_source(path: str, read: Callable[..., Any], pack: Callable[..., Any]) -> None:
    data = (SAMPLES / path).read_bytes()
    package = pack(data, Path(path).name)

    got = read(data, name=Path(path).name)

    at = 0
    for record in got.records:
        source = package.open(record.member).read()
        assert record.offset == at
        assert source[record.offset : record.offset + record.length] == record.raw
        at += record.length
    assert at == len(source)


@pytest.mark.parametrize("path", sorted(EXPECTED))
def test_a_sample_is_recognised(path: str, pack: Callable[..., Any]) -> None:
    from leeward.ingest.readers.whatsapp_txt import WhatsAppTextReader

    match = WhatsAppTextReader().sniff(pack((SAMPLES / path).read_bytes(), Path(path).name))

    assert match is not None
    assert match.confidence >= 0.4


def test_the_autumn_hour_is_settled_by_the_order_of_the_file(read: Callable[..., Any]) -> None:
    data = (SAMPLES / "authored/dst_fold_europe.txt").read_bytes()

    got = read(data, zone="Europe/Berlin")

    assert [iso(record.at) for record in got.records] == [
        "2023-10-28T23:58:00",
        "2023-10-29T00:59:00",
        "2023-10-29T01:01:00",
        "2023-10-29T01:40:00",
        "2023-10-29T02:05:00",
    ]
    assert "clock_change" not in got.flags

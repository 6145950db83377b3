"""Every value that is known of every sample."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from leeward.ingest.base import Kind
from leeward.ingest.container import open_package
from leeward.ingest.detect import detect
from leeward.ingest.readers.sms_backup_restore.tests.exports import Bytes, Read

SAMPLES = Path(__file__).parents[1] / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())["files"]


def milliseconds(iso: str) -> Any:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_read_as_it_was_counted(name: str) -> None:
    data = (SAMPLES / name).read_bytes()
    expected = EXPECTED[name]

    read = Read(data)
    claim = detect(open_package(Bytes(data)))

    assert claim is not None
    assert claim[0].name == "sms_backup_restore"
    assert len(read.records) == expected["records"]
    assert sum(len(record.media) for record in read.records) == expected["media_referenced"]
    assert sum(bool(ref.place) for record in read.records for ref in record.media) == expected["media_referenced"]
    assert read.outcome.declared == expected["declared_count"]
    assert sorted({record.thread for record in read.records}) == expected["addresses"]
    if expected["records"]:
        assert min(record.at for record in read.records) == milliseconds(expected["first"])
        assert max(record.at for record in read.records) == milliseconds(expected["last"])
    rows = {
        name: sum(record.raw.startswith(b"<" + name.encode()) for record in read.records) for name in ("sms", "mms")
    }
    assert rows == {"sms": expected["sms"], "mms": expected["mms"]}
    assert sum(record.kind == Kind.CALL for record in read.records) == expected["calls"]
    assert types_of(read.records) == expected["types"]
    started = expected.get("records_started", expected["records"])
    assert len(read.records) + len(read.refused) == started
    assert ("truncated" in read.flags) == expected.get("truncated", False)


def types_of(records: Any) -> Any:
    """Return how often each type stands in the raw rows."""
    counts: dict[str, int] = {}
    for record in records:
        name = record.raw[1:].split(None, 1)[0].decode()
        attribute = "msg_box" if name == "mms" else "type"
        tag = record.raw[: record.raw.index(b">")].decode()
        found = tag.split(f' {attribute}="')
        value = found[1].split('"')[0] if len(found) > 1 else None
        key = f"{'mms_box' if name == 'mms' else name}:{value}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_the_cut_sample_says_where_it_ends() -> None:
    data = (SAMPLES / "sms-backup-reader-2/sms_and_mms.xml").read_bytes()

    read = Read(data)

    assert [refused.where for refused in read.refused] == ["row 50 at byte 24,507"]
    assert data[24507:].startswith(b"<mms ")
    assert {"truncated", "count_differs"} <= read.flags

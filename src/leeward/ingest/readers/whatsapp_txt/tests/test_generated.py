"""Generated chats: the same seed gives the same bytes, and every message comes back."""

from __future__ import annotations

import io
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[6] / "bench/generate.py"

if not SCRIPT.exists():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)

BENCH = runpy.run_path(str(SCRIPT))


def written(layout: str, count: int, seed: int) -> bytes:
    out = io.BytesIO()
    BENCH["write_whatsapp"](out, count, seed, layout)
    return out.getvalue()


@pytest.mark.parametrize("layout", ["android", "iphone"])
def test_the_same_seed_gives_the_same_bytes(layout: str) -> None:
    first, again, other = written(layout, 500, 7), written(layout, 500, 7), written(layout, 500, 8)

    assert first == again
    assert first != other


@pytest.mark.parametrize("layout", ["android", "iphone"])
def test_every_generated_message_is_one_record(read: Callable[..., Any], layout: str) -> None:
    drawn = list(BENCH["messages"](6000, 7))
    kinds = [message.kind for message in drawn[1:]]

    got = read(written(layout, 6000, 7))

    assert len(got.records) == 6000
    assert got.refused == []
    assert [r.text.strip() for r, m in zip(got.records[1:], drawn[1:], strict=True) if m.kind == "text"] == [
        m.text.strip() for m in drawn[1:] if m.kind == "text"
    ]
    assert sum(1 for r in got.records if r.media) == kinds.count("media")
    assert sum(1 for r in got.records if (r.extra or {}).get("deleted")) == kinds.count("deleted")
    assert sum(1 for r in got.records if (r.extra or {}).get("edited")) == kinds.count("edited")
    assert got.lists == 3


def test_backups_of_messages_and_calls_are_well_formed() -> None:
    import re
    from xml.etree import ElementTree

    sms, calls = io.BytesIO(), io.BytesIO()
    BENCH["write_sms"](sms, 300, 7, 4, 1)
    BENCH["write_calls"](calls, 50, 7)

    # The app writes emoji as references to surrogate halves, which no XML parser accepts.
    repaired = re.sub(rb"&#5[5-7]\d{3};", b"?", sms.getvalue())
    rows = ElementTree.fromstring(repaired)
    assert len(rows) == int(rows.get("count", "0")) == 300
    assert len(rows.findall("mms")) == 5
    assert len(ElementTree.fromstring(calls.getvalue())) == 50

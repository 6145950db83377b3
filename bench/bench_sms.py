"""Reading an SMS backup full of pictures: time beside a bare splitter, memory with an attribute of any length.

The floor passes the file once, takes the long ``data`` values out and gives the rest to expat: what any reader must do
at least. The reader does that too, and hashes, decodes, checks and hands over every row, in a confined child.

Budgets: reading ≤ 2 × the floor of the same run (636 MB, 1,000,000 rows); the child's memory the same with an attribute
of hundreds of megabytes as without.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.parsers import expat

import measure


def floor(path: Path) -> int:
    """Take long values of ``data`` out, feed the rest to expat, count the rows."""
    rows = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal rows
        rows += name in ("sms", "mms")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    mark = b' data="'
    pending = b""
    inside = False
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            pending = pending + block if pending else block
            kept = []
            at = 0
            while True:
                if inside:
                    end = pending.find(b'"', at)
                    if end < 0:
                        at = len(pending)
                        break
                    inside, at = False, end
                found = pending.find(mark, at)
                if found < 0:
                    break
                kept.append(pending[at : found + len(mark)])
                at, inside = found + len(mark), True
            # A mark or a reference may be cut in two by the end of a block.
            safe = max(at, len(pending) - len(mark))
            cut = pending.rfind(b"&", max(at, safe - 8), safe)
            safe = cut if cut >= 0 else safe
            kept.append(b"" if inside else pending[at:safe])
            parser.Parse(_sound(b"".join(kept)), False)
            pending = b"" if inside else pending[safe:]
    parser.Parse(_sound(pending), True)
    return rows


def _sound(text: bytes) -> bytes:
    """Make references to half characters harmless: the app writes emoji as two of them, and expat stops there."""
    return text.replace(b"&#5", b"&amp;#5")


class _File:
    """The original as the runner asks for it, without a vault: this measures reading."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.size = path.stat().st_size
        self._file = path.open("rb")

    def read_at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)


def part_read(path: Path) -> int:
    """Read once through the confined child."""
    from leeward.core.clock import SystemClock
    from leeward.ingest.base import Hints
    from leeward.ingest.run import read_confined

    measure.warm(path)

    def read() -> int:
        return sum(
            len(event) for event in read_confined(_File(path), Hints(), clock=SystemClock()) if isinstance(event, list)
        )

    with measure.Watch() as watch:
        measure.forget_peak()
        before = measure.memory_now(os.getpid())
        seconds, records = measure.timed(read)
    grown = measure.peak_memory(os.getpid()) - before
    return measure.answer({"seconds": seconds, "records": records, "child": watch.peak, "grown": grown})


def part_floor(path: Path) -> int:
    """Run the floor once."""
    measure.warm(path)
    seconds, rows = measure.timed(lambda: floor(path))
    return measure.answer({"seconds": seconds, "rows": rows, "peak": measure.peak_memory(os.getpid())})


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "", ("read", "floor"))
    if asked.part:
        path = Path(asked.given[0])
        return part_read(path) if asked.part == "read" else part_floor(path)
    report = measure.Report("sms", full=asked.full)
    # 1,000,000 rows of 300 bytes and 1,050 pictures of 80 to 400 KB: 636 MB.
    count, pictures = (1_000_000, 1050) if asked.full else (100_000, 105)
    path = measure.backup(count, pictures=pictures)
    size = path.stat().st_size / 1e6
    floors = [measure.part("bench_sms.py", "floor", path) for _ in range(2)]
    reads = [measure.part("bench_sms.py", "read", path) for _ in range(2)]
    bare = min(floors, key=lambda run: run["seconds"])
    best = min(reads, key=lambda run: run["seconds"])
    if best["records"] != count or bare["rows"] != count:
        raise SystemExit(f"rows are missing: {best}, {bare}")
    report.row(
        f"read {count:,} rows, {size:,.0f} MB",
        best["seconds"],
        "s",
        beside="splitter and expat",
        value=bare["seconds"],
        budget="≤ 2 ×",
        met=best["seconds"] <= 2 * bare["seconds"],
        note=f"{count / best['seconds']:,.0f} rows/s, {size / best['seconds']:,.0f} MB/s",
    )
    small = measure.backup(10_000, pictures=10)
    big = measure.backup(10_000, pictures=10, big=1024 if asked.full else 200)
    plain = measure.part("bench_sms.py", "read", small)
    huge = measure.part("bench_sms.py", "read", big)
    big_mb = (big.stat().st_size - small.stat().st_size) / 1e6
    for what, name in (("reader child", "child"), ("this side grows by", "grown")):
        report.row(
            f"{what}, an attribute of {big_mb:,.0f} MB",
            huge[name] / 2**20,
            "MiB",
            beside="without it",
            value=plain[name] / 2**20,
            budget="flat (within 8 MiB)",
            met=huge[name] - plain[name] <= 8 * 2**20,
            at_any_size=True,
        )
    report.row(
        f"reader child, {count:,} rows",
        best["child"] / 2**20,
        "MiB",
        beside="10,000 rows",
        value=plain["child"] / 2**20,
        budget="≤ 64 MiB",
        met=best["child"] <= 64 * 2**20,
        at_any_size=True,
    )
    big.unlink()
    if asked.full:
        path.unlink()
    return report.write()


if __name__ == "__main__":
    sys.exit(main())

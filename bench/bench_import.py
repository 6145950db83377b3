"""Taking in a chat: messages a second beside the peers, and memory.

The import seals the original, reads it in a confined child process that runs beside, commits to every message, keeps
the rows sealed, indexes every word, and saves a sealed projection. The peers only parse, into memory. The floor is
fifteen lines that find where messages begin.

Budgets (1,000,000 messages): ≥ 60,000 a second in one process, aim ≤ 10 s, stretch the quickest peer of the same run;
projection ≤ 1.2 × its size steady and ≤ 2.2 × at the peak; reader child ≤ 64 MiB; nothing but the projection grows.

Peers live in a throw-away environment below bench/out and are only run: ``--peers`` makes it (some are GPL, and no line
of them is read or imported here).
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import measure

PEERS = {
    "whatstk": (
        "from whatstk import WhatsAppChat\n"
        "n = len(WhatsAppChat.from_source(path, hformat='%d/%m/%Y, %H:%M - %name:', max_size=None).df)"
    ),
    "chat-miner": (
        "from chatminer.chatparsers import WhatsAppParser\n"
        "p = WhatsAppParser(path); p.parse_file(); n = len(p.parsed_messages.get_df())"
    ),
    "whatsapp-chat-exporter": (
        "from Whatsapp_Chat_Exporter.data_model import ChatCollection\n"
        "from Whatsapp_Chat_Exporter.exported_handler import messages\n"
        "n = sum(len(c) for c in messages(path, ChatCollection(), True).values())"
    ),
}
"""How each is told to parse one file, as its own documentation or command line does it."""

ENVIRONMENT = measure.OUT / "peers"


def make_peers() -> None:
    """Install the peers into an environment of their own."""
    if not (ENVIRONMENT / "bin" / "python").exists():
        subprocess.run([measure.PYTHON, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", *PEERS], check=True)


def run_peer(name: str, path: Path) -> tuple[float, int, int] | None:
    """Return (seconds inside the parser, messages, peak bytes), None when it is not there or fails."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        return None
    imports, _, work = PEERS[name].rpartition("\n")
    code = (
        f"import sys, time, resource\npath = sys.argv[1]\n{imports}\nt = time.perf_counter()\n{work}\n"
        "print('RESULT', time.perf_counter() - t, n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    done = subprocess.run([str(python), "-c", code, str(path)], capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\S+) (\d+) (\d+)", done.stdout)
    if found is None:
        print(f"  {name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(found[1]), int(found[2]), int(found[3])


def floor(path: Path) -> int:
    """Find where messages begin, as one reads a text file for the first time."""
    head = re.compile(rb"(\d\d)/(\d\d)/(\d{4}), (\d\d):(\d\d) - (?:([^:\n]+): )?")
    count = 0
    text: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            found = head.match(line)
            if found is None:
                text.append(line)
            else:
                found.groups()
                text = [line[found.end() :]]
                count += 1
    return count


def part_import(count: int) -> int:
    """Import once and say what it took."""
    from leeward.app.importing import import_files
    from leeward.ingest.base import Hints

    path = measure.chat(count)
    measure.warm(path)
    vault = measure.OUT / "import.leeward"
    session = measure.create(vault)
    gc.collect()
    measure.forget_peak()
    before = measure.memory_now(os.getpid())
    grown = _Grown()
    with measure.Watch() as watch, grown:
        cpu = time.process_time()
        seconds, receipts = measure.timed(lambda: import_files(session, [path], Hints(me=measure.ME)))
        cpu = time.process_time() - cpu
    pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    projection = session.timeline.db.execute(pages).fetchone()[0]
    gc.collect()
    steady = measure.memory_now(os.getpid())
    found = len(session.timeline.page(_asked("ge"), limit=50).items)
    session.close(save=False)
    size = vault.stat().st_size
    measure.remove(vault)
    return measure.answer(
        {
            "seconds": seconds,
            "cpu": cpu,
            "records": receipts[0].records,
            "error": receipts[0].error,
            "found": found,
            "projection": projection,
            "before": before,
            "steady": steady,
            "peak": measure.peak_memory(os.getpid()),
            "child": watch.peak,
            "beside": grown.beside,
            "vault": size,
            "file": path.stat().st_size,
        }
    )


class _Grown:
    """Watches what this process holds beside the projection while it reads: that must not grow with the file."""

    def __init__(self) -> None:
        self.beside = 0

    def __enter__(self) -> _Grown:
        from leeward.evidence.feed import Feed

        self._add = Feed.add
        start = measure.memory_now(os.getpid())

        def add(feed: Feed, records: object) -> None:
            self._add(feed, records)  # type: ignore[arg-type]  # handed through
            feed._words.wait()
            pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            held = feed._db.execute(pages).fetchone()[0]
            self.beside = max(self.beside, measure.memory_now(os.getpid()) - start - held)

        if os.environ.get("BENCH_WATCH"):
            Feed.add = add  # type: ignore[method-assign,assignment]  # for this measurement only
        return self

    def __exit__(self, *_: object) -> None:
        from leeward.evidence.feed import Feed

        Feed.add = self._add  # type: ignore[method-assign]  # as above


def _asked(query: str) -> object:
    from leeward.evidence.item import Asked

    return Asked(query=query)


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "", ("import",))
    if asked.part:
        return part_import(int(asked.given[0]))
    count = 1_000_000 if asked.full else 100_000
    report = measure.Report("import", full=asked.full)
    path = measure.chat(count)
    make_peers()
    measure.warm(path)
    floor_seconds = measure.best_of(3, lambda: floor(path))
    runs = [measure.part("bench_import.py", "import", count) for _ in range(2 if asked.full else 3)]
    best = min(runs, key=lambda run: run["seconds"])
    if best["records"] != count or best["error"] or best["found"] != 50:
        raise SystemExit(f"the import went wrong: {best}")
    rate = count / best["seconds"]
    report.row(
        f"import of {count:,} messages",
        rate,
        "msg/s",
        beside="streaming loop, parse only",
        value=count / floor_seconds,
        budget="≥ 60,000",
        met=rate >= 60_000,
        note=f"{best['seconds']:.1f} s wall, {best['cpu']:.1f} s processor in this process",
    )
    peers = {name: run_peer(name, path) for name in PEERS}
    for name, peer in peers.items():
        if peer is not None:
            note = f"{peer[0]:.1f} s, {peer[1]:,} messages found, peak {peer[2] / 1e6:,.0f} MB"
            report.row(f"  beside {name}, parse only", rate, "msg/s", beside=name, value=count / peer[0], note=note)
    quickest = min((peer[0] for peer in peers.values() if peer is not None), default=None)
    aim = count / 100_000
    report.row("aim: all of it", best["seconds"], "s", budget=f"≤ {aim:.0f} s (aim)", met=best["seconds"] <= aim)
    if quickest is not None:
        met = best["seconds"] <= quickest
        report.row(
            "stretch: as quick as the quickest peer parses",
            best["seconds"],
            "s",
            beside="quickest peer",
            value=quickest,
            budget="≤ it (stretch)",
            met=met,
        )
    _memory(report, best, count)
    return report.write()


def _memory(report: measure.Report, best: dict[str, float], count: int) -> None:
    projection = best["projection"]
    added = best["steady"] - best["before"]
    report.row("projection", projection / 1e6, "MB", note=f"{projection / count:.0f} bytes a message")
    report.row(
        "memory held after the import",
        added / 1e6,
        "MB",
        beside="projection",
        value=projection / 1e6,
        budget="≤ 1.2 ×",
        met=added <= 1.2 * projection,
        note="beside what the process had before",
    )
    peak = best["peak"] - best["before"]
    report.row(
        "peak while importing and saving",
        peak / 1e6,
        "MB",
        beside="projection",
        value=projection / 1e6,
        budget="≤ 2.2 ×",
        met=peak <= 2.2 * projection,
        note=f"whole process {best['peak'] / 1e6:.0f} MB",
    )
    child = best["child"]
    report.row("reader child", child / 2**20, "MiB", budget="≤ 64 MiB", met=0 < child <= 64 * 2**20)
    os.environ["BENCH_WATCH"] = "1"
    small = measure.part("bench_import.py", "import", count // 10)
    large = measure.part("bench_import.py", "import", count)
    del os.environ["BENCH_WATCH"]
    report.row(
        f"held beside the projection while reading, {count:,}",
        large["beside"] / 1e6,
        "MB",
        beside=f"{count // 10:,}",
        value=small["beside"] / 1e6,
        budget="flat (≤ 64 bytes a message more)",
        met=large["beside"] - small["beside"] <= 64 * 0.9 * count,
    )
    report.row(
        "reader child, ten times the file",
        large["child"] / 2**20,
        "MiB",
        beside=f"{count // 10:,}",
        value=small["child"] / 2**20,
        budget="flat (≤ 1.25 ×)",
        met=large["child"] <= 1.25 * small["child"],
    )
    report.row("vault on disk", best["vault"] / 1e6, "MB", beside="the file", value=best["file"] / 1e6)


if __name__ == "__main__":
    sys.exit(main())

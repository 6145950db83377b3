"""What every measurement here shares: a clock, memory of processes, a table of rows, input files, vaults to look at.

A row says what was measured, what stands beside it *in the same run* (a floor or a peer), their ratio, the budget and
whether it is met. A number without its neighbour says more about the machine than about Leeward. Rows are printed and
written as JSON to ``bench/out/`` (ignored by git).

    python bench/bench_import.py            quick: 100,000 messages
    python bench/bench_import.py --full     what the budgets are stated for; the same with BENCH_FULL=1
    python bench/measure.py table           the results so far as the table of docs/performance.md
    python bench/measure.py clean           removes bench/out/ with its inputs, vaults and peers

Memory is the peak of the resident set as the kernel keeps it (``VmHWM`` in /proc), so these scripts need Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
PYTHON = sys.executable
SEED = 7
ME = "Ben"
PASSPHRASE = "a passphrase for measuring only"


@dataclass
class Row:
    """One line of a result."""

    what: str
    measured: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    ratio: float | None = None
    budget: str = ""
    met: bool | None = None
    note: str = ""


class Report:
    """Collects rows, prints each when it is there, writes all of them at the end."""

    def __init__(self, name: str, *, full: bool) -> None:
        self.name = name
        self.full = full
        self.rows: list[Row] = []
        self.machine = machine()
        OUT.mkdir(exist_ok=True)
        print(f"{name} ({'full' if full else 'quick'}), {self.machine['cpu']}, load {self.machine['load']}", flush=True)

    def row(
        self,
        what: str,
        measured: float,
        unit: str,
        *,
        beside: str = "",
        value: float | None = None,
        budget: str = "",
        met: bool | None = None,
        note: str = "",
        at_any_size: bool = False,
    ) -> None:
        """Add a row. *value* is what was measured for *beside* in the same run; the ratio is measured : value.

        A budget is judged at the size it is stated for: in a quick run only where *at_any_size* says it holds there.
        """
        met = met if self.full or at_any_size else None
        ratio = measured / value if value else None
        row = Row(what, measured, unit, beside, value, ratio, budget, met, note)
        self.rows.append(row)
        parts = [f"  {what:<52} {_number(measured):>11} {unit:<7}"]
        if value is not None:
            parts.append(f"{beside}: {_number(value)}, ratio {ratio or 0:.2f}")
        if budget:
            parts.append(f"budget {budget}: {'not judged' if met is None else 'met' if met else 'NOT MET'}")
        if note:
            parts.append(note)
        print(" | ".join(parts), flush=True)

    def write(self) -> int:
        """Write ``bench/out/<name>.json``; return 0, also when a budget is missed: a slow machine is no fault."""
        self.machine["load_after"] = load()
        whole = {
            "name": self.name,
            "full": self.full,
            "machine": self.machine,
            "rows": [asdict(row) for row in self.rows],
        }
        (OUT / f"{self.name}.json").write_text(json.dumps(whole, indent=1) + "\n")
        missed = [row.what for row in self.rows if row.met is False]
        print(f"  {len(missed)} budgets missed{': ' + '; '.join(missed) if missed else ''}", flush=True)
        return 0


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def load() -> str:
    """Return the load of the last minute: above the number of cores, every time here is too long."""
    return f"{os.getloadavg()[0]:.1f}"


def machine() -> dict[str, str]:
    """Return what a reader must know about this computer."""
    cpu = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model n")]
        cpu = names[0] if names else cpu
    return {
        "cpu": f"{os.cpu_count()} cores {cpu}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "date": datetime.now(UTC).date().isoformat(),
        "load": load(),
    }


def options(description: str, parts: Sequence[str] = ()) -> argparse.Namespace:
    """Read the command line: ``--full`` or ``--quick``, and the part that a child process is to run."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--full", action="store_true", default=bool(os.environ.get("BENCH_FULL")))
    parser.add_argument("--quick", dest="full", action="store_false")
    if parts:
        parser.add_argument("--part", choices=parts, help=argparse.SUPPRESS)
        parser.add_argument("--given", nargs="*", default=[], help=argparse.SUPPRESS)
    return parser.parse_args()


# -- time -------------------------------------------------------------------------------------------------------


def timed(act: Callable[[], T]) -> tuple[float, T]:
    """Return (wall seconds, result)."""
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def best_of(times: int, act: Callable[[], object]) -> float:
    """Return the shortest wall time of several runs: what the work costs when nothing else disturbs it."""
    return min(timed(act)[0] for _ in range(times))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# -- memory -----------------------------------------------------------------------------------------------------


def peak_memory(pid: int) -> int:
    """Return the peak resident set of a living process in bytes, 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def forget_peak() -> None:
    """Let the peak of this process begin anew: what came before (Argon2 takes its own memory) is not the question."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_now(pid: int) -> int:
    """Return the resident set of a living process in bytes, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def children_of(pid: int) -> list[int]:
    """Return the children of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


class Watch:
    """Looks at this process's children every 20 ms and remembers the highest peak among them.

    A child begins as a copy of its parent and becomes itself at exec, which clears the peak: what is read before that
    is not its own, so a child counts only while it runs *command*.
    """

    def __init__(self, command: str = "leeward.ingest.child") -> None:
        self.peak = 0
        self._command = command.encode()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for child in children_of(os.getpid()):
                try:
                    line = Path(f"/proc/{child}/cmdline").read_bytes()
                except OSError:
                    continue
                if self._command in line:
                    self.peak = max(self.peak, peak_memory(child))


# -- other processes --------------------------------------------------------------------------------------------


def part(script: str, name: str, *given: object) -> Any:
    """Run one part of a script in a process of its own and return what it printed as JSON on its last line."""
    command = [PYTHON, str(HERE / script), "--part", name, "--given", *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script} --part {name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def answer(value: object) -> int:
    """Print what a part found; `part` reads it."""
    print(json.dumps(value), flush=True)
    return 0


# -- inputs -----------------------------------------------------------------------------------------------------


def chat(count: int) -> Path:
    """Return a WhatsApp chat of *count* messages, made when it is not there."""
    return _made(f"chat-{count}.txt", "whatsapp", "--messages", str(count))


def backup(count: int, *, pictures: int = 0, big: int = 0) -> Path:
    """Return an SMS backup of *count* messages with pictures, one of *big* MiB among them."""
    more = ("--pictures", str(pictures), "--big-picture", str(big))
    return _made(f"sms-{count}-{pictures}-{big}.xml", "sms", "--messages", str(count), *more)


def _made(name: str, kind: str, *arguments: str) -> Path:
    OUT.mkdir(exist_ok=True)
    path = OUT / name
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        command = [PYTHON, str(HERE / "generate.py"), kind, *arguments, "--seed", str(SEED), "--out", str(unfinished)]
        subprocess.run(command, check=True)
        unfinished.rename(path)
    return path


def warm(path: Path) -> None:
    """Read a file once, so that no measurement pays for the disk that the next one is spared."""
    with path.open("rb") as file:
        while file.read(1 << 22):
            pass


# -- vaults -----------------------------------------------------------------------------------------------------


def create(path: Path) -> Any:
    """Return a session on a new vault; an old one of this name goes."""
    from leeward.app.session import create_vault

    remove(path)
    return create_vault(path, secret(), clock=_clock(), random=os.urandom, zone="Europe/London")


def open_again(path: Path) -> Any:
    """Return a session on a vault that is there."""
    from leeward.app.session import open_vault

    return open_vault(path, secret(), clock=_clock(), random=os.urandom)


def secret() -> Any:
    """Return the passphrase of all vaults here."""
    from leeward.core.secret import Passphrase

    return Passphrase.from_text(PASSPHRASE)


def _clock() -> Any:
    from leeward.core.clock import SystemClock

    return SystemClock()


def remove(path: Path) -> None:
    """Remove a vault and what stands beside it while it is open."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        path.with_name(name).unlink(missing_ok=True)


def vault_of_messages(count: int) -> Path:
    """Return a vault that holds one chat of *count* messages, made when it is not there."""
    from leeward.app.importing import import_files
    from leeward.ingest.base import Hints

    path = OUT / f"messages-{count}.leeward"
    if not path.exists():
        making = OUT / "making.leeward"
        with create(making) as session:
            receipt = import_files(session, [chat(count)], Hints(me=ME))[0]
            if receipt.records != count:
                raise SystemExit(f"{receipt.records} of {count} messages came in: {receipt.error}")
        making.rename(path)
    return path


@contextmanager
def opened(path: Path) -> Any:
    """Open a vault and lock it afterwards."""
    session = open_again(path)
    try:
        yield session
    finally:
        session.close()


def passphrase_file() -> Path:
    """Return a file that holds the passphrase, for the command line."""
    path = OUT / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


def table() -> str:
    """Return the rows of all results in bench/out as the Markdown table of docs/performance.md."""
    lines = ["| what | measured | beside, same run | ratio | budget | |", "| --- | --- | --- | --- | --- | --- |"]
    for name in ("import", "sms", "unlock", "search", "storage", "bundle", "start", "primitives"):
        path = OUT / f"{name}.json"
        if not path.exists():
            continue
        whole = json.loads(path.read_text())
        size = "" if whole["full"] else ", quick"
        machine = whole["machine"]
        load = f"load {machine['load']} → {machine['load_after']}"
        lines.append(f"| **bench_{name}.py**, {machine['date']}{size}, {load} | | | | | |")
        for row in whole["rows"]:
            value = row["beside_value"]
            beside = f"{row['beside']}: {_number(value)}" if value is not None else ""
            ratio = f"{row['ratio']:.2f}" if row["ratio"] else ""
            verdict = {True: "met", False: "**not met**", None: ""}[row["met"]]
            note = f" ({row['note']})" if row["note"] else ""
            shown = f"{_number(row['measured'])} {row['unit']}{note}"
            lines.append(f"| {row['what'].strip()} | {shown} | {beside} | {ratio} | {row['budget']} | {verdict} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        print(table())
    elif sys.argv[1:] == ["clean"]:
        shutil.rmtree(OUT, ignore_errors=True)
    else:
        raise SystemExit(__doc__)

"""Starting a command, and what a plain installation weighs.

The floors are an interpreter that does nothing and one that only loads click. The installation is made from the pinned
list into an environment of its own below bench/out.

Budgets: ``leeward --help`` ≤ 0.2 s; ≤ 15 direct packages; ≤ 220 MB, ≤ 150 MB without typst.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import measure

ROOT = measure.HERE.parent
RUNS = 7


def run(*command: str) -> float:
    """Return the best wall time of a command."""
    environment = {**os.environ, "LEEWARD_PASSPHRASE_FILE": str(measure.passphrase_file())}
    return measure.best_of(
        RUNS,
        lambda: subprocess.run(command, check=True, capture_output=True, env=environment, stdin=subprocess.DEVNULL),
    )


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def installed() -> tuple[float, float, int]:
    """Install what a person installs; return MB in all, MB of typst, packages."""
    fresh = measure.OUT / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([measure.PYTHON, "-m", "venv", str(fresh)], check=True)
    pip = str(fresh / "bin" / "pip")
    site = next((fresh / "lib").glob("python*/site-packages"))
    before = size_of(site)
    names = {path.name for path in site.iterdir()}
    listed = str(ROOT / "requirements" / "run.txt")
    subprocess.run([pip, "install", "--quiet", "--require-hashes", "-r", listed], check=True, capture_output=True)
    subprocess.run([pip, "install", "--quiet", "--no-deps", str(ROOT)], check=True, capture_output=True)
    whole = size_of(site) - before
    typst = sum(size_of(path) for path in site.glob("typst*"))
    packages = len([path for path in site.glob("*.dist-info") if path.name not in names])
    shutil.rmtree(fresh)
    return whole / 1e6, typst / 1e6, packages


def main() -> int:
    """Measure and print."""
    asked = measure.options(__doc__ or "")
    report = measure.Report("start", full=asked.full)
    leeward = str(Path(measure.PYTHON).parent / "leeward")
    nothing = run(measure.PYTHON, "-c", "pass")
    click = run(measure.PYTHON, "-c", "import click")
    shown = run(leeward, "--help")
    report.row(
        "leeward --help",
        shown,
        "s",
        beside="an interpreter that loads click",
        value=click,
        budget="≤ 0.2 s",
        met=shown <= 0.2,
        note=f"an interpreter alone: {nothing:.3f} s",
        at_any_size=True,
    )
    vault = measure.vault_of_messages(1000)
    argon2 = measure.part("bench_unlock.py", "unlock", vault)["argon2"]
    for words in (("timeline",), ("search",)):
        given = [leeward, words[0], str(vault), *(["ge"] if words[0] == "search" else [])]
        seconds = run(*given)
        report.row(
            f"leeward {words[0]}, 1,000 messages",
            seconds,
            "s",
            beside="Argon2id alone",
            value=argon2,
            note=f"ours: {seconds - argon2:.2f} s",
        )
    direct = len(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    report.row("direct packages", direct, "", budget="≤ 15", met=direct <= 15, at_any_size=True)
    whole, typst, packages = installed()
    report.row(
        "base installation",
        whole,
        "MB",
        budget="≤ 220 MB",
        met=whole <= 220,
        note=f"{packages} packages with Leeward itself",
        at_any_size=True,
    )
    rest = whole - typst
    report.row("  without typst", rest, "MB", budget="≤ 150 MB", met=rest <= 150, at_any_size=True)
    return report.write()


if __name__ == "__main__":
    sys.exit(main())

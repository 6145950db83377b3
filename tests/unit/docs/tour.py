"""Runs the tour of the README, and writes it anew: ``python tests/unit/docs/tour.py`` from the root of the tree.

The commands are those that stand in the README, each after ``$ ``. What is different at each run (ids, digests, keys,
sizes of sealed files) is compared by its shape only. A command that fails stops it: nothing is written then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
FENCE = re.compile(r"```console\n(.*?)```\n", re.DOTALL)
PASSPHRASE = "lantern copper river meadow basket frost"

_SHAPES = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b[0-9a-f]{32}\.vault\.invalid\S*"), "<key>"),
    (re.compile(r"\b(?=\S*\d)[0-9a-hjkmnp-tv-z]{16}\b"), "<id>"),
    (re.compile(r"\b[\d,]+ bytes\b"), "<size>"),
)


def parts(readme: str) -> list[str]:
    """Return what the console blocks of the README say."""
    return FENCE.findall(readme)


def shape(text: str) -> str:
    """Return *text* with what differs at each run replaced by its name."""
    for pattern, name in _SHAPES:
        text = pattern.sub(name, text)
    return text


def walk(readme: str, folder: Path) -> list[str]:
    """Run the tour in *folder* and return the console blocks as they are printed today."""
    for name in ("texts.xml", "chat_with_chris.txt"):
        shutil.copy(ROOT / "src" / "leeward" / "app" / "example" / name, folder)
    (folder / "words.txt").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (folder / "what.txt").write_text("He stood outside and hit the door until the lock gave.", encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "TZ": "Europe/London", "NO_COLOR": "1", "COLUMNS": "100"}
    environment["LEEWARD_PASSPHRASE_FILE"] = "words.txt"
    return ["".join(_said(line, folder, environment) for line in _asked(part)) for part in parts(readme)]


def _asked(part: str) -> list[str]:
    return [line[2:] for line in part.splitlines() if line.startswith("$ ")]


def _said(line: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, text=True, check=False, stdout=-1, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise RuntimeError(f"{line} ended with {done.returncode}: {done.stdout}")
    return f"$ {line}\n{done.stdout}"


def main() -> None:
    """Write the tour of the README anew."""
    readme = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        fresh = iter(walk(readme, Path(name)))
    README.write_text(FENCE.sub(lambda _: f"```console\n{next(fresh)}```\n", readme), encoding="utf-8")


if __name__ == "__main__":
    main()

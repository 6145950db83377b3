"""The import contracts hold, and each of them catches what it is there to catch."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTED = {
    "Imports only go down": ("leeward/core/ids.py", "import leeward.vault"),
    "A reader of files from elsewhere never sees a vault": ("leeward/ingest/base.py", "import leeward.vault"),
    "The independent check knows nothing of Leeward": ("leeward_proof/tree.py", "import leeward.core.ids"),
    "The independent check is used by the vault, the export and the acts alone": (
        "leeward/people/person.py",
        "import leeward_proof.tree",
    ),
    "The independent check needs nothing but cryptography": ("leeward_proof/tree.py", "import msgspec"),
    "Ciphers come from vault.primitives and nowhere else": ("leeward/vault/seal.py", "import cryptography.hazmat"),
    "SQLite is spoken in the storage and in the projection": ("leeward/app/__init__.py", "import sqlite3"),
    "Nothing opens a connection": ("leeward/people/person.py", "import socket"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from importlinter.cli import lint_imports_command as c; c()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder / "src"), "--no-cache", "--no-logo", "--config", "pyproject.toml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "samples"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_each_contract_catches_what_it_is_there_for(copy: Path) -> None:
    for file, line in PLANTED.values():
        path = copy / "src" / file
        path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    said = lint(copy).stdout

    for contract in PLANTED:
        assert f"{contract} BROKEN" in said


def test_every_contract_has_its_planted_mistake() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    named = [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]

    assert sorted(named) == sorted(PLANTED)


def test_a_part_that_nobody_placed_is_caught(copy: Path) -> None:
    (copy / "src" / "leeward" / "surprise").mkdir()
    (copy / "src" / "leeward" / "surprise" / "__init__.py").write_text("")

    done = lint(copy)

    assert "Imports only go down BROKEN" in done.stdout
    assert "surprise" in done.stdout

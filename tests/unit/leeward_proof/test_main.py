"""``python -m leeward_proof``: its answers, its exit status, and that it needs nothing of Leeward."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import leeward_proof
from leeward_proof.__main__ import main

ROOT = Path(__file__).parents[3]
BUNDLES = ROOT / "vectors" / "bundle"
SOUND = str(BUNDLES / "sound_several.zip")

ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in ("leeward", "msgspec", "click", "rich", "typst", "pyrage", "phonenumbers"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["leeward_proof", *sys.argv[1:]]
import runpy
runpy.run_module("leeward_proof", run_name="__main__")
"""


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(leeward_proof.__file__).parents[1])
    path = os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )


def test_it_runs_without_leeward() -> None:
    done = alone(SOUND)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SOUND")
    assert "Not proven:" in done.stdout
    assert "left out" in done.stdout


def test_an_unsound_bundle_gives_one_and_names_the_place() -> None:
    done = alone(str(BUNDLES / "manifest_readme_changed.zip"))

    assert (done.returncode, done.stderr) == (1, "")
    assert "UNSOUND" in done.stdout
    assert "README.txt" in done.stdout


@pytest.mark.parametrize("name", ["not_a_bundle_empty", "not_a_bundle_newer_format", "not there"])
def test_what_is_no_bundle_gives_two(name: str) -> None:
    done = alone(str(BUNDLES / f"{name}.zip"), "--json")

    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["sound"] is False


def test_a_folder_is_no_bundle() -> None:
    assert main([str(BUNDLES)]) == 2


def test_json_holds_the_whole_report(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    status = main([SOUND, "--json"])

    value = json.loads(capfdbinary.readouterr().out)
    assert status == 0
    assert value["kind"] == "bundle"
    assert value["sound"] is True
    assert value["problems"] == []


def test_list_prints_what_was_proven_and_nothing_that_could_write_on_the_screen(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    status = main([SOUND, "--list"])

    out = capfdbinary.readouterr().out.decode()
    assert status == 0
    assert "Not on my way" in out
    assert "⟨U+202E⟩reversed" in out
    assert "\u202e" not in out
    assert "\x1b" not in out


@pytest.mark.parametrize("path", sorted(BUNDLES.glob("*.zip")), ids=lambda path: path.stem)
def test_no_vector_ends_in_a_traceback(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = {"sound": 0, "not": 2}.get(path.stem.partition("_")[0], 1)

    assert main([str(path), "--list"]) == expected
    assert main([str(path), "--json"]) == expected
    capfdbinary.readouterr()


def test_a_reader_that_goes_away_is_no_error() -> None:
    source = str(Path(leeward_proof.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-m", "leeward_proof", SOUND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()

        complaint = running.stderr.read()

    assert complaint == b""
    assert running.returncode == 0

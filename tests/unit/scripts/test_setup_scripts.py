import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A PATH with a shell and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "id"):
        (folder / name).symlink_to(Path("/usr/bin") / name)
    return folder


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / script)],
        env={"PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_name_that_starts_no_python_is_passed_over(bin_folder: Path) -> None:
    put(bin_folder, "python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    put(bin_folder, "python3.12", "exit 0")

    found = run("find-python", bin_folder)

    assert (found.stdout, found.returncode) == ("python3.12\n", 0)


def test_a_python_can_be_asked_for(bin_folder: Path) -> None:
    put(bin_folder, "python3.13", "exit 0")

    found = run("find-python", bin_folder, PYTHON=sys.executable)

    assert found.stdout == f"{sys.executable}\n"


def test_without_a_python_the_script_says_what_to_install(bin_folder: Path) -> None:
    put(bin_folder, "python3", "exit 1")

    found = run("find-python", bin_folder)

    assert found.returncode == 1
    assert found.stdout == ""
    assert "python3-venv" in found.stderr


def test_nothing_is_said_when_every_program_is_there(bin_folder: Path) -> None:
    for name in ("age", "openssl", "strace", "pdftotext"):
        put(bin_folder, name, "exit 0")

    said = run("debian-packages", bin_folder)

    assert (said.stdout, said.stderr, said.returncode) == ("", "", 0)


def test_what_cannot_be_installed_is_named_with_what_is_left_out(bin_folder: Path) -> None:
    for name in ("openssl", "strace", "pdftotext"):
        put(bin_folder, name, "exit 0")

    said = run("debian-packages", bin_folder)

    assert said.returncode == 0
    assert "Not installed: age" in said.stderr
    assert "backups open with the standard program" in said.stderr
    assert said.stderr.count("\n") == 1


def test_what_is_missing_is_installed_without_a_question(bin_folder: Path, tmp_path: Path) -> None:
    for name in ("openssl", "strace"):
        put(bin_folder, name, "exit 0")
    put(bin_folder, "sudo", 'shift; exec "$@"')
    put(bin_folder, "true", "exit 0")
    asked = tmp_path / "asked"
    put(bin_folder, "apt-get", f'echo "$@" >> {asked}; for name in age pdftotext; do echo > {bin_folder}/$name; done')

    run("debian-packages", bin_folder)

    assert asked.read_text() == "install -y -qq --no-install-recommends age poppler-utils\n"


def test_every_script_can_be_started() -> None:
    scripts = [path for path in SCRIPTS.iterdir() if path.is_file() and not path.suffix]

    assert scripts
    assert all(os.access(path, os.X_OK) for path in scripts)

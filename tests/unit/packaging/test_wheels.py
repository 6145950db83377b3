"""Both distributions are built from the checkout, offline, with the pinned back end, and hold what they should."""

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def build(project: Path, out: Path) -> Path:
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(out), str(project)], check=True)
    [wheel] = out.iterdir()
    return wheel


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT / "packaging" / "leeward-proof", tmp_path_factory.mktemp("proof"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("whole"))


def files(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_independent_check_is_its_own_package_and_nothing_else(proof: Path) -> None:
    held = files(proof)

    sources = {f"leeward_proof/{path.name}" for path in (ROOT / "src" / "leeward_proof").glob("*.py")}
    assert held == sources | {"leeward_proof/py.typed", "leeward_proof/LICENSE"}


def test_the_independent_check_imports_where_leeward_is_not_installed(proof: Path) -> None:
    modules = sorted(name.removesuffix(".py").replace("/", ".") for name in files(proof) if name.endswith(".py"))
    code = (
        "import importlib, sys; sys.path[:0] = sys.argv[1:3]\n"
        "for name in sys.argv[3:]:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name.removesuffix('.__init__'))\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'leeward']\n"
        "try: import leeward\n"
        "except ModuleNotFoundError: print('alone')"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(proof), sysconfig.get_path("purelib"), *modules],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "alone\n", done.stderr


def test_leeward_brings_the_check_along_and_leaves_its_tests_at_home(whole: Path) -> None:
    held = files(whole)

    assert {"leeward/core/errors.py", "leeward_proof/tree.py", "leeward/py.typed"} <= held
    assert {name.partition("/")[0] for name in held} == {"leeward", "leeward_proof"}
    assert not [name for name in held if "/tests/" in name or "/samples/" in name or "__pycache__" in name]


def test_leeward_brings_its_licence_and_its_command(whole: Path) -> None:
    with zipfile.ZipFile(whole) as wheel:
        inside = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
        commands = wheel.read(inside["entry_points.txt"]).decode()
        licence = wheel.read(inside["licenses/LICENSE"]).decode()

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert all(f"{name} = {target}" in commands for name, target in scripts.items())
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in licence

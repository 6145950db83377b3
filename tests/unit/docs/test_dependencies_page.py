import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


def names(requirements: list[str]) -> list[str]:
    return sorted(re.split(r"[\s<>=!~\[;]", each)[0] for each in requirements)


def rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")
    ]


def pinned(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / file).read_text(encoding="utf-8"), re.M))


def test_every_package_that_is_installed_has_its_reason() -> None:
    table = rows("Installed with Leeward")

    assert sorted(row[0].strip("`") for row in table) == names(PROJECT["dependencies"])
    for name, reason, licence, alternative, megabytes in table:
        assert reason, name
        assert licence, name
        assert alternative, name
        assert re.match(r"\d+\.\d", megabytes), name


def test_every_package_for_work_on_leeward_has_its_reason() -> None:
    table = rows("Needed to work on Leeward")

    assert sorted(row[0].strip("`") for row in table) == names(PROJECT["optional-dependencies"]["dev"])


def test_the_base_install_stays_below_its_budget() -> None:
    sizes = [re.findall(r"\d+\.\d", row[4]) for row in rows("Installed with Leeward")]

    assert sum(float(number) for row in sizes for number in row) <= 220
    assert len(sizes) <= 15


@pytest.mark.parametrize("file", ["run.txt", "dev.txt"])
def test_every_requirement_is_pinned_with_hashes_and_no_place(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")

    wanted = names(PROJECT["dependencies"])
    if file == "dev.txt":
        wanted += names(PROJECT["optional-dependencies"]["dev"])
    assert set(wanted) <= set(pinned(file))
    assert "://" not in text
    assert "--index" not in text
    assert "--find" not in text
    assert all("--hash=sha256:" in part for part in re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.M)[1:])


def test_what_is_worked_with_is_what_is_shipped() -> None:
    shipped, worked_with = pinned("run.txt"), pinned("dev.txt")

    assert shipped.items() <= worked_with.items()


def test_the_independent_check_needs_one_package() -> None:
    proof = tomllib.loads((ROOT / "packaging/leeward-proof/pyproject.toml").read_text(encoding="utf-8"))["project"]

    cryptography = [each for each in PROJECT["dependencies"] if each.startswith("cryptography")]
    assert proof["dependencies"] == cryptography
    assert proof["version"] == PROJECT["version"]
    assert proof["license"] == PROJECT["license"]

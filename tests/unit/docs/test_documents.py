"""The documents are true: what they name is there, and what they show is what is printed."""

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import click
import pytest

from leeward.cli.main import COMMANDS, cli
from leeward.core import settings
from leeward.ingest.detect import READERS

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "src" / "leeward" / "app" / "example"
README = (ROOT / "README.md").read_text(encoding="utf-8")
THREATS = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "docs" / "threat-model.md",
    ROOT / "docs" / "architecture.md",
    ROOT / "docs" / "formats" / "README.md",
    ROOT / "vectors" / "README.md",
    *DECISIONS,
]
PROMISES = ["P-REST", "P-KEEP", "P-TAMPER", "P-SOME", "P-SILENT", "P-HOST", "P-EXIT", "P-FREE"]
TOP = ("docs", "src", "tests", "vectors", "bench", "scripts", "requirements", "packaging", "packs")


def code_spans(text: str) -> list[str]:
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", outside)


def not_yet(text: str) -> set[str]:
    return set(re.findall(r"`(tests/[^`]+)`\s+\(not\s+yet\)", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    paths = {span for span in code_spans(text) if re.fullmatch(rf"(?:{'|'.join(TOP)})/[\w./-]+", span)}

    assert [path for path in sorted(paths - not_yet(text)) if not (ROOT / path).exists()] == []
    assert [path for path in sorted(not_yet(text)) if (ROOT / path).exists()] == [], "it is there now: say so"


def called(text: str) -> list[list[str]]:
    """Return the words of every ``leeward …`` in code, up to a pipe or the end."""
    lines = re.findall(r"^\s*(?:\$ )?(?:.*\| )?(leeward [^|\n]*)", text, re.MULTILINE)
    lines += [span for span in code_spans(text) if span.startswith("leeward ")]
    return [line.split() for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_a_page_names_exists(page: Path) -> None:
    context = click.Context(cli)
    planned = {"open", "COMMAND"}  # named as not there yet; stands for any

    for words in called(page.read_text(encoding="utf-8")):
        if words[1].startswith("-"):
            continue
        if words[1] in planned:
            assert words[1] not in COMMANDS, "it is there now: say so"
            continue
        assert words[1] in COMMANDS, words
        command = cli.get_command(context, words[1])
        assert command is not None
        options = {option for each in command.get_params(click.Context(command)) for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    asked = set(re.findall(r"^    make ([a-z-]+)", text, re.MULTILINE))
    asked |= {span.removeprefix("make ") for span in code_spans(text) if re.fullmatch(r"make [a-z-]+", span)}

    assert asked <= targets


def test_the_readme_names_every_command_and_every_reader() -> None:
    names = {words[1] for words in called(README)}
    rows = set(re.findall(r"^\| .* \| `(\w+)` \|$", README.partition("| kind | reader |")[2], re.MULTILINE))

    assert set(COMMANDS) - names == {"demo"}, "that one is what `make run` starts"
    assert {reader.name for reader in READERS} == rows


def test_every_setting_the_readme_names_is_one() -> None:
    named = set(re.findall(r"LEEWARD_[A-Z_]+", README + THREATS))

    assert named
    assert all(name in (settings.__doc__ or "") for name in named)


def test_the_example_of_the_library_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shutil.copy(EXAMPLE / "texts.xml", tmp_path)
    monkeypatch.chdir(tmp_path)
    said: list[tuple[object, ...]] = []

    exec(compile(source, "README.md", "exec"), {"print": lambda *values: said.append(values)})

    assert (tmp_path / "example.vault").exists()
    assert said[0][1] == "2026-03-12T20:05:00+00:00"
    assert [kind for _, kind, _ in said[1:]] == ["message", "incident", "message", "message"]


@pytest.fixture(scope="module")
def tour() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tour", Path(__file__).with_name("tour.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tour_prints_what_the_readme_shows(tour: ModuleType, tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")

    printed = tour.walk(README, tmp_path)

    again = "write it anew with: python tests/unit/docs/tour.py"
    assert [tour.shape(part) for part in printed] == [tour.shape(part) for part in tour.parts(README)], again


def rows_of(text: str, heading: str) -> list[list[str]]:
    table = text.partition(heading)[2].partition("\n|")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def test_the_map_names_every_folder_and_every_module() -> None:
    rows = rows_of(ARCHITECTURE, "## 1. The folders")
    told = {row[0].strip("`"): sorted(re.findall(r"`(\w+)`", row[2])) for row in rows}

    there: dict[str, list[str]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        inside = path.relative_to(ROOT / "src")
        folder = inside.parent.as_posix().removeprefix("leeward/")
        if path.name != "__init__.py" and "readers" not in inside.parts:
            there.setdefault(folder, []).append(path.stem)

    assert told == {folder: sorted(modules) for folder, modules in there.items()}
    assert all(len(row[1]) > 20 for row in rows)


def test_every_promise_stands_in_the_threat_model_with_what_carries_it() -> None:
    sections = dict(re.findall(r"^### (P-[A-Z]+) — .*?\n(.*?)(?=^##)", THREATS, re.MULTILINE | re.DOTALL))

    assert list(sections) == PROMISES
    for promise, section in sections.items():
        assert "**Today.**" in section, promise
        assert re.search(r"\*\*Carried by\*\*\s+`tests/", section), promise


def test_every_safety_test_stands_under_its_promise() -> None:
    missing = []
    for path in sorted((ROOT / "tests" / "safety").glob("test_*.py")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        name = f"`tests/safety/{path.name}`"
        for promise in re.findall(r"P-[A-Z]+", first) or [""]:
            section = THREATS.partition(f"### {promise} ")[2].partition("\n### ")[0] if promise else THREATS
            if name not in section:
                missing.append(f"{name} {promise}")

    assert missing == [], "name it in docs/threat-model.md, under **Carried by**"


def test_what_is_not_promised_stands_at_the_size_of_what_is() -> None:
    protects, does_not = (README.partition(f"## {name}\n")[2].partition("\n## ")[0] for name in (
        "What it protects", "What it does not protect",
    ))  # fmt: skip

    assert does_not.count("\n- **") >= protects.count("\n- **")
    assert re.search(r"^## \d+\. We do not promise$", THREATS, re.MULTILINE)


def test_decisions_are_numbered_without_gaps_and_have_every_part() -> None:
    parts = [
        "The question",
        "What pushed us",
        "The options",
        "The choice",
        "What it costs",
        "What would make us reopen it",
    ]

    assert [page.name[:4] for page in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    for page in DECISIONS:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.search(r"^\*(Accepted|Superseded by \d{4}), ?.*\*$", text, re.MULTILINE), page.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == parts, page.name
        assert text.count("\n") <= 75, f"{page.name} is longer than a page"


def test_every_format_and_every_kind_of_vectors_is_in_its_index() -> None:
    formats = {path.name for path in (ROOT / "docs" / "formats").glob("*.md")} - {"README.md"}
    vectors = {path.name + "/" for path in (ROOT / "vectors").iterdir() if (path / "README.md").exists()}

    listed = {row[0].strip("`") for row in rows_of((ROOT / "docs/formats/README.md").read_text(encoding="utf-8"), "# ")}
    kinds = {row[0].strip("`") for row in rows_of((ROOT / "vectors/README.md").read_text(encoding="utf-8"), "# ")}

    assert formats == listed
    assert vectors == kinds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_read_in_a_terminal(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith(("|", "    "))]

    assert [line for line in lines if len(line) > 125] == []

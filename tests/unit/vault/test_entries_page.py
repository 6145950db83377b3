"""docs/formats/entries.md says what the registry says."""

import importlib
import pkgutil
import re
from pathlib import Path

from leeward.vault.records import COMMON, MAX_FIELDS, kinds

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "entries.md"


def registered() -> dict[str, tuple[int, dict[str, str]]]:
    """Return version and fields of every kind that any part of Leeward registers."""
    for part in ("leeward.vault", "leeward.people", "leeward.evidence", "leeward.app"):
        try:
            package = importlib.import_module(part)
        except ModuleNotFoundError:
            continue
        for module in pkgutil.walk_packages(package.__path__, part + "."):
            importlib.import_module(module.name)
    return {kind: (schema.version, dict(schema.fields)) for kind, schema in kinds().items()}


def written() -> dict[str, tuple[int, dict[str, str]]]:
    """Return what the page says: "## `kind`, version n", then rows "| `field` | sentence |"."""
    found: dict[str, tuple[int, dict[str, str]]] = {}
    fields: dict[str, str] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `(\w+)`, version (\d+)", line):
            fields = {}
            found[heading[1]] = (int(heading[2]), fields)
        elif (row := re.fullmatch(r"\| `(\w+)` \| (.+) \|", line)) and found:
            fields[row[1]] = row[2]
    return found


def test_the_page_lists_every_kind_with_its_version_and_fields() -> None:
    assert written() == registered()


def test_every_kind_of_the_vault_is_there() -> None:
    assert {"setting", "amendment", "removal", "aside", "archive", "reading"} <= set(registered())


def test_every_kind_leaves_room_for_what_all_entries_have() -> None:
    assert all(len(fields) + len(COMMON) <= MAX_FIELDS for _, fields in registered().values())
    assert not {name for _, fields in registered().values() for name in fields} & set(COMMON)

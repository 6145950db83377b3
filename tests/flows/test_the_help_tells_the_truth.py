"""What the help prints is what the commands do, what the guide shows, and what the contract promises."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import click
import pytest
from tests.flows.desk import ROOT, Desk

from leeward.cli.main import COMMANDS, cli

GUIDE = ROOT / "docs" / "guides" / "command-line.md"

CONTRACT: dict[str, set[str]] = {
    "new": {"VAULT"},
    "demo": {"--no-browser"},
    "import": {"VAULT", "FILES", "--me", "--zone", "--archive-passphrase-file"},
    "log": {"VAULT", "--text", "--text-file", "--when", "--kind", "--attach"},
    "timeline": {"VAULT", "--from", "--to", "--person"},
    "search": {"VAULT", "QUERY"},
    "bundle": {"VAULT", "--out", "--from", "--to", "--person", "--entries", "--whole-archives", "--to-recipient"},
    "verify": {"FILE"},
    "backup": {"VAULT", "--out", "--to", "--backup-passphrase-file"},
    "restore": {"BACKUP", "VAULT", "--identity", "--backup-passphrase-file"},
    "export": {"VAULT", "--out"},
    "doctor": set(),
}
"""The command line contract. ``open`` comes with the pages."""

OPENS_A_VAULT = set(CONTRACT) - {"demo", "restore", "doctor"}


@pytest.fixture(scope="module")
def commandlist() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commandlist", ROOT / "scripts" / "commandlist.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parameters(name: str) -> set[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    found: set[str] = set()
    for each in command.params:
        if isinstance(each, click.Argument):
            found.add((each.name or "").upper())
        else:
            found |= set(each.opts)
    return found


def test_the_guide_is_what_the_commands_say(commandlist: ModuleType) -> None:
    assert GUIDE.read_text(encoding="utf-8") == commandlist.page(), "write it anew with: make docs"


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_every_option_of_the_contract_is_there(name: str) -> None:
    assert name in COMMANDS
    assert CONTRACT[name] <= parameters(name)
    if name in OPENS_A_VAULT:
        assert "--passphrase-file" in parameters(name)
    if name != "demo":
        assert "--json" in parameters(name)


def test_the_help_that_is_printed_is_the_help_of_the_guide(desk: Desk) -> None:
    guide = re.sub(r"\s+", " ", GUIDE.read_text(encoding="utf-8"))

    for typed in ([], *([name] for name in COMMANDS)):
        printed = desk.do(*typed, "--help").out

        # The guide is wider than a terminal: the same words, broken elsewhere.
        assert re.sub(r"\s+", " ", printed).strip() in guide, typed


def test_every_option_says_what_it_is_for() -> None:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help, name
        for each in command.params:
            if isinstance(each, click.Option):
                assert each.help, (name, each.name)


def test_no_secret_is_ever_an_argument() -> None:
    for name in COMMANDS:
        for option in parameters(name):
            assert not re.fullmatch(r"--(password|passphrase|secret|key|backup-passphrase|archive-passphrase)", option)


def test_the_help_of_a_command_costs_no_passphrase_and_opens_nothing(desk: Desk) -> None:
    for name in COMMANDS:
        said = desk.do(name, "-h")

        assert said.err == ""
        assert said.out.startswith(f"Usage: leeward {name}")

"""Print docs/guides/command-line.md: every command with its help, from the commands themselves, and how they end."""

from __future__ import annotations

import sys

import click

from leeward.cli.main import COMMANDS, cli
from leeward.core import errors

WIDTH = 100

HEAD = """\
# The command line

*Made from the commands by `make docs`; a test compares.*

The result goes to standard output, everything else to standard error. With `--json` the result is JSON, and so is an
error. Every command that opens a vault asks for its passphrase unless `--passphrase-file`, or the setting
`LEEWARD_PASSPHRASE_FILE`, names a file that holds it; one line end at its end is left off. A weak passphrase from a
file is warned about, not refused.

What you type after a command can be seen by others who use this device: in the history of the shell, and while the
command runs in the list of processes. `log --text -` and `search VAULT -` read your words from standard input instead,
and `--text-file` reads them from a file.

A date such as `2026-03-01` means that whole day in the vault's zone, also as the end of a period. An instant has an
offset, such as `2026-03-01T21:30+01:00`.

"""


def page() -> str:
    """Return docs/guides/command-line.md."""
    return HEAD + "".join([_section("leeward", cli), *(_command(name) for name in COMMANDS), _statuses()])


def _command(name: str) -> str:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return _section(f"leeward {name}", command)


def _section(title: str, command: click.Command) -> str:
    context = click.Context(
        command,
        info_name=title,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return f"## {title}\n\n```text\n{command.get_help(context)}\n```\n\n"


def _statuses() -> str:
    meanings = {
        0: "done",
        1: "a check found something, or a part of the vault is damaged",
        2: "not a vault or bundle, or one of a newer Leeward",
        3: "import done, some receipt has an `error`; all other files are in",
        64: "typed in a way that makes no sense, or nothing there fits",
        66: "a file is missing or cannot be read",
        70: "our mistake",
        73: "cannot write: no room, not allowed, or something is there already",
        75: "the vault is open elsewhere",
        77: "the passphrase does not open it",
        130: "stopped by you",
    }
    known = {vars(errors)[name].exit_status for name in errors.__all__} | {0}
    assert known == set(meanings), "an exit status has no meaning here"
    rows = "".join(f"| {status} | {meaning} |\n" for status, meaning in meanings.items())
    return f"## How a command ends\n\n| exit | what it means |\n| ---: | --- |\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(page())

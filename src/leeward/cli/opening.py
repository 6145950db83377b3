"""What every command that opens a vault shares: its options, and how the passphrase is asked for.

A passphrase comes from ``--passphrase-file``, from the file that ``LEEWARD_PASSPHRASE_FILE`` names, or is typed unseen.
It is never an argument: the list of processes and the history of the shell would show it.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, cast

import click

from leeward.cli.voice import NobodyReads, Voice
from leeward.core.clock import SystemClock, local_zone_name
from leeward.core.errors import CannotRead, UsageError
from leeward.core.secret import Passphrase
from leeward.core.settings import Settings

__all__ = ["Asked", "as_json", "ask_passphrase", "given_path", "passphrase_option", "read_passphrase", "with_asked"]

_MAX_PASSPHRASE_FILE = 64 * 1024
"""Bytes; a longer file is not a passphrase but a mistake."""


class Asked(NamedTuple):
    """What a command works with."""

    voice: Voice
    settings: Settings
    clock: SystemClock

    def zone(self) -> str | None:
        """Return the zone of this device, None when it does not say."""
        return self.settings.zone or local_zone_name()

    def random(self, count: int) -> bytes:
        """Return unpredictable bytes."""
        return os.urandom(count)


def given_path() -> click.Path:
    """Return the type of a path argument: ours to check, so that the sentence is ours too."""
    return click.Path(path_type=Path)


as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

passphrase_option = click.option(
    "--passphrase-file",
    type=given_path(),
    help="Read the passphrase from this file instead of asking. One line end at its end is left off.",
)


def with_asked(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command `Asked` as its first argument."""

    @click.pass_context
    @wraps(command)
    def called(context: click.Context, /, *args: Any, as_json: bool = False, **kwargs: Any) -> int | None:
        voice, settings = context.obj
        voice.json = as_json
        try:
            return command(Asked(voice, settings, SystemClock()), *args, **kwargs)
        except BrokenPipeError as gone:
            raise NobodyReads from gone  # click would end the process with status 1

    return cast("Callable[..., int | None]", called)


def read_passphrase(path: Path) -> Passphrase:
    """Return the passphrase a file holds. Raises `CannotRead`, `UsageError`."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_PASSPHRASE_FILE + 1)
    except OSError as error:
        raise CannotRead("The passphrase file cannot be read.", next_step="Please check its name.") from error
    if len(content) > _MAX_PASSPHRASE_FILE:
        raise UsageError("The passphrase file is far too long.", next_step="It holds the passphrase and nothing else.")
    return Passphrase.from_file_bytes(content)


def ask_passphrase(asked: Asked, file: Path | None, question: str = "Passphrase: ") -> Passphrase:
    """Return the passphrase from a file, the settings, or the keyboard.

    Raises:
        CannotRead: the file cannot be read. UsageError: nobody is there to be asked, or it is empty.
    """
    named = file or asked.settings.passphrase_file
    if named is not None:
        return read_passphrase(named)
    if not sys.stdin.isatty():
        raise UsageError("No passphrase was given.", next_step="Use --passphrase-file, or run this in a terminal.")
    return Passphrase.from_text(getpass.getpass(question))

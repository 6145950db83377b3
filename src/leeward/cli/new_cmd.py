"""``leeward new``: make a vault."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leeward.app.session import create_vault
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked
from leeward.core.errors import CannotWrite, UsageError
from leeward.core.words import suggest_passphrase, weakness

__all__ = ["command"]


@click.command("new")
@click.argument("vault", type=given_path())
@passphrase_option
@as_json
@with_asked
def command(asked: Asked, vault: Path, passphrase_file: Path | None) -> None:
    """Make a new vault: one sealed file.

    Only the passphrase opens it. If it is lost, nobody can open the vault, we least of all: keep a copy of the
    passphrase where the other person does not look. A neutral file name is a good idea.
    """
    if vault.exists():
        raise CannotWrite("There is already something with this name.", next_step="Choose another name.")
    typed = passphrase_file is None and asked.settings.passphrase_file is None and sys.stdin.isatty()
    if typed:
        offered = suggest_passphrase().reveal().decode()
        asked.voice.say(f"You can use these words, which were chosen by chance:\n\n    {offered}\n")
    passphrase = ask_passphrase(asked, passphrase_file, "Passphrase for the new vault: ")
    if typed and ask_passphrase(asked, None, "The same once more: ") != passphrase:
        raise UsageError("The two were not the same.", next_step="Nothing was made. Please try again.")
    weak = weakness(passphrase)
    if weak is not None:
        asked.voice.say(weak)
    with create_vault(vault, passphrase, clock=asked.clock, random=asked.random, zone=asked.zone()) as session:
        zone = session.zone
    if asked.voice.json:
        asked.voice.result_json({"vault": str(vault), "zone": zone})
    else:
        asked.voice.result(f"The vault is ready. Times will be shown in the zone {zone or 'UTC (none is set here)'}.")

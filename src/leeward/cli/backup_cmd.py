"""``leeward backup``: write a backup that is still sealed."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.backing_up import back_up
from leeward.app.session import open_vault
from leeward.cli.opening import (
    Asked,
    as_json,
    ask_passphrase,
    given_path,
    passphrase_option,
    read_passphrase,
    with_asked,
)
from leeward.core.errors import UsageError

__all__ = ["command"]


@click.command("backup")
@click.argument("vault", type=given_path())
@click.option("--out", type=given_path(), required=True, help="The age file to write. Must not exist.")
@click.option("--to", "recipients", metavar="age1…", multiple=True, help="Encrypt to this age key. May be repeated.")
@click.option("--backup-passphrase-file", type=given_path(), help="Encrypt to the passphrase in this file instead.")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    out: Path,
    recipients: tuple[str, ...],
    backup_passphrase_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Write the whole vault to an age file. Inside, everything is still sealed with the vault's own passphrase."""
    if bool(recipients) == (backup_passphrase_file is not None):
        raise UsageError("Please say how to protect the backup: --to, or --backup-passphrase-file.")
    secret = read_passphrase(backup_passphrase_file) if backup_passphrase_file is not None else None
    with (
        open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session,
        asked.voice.progress() as progress,
    ):
        kept = back_up(session, out, recipients=recipients, passphrase=secret, on_progress=progress)
    if asked.voice.json:
        asked.voice.result_json({"file": str(kept.path), "objects": kept.objects, "bytes": kept.size})
    else:
        asked.voice.result(f"The backup is written: {kept.path}, {kept.size:,} bytes.")

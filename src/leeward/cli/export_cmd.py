"""``leeward export``: take everything out in open formats."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.session import open_vault
from leeward.app.taking_out import take_out
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked

__all__ = ["command"]


@click.command("export")
@click.argument("vault", type=given_path())
@click.option("--out", type=given_path(), required=True, metavar="DIR", help="A new or empty folder.")
@passphrase_option
@as_json
@with_asked
def command(asked: Asked, vault: Path, out: Path, passphrase_file: Path | None) -> None:
    """Write everything to a folder, in forms that other programs read. These files are not protected."""
    with (
        open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session,
        asked.voice.progress() as progress,
    ):
        taken = take_out(session, out, on_progress=progress)
    if asked.voice.json:
        asked.voice.result_json(
            {"folder": str(taken.path), "entries": taken.entries, "items": taken.items, "files": taken.files}
        )
    else:
        asked.voice.result(
            f"Everything is in {taken.path}: {taken.entries:,} entries, {taken.items:,} items, {taken.files:,} files."
        )
    asked.voice.say("These files are not protected: anyone who finds them can read them.")

"""``leeward bundle``: hand a part over, with proof."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.handing_over import hand_over
from leeward.app.looking import asked_for
from leeward.app.session import open_vault
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked

__all__ = ["command"]


@click.command("bundle")
@click.argument("vault", type=given_path())
@click.option("--out", type=given_path(), required=True, help="The zip to write. Must not exist.")
@click.option("--from", "start", metavar="D", help="From this day on, or from this instant with offset.")
@click.option("--to", "end", metavar="D", help="Up to and with this day, or up to this instant with offset.")
@click.option("--person", metavar="P", help="Conversations with this name or number, both sides.")
@click.option("--entries", metavar="ID,...", help="Just these items, by their ids.")
@click.option("--whole-archives", is_flag=True, help="Also whole original files: every message in them, chosen or not.")
@click.option("--to-recipient", metavar="age1…", help="Encrypt the bundle to this age key.")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    out: Path,
    start: str | None,
    end: str | None,
    person: str | None,
    entries: str | None,
    whole_archives: bool,
    to_recipient: str | None,
    passphrase_file: Path | None,
) -> None:
    """Write chosen items as a zip that anybody can read and check.

    It holds a transcript (text and PDF), the attachments, and a proof that shows nothing about everything else. It is
    written, then checked as a stranger would, then called ready. Read it yourself before it leaves your hands.
    """
    ids = [identity.strip() for identity in entries.split(",") if identity.strip()] if entries else []
    with (
        open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session,
        asked.voice.progress() as progress,
    ):
        question = asked_for(session, start=start, end=end, person=person)
        handed = hand_over(
            session,
            out,
            asked=question,
            entries=ids,
            whole_archives=whole_archives,
            recipient=to_recipient,
            on_progress=progress,
        )
    for sentence in (*handed.left_out, *handed.notes):
        asked.voice.say(sentence)
    if asked.voice.json:
        asked.voice.result_json(
            {
                "file": str(handed.path),
                "sha256": handed.sha256,
                "items": handed.items,
                "checked": True,
                "left_out": handed.left_out,
            }
        )
    else:
        asked.voice.result(f"Ready and checked: {handed.path} with {handed.items:,} items. SHA-256 {handed.sha256}")
        asked.voice.say("Read it once as the other person would: places, names of helpers, and your plans.")

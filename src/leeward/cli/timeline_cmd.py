"""``leeward timeline``: everything in the order in which it happened."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.looking import asked_for, everything
from leeward.app.session import open_vault
from leeward.cli.listing import print_items
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked

__all__ = ["command"]


@click.command("timeline")
@click.argument("vault", type=given_path())
@click.option("--from", "start", metavar="D", help="From this day on, or from this instant with offset.")
@click.option("--to", "end", metavar="D", help="Up to and with this day, or up to this instant with offset.")
@click.option("--person", metavar="P", help="Conversations with this name or number, both sides.")
@click.option("--kind", metavar="K", help="incident, message, call, system or other.")
@click.option("--service", metavar="S", help="whatsapp, sms, …")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    start: str | None,
    end: str | None,
    person: str | None,
    kind: str | None,
    service: str | None,
    passphrase_file: Path | None,
) -> None:
    """Show everything in the order in which it happened, oldest first.

    Clock times of an unknown phone have no offset; they are placed by their clock.
    """
    with open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session:
        question = asked_for(session, start=start, end=end, person=person, kind=kind, service=service)
        print_items(asked.voice, everything(session, question))

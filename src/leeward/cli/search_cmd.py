"""``leeward search``: find words."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leeward.app.looking import asked_for, page
from leeward.app.session import open_vault
from leeward.cli.listing import print_items
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked

__all__ = ["command"]


@click.command("search")
@click.argument("vault", type=given_path())
@click.argument("query")
@click.option("--from", "start", metavar="D", help="From this day on, or from this instant with offset.")
@click.option("--to", "end", metavar="D", help="Up to and with this day, or up to this instant with offset.")
@click.option("--person", metavar="P", help="Conversations with this name or number, both sides.")
@click.option("--kind", metavar="K", help="incident, message, call, system or other.")
@click.option("--service", metavar="S", help="whatsapp, sms, …")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    query: str,
    start: str | None,
    end: str | None,
    person: str | None,
    kind: str | None,
    service: str | None,
    limit: int,
    passphrase_file: Path | None,
) -> None:
    """Find words, newest first.

    All words must be there; "several words" in quotes stand together; begin* finds beginnings. A QUERY of - is read
    from standard input, which no history keeps.
    """
    if query == "-":
        query = sys.stdin.readline()
    with open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session:
        question = asked_for(session, start=start, end=end, person=person, kind=kind, service=service, query=query)
        found = page(session, question, limit=limit)
    print_items(asked.voice, found.items)
    if found.more is not None:
        asked.voice.say(f"There are more than {limit}; --limit shows more.")

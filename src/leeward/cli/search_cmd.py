"""``leeward search``: find words."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leeward.app.looking import asked_for, newest_first, page
from leeward.app.session import open_vault
from leeward.cli.listing import print_items
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked

__all__ = ["command"]

_SHOWN = 50
"""Items that a person is shown unasked; a program gets all."""


@click.command("search")
@click.argument("vault", type=given_path())
@click.argument("query")
@click.option("--from", "start", metavar="D", help="From this day on, or from this instant with offset.")
@click.option("--to", "end", metavar="D", help="Up to and with this day, or up to this instant with offset.")
@click.option("--person", metavar="P", help="Conversations with this name or number, both sides.")
@click.option("--kind", metavar="K", help="incident, message, call, system or other.")
@click.option("--service", metavar="S", help="whatsapp, sms, …")
@click.option("--limit", type=click.IntRange(1), help="How many at most; without it 50, with --json all.")
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
    limit: int | None,
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
        if limit is None and asked.voice.json:
            print_items(asked.voice, newest_first(session, question))
            return
        shown = limit or _SHOWN
        found = page(session, question, limit=shown)
    print_items(asked.voice, found.items)
    if found.more is not None:
        asked.voice.say(f"There are more than {shown}; --limit shows more.")

"""``leeward demo``: the main job on an invented example, said step by step, thrown away at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from leeward.app.checking import check_vault
from leeward.app.demo import EXAMPLE_ZONE, fill, lay_out
from leeward.app.handing_over import hand_over
from leeward.app.looking import asked_for, everything, page
from leeward.app.session import Session, create_vault
from leeward.cli.import_cmd import describe as describe_receipt
from leeward.cli.listing import describe
from leeward.cli.opening import Asked, with_asked
from leeward.core.words import suggest_passphrase

__all__ = ["command"]


@click.command("demo")
@click.option("--no-browser", is_flag=True, help="Only print; there are no pages yet, so this is always so.")
@with_asked
def command(asked: Asked, no_browser: bool) -> int:
    """Make a filled example vault, show what can be done with it, throw it away.

    The story and everybody in it are invented.
    """
    del no_browser  # accepted so that scripts written today go on working when there are pages
    say = asked.voice.result
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exports = lay_out(folder)
        vault = folder / "example.vault"
        passphrase = suggest_passphrase()
        say("1. A new vault: one sealed file. Only its passphrase opens it; this one was made by chance.")
        with create_vault(vault, passphrase, clock=asked.clock, random=asked.random, zone=EXAMPLE_ZONE) as session:
            say(f"   {vault.stat().st_size:,} bytes, and none of them can be read without the passphrase.\n")
            return _tour(session, folder, exports, say)


def _tour(session: Session, folder: Path, exports: list[Path], say: Callable[[str], None]) -> int:
    say(f"2. Taking in {len(exports)} exports and writing down two incidents. Each file gets a receipt: what came in,")
    say("   what was refused and why, how its times are to be understood, what such a file cannot prove.\n")
    receipts, incidents = fill(session, folder)
    for receipt in receipts:
        receipt.file = Path(receipt.file).name
        say(describe_receipt(receipt) + "\n")
    say(f"   Written down: {', '.join(item.id for item in incidents)}\n")

    say("3. The timeline: everything in one stream. Here is the evening of 12 March.\n")
    for item in everything(session, asked_for(session, start="2026-03-12", end="2026-03-12")):
        say(describe(item))
    say('\n4. Search: what was said or written about a "door".\n')
    for item in page(session, asked_for(session, query="door"), limit=10).items:
        say(describe(item))

    say("\n5. Handing a part over: the conversations with Chris in March, both sides, as a bundle.")
    out = folder / "bundle.zip"
    handed = hand_over(session, out, asked=asked_for(session, start="2026-03-01", end="2026-03-31", person="Chris"))
    say(f"   {handed.items} items, {out.stat().st_size:,} bytes, SHA-256 {handed.sha256}\n")

    say("6. The check by a program that knows nothing of Leeward, as anybody can run it:\n")
    status = _independent_check(out, say)
    say("\n7. One byte of the bundle changed, and checked again:\n")
    content = bytearray(out.read_bytes())
    at = content.index(b"open the door")
    content[at] ^= 1
    out.write_bytes(content)
    refused = _independent_check(out, say)

    say("\n8. The check of the whole vault: every entry, every original, every message, the tree over all of them.")
    report = check_vault(session)
    say(f"   {'Sound' if report.sound else 'Not sound'}: {report.facts['entries']} entries.\n")
    say("The example is thrown away now.")
    return 0 if status == 0 and refused == 1 and report.sound else 1


def _independent_check(bundle: Path, say: Callable[[str], None]) -> int:
    words = [sys.executable, "-I", "-m", "leeward_proof", str(bundle)]
    done = subprocess.run(words, capture_output=True, check=False)  # noqa: S603  # our own words, no shell
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        say("   " + line)
    return done.returncode

"""``leeward import``: take in message exports."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.importing import finish_interrupted, import_files
from leeward.app.receipts import Receipt
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
from leeward.cli.voice import printable
from leeward.core.errors import ReaderStopped, VaultDamaged
from leeward.ingest.base import Hints

__all__ = ["command", "describe"]

_SHOWN_REFUSALS = 5


@click.command("import")
@click.argument("vault", type=given_path())
@click.argument("files", type=given_path(), nargs=-1, required=True)
@click.option("--me", metavar="HANDLE", help="Your own name or number in these files: they do not say who you are.")
@click.option("--zone", metavar="IANA", help="Zone of the clock times in these files, such as Europe/Dublin.")
@click.option("--archive-passphrase-file", type=given_path(), help="Read the files' own passphrase from this file.")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    files: tuple[Path, ...],
    me: str | None,
    zone: str | None,
    archive_passphrase_file: Path | None,
    passphrase_file: Path | None,
) -> int:
    """Take in message exports and say what came of each.

    The original of every file is sealed first, byte for byte, then read. A folder or a zip counts as one file. Take in
    only what is yours to hold.
    """
    secret = read_passphrase(archive_passphrase_file).reveal().decode() if archive_passphrase_file else None
    hints = Hints(me=me, zone=zone, passphrase=secret)
    with (
        open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session,
        asked.voice.progress() as progress,
    ):
        receipts = import_files(session, files, hints, on_progress=progress)
        # After the files given now: one of them may be the interrupted one, and what is said now counts.
        try:
            for _ in finish_interrupted(session, on_progress=progress):
                asked.voice.say("A file whose import was interrupted earlier has been read now.")
        except VaultDamaged as damage:
            asked.voice.say(damage.sentence())  # the files given now are in, and their receipts count
    if asked.voice.json:
        asked.voice.result_list(receipt.contract() for receipt in receipts)
    else:
        for receipt in receipts:
            asked.voice.result(describe(receipt))
    return ReaderStopped.exit_status if any(receipt.error for receipt in receipts) else 0


def describe(receipt: Receipt) -> str:
    """Return a receipt in words."""
    lines = [f"{receipt.file}"]
    if receipt.error and not receipt.reader:
        return "\n".join([*lines, f"  {receipt.error}"])
    if receipt.detail:
        lines.append(f"  {receipt.detail}")
    lines.append(
        f"  {receipt.items_in:,} came in: {receipt.messages:,} messages, {receipt.calls:,} calls, "
        f"{receipt.system:,} notices, {receipt.other:,} others, {len(receipt.refused):,} refused."
    )
    if receipt.duplicates:
        lines.append(f"  {receipt.duplicates:,} of them were known from another file; they are linked, not dropped.")
    if receipt.first:
        lines.append(f"  From {receipt.first} to {receipt.last}. {receipt.zone_rule}")
    if receipt.media_referenced:
        lines.append(f"  Attachments: {receipt.media_present:,} of {receipt.media_referenced:,} are in the file.")
    lines += [f"  Could not be read ({each.where}): {each.why}" for each in receipt.refused[:_SHOWN_REFUSALS]]
    if len(receipt.refused) > _SHOWN_REFUSALS:
        lines.append(f"  … and {len(receipt.refused) - _SHOWN_REFUSALS:,} more; --json shows all.")
    lines += [f"  Note: {flag.text}" for flag in receipt.flags]
    if receipt.error:
        lines.append(f"  {receipt.error}")
    lines.append(f"  SHA-256 of the original: {receipt.sha256}")
    return printable("\n".join(lines))

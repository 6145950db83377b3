"""``leeward log``: write down what happened."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leeward.app.incidents import record_incident
from leeward.app.session import open_vault
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked
from leeward.core.errors import CannotRead, UsageError

__all__ = ["command"]

_MAX_TEXT = 1024 * 1024
"""Bytes. A text longer than a book is a file, and is attached."""


@click.command("log")
@click.argument("vault", type=given_path())
@click.option("--text", metavar="T", help="What happened; - reads it from standard input, which no history keeps.")
@click.option("--text-file", type=given_path(), help="Read what happened from this file.")
@click.option(
    "--when", metavar="ISO", help="When: 2026-03-01, 2026-03-01T21:30 or with +01:00; ~ in front means about."
)
@click.option("--kind", metavar="K", multiple=True, help="What kind of thing it was, in your word. May be repeated.")
@click.option("--attach", type=given_path(), multiple=True, help="A file to keep with it. May be repeated.")
@passphrase_option
@as_json
@with_asked
def command(
    asked: Asked,
    vault: Path,
    text: str | None,
    text_file: Path | None,
    when: str | None,
    kind: tuple[str, ...],
    attach: tuple[Path, ...],
    passphrase_file: Path | None,
) -> None:
    """Write down what happened. Exact words and facts help most; details can come later."""
    if text is not None and text_file is not None:
        raise UsageError("Please give the text once: --text or --text-file.")
    words = _words(text, text_file)
    with open_vault(vault, ask_passphrase(asked, passphrase_file), clock=asked.clock, random=asked.random) as session:
        abuse = [word for word in kind if word != "incident"]
        item = record_incident(session, text=words, when=when, abuse=abuse, attachments=attach)
    if asked.voice.json:
        asked.voice.result_json(item)
    else:
        kept = f" with {len(item.attachments)} files" if item.attachments else ""
        asked.voice.result(f"Saved{kept}: {item.id}")


def _words(text: str | None, file: Path | None) -> str:
    if file is not None:
        try:
            content = file.open("rb").read(_MAX_TEXT + 1)
        except OSError as error:
            raise CannotRead("The file with the text cannot be read.", next_step="Please check its name.") from error
    elif text == "-":
        content = sys.stdin.buffer.read(_MAX_TEXT + 1)
    else:
        return text or ""
    if len(content) > _MAX_TEXT:
        raise UsageError("This text is longer than a book.", next_step="Attach it as a file with --attach.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("The text is not UTF-8.", next_step="Save it as UTF-8, or attach it as a file.") from None

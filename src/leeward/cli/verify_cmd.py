"""``leeward verify``: check a vault or a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.checking import Report, check_bundle, check_vault, looks_like_vault
from leeward.app.session import open_vault
from leeward.cli.opening import Asked, as_json, ask_passphrase, given_path, passphrase_option, with_asked
from leeward.core.errors import BundleUnsound, VaultDamaged

__all__ = ["command"]


@click.command("verify")
@click.argument("file", metavar="VAULT|FILE.zip", type=given_path())
@click.option(
    "--held",
    type=given_path(),
    help="For a vault: a checkpoint, or a bundle with one, that somebody kept. The vault must still hold all of it.",
)
@passphrase_option
@as_json
@with_asked
def command(asked: Asked, file: Path, held: Path | None, passphrase_file: Path | None) -> int:
    """Check everything in a vault, or a bundle. Says what is wrong and where, and what no check can prove."""
    report = _vault(asked, file, held, passphrase_file) if looks_like_vault(file) else check_bundle(file)
    if asked.voice.json:
        asked.voice.result_json(report)
    else:
        asked.voice.result("Sound." if report.sound else "Not sound.")
        for problem in report.problems:
            asked.voice.result(f"  {problem['where']}: {problem['what']}")
        asked.voice.result("This does not prove:")
        for sentence in report.not_proven:
            asked.voice.result(f"  - {sentence}")
    return 0 if report.sound else BundleUnsound.exit_status


def _vault(asked: Asked, file: Path, held: Path | None, passphrase_file: Path | None) -> Report:
    passphrase = ask_passphrase(asked, passphrase_file)
    try:
        with (
            open_vault(file, passphrase, clock=asked.clock, random=asked.random) as session,
            asked.voice.progress() as progress,
        ):
            return check_vault(session, progress, held=held)
    except VaultDamaged as damage:
        # Too damaged to open is an answer to the question that was asked, not a failure to answer it.
        problem = {"where": "vault", "what": damage.sentence()}
        return Report(kind="vault", sound=False, problems=[problem], not_proven=[])

"""``leeward restore``: bring a vault back from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from leeward.app.backing_up import restore
from leeward.cli.opening import Asked, as_json, given_path, read_passphrase, with_asked
from leeward.core.errors import CannotRead, UsageError

__all__ = ["command"]


@click.command("restore")
@click.argument("backup", metavar="FILE.age", type=given_path())
@click.argument("vault", type=given_path())
@click.option("--identity", type=given_path(), help="File with the key the backup was made for (AGE-SECRET-KEY-1…).")
@click.option("--backup-passphrase-file", type=given_path(), help="File with the passphrase of the backup.")
@as_json
@with_asked
def command(
    asked: Asked, backup: Path, vault: Path, identity: Path | None, backup_passphrase_file: Path | None
) -> None:
    """Bring a vault back. It opens with the passphrase it had when the backup was made."""
    if (identity is None) == (backup_passphrase_file is None):
        raise UsageError("Please say how to open the backup: --identity, or --backup-passphrase-file.")
    secret = read_passphrase(backup_passphrase_file) if backup_passphrase_file is not None else None
    keys = _identities(identity) if identity is not None else ()
    with asked.voice.progress() as progress:
        kept = restore(backup, vault, identities=keys, passphrase=secret, on_progress=progress)
    if asked.voice.json:
        asked.voice.result_json({"vault": str(kept.path), "objects": kept.objects, "bytes": kept.size})
    else:
        asked.voice.result(f"The vault is back: {kept.path}. leeward verify checks it.")


def _identities(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRead("The key file cannot be read.", next_step="Please check its name.") from error
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))

"""Checking a vault or a bundle, and saying what a check cannot prove."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import msgspec

from leeward.app.session import Session
from leeward.core.errors import CannotRead, NotAVault, VaultDamaged
from leeward.core.progress import Progress, Reached, silent
from leeward_proof.errors import NotABundle, Unsound
from leeward_proof.note import Checkpoint, open_note
from leeward_proof.verify import check

__all__ = ["Report", "check_against", "check_bundle", "check_vault", "looks_like_vault"]

_MAX_NOTE = 1_000_000
"""Bytes: the limit of a signed note (docs/formats/log.md §4)."""

_NOT_PROVEN_BY_A_VAULT = [
    "that the whole file was not put back to an older state: only a checkpoint that somebody else holds shows that",
    "that what is written is true, complete, or by whom it was written",
    "when something was written: the device's clock says so, and nobody else",
]


class Report(msgspec.Struct, kw_only=True):
    """What a check found; the names are the contract of the command line."""

    kind: str
    sound: bool
    problems: list[dict[str, str]]
    not_proven: list[str]
    facts: dict[str, Any] = {}


def looks_like_vault(path: Path) -> bool:
    """Say whether *path* begins like a vault; anything else is for `check_bundle`, damaged bundles too.

    Raises:
        CannotRead: no such file, or not allowed.
    """
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\x00"
    except FileNotFoundError as error:
        raise CannotRead("There is no file with this name.", next_step="Please check the name.") from error
    except IsADirectoryError as error:
        raise NotAVault("This is a folder, neither a vault nor a bundle.", next_step="Nothing was checked.") from error
    except OSError as error:
        raise CannotRead("This file cannot be read.", next_step="Please check who may read it.") from error


def check_vault(session: Session, on_progress: Progress = silent, *, held: Path | None = None) -> Report:
    """Open and recompute everything in a vault.

    Args:
        session: open vault.
        on_progress: told about ``verify.check``.
        held: a checkpoint, or a bundle with one, that somebody else kept: the log must still hold all it covers.
    """
    compared = check_against(session, held) if held is not None else []
    found = session.vault.check(lambda done, total: on_progress(Reached("verify.check", done, total)))
    return Report(
        kind="vault",
        sound=not found and not compared,
        problems=[*compared, *({"where": problem.where, "what": problem.what} for problem in found)],
        not_proven=list(_NOT_PROVEN_BY_A_VAULT),
        facts={
            "entries": len(session.vault.log),
            "batches": session.vault.log.batches,
            "checkpoint": session.vault.log.checkpoint,
        },
    )


def check_against(session: Session, held: Path) -> list[dict[str, str]]:
    """Compare a vault with a checkpoint that somebody else kept: alone in a file, or inside a bundle.

    Nothing that was in the log under that checkpoint can have been changed, reordered or taken out without being found
    here.

    Returns:
        Problems; empty when the log still holds all that the checkpoint covers.

    Raises:
        CannotRead, NotAVault: the file cannot be read, or holds no checkpoint.
    """
    log = session.vault.log
    where = "checkpoint kept elsewhere"
    try:
        checkpoint = Checkpoint.parse_text(open_note(_held_note(held), log.verifier_key))
    except Unsound as unsound:
        return [{"where": where, "what": f"It was not signed by this vault, or was changed: {unsound.what}."}]
    if checkpoint.origin != log.verifier_key.name:
        return [{"where": where, "what": "It is of another vault."}]
    try:
        same = log.root_at(checkpoint.size) == checkpoint.root
    except VaultDamaged as damage:
        return [{"where": where, "what": damage.message}]
    if same:
        return []
    return [{"where": where, "what": "What was in the log then is not what is in it now."}]


def _held_note(path: Path) -> str:
    """Return the checkpoint in a file. A bundle is only looked into, not checked."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_NOTE)
            if not content.startswith(b"PK"):
                return content.decode("utf-8", "replace")
            file.seek(0)
            with ZipFile(file) as bundle, bundle.open("proof/checkpoint") as member:
                return member.read(_MAX_NOTE).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise CannotRead("There is no file with this name.", next_step="Please check the name.") from error
    except OSError as error:
        raise CannotRead("This file cannot be read.", next_step="Please check who may read it.") from error
    except (BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError) as error:
        raise NotAVault("This file holds no checkpoint.", next_step="Nothing was compared.") from error


def check_bundle(path: Path) -> Report:
    """Check a bundle as a stranger would.

    Raises:
        NotAVault: it is no bundle, or one of a newer form.
    """
    try:
        report = check(path)
    except NotABundle as error:
        raise NotAVault("This file is neither a vault nor a bundle.", next_step="Nothing was checked.") from error
    return Report(
        kind="bundle",
        sound=report.sound,
        problems=[
            {"where": problem.where, "what": problem.what, "layer": problem.layer} for problem in report.problems
        ],
        not_proven=list(report.not_proven),
        facts=report.facts,
    )

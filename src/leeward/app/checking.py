"""Checking a vault or a bundle, and saying what a check cannot prove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from leeward.app.session import Session
from leeward.core.errors import CannotRead, NotAVault
from leeward.core.progress import Progress, Reached, silent
from leeward_proof.errors import NotABundle
from leeward_proof.verify import check

__all__ = ["Report", "check_bundle", "check_vault", "looks_like_vault"]

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


def check_vault(session: Session, on_progress: Progress = silent) -> Report:
    """Open and recompute everything in a vault."""
    found = session.vault.check(lambda done, total: on_progress(Reached("verify.check", done, total)))
    return Report(
        kind="vault",
        sound=not found,
        problems=[{"where": problem.where, "what": problem.what} for problem in found],
        not_proven=list(_NOT_PROVEN_BY_A_VAULT),
        facts={
            "entries": len(session.vault.log),
            "batches": session.vault.log.batches,
            "checkpoint": session.vault.log.checkpoint,
        },
    )


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

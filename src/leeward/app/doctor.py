"""What is installed, what is missing, and what that costs: for ``leeward doctor``. Looks at nothing of hers."""

from __future__ import annotations

import platform
from typing import Literal

import msgspec

from leeward import __version__
from leeward.core.clock import Clock
from leeward.core.errors import LeewardError
from leeward.evidence.feed import SHAPE
from leeward.export.pdf import pdf_available
from leeward.ingest.confine import NAMES
from leeward.ingest.run import confinement
from leeward.vault.primitives import self_test
from leeward.vault.projection import open_projection

__all__ = ["Finding", "examine"]


class Finding(msgspec.Struct, kw_only=True):
    """One line of the examination.

    Attributes:
        name: what was looked at.
        state: ``ok``, ``missing`` (something works less well) or ``broken`` (do not use Leeward here).
        text: what that means for the person.
    """

    name: str
    state: Literal["ok", "missing", "broken"]
    text: str


def examine(clock: Clock) -> list[Finding]:
    """Look at this installation. Takes about a second."""
    return [
        Finding(name="leeward", state="ok", text=f"Leeward {__version__} on Python {platform.python_version()}."),
        _encryption(),
        _memory_tables(),
        _confinement(clock),
        _pdf(),
    ]


def _encryption() -> Finding:
    try:
        self_test()
    except LeewardError as error:
        return Finding(name="encryption", state="broken", text=error.sentence())
    return Finding(name="encryption", state="ok", text="The encryption gives the right answers on this device.")


def _memory_tables() -> Finding:
    try:
        db = open_projection(SHAPE)
    except LeewardError as error:
        return Finding(name="search", state="broken", text=error.sentence())
    version = db.execute("SELECT sqlite_version()").fetchone()[0]
    db.close()
    return Finding(name="search", state="ok", text=f"Search works in memory alone (SQLite {version}).")


def _confinement(clock: Clock) -> Finding:
    try:
        in_force = confinement(clock=clock)
    except LeewardError as error:
        return Finding(name="readers", state="broken", text=error.sentence())
    missing = [name for name in NAMES if name not in in_force]
    if not in_force:
        text = "Files from elsewhere are read without a fence on this device. Take in only files you trust."
        return Finding(name="readers", state="missing", text=text)
    text = "Files from elsewhere are read behind a fence: " + "; ".join(NAMES[name] for name in in_force) + "."
    if missing:
        text += " Not available here: " + "; ".join(NAMES[name] for name in missing) + "."
    return Finding(name="readers", state="missing" if missing else "ok", text=text)


def _pdf() -> Finding:
    if pdf_available():
        return Finding(name="pdf", state="ok", text="Bundles hold a PDF beside the text transcript.")
    text = "The part that makes PDF files is not installed: bundles hold the text transcript alone, which is complete."
    return Finding(name="pdf", state="missing", text=text)

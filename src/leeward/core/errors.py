"""Every error Leeward raises on purpose, as one tree.

::

    LeewardError
    ├── PersonCanAct            the person can do something about it
    │   ├── UsageError               64  the command or value makes no sense as given
    │   ├── WrongPassphrase          77  no slot opened
    │   ├── NotAVault                 2  the file is not a vault (or not a bundle)
    │   ├── VaultInUse               75  another process holds the vault open for writing
    │   ├── CannotWrite              73  disk full, read-only folder, the file is already there
    │   ├── CannotRead               66  an input file is missing or unreadable
    │   ├── NotHere                  64  an item, entry or person with this id is not in the vault
    │   └── Cancelled               130  the person stopped it
    ├── Damaged                   1  bytes that should prove themselves do not
    │   ├── VaultDamaged
    │   └── BundleUnsound
    ├── FromNewerVersion          2  written by a newer Leeward; nothing is guessed
    ├── ReaderStopped             3  a confined reader broke a limit, crashed or never returned
    └── OurMistake               70  a broken promise inside Leeward itself

Each class has a stable ``id`` and its own exit status. ``message`` is for the person: what happened, whether anything
was lost, what to do next. It may name a file the person typed; it never carries text from a vault. Logs get ``id`` and
the class name only (see ``core/logs.py``).
"""

from __future__ import annotations

__all__ = [
    "BundleUnsound",
    "Cancelled",
    "CannotRead",
    "CannotWrite",
    "Damaged",
    "FromNewerVersion",
    "LeewardError",
    "NotAVault",
    "NotHere",
    "OurMistake",
    "PersonCanAct",
    "ReaderStopped",
    "UsageError",
    "VaultDamaged",
    "VaultInUse",
    "WrongPassphrase",
]


class LeewardError(Exception):
    """Root of the tree. ``str(error)`` is the sentence for the person."""

    id: str = "L000"
    exit_status: int = 70

    def __init__(self, message: str, *, lost: str = "Nothing was lost.", next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.lost = lost
        self.next_step = next_step

    def sentence(self) -> str:
        """Return the whole message for the person: what happened, what was lost, what to do next."""
        return " ".join(part for part in (self.message, self.lost, self.next_step) if part)


class PersonCanAct(LeewardError):
    """The person can do something about it."""

    id = "L100"
    exit_status = 64


class UsageError(PersonCanAct):
    """The command or value makes no sense as given."""

    id = "L101"
    exit_status = 64


class WrongPassphrase(PersonCanAct):
    """No slot opened with this passphrase."""

    id = "L102"
    exit_status = 77


class NotAVault(PersonCanAct):
    """The file is neither a vault nor a bundle."""

    id = "L103"
    exit_status = 2


class VaultInUse(PersonCanAct):
    """Another process holds the vault open."""

    id = "L104"
    exit_status = 75


class CannotWrite(PersonCanAct):
    """Disk full, read-only folder, or a file that is already there."""

    id = "L105"
    exit_status = 73


class CannotRead(PersonCanAct):
    """An input file is missing or cannot be read."""

    id = "L106"
    exit_status = 66


class NotHere(PersonCanAct):
    """Nothing with this id is in the vault."""

    id = "L107"
    exit_status = 64


class Cancelled(PersonCanAct):
    """The person stopped it."""

    id = "L108"
    exit_status = 130


class Damaged(LeewardError):
    """Bytes that should prove themselves do not."""

    id = "L200"
    exit_status = 1


class VaultDamaged(Damaged):
    """A part of the vault is missing, changed, or does not belong where it stands."""

    id = "L201"


class BundleUnsound(Damaged):
    """A bundle failed its check."""

    id = "L202"


class FromNewerVersion(LeewardError):
    """Written by a newer Leeward; nothing is guessed and nothing is changed."""

    id = "L300"
    exit_status = 2


class ReaderStopped(LeewardError):
    """A confined reader broke a limit, crashed or never returned. The original is sealed already."""

    id = "L400"
    exit_status = 3


class OurMistake(LeewardError):
    """A promise inside Leeward did not hold."""

    id = "L900"
    exit_status = 70

"""Opening and closing a vault, and what stays at hand while it is open."""

from __future__ import annotations

from pathlib import Path

from leeward.core.clock import Clock
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.evidence.timeline import Timeline
from leeward.vault.kinds import SETTING
from leeward.vault.storage.sqlite import SqliteStorage
from leeward.vault.vault import Vault

__all__ = ["Session", "create_vault", "open_vault"]

_SAVE_AFTER = 256
"""Entries taken in since the last snapshot after which closing makes a new one: replaying fewer costs a few ms."""


class Session:
    """An open vault and its timeline. Use it with ``with``: leaving locks it.

    Args:
        vault: unlocked.
        path: where it is, None for a vault in memory.
    """

    def __init__(self, vault: Vault, path: Path | None = None) -> None:
        self.vault = vault
        self.path = path
        self._timeline: Timeline | None = None

    @property
    def timeline(self) -> Timeline:
        """The stream of all items; loaded at the first question."""
        if self._timeline is None:
            self._timeline = Timeline(self.vault)
        else:
            self._timeline.catch_up()
        return self._timeline

    def forget_timeline(self) -> None:
        """Drop the stream and what it holds in memory; the next question makes it anew from the log.

        After a deletion: names, words of the index and freed pages would otherwise live on, and go into a snapshot.
        """
        if self._timeline is not None:
            self._timeline.db.close()
            self._timeline = None

    @property
    def zone(self) -> str | None:
        """IANA name of the zone the vault's owner lives in, None when she named none."""
        return self.timeline.setting("zone")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close(save=error is None)

    def close(self, *, save: bool = True) -> None:
        """Save a snapshot if it is worth it, then lock."""
        timeline = self._timeline
        if save and timeline is not None and timeline.taken - timeline.loaded >= _SAVE_AFTER:
            timeline.save()
        self._timeline = None
        self.vault.lock()


def create_vault(
    path: Path, passphrase: Passphrase, *, clock: Clock, random: RandomBytes, zone: str | None = None
) -> Session:
    """Make a new vault.

    Args:
        path: must not exist.
        passphrase: opens it.
        clock: for the cost of unlocking, and for dates.
        random: unpredictable bytes.
        zone: IANA name of the owner's zone, kept as the vault's first setting; None keeps none.

    Raises:
        CannotWrite: something is there already, or the folder cannot be written.
    """
    storage = SqliteStorage.create(path)
    try:
        vault = Vault.create(storage, passphrase, clock=clock, random=random)
        if zone is not None:
            vault.append(SETTING, {"name": "zone", "value": zone}, zone=zone)
    except BaseException:
        # Half a vault helps nobody, and its name would be taken.
        storage.close()
        path.unlink(missing_ok=True)
        raise
    return Session(vault, path)


def open_vault(path: Path, passphrase: Passphrase, *, clock: Clock, random: RandomBytes) -> Session:
    """Open a vault.

    Raises:
        CannotRead, NotAVault, VaultInUse, CannotWrite, WrongPassphrase, FromNewerVersion, VaultDamaged: as they say.
    """
    storage = SqliteStorage.open(path)
    try:
        return Session(Vault.unlock(storage, passphrase, clock=clock, random=random), path)
    except BaseException:
        storage.close()
        raise

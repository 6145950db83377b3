"""Puts groups of objects while the caller prepares the next: sealing and the disk work at the same time.

One group is under way at most, and `wait` is what makes everything durable: nothing may be acknowledged before it
returned. What goes wrong on the way is raised by the next `put_many` or by `wait`. Where no thread can be started (a
browser page) each group is put at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Thread

from leeward.vault.storage.base import Storage

__all__ = ["PutBehind"]


class PutBehind:
    """See above. Not for two callers at once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._thread: Thread | None = None
        self._failed: BaseException | None = None

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Begin to put *objects*; the caller must not change them. Raises what went wrong with the group before."""
        self.wait()
        thread = Thread(target=self._put, args=(objects,), name="behind", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._storage.put_many(objects)
        else:
            self._thread = thread

    def wait(self) -> None:
        """Return when all groups are durable. Raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed

    def _put(self, objects: Mapping[str, bytes]) -> None:
        try:
            self._storage.put_many(objects)
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread, whatever it is
            self._failed = error

"""The files beside the chat text: which of them a record means, and what is in them.

A record names a file; a zip lists members. They meet by the last part of the member's path: exactly, else in the
composed or decomposed form of Unicode, because a Mac writes `é` as two characters. A path in a record is never
followed: a name that is not a member is missing, whatever it says. Each member is streamed once, for its hash, size
and type.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from typing import Final

from leeward.core.errors import LeewardError
from leeward.ingest.base import MediaRef, Package
from leeward.ingest.media.kinds import HEAD, type_of

__all__ = ["Shelf"]

_CHUNK: Final = 2**18

_UNREADABLE: Final = (LeewardError, OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)
"""What a damaged member may raise. The message stays; the file counts as missing."""


class Shelf:
    """The members that are not chat text.

    Attributes:
        used: members that a record referred to.
        damaged: members that were referred to and could not be read.
    """

    def __init__(self, package: Package, members: Iterable[str], folder: str) -> None:
        self.used: set[str] = set()
        self.damaged: set[str] = set()
        self._package = package
        self._members: dict[str, str] = {}
        self._refs: dict[str, MediaRef] = {}
        listed = sorted(members, key=lambda member: not member.startswith(folder))
        for member in listed:
            name = member.rpartition("/")[2]
            for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
                self._members.setdefault(form, member)

    def find(self, name: str) -> str | None:
        """Return the member with this file name, None when there is none."""
        for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
            member = self._members.get(form)
            if member is not None:
                return member
        return None

    def reference(self, name: str) -> MediaRef:
        """Return what a record's file name stands for; place ``""`` when the file is not here."""
        member = self.find(name)
        if member is None:
            return MediaRef(name)
        self.used.add(member)
        known = self._refs.get(member)
        if known is None:
            known = self._refs[member] = self._look(name, member)
        return known if known.name == name else MediaRef(name, *_without_name(known))

    def _look(self, name: str, member: str) -> MediaRef:
        """Stream a member once."""
        digest = hashlib.sha256()
        size = 0
        head = b""
        try:
            with self._package.open(member) as stream:
                while chunk := stream.read(_CHUNK):
                    if len(head) < HEAD:
                        head += chunk[: HEAD - len(head)]
                    digest.update(chunk)
                    size += len(chunk)
        except _UNREADABLE:
            self.damaged.add(member)
            return MediaRef(name)
        return MediaRef(name, "member", member, 0, size, digest.hexdigest(), size, type_of(head))


def _without_name(ref: MediaRef) -> tuple[str, str, int, int, str, int, str]:
    """Return every field of a reference but its name."""
    return ref.place, ref.member, ref.offset, ref.length, ref.sha256, ref.size, ref.type

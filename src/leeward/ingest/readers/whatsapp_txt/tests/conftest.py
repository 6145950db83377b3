"""A package in memory, and one call that reads it whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import pytest

from leeward.ingest.base import Hints, Outcome, Recognised, Record, Refused
from leeward.ingest.readers.whatsapp_txt import WhatsAppTextReader


class MemoryPackage:
    """What the reader needs of a package, over bytes in memory."""

    def __init__(self, name: str, members: dict[str, bytes]) -> None:
        self._name = name
        self._members = members
        self.opened: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    def members(self) -> Sequence[str]:
        return list(self._members)

    def size(self, member: str) -> int:
        return len(self._members[member])

    def open(self, member: str) -> BinaryIO:
        self.opened.append(member)
        return io.BytesIO(self._members[member])


class Reading:
    """Everything one reading said."""

    def __init__(self, package: MemoryPackage, hints: Hints) -> None:
        self.records: list[Record] = []
        self.refused: list[Refused] = []
        self.lists = 0
        events = list(WhatsAppTextReader().read(package, hints))
        assert isinstance(events[0], Recognised)
        assert isinstance(events[-1], Outcome)
        self.recognised = events[0]
        self.outcome = events[-1]
        for event in events[1:-1]:
            if isinstance(event, list):
                self.lists += 1
                assert 0 < len(event) <= 2048
                self.records += event
            else:
                assert isinstance(event, Refused)
                self.refused.append(event)

    @property
    def flags(self) -> set[str]:
        return {flag.code for flag in self.outcome.flags}

    def count(self, kind: int) -> int:
        return sum(1 for record in self.records if record.kind == kind)

    def senders(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for record in self.records:
            if record.kind == 0:
                found[record.sender] = found.get(record.sender, 0) + 1
        return found

    def walls(self) -> list[int | None]:
        return [record.wall for record in self.records]

    def texts(self) -> list[str]:
        return [record.text for record in self.records]


def package_of(data: bytes, name: str = "chat.txt") -> MemoryPackage:
    """Return a plain text or a zip as a package, without system litter."""
    if not data.startswith(b"PK\x03\x04"):
        return MemoryPackage(name, {"": data})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
        return MemoryPackage(name, {n: archive.read(n) for n in names})


@pytest.fixture
def read() -> Callable[..., Reading]:
    """Read text, bytes or a dict of members."""

    def call(source: str | bytes | dict[str, bytes], name: str = "chat.txt", **hints: Any) -> Reading:
        if isinstance(source, dict):
            package = MemoryPackage(name, source)
        else:
            package = package_of(source.encode() if isinstance(source, str) else source, name)
        return Reading(package, Hints(**hints))

    return call


@pytest.fixture
def pack() -> Callable[..., MemoryPackage]:
    """Make a package of bytes or members."""

    def call(source: bytes | dict[str, bytes], name: str = "chat.txt") -> MemoryPackage:
        return MemoryPackage(name, source) if isinstance(source, dict) else package_of(source, name)

    return call

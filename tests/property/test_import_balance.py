"""Whatever is done to an export, its import ends with an account that balances and a vault that is sound.

Exports are generated, then broken: bytes put in, taken out, changed, repeated, cut off. The reader runs in this
process (the confined child is the same code; starting one for each example would take minutes).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flows.desk import ROOT, Text, sms_export
from tests.safety.vault_world import CHEAP

from leeward.app.importing import import_files
from leeward.app.receipts import Receipt
from leeward.app.session import Session
from leeward.core.clock import SystemClock
from leeward.core.secret import Passphrase
from leeward.evidence.item import Asked
from leeward.ingest import run
from leeward.ingest.base import Hints
from leeward.vault.files import FileInfo
from leeward.vault.kinds import ARCHIVE
from leeward.vault.primitives import KDF_PROFILES
from leeward.vault.storage.memory import MemoryStorage
from leeward.vault.vault import Vault

READERS = ROOT / "src" / "leeward" / "ingest" / "readers"
SAMPLES = sorted(
    path
    for path in READERS.glob("*/samples/**/*")
    if path.suffix in (".xml", ".txt", ".zip")
    and path.parent.name.upper() not in ("LICENCES", "LICENSES")
    and path.stat().st_size < 60_000
)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)
texts = st.builds(
    Text,
    st.integers(0, 4_102_444_800_000),
    st.sampled_from(["+447700900102", "+447700900103", "112", ""]),
    st.sampled_from(["Bea", "Carl", "", "null"]),
    st.booleans(),
    words,
)
times = st.datetimes().map(lambda moment: f"{moment:%d/%m/}{moment.year:04}, {moment:%H:%M}")
lines = st.builds(
    lambda when, who, said: f"{when} - {who}: {said}\n",
    times,
    st.sampled_from(["Ana", "Carl", "+44 7700 900103"]),
    words,
)
exports = st.one_of(
    st.lists(texts, max_size=6).map(sms_export),
    st.lists(lines, max_size=8).map(lambda several: "".join(several).encode()),
    st.sampled_from(SAMPLES).map(Path.read_bytes),
)
breaks = st.lists(
    st.tuples(
        st.sampled_from(["put in", "take out", "change", "repeat", "cut"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=12),
    ),
    max_size=5,
)


def broken(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for what, where, piece in changes:
        at, length = int(len(content) * where), len(piece)
        if what == "put in":
            content = content[:at] + piece + content[at:]
        elif what == "take out":
            content = content[:at] + content[at + length * 20 :]
        elif what == "change":
            content = content[:at] + piece + content[at + length :]
        elif what == "repeat":
            content = content[: at + length * 50] + content[at:]
        else:
            content = content[:at]
    return content


@pytest.fixture(autouse=True)
def _cheap_and_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KDF_PROFILES, 1, CHEAP)
    monkeypatch.setattr(run, "can_start_processes", lambda: False)


@pytest.fixture
def session() -> Iterator[Session]:
    secret = Passphrase.from_text("lantern copper river")
    with Session(Vault.create(MemoryStorage(), secret, clock=SystemClock(), random=os.urandom, kdf=1)) as opened:
        yield opened


def take_in(session: Session, folder: Path, name: str, content: bytes, hints: Hints) -> Receipt:
    file = folder / name
    file.write_bytes(content)
    [receipt] = import_files(session, [file], hints)
    return receipt


in_one_vault = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@in_one_vault
@given(
    exports,
    breaks,
    st.sampled_from(["export.xml", "WhatsApp Chat with Carl.txt", "chat.zip", "x"]),
    st.sampled_from([Hints(), Hints(me="Ana", zone="Europe/Dublin"), Hints(zone="America/New_York")]),
)
def test_every_import_ends_with_an_account_that_balances(
    session: Session, tmp_path: Path, content: bytes, changes: list[tuple[str, float, bytes]], name: str, hints: Hints
) -> None:
    content = broken(content, changes)
    shown_before = sum(session.timeline.counts().values())

    receipt = take_in(session, tmp_path, name, content, hints)

    assert receipt.items_in == receipt.records + len(receipt.refused)
    assert receipt.records == receipt.messages + receipt.system + receipt.calls + receipt.other
    assert receipt.sha256 == hashlib.sha256(content).hexdigest()
    assert 0 <= receipt.duplicates <= receipt.records
    assert sum(each["count"] for each in receipt.participants) <= receipt.records
    shown = sum(session.timeline.counts().values())
    new = "already_here" not in [flag.code for flag in receipt.flags]
    assert shown == shown_before + (receipt.records if new else 0)
    originals = [entry for entry in session.vault.entries() if entry.kind == ARCHIVE.kind]
    [kept] = [entry for entry in originals if entry.fields["sha256"] == receipt.sha256]
    assert b"".join(session.vault.file(kept, FileInfo(**kept.fields["file"])).stream()) == content


@in_one_vault
@given(exports, breaks)
def test_the_same_bytes_again_give_the_same_account_and_add_nothing(
    session: Session, tmp_path: Path, content: bytes, changes: list[tuple[str, float, bytes]]
) -> None:
    content = broken(content, changes)

    first = take_in(session, tmp_path, "a.txt", content, Hints())
    entries = len(session.vault.log)
    second = take_in(session, tmp_path, "b.txt", content, Hints())

    assert len(session.vault.log) == entries
    assert second.duplicates == second.records == first.records
    assert second.refused == first.refused
    assert second.items_in == first.items_in


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(exports, breaks), max_size=3))
def test_a_vault_that_took_in_anything_is_sound_and_shows_the_same_when_made_anew(
    tmp_path: Path, several: list[tuple[bytes, list[tuple[str, float, bytes]]]]
) -> None:
    secret = Passphrase.from_text("lantern copper river")
    storage = MemoryStorage()
    with Session(Vault.create(storage, secret, clock=SystemClock(), random=os.urandom, kdf=1)) as session:
        for n, (content, changes) in enumerate(several):
            take_in(session, tmp_path, f"{n}.txt", broken(content, changes), Hints())

        quick = list(session.timeline.all(Asked()))
        assert session.vault.check() == []
        session.vault.log.set_snapshot(None, [])
        session.forget_timeline()
        assert list(session.timeline.all(Asked())) == quick


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["a", "b", "ok"])), max_size=12),
    st.lists(st.integers(0, 11), max_size=12),
)
def test_duplicates_are_counted_as_often_as_they_are_in_both(
    tmp_path: Path, said: list[tuple[int, bool, str]], chosen: list[int]
) -> None:
    at = 1_772_355_600_000
    first = [Text(at + minute * 60_000, "+447700900103", "Carl", mine, word) for minute, mine, word in said]
    second = [first[n] for n in chosen if n < len(first)]
    secret = Passphrase.from_text("lantern copper river")
    with Session(Vault.create(MemoryStorage(), secret, clock=SystemClock(), random=os.urandom, kdf=1)) as session:
        take_in(session, tmp_path, "a.xml", sms_export(first), Hints())

        receipt = take_in(session, tmp_path, "b.xml", sms_export(second, count=99), Hints())

        expected = sum(min(first.count(text), second.count(text)) for text in set(second))
        assert receipt.duplicates == expected
        linked = [item for item in session.timeline.all(Asked()) if item.same_as is not None]
        assert len(linked) == expected

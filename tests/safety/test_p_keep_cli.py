"""P-KEEP on the command line: whatever is killed, wherever, what was acknowledged is there and nothing is doubled.

Real processes are killed at moments spread over the whole of their run. After each kill the vault opens, everything
that was acknowledged before is in it, an import that was interrupted after its original was sealed is finished by the
next import as she meant it, and the check of everything finds nothing wrong.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.flows.desk import Desk, chat_export, sms_export, texts_with

CARL = "+447700900103"
MANY = [f"message {n}" for n in range(600)]
IN_MAKE_TEST = 8
IN_CHECK_LONG = 100


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Ana's desk, with a vault."""
    made = Desk(tmp_path, monkeypatch)
    made.new()
    return made


def seconds_of(desk: Desk, *typed: object) -> float:
    """Return how long a command takes here and now."""
    began = time.monotonic()
    desk.run(*typed)
    return time.monotonic() - began


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a process after a while; return whether it had ended by itself, with what it had to say."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    out, err = process.communicate()
    assert b"Traceback" not in err
    return process.returncode == 0 and bool(out)


def moments(kills: int, whole: float) -> list[float]:
    """Return times spread over a run and a little beyond it, each somewhere in its own part."""
    chance = random.Random(20260301)
    part = whole * 1.15 / kills
    return [part * (n + chance.random()) for n in range(kills)]


def kill_imports(desk: Desk, kills: int) -> None:
    export = sms_export(texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", MANY))
    spare = desk.vault.with_suffix(".spare")
    desk.do("new", spare)
    whole = seconds_of(desk, "import", spare, desk.file("0.xml", export))
    chat = desk.file("WhatsApp Chat with Carl.txt", chat_export([("14/02/2026, 19:06", "Carl", "one")]))
    expected: list[str] = []
    finished = interrupted = 0

    for n, moment in enumerate(moments(kills, whole)):
        words = [f"kill {n}, {word}" for word in MANY[: 100 if n % 2 else 600]]
        file = desk.file(
            f"{n}.xml", sms_export(texts_with(CARL, "Carl", f"2026-03-{n % 28 + 1:02}T09:00:00+00:00", words))
        )
        done = kill_after(desk.start("import", desk.vault, file, "--json"), moment)
        finished += done
        interrupted += not done

        before = [item["text"] for item in desk.items("--kind", "message")]
        assert [text for text in before if not text.startswith(f"kill {n},")] == [
            text for text in before if text in set(expected)
        ]
        assert before.count(words[0]) in ((1,) if done else (0, 1))
        [receipt] = desk.take_in(file)
        assert receipt["records"] == len(words)
        expected += words
        if n % 10 == 9 or n == kills - 1:
            assert sorted(desk.texts("--kind", "message")) == sorted(expected)
            assert desk.sound()

    assert interrupted > kills // 3, "the kills came too late to mean anything"
    desk.take_in(chat)
    assert desk.sound()


def kill_logs(desk: Desk, kills: int) -> None:
    photo = desk.file("photo.bin", os.urandom(400_000))
    whole = seconds_of(desk, "log", desk.vault, "--text", "first", "--attach", photo)
    acknowledged = ["first"]
    tried = ["first"]

    for n, moment in enumerate(moments(kills, whole)):
        words = f"entry {n}"
        tried.append(words)
        if kill_after(desk.start("log", desk.vault, "--text", words, "--attach", photo, "--json"), moment):
            acknowledged.append(words)

        found = desk.texts()
        assert set(acknowledged) <= set(found) <= set(tried)
        assert len(found) == len(set(found))

    assert len(acknowledged) <= kills, "no kill came in time"
    assert desk.sound()
    for item in desk.items():
        assert item["attachments"][0]["size"] == 400_000


def test_kills_in_the_middle_of_imports_lose_and_double_nothing(desk: Desk) -> None:
    kill_imports(desk, IN_MAKE_TEST)


def test_kills_in_the_middle_of_writing_down_lose_and_double_nothing(desk: Desk) -> None:
    kill_logs(desk, IN_MAKE_TEST)


@pytest.mark.long
def test_a_hundred_kills_in_the_middle_of_imports(desk: Desk) -> None:
    # In vaults of their own: what is compared after each kill grows with each import.
    for n in range(IN_CHECK_LONG // 10):
        desk.vault = desk.folder / f"{n}.vault"
        desk.new()
        kill_imports(desk, 10)


@pytest.mark.long
def test_a_hundred_kills_in_the_middle_of_writing_down(desk: Desk) -> None:
    kill_logs(desk, IN_CHECK_LONG)


def sealed_but_unread(desk: Desk, file: Path, *more: str) -> None:
    """Interrupt an import just after its original was sealed."""
    from leeward.app.importing import ImportJob
    from leeward.ingest.base import Hints

    hints = Hints(**dict(zip(more[::2], more[1::2], strict=True)))
    with desk.open() as session:
        steps = ImportJob(session, file, hints).steps(None)
        next(steps)
        steps.close()


CHAT = chat_export([("14/07/2026, 19:06", "Carl", "one"), ("14/07/2026, 19:07", "Ana", "two")])


def test_an_interrupted_import_is_finished_by_the_next_as_she_meant_it(desk: Desk) -> None:
    file = desk.file("WhatsApp Chat with Carl.txt", CHAT)
    sealed_but_unread(desk, file, "me", "Ana", "zone", "Europe/Dublin")
    file.unlink()
    assert desk.items() == []

    said = desk.do("import", desk.vault, desk.file("other.bin", b"\x00"))

    assert "interrupted" in said.err
    items = desk.items("--kind", "message")
    assert [(item["text"], item["from_me"]) for item in items] == [("one", False), ("two", True)]
    assert items[0]["at"] == "2026-07-14T19:06:00+01:00"
    assert desk.sound()


def test_what_she_says_when_she_gives_it_again_counts(desk: Desk) -> None:
    file = desk.file("WhatsApp Chat with Carl.txt", CHAT)
    sealed_but_unread(desk, file, "me", "Carl")

    [receipt] = desk.take_in(file, "--me", "Ana", "--zone", "Europe/Berlin")

    assert "already_here" not in [flag["code"] for flag in receipt["flags"]]
    items = desk.items("--kind", "message")
    assert [(item["text"], item["from_me"]) for item in items] == [("one", False), ("two", True)]
    assert items[0]["at"] == "2026-07-14T18:06:00+01:00"
    assert len(desk.items()) == receipt["records"]


def test_stopping_an_import_is_130_and_it_is_read_later(desk: Desk) -> None:
    texts = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", [f"message {n}" for n in range(60_000)])
    file = desk.file("big.xml", sms_export(texts))
    process = desk.start("import", desk.vault, file, "--me", "Ana")
    _until_the_reader_runs(process)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert out == b""
    assert b"Traceback" not in err
    assert b"lost" in err or b"safe" in err
    assert desk.items() == []
    assert desk.sound()
    said = desk.do("import", desk.vault, desk.file("other.bin", b"\x00"))
    assert "interrupted" in said.err
    assert len(desk.items()) == 60_000


def test_no_reader_outlives_the_one_who_asked(desk: Desk) -> None:
    texts = texts_with(CARL, "Carl", "2026-03-01T09:00:00+00:00", [f"message {n}" for n in range(60_000)])
    process = desk.start("import", desk.vault, desk.file("big.xml", sms_export(texts)))
    readers = _until_the_reader_runs(process)

    process.send_signal(signal.SIGKILL)
    process.communicate()

    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{reader}/status").exists() and not _is_gone(reader) for reader in readers):
        assert time.monotonic() < deadline, "a reader goes on without its parent"
        time.sleep(0.05)


def _until_the_reader_runs(process: subprocess.Popen[bytes]) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        except OSError:
            break
        found = [int(pid) for pid in children if b"leeward.ingest.child" in _command(int(pid))]
        if found:
            time.sleep(0.15)
            return found
        time.sleep(0.005)
    raise AssertionError("the reader was never seen")


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return True

"""P-KEEP and the confinement of readers: a reader that a hostile file has turned can do nothing but stop.

Each deed is first shown to succeed without the confinement (otherwise the test would prove nothing), then to be stopped
with it, as this user and as an ordinary one.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from leeward.core.clock import SystemClock
from leeward.core.errors import Cancelled, ReaderStopped
from leeward.core.progress import silent
from leeward.core.units import Seconds
from leeward.ingest import run
from leeward.ingest.base import Hints, Outcome, Recognised
from leeward.ingest.confine import NAMES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux only")

HOSTILE = Path(__file__).with_name("hostile_child.py")
TAKEN_AWAY = [
    "connect",
    "write_a_file",
    "read_a_file",
    "list_a_folder",
    "fork",
    "start_a_program",
    "send_a_signal",
    "look_into_the_parent",
    "make_code",
    "raise_limits",
    "eat_memory",
    "spin",
]
NEVER_ALLOWED = ["fall_silent", "crash", "shout", "babble", "ask_too_much", "ask_backwards", "ask_and_never_listen"]
SMS = b'<smses count="1"><sms address="+447700900123" date="1707820800000" type="1" body="hello" /></smses>'


class Bytes:
    name = "export.xml"

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> Any:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> Any:
        return self._data[offset : offset + length]


def talk(
    deed: str,
    how: str,
    who: str = "as-it-is",
    data: bytes = b"x" * 2_000_000,
    cancelled: Any = lambda: False,
    **limits: Any,
) -> Any:
    cpu = 1 if deed == "spin" else 20  # the deed spins for three seconds
    chosen = run.Limits(**{"cpu_seconds": cpu, "silence_seconds": Seconds(8), "total_seconds": Seconds(20)} | limits)
    command = [sys.executable, "-I", "-B", str(HOSTILE), deed, how, who]
    return run._Talk(Bytes(data), chosen, SystemClock(), cancelled, silent, command).about("read")


def result_of(messages: Any) -> Any:
    """Return what the hostile reader reports to have done."""
    return [message.recognised.detail for message in messages if hasattr(message, "recognised")]


def children(parent: int | None = None) -> Any:
    """Return the processes whose parent this one is, or the given one."""
    wanted = os.getpid() if parent is None else parent
    mine = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == wanted:
                mine.add(entry.name)
    return mine


@pytest.fixture
def prey() -> Any:
    """Return what each deed is aimed at: a listening socket, a file that can be written, both open to everyone."""
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as server:
        folder = Path(name)
        folder.chmod(0o777)
        server.bind(bytes(folder / "ear"))
        (folder / "ear").chmod(0o777)
        server.listen()
        server.settimeout(0.3)
        yield {"connect": bytes(folder / "ear"), "write_a_file": bytes(folder / "loot")}, server, folder


@pytest.mark.parametrize("who", ["as-it-is", "as-nobody"])
@pytest.mark.parametrize("deed", TAKEN_AWAY)
def test_what_a_reader_could_do_is_taken_away(deed: str, who: str, prey: Any) -> None:
    aims, server, folder = prey
    before = children()

    free = result_of(talk(deed, "unconfined", who, aims.get(deed, b"x")))
    loot = folder / "loot"
    stolen = loot.exists()
    loot.unlink(missing_ok=True)
    if deed == "connect":
        server.accept()[0].close()

    assert len(free) == 1, "the positive control failed: this deed proves nothing"
    assert stolen == (deed == "write_a_file")

    with pytest.raises(ReaderStopped) as stopped:
        list(talk(deed, "confined", who, aims.get(deed, b"x")))

    assert stopped.value.sentence().endswith(".")
    assert "safe in your vault" in stopped.value.sentence()
    assert not loot.exists()
    if deed == "connect":
        with pytest.raises(TimeoutError):
            server.accept()
    assert children() == before
    assert_the_parent_is_well()


@pytest.mark.parametrize("deed", NEVER_ALLOWED)
@pytest.mark.parametrize("how", ["unconfined", "confined"])
def test_a_child_that_misbehaves_is_stopped(deed: str, how: str) -> None:
    before = children()

    with pytest.raises(ReaderStopped) as stopped:
        list(talk(deed, how, silence_seconds=Seconds(0.7)))

    assert stopped.value.message in run.STOPS.values()
    assert children() == before
    assert_the_parent_is_well()


def test_each_limit_has_its_own_sentence() -> None:
    assert sentence_of("spin") == run.STOPS["cpu"]
    assert sentence_of("eat_memory") == run.STOPS["memory"]
    assert sentence_of("fall_silent", silence_seconds=Seconds(0.3)) == run.STOPS["silent"]
    assert sentence_of("never_stop_talking", total_seconds=Seconds(0.2)) == run.STOPS["slow"]
    assert sentence_of("shout") == run.STOPS["garbled"]
    assert sentence_of("babble") == run.STOPS["garbled"]
    assert sentence_of("crash") == run.STOPS["crashed"]


def test_a_child_cannot_put_words_into_a_message() -> None:
    said = sentence_of("say_a_text_of_its_own")

    assert said == run.STOPS["crashed"]


def test_a_child_holds_two_pipes_and_no_environment() -> None:
    (held,) = result_of(talk("what_it_holds", "confined"))

    # Python itself sets LC_CTYPE when it starts without a locale; descriptor 2 is the null device.
    assert held in ("([], [0, 1, 2])", "(['LC_CTYPE'], [0, 1, 2])")


def test_closing_the_iterator_ends_the_child() -> None:
    before = children()
    messages = talk("never_stop_talking", "confined", cpu_seconds=60)

    next(messages)
    during = children()
    messages.close()

    assert len(during - before) == 1
    assert children() == before


def test_an_error_of_the_caller_ends_the_child() -> None:
    before = children()

    def caller() -> None:
        for _ in talk("never_stop_talking", "confined", cpu_seconds=60):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caller()

    assert children() == before


@pytest.mark.parametrize("deed", ["fall_silent", "spin", "never_stop_talking"])
def test_cancelling_ends_the_child_at_once(deed: str) -> None:
    before = children()
    clock = SystemClock()
    start = clock.steady()

    with pytest.raises(Cancelled):
        list(talk(deed, "confined", cancelled=lambda: clock.steady() - start > 0.3, cpu_seconds=60))

    assert clock.steady() - start < 2
    assert children() == before


PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
from test_readers_are_confined import talk
messages = talk(sys.argv[2], "confined", cpu_seconds=60)
print("started", flush=True)
next(messages)
"""


@pytest.mark.parametrize("deed", ["spin_for_ever", "fall_silent", "never_stop_talking"])
def test_a_child_does_not_outlive_a_parent_that_is_killed(deed: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(HOSTILE.parent), deed], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    assert within(5, lambda: len(children(parent.pid)) == 1)
    (child,) = children(parent.pid)
    within(0.5, lambda: False)

    parent.kill()
    parent.wait()

    assert within(4, lambda: not Path("/proc", child).exists() or "Z" in state_of(child))


def state_of(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def within(seconds: float, true: Any) -> bool:
    """Wait until it is true, at most this long."""
    clock = SystemClock()
    start = clock.steady()
    while clock.steady() - start < seconds:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_everything_this_platform_has_is_in_force() -> None:
    in_force = run.confinement(clock=SystemClock())

    assert set(in_force) == set(NAMES)


def test_the_production_child_takes_no_argument() -> None:
    command = run.child_command()

    assert command[1:] == ["-I", "-B", "-X", "utf8", "-m", "leeward.ingest.child"]


def sentence_of(deed: str, **limits: Any) -> Any:
    with pytest.raises(ReaderStopped) as stopped:
        list(talk(deed, "confined", **limits))
    return stopped.value.message


def assert_the_parent_is_well() -> None:
    """A new, honest reading works as if nothing had happened."""
    events = list(run.read_confined(Bytes(SMS), Hints(), clock=SystemClock()))
    assert isinstance(events[0], Recognised)
    assert [record.text for event in events if isinstance(event, list) for record in event] == ["hello"]
    assert isinstance(events[-1], Outcome)

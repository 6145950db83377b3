"""What every test stands on: no network, a small fixed world, and programs that are either there or missed loudly.

The network is taken away twice. ``make test`` starts pytest where Linux gives it no network at all
(scripts/without-network). Where that is not allowed, and in each test run by hand, an audit hook refuses every name
look-up and every internet connection, in this process and, through ``tests/no_network``, in each Python started from
it. A refusal also fails the test in which it happened, so that an ``except`` in the code cannot hide it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from leeward.core.clock import FixedClock
from leeward.core.ids import RandomBytes
from leeward.core.secret import Passphrase
from leeward.core.units import Milliseconds

NO_NETWORK = Path(__file__).parent / "no_network"
sys.path.insert(0, str(NO_NETWORK))
import block_network  # noqa: E402  # found only after the line above; the same file serves child processes

# Speed is measured in bench/; a slow machine must not make a property look false.
hypothesis.settings.register_profile("leeward", deadline=None, print_blob=True)
hypothesis.settings.load_profile("leeward")

block_network.install()
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(NO_NETWORK), os.environ.get("PYTHONPATH")]))


@pytest.fixture(autouse=True)
def _no_test_reaches_for_the_network() -> Iterator[None]:
    block_network.refused.clear()

    yield

    assert block_network.refused == [], "this test reached for the network"


@pytest.fixture
def refused_connections() -> list[str]:
    """What was refused in this test so far. A test that means to be refused clears it at its end."""
    return block_network.refused


@pytest.fixture
def program() -> Callable[[str], str]:
    """The path of a program that no Python package brings. Missing: left out by hand, a failure with CI=true."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed; scripts/debian-packages names its package")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find


@dataclass(frozen=True)
class Somebody:
    """Someone in the small world. All numbers are from the range that Ofcom keeps free for stories."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True)
class World:
    """The four people every test speaks of.

    Attributes:
        ana: uses Leeward.
        bea: is trusted with one thing.
        carl: must learn nothing.
        dana: a professional, gets what Ana hands over.
    """

    ana: Somebody
    bea: Somebody
    carl: Somebody
    dana: Somebody


@pytest.fixture(scope="session")
def world() -> World:
    """Ana, Bea, Carl and Dana: the same in every test."""
    return World(
        ana=Somebody("Ana", "+44 7700 900101", "ana@example.org"),
        bea=Somebody("Bea", "+44 7700 900102", "bea@example.org"),
        carl=Somebody("Carl", "+44 7700 900103", "carl@example.com"),
        dana=Somebody("Dana", "+44 20 7946 0104", "dana@example.net"),
    )


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-03-01 12:00:00 UTC until the test moves it."""
    return FixedClock(Milliseconds(1_772_366_400_000))


@pytest.fixture
def chance() -> RandomBytes:
    """Bytes that look random and are the same in each run. Never outside tests."""
    counter = 0

    def next_bytes(count: int) -> bytes:
        nonlocal counter
        out = b""
        while len(out) < count:
            counter += 1
            out += hashlib.sha256(counter.to_bytes(8, "big")).digest()
        return out[:count]

    return next_bytes


@pytest.fixture
def passphrase() -> Passphrase:
    """Ana's."""
    return Passphrase.from_text("lantern copper river meadow basket frost")


@pytest.fixture
def wrong_passphrase() -> Passphrase:
    """What Carl tries."""
    return Passphrase.from_text("lantern copper river meadow basket")


@pytest.fixture
def vault_path(tmp_path: Path) -> Path:
    """Where a vault may be made. Nothing is there yet."""
    return tmp_path / "notes.vault"


@pytest.fixture
def planted() -> str:
    """A phrase of Ana's that must never be found where it does not belong."""
    return "the blue door sticks when it rains"

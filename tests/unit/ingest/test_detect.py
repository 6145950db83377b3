import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leeward.core.clock import SystemClock
from leeward.core.errors import UsageError
from leeward.ingest import detect as detect_module
from leeward.ingest.base import Hints, Match, Package, Recognised
from leeward.ingest.container import open_package
from leeward.ingest.detect import KEPT_AS_IT_IS, READERS, detect, keep_as_it_is
from leeward.ingest.run import read_confined

READERS_FOLDER = Path(detect_module.__file__).with_name("readers")
SMS = b'<smses count="1"><sms address="+447700900123" date="1707820800000" type="1" body="hello" /></smses>'
CHAT = b"13/02/2024, 10:40 - Chris: I know where you are\n13/02/2024, 10:41 - Ana: Stop\n"


class Bytes:
    def __init__(self, data: bytes, name: str = "export") -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class Claims:
    version, service = "1", "test"

    def __init__(self, name: str, confidence: float | None) -> None:
        self.name = name
        self._confidence = confidence

    def sniff(self, package: Package) -> Match | None:
        return None if self._confidence is None else Match(self._confidence, "")

    def read(self, package: Package, hints: Hints) -> Any:
        raise NotImplementedError


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "reader"),
    [
        (SMS, "holiday.jpg", "sms_backup_restore"),
        (SMS.decode().encode("utf-16"), "", "sms_backup_restore"),
        (zipped(sms=SMS, other=b"x"), "a.txt", "sms_backup_restore"),
        (CHAT, "sms.xml", "whatsapp_txt"),
        (zipped(**{"_chat.txt": CHAT}), "a.xml", "whatsapp_txt"),
    ],
)
def test_the_contents_decide_and_never_the_name(data: bytes, name: str, reader: str) -> None:
    found = detect(open_package(Bytes(data, name)))

    assert found is not None
    assert found[0].name == reader
    assert found[1].detail.endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xe0\x00\x10JFIF picture called notes.txt",
        b"\0" * 5000,
        b"a letter\nto nobody\n",
        b"{}",
        zipped(a=b"x"),
    ],
)
def test_a_file_nobody_claims_is_kept_as_it_is(data: bytes) -> None:
    found = detect(open_package(Bytes(data, "notes.txt")))

    events = list(keep_as_it_is())

    assert found is None
    assert isinstance(events[0], Recognised)
    assert events[0].reader == KEPT_AS_IT_IS


def test_the_highest_claim_reads_and_among_equals_the_first() -> None:
    low, high, equal, none = Claims("low", 0.2), Claims("high", 0.9), Claims("equal", 0.9), Claims("none", None)

    found = detect(open_package(Bytes(b"x")), [none, low, high, equal])

    assert found is not None
    assert found[0].name == "high"


def test_no_two_readers_share_a_name() -> None:
    names = [reader.name for reader in READERS]

    assert len(set(names)) == len(names)
    assert KEPT_AS_IT_IS not in names


SAMPLES = sorted(
    path
    for path in READERS_FOLDER.glob("*/samples/**/*")
    if path.suffix in (".txt", ".zip", ".xml") and path.parent.name != "licences"
)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(READERS_FOLDER)))
@pytest.mark.parametrize("zone", [None, "Europe/London"])
def test_every_sample_is_read_the_same_confined_and_free(path: Path, zone: str | None) -> None:
    source, hints = Bytes(path.read_bytes()), Hints(zone=zone)
    package = open_package(source)
    found = detect(package)
    free = list(found[0].read(package, hints)) if found else list(keep_as_it_is())

    confined = list(read_confined(source, hints, clock=SystemClock()))

    assert msgspec.json.encode(confined) == msgspec.json.encode(free)


def test_a_zone_nobody_knows_is_said_before_anything_is_read() -> None:
    with pytest.raises(UsageError):
        list(read_confined(Bytes(CHAT), Hints(zone="Nowhere/Land"), clock=SystemClock()))

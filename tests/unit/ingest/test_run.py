import base64
import io
import os
import subprocess
import sys
import zipfile
from typing import Any

import msgspec
import pytest

from leeward.core.clock import SystemClock
from leeward.core.errors import Cancelled, ReaderStopped
from leeward.core.progress import Reached
from leeward.ingest import run
from leeward.ingest.base import Hints, MediaRef, Outcome, Recognised
from leeward.ingest.container import REFUSALS, PackageRefused
from leeward.ingest.detect import KEPT_AS_IT_IS

PICTURE = b"\xff\xd8\xff\xe0" + os.urandom(3_000_000)
CLOCK = SystemClock()


class Bytes:
    def __init__(self, data: bytes, name: str = "export") -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> Any:
        return self._data[offset : offset + length]


def backup(rows: Any = 50) -> Any:
    texts = [f'<sms address="+447700900123" date="1707820800000" type="1" body="text {n}" />' for n in range(rows)]
    value = base64.b64encode(PICTURE).decode()
    texts.append(f'<mms date="1707820980000" msg_box="1"><parts><part ct="image/jpeg" data="{value}" /></parts></mms>')
    return ("<smses>" + "\n".join(texts) + "</smses>").encode()


def zipped(**members: Any) -> Any:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def read(source: Any, **options: Any) -> Any:
    events = list(run.read_confined(source, Hints(), clock=CLOCK, **options))
    return events, [record for event in events if isinstance(event, list) for record in event]


def test_a_confined_reading_says_what_a_free_one_says() -> None:
    from leeward.ingest.container import open_package
    from leeward.ingest.readers.sms_backup_restore.reader import SmsBackupRestoreReader

    source = Bytes(backup())
    free = list(SmsBackupRestoreReader().read(open_package(source), Hints()))

    events, _ = read(source)

    assert msgspec.json.encode(events) == msgspec.json.encode(free)


def test_a_file_nobody_knows_is_kept_as_it_is() -> None:
    events, records = read(Bytes(b"\xff\xd8\xff\xe0 a picture"))

    assert isinstance(events[0], Recognised)
    assert events[0].reader == KEPT_AS_IT_IS
    assert isinstance(events[-1], Outcome)
    assert [flag.code for flag in events[-1].flags] == ["kept_as_is"]
    assert records == []


def test_an_empty_file_is_kept_as_it_is() -> None:
    events, _ = read(Bytes(b""))

    assert events[0].reader == KEPT_AS_IT_IS


def test_a_damaged_zip_is_refused_with_its_own_sentence() -> None:
    with pytest.raises(PackageRefused) as refused:
        read(Bytes(zipped(a=b"x" * 1000)[:-25]))

    assert refused.value.message == REFUSALS["zip_cut"]


@pytest.mark.parametrize("pack", [False, True])
def test_raws_are_made_again_from_the_original(pack: bool) -> None:
    data = backup(rows=9000)
    source = Bytes(zipped(**{"sms.xml": data}) if pack else data)
    _, records = read(source)
    wanted = [(record.member, record.offset, record.length) for record in records]

    raws = list(run.fetch_raws(source, wanted, "sms_backup_restore", clock=CLOCK))

    assert raws == [record.raw for record in records]


def test_a_few_raws_out_of_the_middle_are_found() -> None:
    source = Bytes(backup())
    _, records = read(source)
    some = [records[3], records[7], records[-1]]

    raws = list(
        run.fetch_raws(source, [(r.member, r.offset, r.length) for r in some], "sms_backup_restore", clock=CLOCK)
    )

    assert raws == [record.raw for record in some]


@pytest.mark.parametrize("place", [("", 10**9, 5), ("nowhere", 0, 5)])
def test_a_place_that_is_not_there_is_an_error(place: tuple[str, int, int]) -> None:
    with pytest.raises(ReaderStopped):
        list(run.fetch_raws(Bytes(zipped(a=b"x")), [place], "sms_backup_restore", clock=CLOCK))


@pytest.mark.parametrize("pack", [False, True])
def test_a_picture_is_decoded_in_pieces(pack: bool) -> None:
    source = Bytes(zipped(**{"sms.xml": backup()}) if pack else backup())
    _, records = read(source)
    ref = records[-1].media[0]

    pieces = list(run.fetch_media(source, ref, clock=CLOCK))

    assert b"".join(pieces) == PICTURE
    assert max(map(len, pieces)) <= 2**20


def test_a_member_is_handed_out_in_pieces() -> None:
    source = Bytes(zipped(picture=PICTURE))

    pieces = list(run.fetch_media(source, MediaRef("picture", "member", "picture"), clock=CLOCK))

    assert b"".join(pieces) == PICTURE


def test_a_picture_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ReaderStopped):
        list(run.fetch_media(Bytes(zipped(a=b"x")), MediaRef("gone.jpg"), clock=CLOCK))


def test_progress_reaches_the_size_of_the_file() -> None:
    seen: list[Reached] = []
    source = Bytes(backup())

    read(source, on_progress=seen.append)

    assert {reached.label for reached in seen} == {"import.read"}
    assert [reached.done for reached in seen] == sorted(reached.done for reached in seen)
    assert seen[-1].done == seen[-1].total == source.size


def test_cancelling_stops_it() -> None:
    with pytest.raises(Cancelled):
        read(Bytes(backup()), cancelled=lambda: True)


def test_an_error_while_the_original_is_read_is_the_callers_own() -> None:
    class Failing(Bytes):
        def read_at(self, offset: int, length: int) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read(Failing(b"x" * 100))


def test_where_there_are_no_processes_the_same_is_read_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Bytes(backup())
    events, _ = read(source)
    monkeypatch.setattr(run, "can_start_processes", lambda: False)
    monkeypatch.setattr("subprocess.Popen", None)

    in_place, records = read(source)

    assert msgspec.json.encode(in_place) == msgspec.json.encode(events)
    ref = records[-1].media[0]
    assert b"".join(run.fetch_media(source, ref, clock=CLOCK)) == PICTURE
    assert run.confinement(clock=CLOCK) == []


MEASURE = """
import resource, sys
from leeward.core.clock import SystemClock
from leeward.ingest.base import Hints
from leeward.ingest.run import read_confined
HEAD = b'<smses><mms date="1707820980000"><parts><part ct="image/jpeg" data="'
TAIL = b'" /></parts></mms>'
ROW = b'<sms address="+447700900123" date="1707820800000" type="1" body="%s" />' % (b"x" * 60)
class Long:
    name = "long.xml"
    size = int(sys.argv[1]) * 2**20
    rows = 40 * 2**20 // len(ROW) * len(ROW)
    def read_at(self, offset, length):
        length = max(0, min(length, self.size - offset))
        if offset + length <= len(HEAD):
            return HEAD[offset:offset + length]
        if offset < len(HEAD):
            return HEAD[offset:] + b"A" * (length - len(HEAD) + offset)
        rows_at = self.size - self.rows
        if offset + length <= rows_at - len(TAIL):
            return b"A" * length
        start = max(0, offset - rows_at) % len(ROW)
        if offset >= rows_at:
            return (ROW * (length // len(ROW) + 2))[start:start + length]
        out = b"A" * max(0, rows_at - len(TAIL) - offset) + TAIL[max(0, offset - rows_at + len(TAIL)):]
        return (out + ROW * (length // len(ROW) + 2))[:length]
count = pictures = 0
for event in read_confined(Long(), Hints(), clock=SystemClock()):
    if isinstance(event, list):
        count += len(event)
        pictures += sum(bool(ref.place) for record in event for ref in record.media)
print(count, pictures, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kibibytes on Linux")
def test_a_reader_holds_little_memory_whatever_the_size() -> None:
    # A process of its own: the peak of a child counts what its parent held before it started.
    peaks = []
    for size in (60, 300):
        done = subprocess.run([sys.executable, "-c", MEASURE, str(size)], capture_output=True, text=True, check=True)
        count, pictures, peak = map(int, done.stdout.split())
        assert count > 300_000
        assert pictures == 1
        peaks.append(peak)

    assert max(peaks) <= 64
    assert peaks[1] <= peaks[0] * 1.1

"""Small files made for one test each, and a way to read them."""

import io
from typing import Any

from leeward.ingest.base import Hints, Outcome, Recognised, Refused
from leeward.ingest.container import open_package
from leeward.ingest.readers.sms_backup_restore.reader import SmsBackupRestoreReader

SMS = '<sms protocol="0" address="{address}" date="{date}" type="{type}" subject="null" body="{body}" read="1" />'


class Bytes:
    """A sealed original that is only bytes in memory."""

    def __init__(self, data: bytes, name: str = "sms.xml") -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> Any:
        return self._data[offset : offset + length]


class Read:
    """What the reader said about *data*. Checks on the way what holds for every file."""

    def __init__(self, data: bytes) -> None:
        package = open_package(Bytes(data))
        events = list(SmsBackupRestoreReader().read(package, Hints()))
        assert isinstance(events[0], Recognised)
        assert isinstance(events[-1], Outcome)
        self.records: list[Any] = [record for event in events if isinstance(event, list) for record in event]
        self.refused = [event for event in events if isinstance(event, Refused)]
        self.outcome = events[-1]
        self.flags = {flag.code for flag in self.outcome.flags}
        self.texts = [record.text for record in self.records]
        places = [(record.member, record.offset) for record in self.records]
        assert places == sorted(places)
        for record in self.records:
            with package.open(record.member) as stream:
                stream.seek(record.offset)
                row = stream.read(record.length)
                stream.seek(0)
                head = stream.read(4096)
            assert SmsBackupRestoreReader().diverted(head, io.BytesIO(row)) == record.raw


def smses(*rows: Any, count: int | None = None, encoding: str = "utf-8", declared: str | None = None) -> Any:
    """Return a file with these rows, one a line."""
    number = len(rows) if count is None else count
    head = f"<?xml version='1.0' encoding='{declared or encoding}' standalone='yes' ?>\n<smses count=\"{number}\">\n"
    return (head + "".join(f"  {row}\n" for row in rows) + "</smses>\n").encode(encoding)


def sms(body: str = "hello", *, address: str = "+447700900123", date: Any = 1707820800000, type: Any = 1) -> Any:
    """Return one plain row."""
    return SMS.format(body=body, address=address, date=date, type=type)


def mms(*parts: Any, box: int = 1, address: str = "+447700900123", addrs: Any = (), more: str = "") -> Any:
    """Return one MMS with these parts and parties."""
    inner = "".join(f"<part {part} />" for part in parts)
    who = "".join(f'<addr address="{address}" type="{kind}" />' for address, kind in addrs)
    return (
        f'<mms date="1707820980000" msg_box="{box}" address="{address}" {more}>'
        f"<parts>{inner}</parts><addrs>{who}</addrs></mms>"
    )

"""Reader for SMS Backup & Restore: the XML files most Android phones' messages arrive in.

What it reads: ``<smses>`` (SMS, MMS, RCS) and ``<calls>``, UTF-8 or UTF-16, also cut off or damaged, of any size in
flat memory. What it refuses: a row it cannot read is reported by its place and never guessed; declarations of a
document type are never read, so no entity is ever expanded and nothing outside the file is ever asked for.

How a row becomes a record::

    bytes → Splitter (long base64 out) → Scanner (where rows begin and end) → plain rows: one pattern
                                                                            → all others: mend, then expat

A backup of a million rows has two or three shapes of row. The pattern for a shape is made from the first row that has
it, byte for byte, with the values left open; a row that fits is read by the pattern alone. tests/test_reader.py holds
that both ways say the same.

The owner's own messages have direction OUT and no sender: the file does not name her. Times are instants; ``date`` is
milliseconds, ``date_sent`` is milliseconds for SMS and seconds for MMS.

Follows docs/formats/archive.md §4 and §6, README.md beside this file, and the field list of the program's author.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from leeward.ingest.base import (
    BATCH,
    Direction,
    Event,
    Flag,
    Hints,
    Kind,
    Match,
    MediaRef,
    Outcome,
    Package,
    Recognised,
    Record,
    Refused,
)
from leeward.ingest.readers.sms_backup_restore.private import hold_back
from leeward.ingest.readers.sms_backup_restore.rows import LONGEST, ROW_NAMES, Found, Scanner
from leeward.ingest.readers.sms_backup_restore.splitter import Embedded, Encoding, Splitter, encoding_of
from leeward.ingest.readers.sms_backup_restore.values import mend, mend_characters, unescape

__all__ = ["SmsBackupRestoreReader"]

_HEAD: Final = 4096
"""Bytes of a member that are looked at to recognise it: declaration, comments and root come first."""

_BATCH_BYTES: Final = 2**20
"""Bytes of raw rows in one list, so that a list of long rows stays small."""

_MAX_SHAPES: Final = 16
"""Shapes of row that are remembered; a file with more is read by expat."""

_MAX_NAMES: Final = 4096
"""Addresses and names that are remembered as text."""

_SECONDS_BELOW: Final = 100_000_000_000
"""A time below this is in seconds: as milliseconds it would be before March 1973, and there were no text messages."""

_STATES: Final = {"3": "draft", "4": "outbox", "5": "failed", "6": "queued"}
_STATUS: Final = {"0": "delivered", "32": "pending", "64": "failed"}
_CALLS: Final = {
    "1": "incoming",
    "2": "outgoing",
    "3": "missed",
    "4": "voicemail",
    "5": "rejected",
    "6": "blocked",
    "7": "answered elsewhere",
}
_PRESENTATION: Final = {"2": "restricted", "3": "unknown", "4": "payphone"}
_SENDER, _OWNER = "137", "insert-address-token"

_ROOT: Final = re.compile(rb"<(smses|calls)(?=[\s/>]|\Z)")
_SURE_ROOT: Final = re.compile(rb"<(smses|calls)\s[^<>]*?\bcount\s*=")
_LOOSE_ROW: Final = re.compile(rb"<(?:sms|mms|call)\s[^<]*?\bdate\s*=\s*[\"']\d{10,13}[\"']")
_ATTRIBUTE: Final = re.compile(rb'([ \t\r\n]+)([\w:.-]+)="([^"<\x00-\x1f]*)"')

_COUNT: Final = re.compile(rb"\scount\s*=\s*[\"']([0-9]{1,12})[\"']")

"""Digits from which a subscription id is a SIM's own number, not a slot."""

_REFUSED: Final = {
    "broken": "This row is damaged and could not be read.",
    "long": f"This row is longer than any message ({LONGEST // 2**20} MiB), so it was not read.",
    "cut": "The file ends in the middle of this row.",
    "stray": "These bytes stand between two rows and belong to none.",
    "doctype": "The file declares abbreviations of its own (a document type). They are never read or expanded.",
}

_FLAG_TEXTS: Final = {
    "truncated": "The file ends in the middle. Complete messages were kept; the last one may be missing.",
    "count_differs": "The file says that it holds another number of messages than were found in it.",
    "repaired_text": "Some text was damaged in the file. It was repaired or marked; the original bytes are kept.",
    "encoding_guessed": "The file does not say how its text is encoded; this was inferred.",
    "media_missing": "Some pictures or files that messages refer to are not in this file, or are damaged there.",
    "failed_messages": "Some messages were never sent, or were announced and never fetched.",
    "time_unread": "Some messages have a time that could not be understood. It is kept as written.",
    "private_ids": "The file holds numbers that can tell things about your phone, such as its SIM or service centre.",
    "members_unread": "The package holds other files that were kept but not read.",
    "spoofable_source": "Such a file is plain text and could be changed by anyone; it cannot prove itself.",
}


class SmsBackupRestoreReader:
    """See the module. Stateless: all that changes while it reads is in one `_Reading`."""

    name = "sms_backup_restore"
    version = "1"
    service = "sms"

    def sniff(self, package: Package) -> Match | None:
        """Claim a package that has a member with one of the two roots."""
        for member in package.members():
            claim = _claim(package, member)
            if claim is not None:
                return claim
        return None

    def read(self, package: Package, hints: Hints) -> Iterator[Event]:  # noqa: ARG002  # this file asks nothing of her
        """Yield the events of every member that is such a file, in the order of the package."""
        members = package.members()
        claims = {member: _claim(package, member) for member in members}
        claimed = [member for member in members if claims[member] is not None]
        first = claims[claimed[0]] if claimed else None
        yield Recognised(self.name, self.version, self.service, first.detail if first else "Text messages.")
        reading = _Reading()
        if len(claimed) < len(members):
            reading.flags.add("members_unread")
        for member in claimed:
            yield from reading.member(package, member)
        yield reading.outcome()

    def diverted(self, head: bytes, row: BinaryIO) -> bytes:
        """Return `Record.raw` of *row*: its bytes, long ``data`` values replaced and private ones held back."""
        encoding = encoding_of(head)
        blocks = Splitter(row, encoding).blocks()
        return encoding.original(hold_back(b"".join(block for block, _ in blocks))[0])


def _claim(package: Package, member: str) -> Match | None:
    """Return what the first bytes of *member* say, None when it is no such file."""
    with package.open(member) as stream:
        head = stream.read(_HEAD)
    encoding = encoding_of(head)
    if encoding.wide:
        head = head[: len(head) & ~1].decode(encoding.name, "ignore").encode()
    # A damaged first byte, or something a mail program put before it, must not hide a backup.
    clean = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    root = (_ROOT if clean else _SURE_ROOT).search(head)
    if root is not None:
        what = "calls" if root[1] == b"calls" else "text messages"
        return Match(0.95, f"A backup of {what} from an Android phone (SMS Backup & Restore).")
    if _LOOSE_ROW.search(head):
        return Match(
            0.6, "Rows of a backup of text messages (SMS Backup & Restore); the beginning of the file is missing."
        )
    return None


class _Shape:
    """Plain rows that are alike but for their values, as one pattern.

    Attributes:
        match: finds such a row, with the white space before it.
        lead: bytes of that white space.
        groups: numbers of the groups for `WANTED`, in that order; an attribute that is not there has an empty group.
        template: the pattern; two rows of one shape have one template.
    """

    WANTED: Final = (
        *("address", "date", "type", "body", "date_sent", "contact_name"),
        *("status", "subject", "read", "service_center"),
    )
    STRICT: Final = {"date": rb"([0-9]{13})", "type": rb"([1-6])", "date_sent": rb"([0-9]{0,13})"}

    __slots__ = ("groups", "lead", "match", "template")

    def __init__(self, lead: bytes, template: bytes, groups: tuple[int, ...]) -> None:
        self.lead = len(lead)
        self.template = template
        self.groups = groups
        self.match = re.compile(template).match

    @classmethod
    def of(cls, lead: bytes, row: bytes) -> _Shape | None:
        """Return the shape of an ``<sms …/>`` row, None when it is not plain."""
        pieces = [re.escape(lead), rb"<sms"]
        numbers: dict[str, int] = {}
        at = 4
        while attribute := _ATTRIBUTE.match(row, at):
            name = attribute[2].decode()
            if name in numbers or name == "data":
                return None
            pieces += (re.escape(attribute[1]), re.escape(attribute[2]), b'="')
            if name in cls.WANTED:
                pieces.append(cls.STRICT.get(name, rb'([^"<\x00-\x1f]*+)'))
            else:
                pieces.append(rb'[^"<\x00-\x1f]*+')
            if name in cls.WANTED:
                numbers[name] = len(numbers) + 1
            pieces.append(b'"')
            at = attribute.end()
        end = row[at:]
        if end not in (b" />", b"/>") or not {"address", "date", "type", "body"} <= numbers.keys():
            return None
        pieces += (re.escape(end), b"()")
        absent = len(numbers) + 1
        return cls(lead, b"".join(pieces), tuple(numbers.get(name, absent) for name in cls.WANTED))


class _Reading:
    """All that changes while one package is read."""

    def __init__(self) -> None:
        self.flags: set[str] = {"spoofable_source"}
        self.declared: int | None = None
        self.items = 0
        self.repairs = 0
        self._member = ""
        self._encoding = Encoding("utf-8")
        self._batch: list[Record] = []
        self._weight = 0
        self._shapes: list[_Shape] = []
        self._names: dict[bytes, str] = {}
        self._xml = _Xml()

    def member(self, package: Package, member: str) -> Iterator[Event]:
        """Yield the rows of one member."""
        self._member = member
        with package.open(member) as stream:
            self._encoding = encoding = encoding_of(stream.read(_HEAD))
        if encoding.guessed:
            self.flags.add("encoding_guessed")
        self._shapes = []
        with package.open(member) as stream:
            scanner = Scanner(Splitter(stream, encoding), encoding)
            for found in scanner.items(self._plain_rows):
                refused = self._take(found)
                if refused is not None or len(self._batch) >= BATCH or self._weight > _BATCH_BYTES:
                    yield from self._hand_over()
                if refused is not None:
                    self.items += 1
                    yield refused
            yield from self._hand_over()
            if scanner.cut:
                self.flags.add("truncated")

    def outcome(self) -> Outcome:
        """Return what is to be said at the end."""
        if self.declared is not None and self.declared != self.items:
            self.flags.add("count_differs")
        if self.repairs:
            self.flags.add("repaired_text")
        return Outcome(
            zone_rule="The phone wrote each time as milliseconds since 1970, so every time is a known instant.",
            flags=[Flag(code, text) for code, text in _FLAG_TEXTS.items() if code in self.flags],
            declared=self.declared,
        )

    def _hand_over(self) -> Iterator[Event]:
        if self._batch:
            self.items += len(self._batch)
            yield self._batch
            self._batch, self._weight = [], 0

    def _plain_rows(self, text: bytes, pos: int, offset: int) -> tuple[int, bool]:
        """Take rows that fit a known shape (the `Fast` of rows.py). This is the loop that decides the speed."""
        if len(self._batch) >= BATCH or self._weight > _BATCH_BYTES:
            return pos, True
        if len(text) > LONGEST:
            return pos, False  # there may be a row in it that is too long, which only the scanner looks at
        first = pos
        full = False
        while not full:
            for number, shape in enumerate(self._shapes):
                if shape.match(text, pos) is not None:
                    if number:
                        self._shapes.insert(0, self._shapes.pop(number))
                    before = pos
                    pos, full = self._rows_of(shape, text, pos, offset - first)
                    break
            else:
                break
            if pos == before:
                break
        self._weight += pos - first
        return pos, full

    def _rows_of(self, shape: _Shape, text: bytes, pos: int, shift: int) -> tuple[int, bool]:
        """Take the rows from *pos* on that fit *shape*; *shift* turns a position into an offset in the file."""
        batch, member, name, encoding = self._batch, self._member, self._name, self._encoding.name
        match, groups, lead = shape.match, shape.groups, shape.lead
        while (row := match(text, pos)) is not None:
            address, date, kind, body, sent, contact, status, subject, read, _ = row.group(*groups)
            try:
                words = str(body, encoding)
            except UnicodeDecodeError:
                break
            if b"&" in body:
                words, repairs = unescape(words)
                self.repairs += repairs
            end = row.end()
            start = pos + lead
            thread = name(address)
            extra: dict[str, Any] = {}
            if kind == b"1":
                sender, handle, direction = name(contact) or thread, thread, 1
                if len(sent) > 1 and (instant := int(sent)):
                    extra["sent"] = instant if instant >= _SECONDS_BELOW else instant * 1000
            else:
                sender, handle, direction = "", "", 2
                if contact and (other := name(contact)):
                    extra["with"] = other
                if kind != b"2":
                    self._say_state(extra, kind.decode())
            if status and status != b"-1":
                self._say_status(extra, name(status))
            if read == b"0":
                extra["unread"] = True
            if subject and subject != b"null":
                extra["subject"] = name(subject)
            raw, private = hold_back(text[start:end])
            if private:
                self.flags.add("private_ids")
            batch.append(
                Record(
                    *(0, member, start + shift, end - start, raw, sender, date.decode(), int(date), None),
                    *(words, handle, direction, thread, (), extra or None, private),
                )
            )
            pos = end
            if len(batch) >= BATCH:
                return pos, True
        return pos, False

    def _name(self, value: bytes) -> str:
        """Return an address, a name or a subject as text; ``""`` for what the program writes when there is none."""
        text = self._names.get(value)
        if text is None:
            text, repairs = unescape(value.decode(self._encoding.name, "replace"))
            self.repairs += repairs
            text = _given(text)
            if len(self._names) < _MAX_NAMES:
                self._names[value] = text
        return text

    def _take(self, found: Found) -> Refused | None:
        """Add what was found to the batch, or return why not."""
        what = found.what
        if what == "row":
            return self._row(found)
        if what == "other":
            self._add(found, Kind.OTHER)
        elif what == "root":
            count = _COUNT.search(found.row)
            if count is not None:
                self.declared = (self.declared or 0) + int(count[1])
        elif what in _REFUSED and (what != "cut" or found.name in ROW_NAMES):
            return self._refuse(found, _REFUSED[what])
        return None

    def _refuse(self, found: Found, why: str) -> Refused:
        number = self.items + len(self._batch) + 1
        return Refused(f"row {number:,} at byte {found.offset:,}", why)

    def _row(self, found: Found) -> Refused | None:
        """Read one row with expat, after whatever repair it takes."""
        row, repairs = mend(self._encoding.utf8(found.row))
        if not self._xml.read(row):
            clean = mend_characters(row)
            repairs += 1
            if not self._xml.read(clean):
                # Some writers leave a bare "<" in a message. The row has no children, so it can only be text.
                clean = b"<" + clean[1:].replace(b"<", b"&lt;")
                if found.name == b"mms" or not clean.endswith(b"/>") or not self._xml.read(clean):
                    return self._refuse(found, _REFUSED["broken"])
        self.repairs += repairs
        if found.name == b"mms":
            self._mms(found, self._xml)
        elif found.name == b"call":
            self._call(found, self._xml.top)
        else:
            self._sms(found, self._xml.top)
            if not repairs and not found.embedded and not self._encoding.wide and len(self._shapes) < _MAX_SHAPES:
                shape = _Shape.of(found.lead, found.row)
                if shape is not None and all(shape.template != known.template for known in self._shapes):
                    self._shapes.insert(0, shape)
        return None

    def _sms(self, found: Found, row: dict[str, str]) -> None:
        address, contact = _given(row.get("address")), _given(row.get("contact_name"))
        kind = row.get("type", "")
        record = self._add(found, Kind.MESSAGE, row.get("date", ""), row.get("body", ""), address)
        extra: dict[str, Any] = {}
        if kind == "1":
            record.sender, record.handle, record.direction = contact or address, address, Direction.IN
            self._say_sent(extra, row)
        elif kind in ("2", *_STATES):
            record.direction = Direction.OUT
            if contact:
                extra["with"] = contact
            self._say_state(extra, kind)
        else:
            extra["type"] = kind
        self._say_status(extra, _given(row.get("status")))
        self._say_rest(extra, row, "subject")
        record.extra = extra or None

    def _mms(self, found: Found, xml: _Xml) -> None:
        row = xml.top
        address, contact = _given(row.get("address")), _given(row.get("contact_name"))
        group = "~" in address or address.startswith("group_")
        words, media = self._parts(found, xml.parts)
        record = self._add(found, Kind.MESSAGE, row.get("date", ""), "\n".join(words), address)
        record.media = media
        record.direction, source = _mms_direction(row, address, xml.addresses)
        extra: dict[str, Any] = {}
        if record.direction == Direction.IN:
            record.handle = source if group or not address else address
            record.sender = (contact if contact and not group else "") or record.handle
            if source and source != record.handle:
                extra["from"] = source
            self._say_sent(extra, row)
        elif record.direction == Direction.OUT:
            if contact:
                extra["with"] = contact
            if source:
                extra["own_address"] = source
            self._say_state(extra, row.get("msg_box", ""))
        else:
            record.sender = record.handle = source
        if group:
            extra["members"] = sorted({to for kind, to in xml.addresses if to and kind != _SENDER and to != _OWNER})
        if row.get("m_type") == "130":
            extra["state"] = "not fetched"
            self.flags.add("failed_messages")
        if row.get("tr_id", "").startswith("proto:"):
            extra["rcs"] = True
        self._say_rest(extra, row, "sub")
        record.extra = extra or None

    def _parts(self, found: Found, parts: Sequence[dict[str, str]]) -> tuple[list[str], list[MediaRef]]:
        """Return the texts of a message and what else it carries. SMIL is its layout, neither text nor picture."""
        words: list[str] = []
        media: list[MediaRef] = []
        holders = sum("data" in part for part in parts)
        values: list[tuple[int, Embedded]] = found.embedded if holders == len(found.embedded) else []
        taken = 0
        for part in parts:
            value = None
            if "data" in part:
                value = values[taken] if values else None
                taken += 1
            kind = part.get("ct", "").lower()
            text = _given(part.get("text"), keep_unknown=True)
            if kind == "application/smil":
                continue
            if kind.startswith("text/") and (text or value is None):
                if text:
                    words.append(text)
                continue
            name = _given(part.get("name")) or _given(part.get("cl")) or _given(part.get("fn"))
            if value is None or not value[1].sha256:
                self.flags.add("media_missing")
                media.append(MediaRef(name))
                continue
            place, data = value
            media.append(
                MediaRef(
                    name, "base64", self._member, place, data.original_length, data.sha256, data.size, data.type or kind
                )
            )
        return words, media

    def _call(self, found: Found, row: dict[str, str]) -> None:
        number, contact = _given(row.get("number")), _given(row.get("contact_name"))
        kind = row.get("type", "")
        record = self._add(found, Kind.CALL, row.get("date", ""), "", number)
        extra: dict[str, Any] = {"call": _CALLS.get(kind, kind)}
        if row.get("duration", "").isdecimal():
            extra["duration"] = int(row["duration"][:9])
        if row.get("presentation", "") in _PRESENTATION:
            extra["presentation"] = _PRESENTATION[row["presentation"]]
        if kind == "2":
            record.direction = Direction.OUT
            if contact:
                extra["with"] = contact
        elif kind in _CALLS:
            record.sender, record.handle, record.direction = contact or number, number, Direction.IN
        record.extra = extra

    def _add(self, found: Found, kind: Kind, date: str = "", text: str = "", thread: str = "") -> Record:
        """Put a record into the batch and return it, for its last fields."""
        at = _instant(date)
        if at is None and kind != Kind.OTHER:
            self.flags.add("time_unread")
        row, private = hold_back(found.row)
        if private:
            self.flags.add("private_ids")
        raw = self._encoding.original(row)
        record = Record(
            *(int(kind), self._member, found.offset, found.length, raw, "", _given(date), at, None, text),
            thread=thread,
            private=private,
        )
        self._batch.append(record)
        self._weight += 2 * len(raw)
        return record

    def _say_sent(self, extra: dict[str, Any], row: dict[str, str]) -> None:
        sent = _instant(row.get("date_sent", ""))
        if sent is not None:
            extra["sent"] = sent

    def _say_state(self, extra: dict[str, Any], kind: str) -> None:
        state = _STATES.get(kind)
        if state is not None:
            extra["state"] = state
            if state != "draft":
                self.flags.add("failed_messages")

    def _say_status(self, extra: dict[str, Any], status: str) -> None:
        if status in _STATUS:
            extra["status"] = _STATUS[status]
            if status == "64":
                self.flags.add("failed_messages")

    def _say_rest(self, extra: dict[str, Any], row: dict[str, str], subject: str) -> None:
        if row.get("read") == "0":
            extra["unread"] = True
        if given := _given(row.get(subject)):
            extra["subject"] = given


class _Xml:
    """One row at a time through expat.

    One parser lives through many rows, each a child of one root that never ends. It begins anew after an error, and
    from time to time, because it remembers every attribute name it ever saw.

    Attributes:
        top: attributes of the row.
        parts: attributes of each part of an MMS.
        addresses: type and address of each party of an MMS.
    """

    _ROWS_EACH: Final = 10_000

    def __init__(self) -> None:
        self.top: dict[str, str] = {}
        self.parts: list[dict[str, str]] = []
        self.addresses: list[tuple[str, str]] = []
        self._left = 0

    def read(self, row: bytes) -> bool:
        """Read one row; False when it is not well-formed."""
        if self._left == 0:
            self._begin()
        self._left -= 1
        self.top, self.parts, self.addresses = {}, [], []
        try:
            self._parse(row, False)
        except (expat.ExpatError, ValueError):
            self._left = 0
            return False
        return True

    def _begin(self) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._declared
        parser.Parse(b"<rows>", False)
        self._parse = parser.Parse
        self._left = self._ROWS_EACH

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "part":
            self.parts.append(attributes)
        elif name == "addr":
            self.addresses.append((attributes.get("type", ""), _given(attributes.get("address"))))
        elif not self.top:
            self.top = attributes

    def _declared(self, *_: object) -> None:
        raise ValueError("a declaration inside a row")


def _given(value: str | None, *, keep_unknown: bool = False) -> str:
    """Return a value, ``""`` for what the program writes when there is none."""
    if value is None or value == "null" or (value == "(Unknown)" and not keep_unknown):
        return ""
    return value


def _instant(written: str) -> int | None:
    """Return milliseconds since 1970 for a time in milliseconds or seconds, None when it is neither."""
    if not written.isascii() or not written.isdecimal() or len(written) > 15:
        return None
    number = int(written)
    if number < _SECONDS_BELOW:
        number *= 1000
    return number or None


def _mms_direction(row: dict[str, str], address: str, parties: Sequence[tuple[str, str]]) -> tuple[Direction, str]:
    """Return who sent an MMS as far as the row says so, and the address it names as the sender's."""
    named = [party for kind, party in parties if kind == _SENDER]
    source = next((party for party in named if party and party != _OWNER), "")
    box, kind = row.get("msg_box", ""), row.get("m_type", "")
    if box == "1":
        return Direction.IN, source
    if box in ("2", *_STATES):
        return Direction.OUT, source
    if kind in ("130", "132"):
        return Direction.IN, source
    if kind == "128" or (named and not source):
        return Direction.OUT, source
    return (Direction.IN if source and source in address.split("~") else Direction.UNKNOWN), source

"""How records get into the projection, and the tables they get into.

A row's key *is* its place in time, so the newest page of any search is read off the end of an index::

    place = (sort key in ms since 1900) << 19 | source << 9 | tie

``source`` tells archives apart (entry number mod 1023, plus 1; 0 for entries); ``tie`` counts rows of one source with
one sort key, and a 512th moves on by a millisecond. The sort key is the instant, or the clock time of a floating row
taken as it stands; when a floating clock runs back by at most two hours (a clock change) file order wins. It is a place
for looking, never a claim: what is shown is the time as the source has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from leeward.core.behind import Behind
from leeward.evidence.item import ITEM_KINDS
from leeward.ingest import zones
from leeward.messages.record import Direction, Record
from leeward.people.handles import matching_key
from leeward.vault.projection import Connection, RowExists, Shape

__all__ = ["FLOATING", "INCIDENT_KIND", "INSERT", "INSTANT", "SHAPE", "UNKNOWN", "Feed", "key_of"]

SHAPE = Shape(
    "3",
    """
    CREATE TABLE entries(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, of TEXT);
    CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE acts(entry INTEGER PRIMARY KEY, act TEXT);
    CREATE TABLE originals(sha256 TEXT, archive TEXT, entry INTEGER, reading INTEGER, receipt TEXT);
    CREATE TABLE senders(id INTEGER PRIMARY KEY, name TEXT NOT NULL, handle TEXT NOT NULL, key TEXT NOT NULL,
                         called TEXT NOT NULL, UNIQUE(name, handle));
    CREATE TABLE threads(id INTEGER PRIMARY KEY, service TEXT NOT NULL, title TEXT NOT NULL, only INTEGER NOT NULL,
                         UNIQUE(service, title, only));
    CREATE TABLE thread_senders(thread INTEGER, sender INTEGER, PRIMARY KEY(thread, sender)) WITHOUT ROWID;
    CREATE TABLE items(place INTEGER PRIMARY KEY, entry INTEGER, n INTEGER, kind INTEGER, at INTEGER, at_kind INTEGER,
                       sender INTEGER, thread INTEGER, direction INTEGER, text TEXT, start INTEGER, extra TEXT,
                       aside INTEGER DEFAULT 0, same_as INTEGER);
    CREATE INDEX items_by_entry ON items(entry, n);
    CREATE VIRTUAL TABLE words USING fts5(text, content='items', content_rowid='place', tokenize='unicode61',
                                          columnsize=0);
    """,
)

INCIDENT_KIND = ITEM_KINDS.index("incident")
INSTANT, FLOATING, _ABOUT, UNKNOWN = range(4)

_NAMED = -1
"""In the place of an entry number: a thread that all archives of a service with this title share."""

_EPOCH_1900 = -2_208_988_800_000
_TIES = 512
_SOURCES = 1023
_CLOCK_CHANGE_MS = 2 * 3_600_000
_OUT = int(Direction.OUT)
_MAX_KEY = (1 << 44) - 1


def key_of(ms: int) -> int:
    """Return the sort key of an instant: milliseconds since 1900, held inside 44 bits."""
    return min(max(ms - _EPOCH_1900, 0), _MAX_KEY)


class Feed:
    """Takes the records of one reading into the projection, in source order.

    A conversation that its file does not name is its own: two exports without a title never become one thread, or what
    Carl wrote would be handed over with what Bea wrote.

    Args:
        db: the projection.
        number: entry number of the reading.
        service: whatsapp, sms, …
        zone: IANA name for clock times, None to let them float.
    """

    def __init__(self, db: Connection, number: int, service: str, zone: str | None) -> None:
        self._db = db
        self._number = number
        self._service = service
        self._zone = zone
        self._source = (number % _SOURCES + 1) << 9
        self._senders: dict[tuple[str, str], int] = {}
        self._threads: dict[str, int] = {}
        self._members: set[tuple[int, int]] = set()
        # SQLite indexes the words of a batch in one statement and lets the interpreter run meanwhile: on two cores the
        # index costs an import next to nothing (bench/bench_import.py). Nobody touches the projection before `wait`.
        self._words = Behind("words")
        self._parties: dict[tuple[str, str, str], tuple[int, int | None]] = {}
        self._key = 0
        self._over = 0
        self._tie = 0
        self._full: dict[int, int] = {}
        self._at: int | None = None
        self._n = 0
        self.ambiguous = 0
        self.first: int | None = None
        self.last: int | None = None
        self.saw_instants = False
        self.saw_owner = False

    def _sender(self, name: str, handle: str) -> int:
        pair = (name, handle)
        found = self._senders.get(pair)
        if found is None:
            self._db.execute(
                "INSERT OR IGNORE INTO senders(name, handle, key, called) VALUES (?, ?, ?, ?)",
                (*pair, matching_key(handle or name), matching_key(name)),
            )
            row = self._db.execute("SELECT id FROM senders WHERE name = ? AND handle = ?", pair).fetchone()
            found = self._senders[pair] = int(row[0])
        return found

    def _thread(self, title: str) -> int:
        found = self._threads.get(title)
        if found is None:
            which = (self._service, title, _NAMED if title else self._number)
            self._db.execute("INSERT OR IGNORE INTO threads(service, title, only) VALUES (?, ?, ?)", which)
            row = self._db.execute("SELECT id FROM threads WHERE service = ? AND title = ? AND only = ?", which)
            found = self._threads[title] = int(row.fetchone()[0])
        return found

    def _in_zone(self, wall: int, zone: str) -> tuple[int, int]:
        resolved = zones.resolve(wall, zone, self._at)
        self._at = resolved.earliest  # also of one that stays ambiguous: what follows in the file is after it
        if resolved.at is None:
            self.ambiguous += 1
            return wall, FLOATING
        return resolved.at, INSTANT

    def _party(self, record: Record) -> tuple[int, int | None]:
        """Return the ids of a record's thread and sender; both are noted as belonging together."""
        # Two threads in one projection would wait for each other for ever: one for the interpreter, one for SQLite.
        self._words.wait()
        thread = self._thread(record.thread)
        sender = None
        if record.sender or record.handle:
            sender = self._sender(record.sender, record.handle)
            self._members.add((thread, sender))
        self._parties[(record.thread, record.sender, record.handle)] = (thread, sender)
        return thread, sender

    def add(self, records: Sequence[Record]) -> None:
        """Take the next records. Their words are indexed beside what the caller does next; `finish` waits for that.

        One long loop over local names: it runs a million times in an import, and the calls it would be nicer to make
        cost half as much as the insertion itself (bench/bench_import.py).
        """
        rows = []
        number, source, zone, parties = self._number, self._source, self._zone, self._parties
        n, last_key, over, tie = self._n, self._key, self._over, self._tie
        for record in records:
            ms = record.at
            if ms is None:
                ms = record.wall
                if ms is None:
                    at_kind = UNKNOWN
                elif zone is None:
                    at_kind = FLOATING
                else:
                    ms, at_kind = self._in_zone(ms, zone)
            else:
                at_kind = INSTANT
            if ms is None:
                key = last_key
            else:
                key = ms - _EPOCH_1900
                if not 0 <= key <= _MAX_KEY:
                    key = key_of(ms)
                if at_kind == INSTANT:
                    self.saw_instants = True
                    if self.first is None or ms < self.first:
                        self.first = ms
                    if self.last is None or ms > self.last:
                        self.last = ms
                elif 0 < last_key - key <= _CLOCK_CHANGE_MS:
                    key = last_key
            if key == last_key:
                tie += 1
                if tie == _TIES:
                    over, tie = over + 1, 0
            else:
                over = tie = 0
            last_key = key
            title, name, handle = record.thread, record.sender, record.handle
            thread, sender = parties.get((title, name, handle)) or self._party(record)
            direction = record.direction
            if direction == _OUT:
                self.saw_owner = True
            extra = _pack_extra(record) if record.media or record.extra or record.time == "" else None
            place = (key + over) << 19 | source | tie
            rows.append(
                (
                    place,
                    number,
                    n,
                    record.kind,
                    ms,
                    at_kind,
                    sender,
                    thread,
                    direction,
                    record.text,
                    record.offset,
                    extra,
                )
            )
            n += 1
        began = self._n
        self._n, self._key, self._over, self._tie = n, last_key, over, tie
        self._words.wait()
        try:
            self._db.executemany(INSERT, rows)
        except RowExists:
            # A time that came before in this file, or two sources with one number mod 1023: find the next free place.
            for row in rows:
                self._insert_beside(row)
        self._words.begin(partial(self._db.execute, _INDEX_WORDS, (number, began, n)))

    def _insert_beside(self, row: tuple[Any, ...]) -> None:
        try:
            self._db.execute(INSERT, row)
        except RowExists:
            if self._db.execute("SELECT 1 FROM items WHERE entry = ? AND n = ?", row[1:3]).fetchone():
                return  # this very row is in already: the batch failed after it
            self._db.execute(INSERT, (self._free_place(row[0] >> 19), *row[1:]))

    def _free_place(self, key: int) -> int:
        """Return the next free place of this source at *key* or after it. Full milliseconds are remembered."""
        asked = key
        while True:
            key = self._full.get(key, key)
            low = key << 19 | self._source
            last = self._db.execute(
                "SELECT max(place) FROM items WHERE place BETWEEN ? AND ?", (low, low + _TIES - 1)
            ).fetchone()[0]
            if last is None or last < low + _TIES - 1:
                return low if last is None else int(last) + 1
            key += 1
            self._full[asked] = self._full[key - 1] = key

    def finish(self) -> int:
        """Wait for the words, link what other archives already hold; return how many records were known."""
        self._words.wait()
        self._db.executemany("INSERT OR IGNORE INTO thread_senders VALUES (?, ?)", sorted(self._members))
        return self._link_duplicates()

    def stop(self) -> None:
        """Wait until nothing runs any more. Called before what was fed is rolled back."""
        try:
            self._words.wait()
        except Exception:  # noqa: BLE001  # all of it is thrown away, and why that is has been raised already
            return

    def _link_duplicates(self) -> int:
        others = self._db.execute("SELECT 1 FROM items WHERE n >= 0 AND entry <> ? LIMIT 1", (self._number,)).fetchone()
        if others is None or self._n == 0:
            return 0
        full = self._db.execute(_FULL_MINUTES, {"entry": self._number, "many": _FULL_MINUTE}).fetchall()
        asked = {"entry": self._number, "full": msgspec.json.encode([minute for (minute,) in full]).decode()}
        known = self._db.execute(_FIND_SAME, asked).fetchall()
        if full:
            known += self._db.execute(_FIND_SAME_IN_FULL_MINUTES, asked).fetchall()
        self._db.executemany("UPDATE items SET same_as = ? WHERE place = ?", known)
        return len(known)


# In the order of places: the index would otherwise begin a new part of itself at every step back.
_INDEX_WORDS = (
    "INSERT INTO words(rowid, text) SELECT place, text FROM items WHERE entry = ? AND n >= ? AND n < ? ORDER BY place"
)

INSERT = (
    "INSERT INTO items(place, entry, n, kind, at, at_kind, sender, thread, direction, text, start, extra) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

_FULL_MINUTES = (
    "SELECT at / 60000 FROM items WHERE entry = :entry AND at IS NOT NULL GROUP BY 1 HAVING count(*) > :many"
)

# The n-th of several equal rows of this archive is known when another archive holds at least n of them. Rows are equal
# when minute (exports differ in whether they write seconds), kind of time, kind, sender key, direction and text are.
# The range over the primary key keeps each look-up to the rows of one minute and its neighbours.
_FIND_SAME = """
WITH mine AS (
    SELECT i.place, i.place >> 19 AS key, i.at / 60000 AS minute, i.at_kind AS at_kind, i.kind AS kind, i.text AS text,
           i.direction AS direction, coalesce(s.key, '') AS who,
           row_number() OVER (
               PARTITION BY i.at / 60000, i.at_kind, i.kind, i.direction, coalesce(s.key, ''), i.text ORDER BY i.n
           ) AS nth
    FROM items i LEFT JOIN senders s ON s.id = i.sender
    WHERE i.entry = :entry AND i.at IS NOT NULL AND i.at / 60000 NOT IN (SELECT value FROM json_each(:full))
),
linked AS MATERIALIZED (
    SELECT (
        SELECT min(o.place) FROM items o LEFT JOIN senders t ON t.id = o.sender
        WHERE o.place BETWEEN (mine.key - 60000) << 19 AND (mine.key + 60000) << 19
          AND o.entry <> :entry AND o.n >= 0 AND o.at / 60000 = mine.minute AND o.at_kind = mine.at_kind
          AND o.kind = mine.kind AND o.direction = mine.direction AND o.text = mine.text
          AND coalesce(t.key, '') = mine.who
        GROUP BY o.entry HAVING count(*) >= mine.nth LIMIT 1
    ) AS same, mine.place AS place
    FROM mine
)
SELECT same, place FROM linked WHERE same IS NOT NULL
"""

# Where one minute holds thousands of rows (a broken clock, a file made to do harm) a look-up for each would take their
# number squared; there all rows are numbered and sorted once.
_FIND_SAME_IN_FULL_MINUTES = """
WITH numbered AS (
    SELECT i.place, i.entry, i.at / 60000 AS minute, i.at_kind AS at_kind, i.kind AS kind, i.text AS text,
           i.direction AS direction, coalesce(s.key, '') AS who,
           row_number() OVER (
               PARTITION BY i.entry, i.at / 60000, i.at_kind, i.kind, i.direction, coalesce(s.key, ''), i.text
               ORDER BY i.n
           ) AS nth
    FROM items i LEFT JOIN senders s ON s.id = i.sender
    WHERE i.n >= 0 AND i.at IS NOT NULL AND i.at / 60000 IN (SELECT value FROM json_each(:full))
),
linked AS (
    SELECT place, entry, min(CASE WHEN entry <> :entry THEN place END) OVER (
        PARTITION BY minute, at_kind, kind, direction, who, text, nth
    ) AS same
    FROM numbered
)
SELECT same, place FROM linked WHERE entry = :entry AND same IS NOT NULL
"""

_FULL_MINUTE = 500
"""Rows of one archive in one minute beyond which the second form is used: more than any person has ever typed."""


def _pack_extra(record: Record) -> str:
    media = [
        {"name": ref.name, "sha256": ref.sha256, "size": ref.size, "type": ref.type, "here": bool(ref.place)}
        for ref in record.media
    ]
    packed: dict[str, Any] = {}
    if media:
        packed["media"] = media
    if record.extra:
        packed["extra"] = record.extra
    return msgspec.json.encode(packed).decode()

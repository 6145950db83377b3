"""Everything in one stream: incidents, messages, calls, by time; and the search over them.

Loads the projection, takes in what came after it, and answers questions. How rows get a place in time is in ``feed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from leeward.core.errors import NotHere, UsageError
from leeward.evidence.feed import INCIDENT_KIND, INSERT, INSTANT, SHAPE, Feed, key_of
from leeward.evidence.incident import happened_at, searchable, show_happened
from leeward.evidence.item import AT_KINDS, ITEM_KINDS, Asked, Item, Page
from leeward.evidence.persons import PERSON, act_from
from leeward.evidence.query import MARK_OFF, MARK_ON, UNSEGMENTED, like_pattern, mark_all, match_expression, spans
from leeward.messages.record import Direction, decode_block
from leeward.people.handles import matching_key
from leeward.people.person import Act, Person, persons_after
from leeward.vault.kinds import AMENDMENT, ARCHIVE, ASIDE, READING, REMOVAL, SETTING, changes_of
from leeward.vault.log import Entry
from leeward.vault.records import read
from leeward.vault.vault import Vault

__all__ = ["Timeline"]


class Timeline:
    """The stream of one vault. Loads the snapshot, takes in what came after it, answers questions."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.db, self.taken = vault.load_projection(SHAPE)
        self.loaded = self.taken
        self.catch_up()

    # -- taking in ----------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Take in all entries the projection does not hold yet."""
        self.db.execute("BEGIN")
        while self.taken < len(self._vault.log):
            entry = self._vault.log.entry(self.taken)
            if entry is not None:
                self._take(entry)
            self.taken += 1
        self.db.execute("COMMIT")

    def took(self, entry: Entry) -> None:
        """Say that a reading's records were fed while they were read; its entry need not be read again."""
        self._note(entry)
        self._note_reading(entry)
        self.taken = entry.number + 1

    def feed(self, number: int, service: str, zone: str | None) -> Feed:
        """Begin to take in records of the reading that will be entry *number*."""
        return Feed(self.db, number, service, zone)

    def save(self) -> None:
        """Seal a snapshot."""
        self._vault.save_projection(self.db, SHAPE, self.taken)
        self.loaded = self.taken

    def _note(self, entry: Entry) -> None:
        view = read(entry.fields)
        of = view.known.get("of") or view.known.get("archive")
        self.db.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", (entry.number, entry.id, entry.kind, of))

    def _note_reading(self, entry: Entry) -> None:
        receipt = msgspec.json.encode(entry.fields.get("receipt", {})).decode()
        self.db.execute(
            "UPDATE originals SET reading = ?, receipt = ? WHERE archive = ?",
            (entry.number, receipt, entry.fields["archive"]),
        )

    def _take(self, entry: Entry) -> None:
        self._note(entry)
        view = read(entry.fields)
        if view.newer:
            return
        known = view.known
        if entry.kind == "incident":
            self._put_incident(entry.number, known)
        elif entry.kind == READING.kind:
            self._note_reading(entry)
            feed = self.feed(entry.number, known.get("service", ""), known.get("hints", {}).get("zone"))
            for block in self._vault.reading(entry).blocks():
                feed.add(decode_block(block))
            feed.finish()
        elif entry.kind == ARCHIVE.kind:
            self.db.execute(
                "INSERT INTO originals VALUES (?, ?, ?, NULL, NULL)", (known["sha256"], entry.id, entry.number)
            )
        elif entry.kind == SETTING.kind:
            self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (known["name"], known["value"]))
        elif entry.kind == PERSON.kind:
            act = msgspec.json.encode(known["act"]).decode()
            self.db.execute("INSERT INTO acts VALUES (?, ?)", (entry.number, act))
        elif entry.kind == AMENDMENT.kind:
            self._amended(known["of"])
        elif entry.kind == ASIDE.kind:
            self._set_aside(known["of"], bool(known.get("aside")))
        elif entry.kind == REMOVAL.kind:
            self._removed(known["of"])

    def _put_incident(self, number: int, known: dict[str, Any]) -> None:
        written = known["written"]["ms"]
        ms, at_kind = happened_at(known["happened"]) if "happened" in known else (written, "instant")
        key, tie = key_of(ms), 0
        while self.db.execute("SELECT 1 FROM items WHERE place = ?", (key << 19 | tie,)).fetchone():
            tie += 1
        place = key << 19 | tie
        text = searchable(known)
        extra = {name: known[name] for name in known if name not in ("id", "kind", "v", "text")}
        extra["said"] = known.get("text", "")
        packed = msgspec.json.encode(extra).decode()
        row = (place, number, -1, INCIDENT_KIND, ms, AT_KINDS.index(at_kind), None, None, 0, text, 0, packed)
        self.db.execute(INSERT, row)
        self.db.execute("INSERT INTO words(rowid, text) VALUES (?, ?)", (place, text))

    def _drop(self, where: str, values: Sequence[Any]) -> None:
        # External-content FTS5 must be told the old text, or its index would go on finding it.
        self.db.execute(
            f"INSERT INTO words(words, rowid, text) SELECT 'delete', place, text FROM items WHERE {where}",  # noqa: S608  # *where* is one of our own constants
            values,
        )
        self.db.execute(f"DELETE FROM items WHERE {where}", values)  # noqa: S608  # as above

    def _amended(self, identity: str) -> None:
        number = self.number_of(identity)
        if number is None:
            return
        aside = self.db.execute("SELECT aside FROM items WHERE entry = ? AND n = -1", (number,)).fetchone()
        self._drop("entry = ?", (number,))
        self._put_incident(number, read(self.current(number)).known)
        if aside is not None and aside[0]:
            # What she set aside stays aside when she changes it: a change must not put it into a bundle.
            self._set_aside(identity, True)

    def _removed(self, identity: str) -> None:
        rows = self.db.execute("SELECT number FROM entries WHERE id = ? OR of = ?", (identity, identity)).fetchall()
        for (number,) in rows:
            # A place may be given to another row later: nothing may go on pointing to it.
            self.db.execute(
                "UPDATE items SET same_as = NULL WHERE same_as IN (SELECT place FROM items WHERE entry = ?)", (number,)
            )
            self._drop("entry = ?", (number,))
        self.db.execute("DELETE FROM originals WHERE archive = ?", (identity,))

    def _set_aside(self, identity: str, aside: bool) -> None:
        place = self.place_of(identity)
        if place is not None:
            self.db.execute("UPDATE items SET aside = ? WHERE place = ?", (int(aside), place))

    # -- looking up ---------------------------------------------------------------------------------------------

    def number_of(self, identity: str) -> int | None:
        """Return the number of the entry with this id, None when there is none."""
        row = self.db.execute("SELECT number FROM entries WHERE id = ?", (identity,)).fetchone()
        return None if row is None else int(row[0])

    def history(self, identity: str) -> list[Entry]:
        """Return the entry and its amendments, oldest first; deleted ones left out."""
        rows = self.db.execute(
            "SELECT number FROM entries WHERE id = ? OR (of = ? AND kind = ?) ORDER BY number",
            (identity, identity, AMENDMENT.kind),
        ).fetchall()
        return [entry for (number,) in rows if (entry := self._vault.log.entry(number)) is not None]

    def current(self, number: int) -> dict[str, Any]:
        """Return the fields of an entry with all its amendments applied, unknown fields included."""
        entry = self._vault.entry(number)
        fields = dict(entry.fields)
        for amendment in self.history(entry.id)[1:]:
            fields.update(changes_of(amendment.fields))
        return {name: value for name, value in fields.items() if value is not None}

    def place_of(self, identity: str) -> int | None:
        """Return the place of an item, None when it is not in the stream."""
        archive, _, n = identity.partition(":")
        if n:
            row = self.db.execute(
                "SELECT i.place FROM originals o JOIN items i ON i.entry = o.reading WHERE o.archive = ? AND i.n = ?",
                (archive, int(n)),
            ).fetchone()
        else:
            row = self.db.execute(
                "SELECT i.place FROM entries e JOIN items i ON i.entry = e.number AND i.n = -1 WHERE e.id = ?",
                (archive,),
            ).fetchone()
        return None if row is None else int(row[0])

    def setting(self, name: str) -> str | None:
        """Return the latest value of a setting."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def acts(self) -> list[Act]:
        """Return what she did about who is who, oldest first."""
        rows = self.db.execute("SELECT act FROM acts ORDER BY entry")
        return [act_from(msgspec.json.decode(act)) for (act,) in rows]

    def persons(self) -> dict[str, Person]:
        """Return everybody she named, by id."""
        return persons_after(self.acts())

    def handles(self) -> list[str]:
        """Return every number, address or name that archives call somebody, as written."""
        rows = self.db.execute("SELECT DISTINCT CASE handle WHEN '' THEN name ELSE handle END FROM senders")
        return [row[0] for row in rows]

    def archive_with(self, sha256: str) -> tuple[str, int, int | None, dict[str, Any] | None] | None:
        """Return (archive id, entry number, reading number, receipt) of an original that is here already."""
        row = self.db.execute(
            "SELECT archive, entry, reading, receipt FROM originals WHERE sha256 = ?", (sha256,)
        ).fetchone()
        if row is None:
            return None
        return row[0], row[1], row[2], msgspec.json.decode(row[3]) if row[3] else None

    def reading_of(self, archive: str) -> int:
        """Return the entry number of the reading of an archive. Raises `NotHere` when it has none."""
        row = self.db.execute("SELECT reading FROM originals WHERE archive = ?", (archive,)).fetchone()
        if row is None or row[0] is None:
            raise NotHere("There is no such archive, or it was not read yet.")
        return int(row[0])

    def receipts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (archive id, receipt) of every archive that was read."""
        for archive, receipt in self.db.execute("SELECT archive, receipt FROM originals WHERE reading IS NOT NULL"):
            yield archive, msgspec.json.decode(receipt)

    def unread(self) -> list[int]:
        """Return the numbers of archives that have no reading yet: their import was interrupted."""
        return [row[0] for row in self.db.execute("SELECT entry FROM originals WHERE reading IS NULL ORDER BY entry")]

    def counts(self) -> dict[str, int]:
        """Return how many items of each kind there are."""
        rows = self.db.execute("SELECT kind, count(*) FROM items GROUP BY kind")
        return {ITEM_KINDS[kind]: count for kind, count in rows}

    # -- asking -------------------------------------------------------------------------------------------------

    def page(self, asked: Asked, *, limit: int = 50, after: int | None = None, newest_first: bool = True) -> Page:
        """Return one page of the stream.

        Args:
            asked: what to show.
            limit: items on the page, at least 1.
            after: the ``more`` of the page before; stable while things are added elsewhere.
            newest_first: direction of time.

        Raises:
            UsageError: an unknown kind, or a search without a word in it.
        """
        rows = self._select(asked, limit + 1, after, newest_first)
        items = [self._item(row) for row in rows[:limit]]
        return Page(items, items[-1].cursor if len(rows) > limit else None)

    def all(self, asked: Asked) -> Iterator[Item]:
        """Yield everything that fits, oldest first."""
        after: int | None = None
        while True:
            page = self.page(asked, limit=1000, after=after, newest_first=False)
            yield from page.items
            if page.more is None:
                return
            after = page.more

    def item(self, identity: str) -> Item | None:
        """Return one item by its id, None when it is not there."""
        place = self.place_of(identity)
        if place is None:
            return None
        return self._item(self.db.execute(f"{_COLUMNS} , NULL FROM items i WHERE i.place = ?", (place,)).fetchone())

    def threads_of(self, person: str) -> list[int]:
        """Return the conversations a person takes part in.

        Args:
            person: a name or number as an archive writes it, an equal number, or somebody she named: then the
                conversations of everything she joined to them.
        """
        named = [each for each in self.persons().values() if each.name.casefold() == person.casefold()]
        found: set[int] = set()
        for called in (person, *(handle.as_written for each in named for handle in each.handles)):
            found |= self._threads_with(called)
        return sorted(found)

    def _threads_with(self, person: str) -> set[int]:
        key = matching_key(person)
        rows = self.db.execute(
            "SELECT DISTINCT t.thread FROM thread_senders t JOIN senders s ON s.id = t.sender "
            "WHERE s.name = ?1 OR s.handle = ?1 OR s.key = ?2 OR s.called = ?2",
            (person, key),
        )
        found = {row[0] for row in rows}
        # A conversation that only she wrote in names the other one in its title alone.
        titles = self.db.execute("SELECT id, title FROM threads").fetchall()
        return found | {thread for thread, title in titles if title == person or matching_key(title) == key}

    def _select(self, asked: Asked, limit: int, after: int | None, newest_first: bool) -> list[tuple[Any, ...]]:
        where, values = self._conditions(asked)
        if after is not None:
            where.append("i.place < ?" if newest_first else "i.place > ?")
            values.append(after)
        order = "DESC" if newest_first else "ASC"
        if asked.query is None:
            sql = f"{_COLUMNS}, NULL FROM items i"
            by = "i.place"
        elif UNSEGMENTED.search(asked.query):
            sql = f"{_COLUMNS}, NULL FROM items i"
            by = "i.place"
            where.append("i.text LIKE ? ESCAPE '\\'")
            values.append(like_pattern(asked.query))
        else:
            sql = (
                f"{_COLUMNS}, highlight(words, 0, '{MARK_ON}', '{MARK_OFF}') "
                "FROM words JOIN items i ON i.place = words.rowid"
            )
            by = "words.rowid"
            where = [part.replace("i.place", "words.rowid") for part in where]
            where.append("words MATCH ?")
            values.append(match_expression(asked.query))
        condition = " AND ".join(where) or "1"
        rows: list[tuple[Any, ...]] = self.db.execute(
            f"{sql} WHERE {condition} ORDER BY {by} {order} LIMIT ?", (*values, limit)
        ).fetchall()
        if asked.query is not None and UNSEGMENTED.search(asked.query):
            needle = asked.query.strip().strip('"')
            rows = [(*row[:-1], mark_all(row[_TEXT], needle)) for row in rows]
        return rows

    def _conditions(self, asked: Asked) -> tuple[list[str], list[Any]]:
        where: list[str] = []
        values: list[Any] = []
        if not asked.aside:
            where.append("i.aside = 0")
        if asked.start is not None:
            where.append("i.place >= ?")
            values.append(key_of(asked.start) << 19)
        if asked.end is not None:
            where.append("i.place < ?")
            values.append(key_of(asked.end) << 19)
        if asked.kind is not None:
            if asked.kind not in ITEM_KINDS:
                raise UsageError("There is no such kind of item.", next_step=f"Choose one of {', '.join(ITEM_KINDS)}.")
            where.append("i.kind = ?")
            values.append(ITEM_KINDS.index(asked.kind))
        if asked.service is not None:
            where.append("i.thread IN (SELECT id FROM threads WHERE service = ?)")
            values.append(asked.service)
        if asked.person is not None:
            threads = self.threads_of(asked.person)
            marks = ", ".join("?" * len(threads))
            # What she wrote herself belongs here when it names the person; "Al" is not named by "also".
            named, value = _naming(asked.person)
            where.append(f"(i.thread IN ({marks}) OR (i.kind = {INCIDENT_KIND} AND {named}))")
            values += [*threads, value]
        return where, values

    def _item(self, row: tuple[Any, ...]) -> Item:
        place, number, n, kind, at, at_kind, sender, thread, direction, text, start, packed, same_as, marked = row
        extra = msgspec.json.decode(packed) if packed else {}
        identity, archive = self._identity(number, n)
        if kind == INCIDENT_KIND:
            return self._incident_item(identity, place, at_kind, extra, marked)
        name, handle = self._sender(sender)
        service, title = self._thread_of(thread)
        return Item(
            id=identity,
            kind=ITEM_KINDS[kind],
            at=self._show(at, at_kind),
            at_kind=AT_KINDS[at_kind],
            written_at=None,
            person=name or handle or None,
            service=service,
            text=text,
            source={"archive": archive, "offset": start},
            attachments=extra.get("media", []),
            from_me=direction == Direction.OUT,
            extra=extra.get("extra", {}),
            highlights=spans(marked),
            same_as=self._identity_at(same_as),
            thread=title or None,
            handle=handle or None,
            cursor=place,
        )

    def _incident_item(
        self, identity: str, place: int, at_kind: int, extra: dict[str, Any], marked: str | None
    ) -> Item:
        written = extra.pop("written")
        said = extra.pop("said", "")
        attachments = [
            {name: part[name] for name in ("name", "sha256", "size", "type") if name in part} | {"here": True}
            for part in extra.pop("attachments", [])
        ]
        happened = extra.pop("happened", None) or written
        return Item(
            id=identity,
            kind="incident",
            at=show_happened(happened),
            at_kind=AT_KINDS[at_kind],
            written_at=show_happened(written),
            person=None,
            service=None,
            text=said,
            source=None,
            attachments=attachments,
            from_me=True,
            extra=extra,
            highlights=[span for span in spans(marked) if span[1] <= len(said)],
            cursor=place,
        )

    def _identity(self, number: int, n: int) -> tuple[str, str | None]:
        identity, of = self.db.execute("SELECT id, of FROM entries WHERE number = ?", (number,)).fetchone()
        return (identity, None) if n < 0 else (f"{of}:{n}", of)

    def _identity_at(self, place: int | None) -> str | None:
        if place is None:
            return None
        row = self.db.execute("SELECT entry, n FROM items WHERE place = ?", (place,)).fetchone()
        return None if row is None else self._identity(*row)[0]

    def _sender(self, sender: int | None) -> tuple[str, str]:
        if sender is None:
            return "", ""
        name, handle = self.db.execute("SELECT name, handle FROM senders WHERE id = ?", (sender,)).fetchone()
        return name, handle

    def _thread_of(self, thread: int | None) -> tuple[str, str]:
        if thread is None:
            return "", ""
        service, title = self.db.execute("SELECT service, title FROM threads WHERE id = ?", (thread,)).fetchone()
        return service, title

    def _show(self, at: int | None, at_kind: int) -> str | None:
        if at is None:
            return None
        zone = self.setting("zone")
        if at_kind == INSTANT:
            moment = datetime.fromtimestamp(at / 1000, ZoneInfo(zone) if zone else UTC)
            return moment.isoformat(timespec="milliseconds" if at % 1000 else "seconds")
        return datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _naming(person: str) -> tuple[str, str]:
    """Return the condition under which an incident names *person*, and its value."""
    if UNSEGMENTED.search(person) or not any(c.isalnum() for c in person):
        return "i.text LIKE ? ESCAPE '\\'", like_pattern(person)
    phrase = '"' + person.replace('"', " ").replace("\0", " ") + '"'
    return "i.place IN (SELECT w.rowid FROM words w WHERE w.words MATCH ?)", match_expression(phrase)


_COLUMNS = (
    "SELECT i.place, i.entry, i.n, i.kind, i.at, i.at_kind, i.sender, i.thread, i.direction, i.text, i.start, i.extra, "
    "i.same_as"
)
_TEXT = 9

"""A vault: what a passphrase opens.

Joins storage, header, keys, log, files, readings and projection. It knows nothing of incidents or messages beyond the
kinds in ``kinds.py``; areas and acts stand on it.

    vault = Vault.create(storage, passphrase, clock=clock, random=random)
    entry = vault.append(SETTING, {"name": "zone", "value": "Europe/Dublin"})
    vault.lock()

Follows docs/formats/vault.md. Nothing that was acknowledged is lost by a kill at any moment; what was begun and not
acknowledged is cleaned away at the next unlock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from leeward.core.clock import Clock
from leeward.core.errors import (
    CannotRead,
    CannotWrite,
    FromNewerVersion,
    LeewardError,
    NotAVault,
    NotHere,
    OurMistake,
    VaultDamaged,
    WrongPassphrase,
)
from leeward.core.ids import RandomBytes, new_entry_id
from leeward.core.secret import Passphrase
from leeward.vault.files import FileInfo, FileReader, FileWriter, file_places
from leeward.vault.header import (
    SLOTS,
    Opened,
    add_passphrase,
    choose_kdf,
    new_header,
    open_header,
)
from leeward.vault.keys import KeyRing
from leeward.vault.kinds import AMENDMENT, READING, REMOVAL
from leeward.vault.log import ClosedBatch, Entry, Log, NewEntry
from leeward.vault.primitives import self_test
from leeward.vault.projection import (
    Connection,
    Shape,
    load_snapshot,
    open_pieces,
    open_projection,
    save_snapshot,
    snapshot_places,
)
from leeward.vault.readings import ReadingInfo, ReadingReader, ReadingWriter, reading_places
from leeward.vault.records import COMMON, Schema, new_fields
from leeward.vault.seal import Place
from leeward.vault.storage.base import Absent, CellSwap, Storage
from leeward_proof.errors import Unsound

__all__ = ["Problem", "Vault", "files_of"]

_HOLES = 16
"""Missing pieces in a row after which nothing more of an unfinished file is looked for: a group put has at most 8."""


class Problem(NamedTuple):
    """Something a check found: where, and what, in plain words without any text of hers."""

    where: str
    what: str


def files_of(fields: Mapping[str, Any]) -> list[FileInfo]:
    """Return the files an entry owns: its original, its attachments."""
    found = [fields["file"]] if "file" in fields else []
    found += fields.get("attachments", [])
    return [FileInfo(item["blob"], item["size"], item["sha256"]) for item in found]


class Vault:
    """An unlocked vault. Make one with `create` or `unlock`."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        log: Log,
        opened: Opened,
        clock: Clock,
        random: RandomBytes,
    ) -> None:
        self.storage = storage
        self.ring = ring
        self.log = log
        self.clock = clock
        self.random = random
        self._opened = opened

    # -- life ---------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, storage: Storage, passphrase: Passphrase, *, clock: Clock, random: RandomBytes, kdf: int | None = None
    ) -> Vault:
        """Make a vault on an empty storage.

        Args:
            storage: empty.
            passphrase: opens it from now on; nothing else does.
            clock: measures the cost of unlocking, and dates entries.
            random: unpredictable bytes.
            kdf: Argon2id profile number; measured on this device when None.
        """
        self_test()
        compartment, root = random(16), random(32)
        slot = random(1)[0] % SLOTS
        header = add_passphrase(new_header(kdf or choose_kdf(clock)), slot, passphrase, compartment, root)
        ring = KeyRing(compartment, root)
        log = Log(storage, ring, clock, random)
        log.create([CellSwap("header", None, header), CellSwap("spare", None, header)])
        return cls(storage, ring, log, Opened(slot, compartment, root), clock, random)

    @classmethod
    def unlock(cls, storage: Storage, passphrase: Passphrase, *, clock: Clock, random: RandomBytes) -> Vault:
        """Open a vault, clean up what an interrupted act left, close yesterday's batch.

        Raises:
            WrongPassphrase: neither copy of the header opens.
            NotAVault, FromNewerVersion, VaultDamaged: as they say.
            CannotRead: this device has less free memory than the vault's Argon2id profile asks for.
        """
        self_test()
        opened = _open_either(storage.cell("header"), storage.cell("spare"), passphrase)
        ring = KeyRing(opened.compartment, opened.root)
        log = Log(storage, ring, clock, random)
        log.load()
        vault = cls(storage, ring, log, opened, clock, random)
        try:
            vault._clean_up()
            vault._close_old_batch()
        except CannotWrite:
            pass  # a full disk must not keep her from reading; both are done at a later unlock
        return vault

    def lock(self) -> None:
        """Let go of the storage. The keys are gone when the process ends; that is what really locks."""
        self.storage.close()

    def change_passphrase(self, new: Passphrase) -> None:
        """Let *new* open the vault from now on.

        This does not shut out whoever has the old passphrase and a copy of the file from before: the root key is the
        same, so they can read what is written later too, once they get at the file. That takes a new vault.
        """
        slot, compartment, root = self._opened
        header, spare = self.storage.cell("header"), self.storage.cell("spare")
        try:
            changed = add_passphrase(header or b"", slot, new, compartment, root)
        except (NotAVault, FromNewerVersion):
            changed = add_passphrase(spare or b"", slot, new, compartment, root)
        self.storage.commit({}, [CellSwap("spare", spare, changed), CellSwap("header", header, changed)])
        self.storage.scrub()

    def _clean_up(self) -> None:
        """Remove what was begun and never acknowledged. Safe to be killed in: the jobs stay named until it is done."""
        jobs = self.log.jobs
        for kind, identity in jobs:
            self._remove_unfinished(kind, identity)
        if jobs:
            self.log.end_jobs(jobs)

    def _remove_unfinished(self, kind: str, identity: str) -> None:
        for found in self._unfinished(kind, identity):
            # From the end: killed in here, the next search starts at 0 again and must not meet a long gap.
            for end in range(len(found), 0, -_HOLES // 2):
                self.storage.delete(found[max(0, end - _HOLES // 2) : end])

    def _unfinished(self, kind: str, identity: str) -> Iterator[list[str]]:
        """Yield the names of what is there of an unfinished job, run by run."""
        if kind in ("blob", "snapshot"):
            yield self._run(lambda i: [Place(kind, identity, i)])
        elif kind == "reading":
            yield self._run(lambda i: [Place("block", identity, i)])
            yield self._run(lambda i: [Place("leaves", identity, i, part) for part in range(2)])

    def _run(self, places: Callable[[int], list[Place]]) -> list[str]:
        found: list[str] = []
        index, holes = 0, 0
        while holes < _HOLES:
            names = [self.ring.sealer.name(place) for place in places(index)]
            present = [name for name in names if self._has(name)]
            found += present
            holes = 0 if present else holes + 1
            index += 1
        return found

    def _has(self, name: str) -> bool:
        try:
            self.storage.get(name)
        except Absent:
            return False
        return True

    def _close_old_batch(self) -> None:
        from datetime import UTC, datetime  # noqa: PLC0415  # keeps the start quick

        today = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).date().isoformat()
        if self.log.pending and self.log.pending_day < today:
            self.log.close_batch()

    # -- entries ------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        """Return a fresh id for an entry, a file or a reading."""
        return new_entry_id(self.random)

    def written_now(self, zone: str | None) -> dict[str, Any]:
        """Return the common field ``written``: the instant, and the zone the person was in if it is known."""
        return {"ms": self.clock.now_ms(), **({"zone": zone} if zone else {})}

    def append(
        self,
        schema: Schema,
        fields: Mapping[str, Any],
        *,
        zone: str | None = None,
        identity: str | None = None,
        file_key: bytes | None = None,
        unknown: Mapping[str, Any] | None = None,
        owns: Sequence[tuple[str, str]] = (),
    ) -> Entry:
        """Append one entry, durable on return.

        Args:
            schema: its kind.
            fields: its own fields; empty ones are left out.
            zone: IANA name, for ``written``.
            identity: its id, made here when None.
            file_key: opens its files; made here when None.
            unknown: further fields of a newer version, kept as they are.
            owns: files and readings it owns from now on, as `begin` named them.
        """
        new = new_fields(schema, identity or self.new_id(), self.written_now(zone), fields)
        return self.log.append([NewEntry({**(unknown or {}), **new}, file_key)], finished_jobs=owns)[0]

    def amend(self, entry: Entry, change: Mapping[str, Any], *, zone: str | None = None) -> Entry:
        """Append an amendment: None takes a field away, any other value sets it. The old entry stays as it is."""
        own = {*COMMON, *AMENDMENT.fields}
        if own & set(change):
            raise OurMistake("An amendment was asked to change what identifies an entry.")
        return self.append(
            AMENDMENT,
            {
                "of": entry.id,
                "was": entry.commitment().hex(),
                "unset": sorted(name for name, value in change.items() if value is None),
            },
            unknown={name: value for name, value in change.items() if value is not None},
            zone=zone,
        )

    def remove(self, entry: Entry, reason: str, also: Sequence[Entry] = (), *, zone: str | None = None) -> Entry:
        """Destroy the key and the files of an entry, and say so in the log. Cannot be taken back.

        Args:
            entry: what to remove.
            reason: in her words, may be empty.
            also: entries that go with it: the readings of an archive, the amendments of an incident.
            zone: IANA name, for ``written``.

        Returns:
            The ``removal`` entry.
        """
        gone = [entry, *also]
        places = [place for each in gone for place in self._objects_of(each)]
        # The snapshot holds the text: it must go in the same commit, or the text would outlive its deletion.
        snapshot = snapshot_places(self.log.snapshot)
        fields = {"of": entry.id, "was_kind": entry.kind, "was": entry.commitment().hex(), "reason": reason}
        new = new_fields(REMOVAL, self.new_id(), self.written_now(zone), fields)
        self.log.set_snapshot(None, snapshot)
        removal = self.log.append([NewEntry(new)], remove=[each.number for each in gone], deletes=places)[0]
        self.storage.scrub()
        return removal

    def _objects_of(self, entry: Entry) -> list[Place]:
        places = [place for info in files_of(entry.fields) for place in file_places(info.blob, info.size)]
        if entry.kind == READING.kind and "index" in entry.fields:
            places += reading_places(entry.id, ReadingInfo.of(entry.fields))
        return places

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Yield all entries that still have their key, from number *start* on."""
        for number in range(start, len(self.log)):
            entry = self.log.entry(number)
            if entry is not None:
                yield entry

    def entry(self, number: int) -> Entry:
        """Return entry *number*. Raises `NotHere` when it was deleted."""
        entry = self.log.entry(number)
        if entry is None:
            raise NotHere("This entry was deleted.")
        return entry

    # -- files and readings -------------------------------------------------------------------------------------

    def begin_file(self) -> tuple[str, bytes, FileWriter]:
        """Begin a file: return its blob id, a fresh file key for the entry that will own it, and the writer."""
        key = self.random(32)
        blob, writer = self.begin_file_under(key)
        return blob, key, writer

    def begin_file_under(self, file_key: bytes) -> tuple[str, FileWriter]:
        """Begin another file of the same coming entry."""
        blob = self.new_id()
        self.log.begin_jobs([("blob", blob)])
        return blob, FileWriter(self.storage, self.ring, file_key, blob)

    def drop_file(self, blob: str) -> None:
        """Remove an unfinished file now instead of at the next unlock."""
        self._remove_unfinished("blob", blob)
        self.log.end_jobs([("blob", blob)])

    def file(self, entry: Entry, info: FileInfo, name: str = "") -> FileReader:
        """Open a file that *entry* owns."""
        return FileReader(self.log, self.ring, entry.file_key, info, name)

    def begin_reading(self) -> tuple[str, bytes, ReadingWriter]:
        """Begin a reading: return the id and file key of its coming entry, and the writer."""
        identity, key = self.new_id(), self.random(32)
        self.log.begin_jobs([("reading", identity)])
        return identity, key, ReadingWriter(self.storage, self.ring, key, identity)

    def drop_reading(self, identity: str) -> None:
        """Remove an unfinished reading now instead of at the next unlock."""
        self._remove_unfinished("reading", identity)
        self.log.end_jobs([("reading", identity)])

    def reading(self, entry: Entry) -> ReadingReader:
        """Open the rows of a ``reading`` entry."""
        if entry.kind != READING.kind:
            raise OurMistake("Rows were asked of an entry that is not a reading.")
        return ReadingReader(self.log, self.ring, entry.file_key, entry.id, ReadingInfo.of(entry.fields))

    # -- projection ---------------------------------------------------------------------------------------------

    def load_projection(self, shape: Shape) -> tuple[Connection, int]:
        """Return (projection, number of entries it already holds); empty and 0 when no snapshot fits."""
        return load_snapshot(shape, self.ring, self.log) or (open_projection(shape), 0)

    def save_projection(self, db: Connection, shape: Shape, entries: int) -> None:
        """Seal a snapshot of the projection."""
        save_snapshot(db, shape, entries, self.storage, self.ring, self.log, self.random)

    # -- checking -----------------------------------------------------------------------------------------------

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[Problem]:
        """Open and recompute everything: entries, commitments, batches, tree, signature, files, readings, leftovers.

        Args:
            on_progress: called with (done, total) in entries.

        Returns:
            What does not fit, with its place; empty when the vault is sound.
        """
        problems = [Problem("file", what) for what in self.storage.check()]
        header, spare = self.storage.cell("header"), self.storage.cell("spare")
        if header != spare:
            problems.append(
                Problem("header", "The two copies of the beginning differ. The vault opens with the other copy.")
            )
        try:
            problems += [Problem("tree", what) for what in self.log.check_tree()]
        except VaultDamaged as damage:
            problems.append(Problem("tree", damage.message))
        except Unsound:
            problems.append(Problem("tree", "The signature of the checkpoint is wrong."))
        known: set[str] = set()
        try:
            known = self.log.places()
        except VaultDamaged as damage:
            problems.append(Problem("keys", damage.message))
        batch: ClosedBatch | None = None
        for number in range(len(self.log)):
            if on_progress is not None:
                on_progress(number, len(self.log))
            try:
                if batch is None or number >= batch.first + len(batch.commitments):
                    batch = self.log.batch_of(number)  # one look-up for 64 entries: each opens several batches
            except VaultDamaged as damage:
                problems.append(Problem(f"entry {number}", damage.message))
                continue
            problems += self._check_entry(number, batch, known)
        problems += self._check_snapshot(known)
        problems += self._check_leftovers(known)
        return problems

    def _check_entry(self, number: int, batch: ClosedBatch | None, known: set[str]) -> list[Problem]:
        where = f"entry {number}"
        try:
            entry = self.log.entry(number)
            if entry is None:
                return []
            if self.log.recorded_commitment(number, batch) != entry.commitment():
                return [Problem(where, "It is not what was committed to.")]
        except VaultDamaged as damage:
            return [Problem(where, damage.message)]
        known.update(self.ring.sealer.name(place) for place in self._objects_of(entry))
        problems = []
        for info in files_of(entry.fields):
            try:
                self.file(entry, info).verify()
            except VaultDamaged as damage:
                problems.append(Problem(f"{where}, a file", damage.message))
        if entry.kind == READING.kind:
            try:
                problems += self._check_reading(entry, where)
            except VaultDamaged as damage:
                problems.append(Problem(f"{where}, its records", damage.message))
        return problems

    def _check_reading(self, entry: Entry, where: str) -> list[Problem]:
        from leeward_proof.tree import leaf_hash, root  # noqa: PLC0415  # only a full check needs it

        reading = self.reading(entry)
        for _ in reading.blocks():
            pass
        roots = reading.segment_roots()
        if roots != reading.info.roots or root([leaf_hash(digest) for digest in roots]) != reading.info.root:
            return [Problem(f"{where}, its records", "The leaves do not fit the root that was committed to.")]
        return []

    def _check_snapshot(self, known: set[str]) -> list[Problem]:
        snapshot = self.log.snapshot
        if snapshot is None:
            return []
        known.update(self.ring.sealer.name(place) for place in snapshot_places(snapshot))
        try:
            for _ in open_pieces(snapshot, self.ring, self.log):
                pass
        except VaultDamaged:
            what = "The quick-start copy is damaged. It is made anew from the log; nothing is lost."
            return [Problem("snapshot", what)]
        return []

    def _check_leftovers(self, known: set[str]) -> list[Problem]:
        # What an interrupted act left is named in the head until it can be removed; a full disk can forbid that.
        for kind, identity in self.log.jobs:
            for names in self._unfinished(kind, identity):
                known.update(names)
        left = sum(1 for name in self.storage.names() if name not in known)
        return [Problem("file", f"{left} sealed parts belong to nothing.")] if left else []


def _open_either(header: bytes | None, spare: bytes | None, passphrase: Passphrase) -> Opened:
    """Open the header, or its spare copy when that differs. What went wrong with the first is what is said."""
    copies = [copy for copy in (header, spare) if copy is not None]
    if not copies:
        raise NotAVault("This file is not a vault.", next_step="Please check the name. Nothing was changed.")
    first: LeewardError | None = None
    for copy in dict.fromkeys(copies):
        try:
            return open_header(copy, passphrase)
        except (WrongPassphrase, NotAVault, FromNewerVersion) as error:
            # One changed bit can make a copy look newer, or foreign; the other copy then says the truth.
            first = error if first is None or isinstance(error, WrongPassphrase) else first
        except MemoryError:
            first = first or CannotRead(
                "There is not enough free memory to open this vault.",
                next_step="Please close other programs, then try again.",
            )
    assert first is not None  # noqa: S101  # there was at least one copy
    raise first

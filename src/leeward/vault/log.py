"""The append-only log: entries, their keys, batches, the top tree and its signed checkpoints.

Follows docs/formats/log.md and docs/formats/vault.md §4–5. Entries are addressed by their number in the log. What they
mean is none of this module's business: fields are JSON values by name.

The log is the truth. A commit is: new objects, then the head by compare-and-swap, then deletions. Nothing is
acknowledged before the head has moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from leeward.core.clock import Clock
from leeward.core.errors import CannotWrite, OurMistake, VaultDamaged, VaultInUse
from leeward.core.ids import RandomBytes
from leeward.vault.keys import KeyRing
from leeward.vault.primitives import Signer
from leeward.vault.seal import Place
from leeward.vault.storage.base import Absent, CellMoved, CellSwap, Exists, Storage
from leeward_proof import commit as commitments
from leeward_proof.note import Checkpoint, VerifierKey, open_note, sign_note
from leeward_proof.tree import Frontier, leaf_hash, root

__all__ = ["ClosedBatch", "Entry", "Log", "NewEntry"]

_PAGE_KEYS = 256
_KEY = 32
_NO_KEY = bytes(_KEY)


class NewEntry(NamedTuple):
    """An entry to append.

    Attributes:
        fields: at most 16, JSON values without fractions; ``id``, ``kind``, ``v``, ``written`` among them.
        file_key: 32 bytes that open its files; made here when None.
    """

    fields: Mapping[str, Any]
    file_key: bytes | None = None


class Entry(NamedTuple):
    """An entry as it stands in the log.

    Attributes:
        number: place in the log, from 0.
        fields: JSON values by name, unknown ones included.
        seed: blinds its commitment, 32 bytes.
        file_key: opens its files, 32 bytes.
    """

    number: int
    fields: dict[str, Any]
    seed: bytes
    file_key: bytes

    @property
    def id(self) -> str:
        """Its id, 16 characters."""
        return str(self.fields["id"])

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.fields["kind"])

    def encoded(self) -> dict[str, bytes]:
        """Return the canonical JSON of every field, as committed to."""
        return {name: commitments.canonical(value) for name, value in self.fields.items()}

    def commitment(self) -> bytes:
        """Return the blinded commitment, 32 bytes."""
        blind = commitments.entry_blind(self.seed)
        return commitments.entry_commitment(blind.r, commitments.entry_digests(blind, self.encoded()))


class ClosedBatch(NamedTuple):
    """A closed batch: its number, the number of its first entry, and its layout."""

    number: int
    first: int
    commitments: list[bytes]
    """Of its entries in log order, at most 64."""
    layout: commitments.Batch

    def root(self) -> bytes:
        """Return its root, 32 bytes."""
        return root([leaf_hash(commitment) for commitment in self.layout.commitments])


class Log:
    """One compartment's log on one storage. Not for two writers at once: the storage sees to that."""

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock, random: RandomBytes) -> None:
        self._storage = storage
        self._ring = ring
        self._clock = clock
        self._random = random
        self._head: dict[str, Any] = {}
        self._sealed_head: bytes | None = None
        self._pages: dict[int, bytearray] = {}
        self._signer: Signer | None = None
        self._origin = ""

    # -- life ---------------------------------------------------------------------------------------------------

    def create(self, cells: Sequence[CellSwap]) -> None:
        """Write the first head and the log's own secrets, together with the header *cells*.

        Raises:
            CannotWrite: the storage holds a vault already. Nothing was changed.
        """
        origin = f"{self._random(16).hex()}.vault.invalid"
        secrets = {"origin": origin, "ed25519": self._random(32).hex()}
        place = Place("secrets")
        sealed = self._ring.sealer.close(self._ring.secrets, place, commitments.canonical(secrets))
        self._head = {
            "generation": 0,
            "entries": 0,
            "pages": [],
            "epoch": 0,
            "epoch_key": self._random(_KEY).hex(),
            "batches": 0,
            "frontier": [],
            "pending": [],
            "checkpoint": "",
            "pending_day": "",
            "snapshot": None,
            "jobs": [],
        }
        new = self._seal_head(self._head)
        try:
            self._storage.commit({self._ring.sealer.name(place): sealed}, [CellSwap("head", None, new), *cells])
        except CellMoved as error:
            raise CannotWrite(
                "There is already a vault in this place.", next_step="Choose another name; nothing was changed."
            ) from error
        self._sealed_head = new
        self.load()

    def load(self) -> None:
        """Read head and secrets.

        Raises:
            VaultDamaged: one of them is missing or does not open.
        """
        sealed = self._storage.cell("head")
        if sealed is None:
            raise _missing(Place("head"))
        self._sealed_head = sealed
        self._head = json.loads(self._ring.sealer.open(self._ring.head, Place("head"), sealed))
        place = Place("secrets")
        secrets = json.loads(self._ring.sealer.open(self._ring.secrets, place, self.get(place)))
        self._signer = Signer(bytes.fromhex(secrets["ed25519"]))
        self._origin = secrets["origin"]
        self._pages.clear()

    # -- what others may ask ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._head["entries"])

    @property
    def batches(self) -> int:
        """Number of closed batches."""
        return int(self._head["batches"])

    @property
    def pending(self) -> int:
        """Number of entries not yet in a batch."""
        return len(self._head["pending"])

    @property
    def pending_day(self) -> str:
        """Day (UTC) of the oldest entry not yet in a batch, "" when there is none."""
        return str(self._head["pending_day"])

    @property
    def checkpoint(self) -> str:
        """The latest signed checkpoint, "" before the first batch."""
        return str(self._head["checkpoint"])

    @property
    def verifier_key(self) -> VerifierKey:
        """What anyone needs to check this log's signatures."""
        return VerifierKey(self._origin, self._signed().public)

    @property
    def jobs(self) -> list[tuple[str, str]]:
        """Files and readings begun but not owned by an entry."""
        return [(kind, identity) for kind, identity in self._head["jobs"]]

    @property
    def snapshot(self) -> dict[str, Any] | None:
        """Where the sealed snapshot is, None when there is none."""
        value: dict[str, Any] | None = self._head["snapshot"]
        return value

    def sign(self, message: bytes) -> bytes:
        """Return this log's signature of *message*, 64 bytes."""
        return self._signed().sign(message)

    def _signed(self) -> Signer:
        if self._signer is None:
            raise OurMistake("The log was asked before it was loaded.")
        return self._signer

    def get(self, place: Place) -> bytes:
        """Return a sealed object by its place. Raises `VaultDamaged` when it is missing."""
        try:
            return self._storage.get(self._ring.sealer.name(place))
        except Absent:
            raise _missing(place) from None

    def entry(self, number: int) -> Entry | None:
        """Return entry *number*, None when it was deleted.

        Raises:
            VaultDamaged: it does not open, or is missing although its key is there.
        """
        if not 0 <= number < len(self):
            raise OurMistake("An entry was asked for that the log does not have.")
        key = self._key_of(number)
        if key == _NO_KEY:
            return None
        place = Place("entry", number)
        plain = self._ring.sealer.open(key, place, self.get(place))
        return Entry(number, json.loads(plain[64:]), plain[:32], plain[32:64])

    def batch(self, number: int) -> ClosedBatch:
        """Return closed batch *number*. Raises `VaultDamaged`."""
        place = Place("batch", number)
        plain = self._ring.sealer.open(self._ring.batch, place, self.get(place))
        count = plain[40]
        real = [plain[41 + 32 * i : 73 + 32 * i] for i in range(count)]
        return ClosedBatch(
            number, int.from_bytes(plain[32:40], "big"), real, commitments.lay_out_batch(plain[:32], real)
        )

    def batch_of(self, number: int) -> ClosedBatch | None:
        """Return the closed batch that holds entry *number*, None while it is pending."""
        if number >= len(self) - self.pending:
            return None
        low, high = 0, self.batches - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.batch(middle).first <= number:
                low = middle
            else:
                high = middle - 1
        return self.batch(low)

    # -- writing ------------------------------------------------------------------------------------------------

    def append(
        self,
        entries: Iterable[NewEntry],
        *,
        finished_jobs: Iterable[tuple[str, str]] = (),
        remove: Iterable[int] = (),
        deletes: Iterable[Place] = (),
    ) -> list[Entry]:
        """Append entries, durable on return, as one commit.

        Args:
            entries: in order.
            finished_jobs: files and readings that these entries own from now on.
            remove: numbers of earlier entries: their keys are destroyed, their objects deleted, in the same commit.
            deletes: further objects to delete (pieces of files of removed entries).

        Returns:
            The entries as they stand in the log.

        Raises:
            VaultInUse, CannotWrite: nothing was appended.
            ValueError: a field that has no canonical form, or more than 16 of them. Nothing was appended.
        """
        head = json.loads(json.dumps(self._head))
        puts: dict[str, bytes] = {}
        gone = [self._ring.sealer.name(place) for place in deletes]
        touched: dict[int, bytearray] = {}
        made: list[Entry] = []
        for new in entries:
            number = head["entries"]
            entry = Entry(number, dict(new.fields), self._random(32), new.file_key or self._random(32))
            key = self._random(_KEY)
            place = Place("entry", number)
            plain = entry.seed + entry.file_key + commitments.canonical(entry.fields)
            puts[self._ring.sealer.name(place)] = self._ring.sealer.close(key, place, plain)
            self._set_key(touched, number, key)
            head["entries"] += 1
            head["pending"].append(entry.commitment().hex())
            head["pending_day"] = head["pending_day"] or self._today()
            if len(head["pending"]) == commitments.BATCH_PLACES:
                self._close_batch(head, puts)
            made.append(entry)
        remove = list(remove)
        for number in remove:
            self._set_key(touched, number, _NO_KEY)
            gone.append(self._ring.sealer.name(Place("entry", number)))
        if any(number < len(self) for number in remove):
            self._new_epoch(head, touched)
        gone += self._put_pages(head, touched, puts)
        done = [list(job) for job in finished_jobs]
        head["jobs"] = [job for job in head["jobs"] if job not in done]
        self._commit(head, puts, gone)
        self._pages.update(touched)
        return made

    def close_batch(self) -> None:
        """Close the current batch, if anything is pending, and sign a checkpoint."""
        if self.pending:
            head = json.loads(json.dumps(self._head))
            puts: dict[str, bytes] = {}
            self._close_batch(head, puts)
            self._commit(head, puts, [])

    def begin_jobs(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Write down that these files and readings are begun, before their first object."""
        self._commit({**self._head, "jobs": [*self._head["jobs"], *(list(job) for job in jobs)]}, {}, [])

    def end_jobs(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Forget jobs whose objects were cleaned away."""
        done = [list(job) for job in jobs]
        self._commit({**self._head, "jobs": [job for job in self._head["jobs"] if job not in done]}, {}, [])

    def set_snapshot(self, snapshot: dict[str, Any] | None, deletes: Iterable[Place]) -> None:
        """Name another snapshot, whose job ends with that, and delete the pieces of the old one."""
        done = ["snapshot", snapshot["id"]] if snapshot else None
        head = {**self._head, "snapshot": snapshot, "jobs": [job for job in self._head["jobs"] if job != done]}
        self._commit(head, {}, [self._ring.sealer.name(place) for place in deletes])

    def _commit(self, head: dict[str, Any], puts: dict[str, bytes], gone: list[str]) -> None:
        head["generation"] += 1
        new = self._seal_head(head)
        swap = CellSwap("head", self._sealed_head, new)
        try:
            try:
                self._storage.commit(puts, [swap], gone)
            except Exists:
                # Left behind by a kill between put and head on a storage without transactions. No head names them,
                # unless another writer moved the head meanwhile: then they are that writer's, and stay.
                if self._storage.cell("head") != self._sealed_head:
                    raise CellMoved("head") from None
                self._storage.delete(list(puts))
                self._storage.commit(puts, [swap], gone)
        except CellMoved as error:
            raise VaultInUse(
                "Something else wrote to this vault at the same moment.", next_step="Please lock it and open it again."
            ) from error
        self._head, self._sealed_head = head, new

    def _seal_head(self, head: dict[str, Any]) -> bytes:
        return self._ring.sealer.close(self._ring.head, Place("head"), commitments.canonical(head))

    def _close_batch(self, head: dict[str, Any], puts: dict[str, bytes]) -> None:
        seed = self._random(32)
        real = [bytes.fromhex(text) for text in head["pending"]]
        first = head["entries"] - len(real)
        plain = seed + first.to_bytes(8, "big") + bytes([len(real)]) + b"".join(real)
        place = Place("batch", head["batches"])
        puts[self._ring.sealer.name(place)] = self._ring.sealer.close(self._ring.batch, place, plain)
        batch_root = ClosedBatch(0, first, real, commitments.lay_out_batch(seed, real)).root()
        frontier = Frontier(head["batches"], (bytes.fromhex(node) for node in head["frontier"]))
        frontier.append(leaf_hash(batch_root))
        head["batches"] = frontier.size
        head["frontier"] = [node.hex() for node in frontier.nodes]
        head["pending"], head["pending_day"] = [], ""
        text = Checkpoint(self._origin, frontier.size, frontier.root()).text()
        head["checkpoint"] = sign_note(text, self.verifier_key, self._signed().sign)

    def _today(self) -> str:
        from datetime import UTC, datetime  # noqa: PLC0415  # only writing needs a calendar; start-up stays quick

        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date().isoformat()

    # -- keys of entries ----------------------------------------------------------------------------------------

    def _page(self, page: int) -> bytearray:
        if page not in self._pages:
            versions = self._head["pages"]
            if page >= len(versions):
                return bytearray(_PAGE_KEYS * _KEY)
            place = Place("keys", page, versions[page])
            plain = self._ring.sealer.open(self._wrap_key(self._head), place, self.get(place))
            self._pages[page] = bytearray(plain)
        return self._pages[page]

    def _key_of(self, number: int) -> bytes:
        page, index = divmod(number, _PAGE_KEYS)
        return bytes(self._page(page)[index * _KEY : (index + 1) * _KEY])

    def _set_key(self, touched: dict[int, bytearray], number: int, key: bytes) -> None:
        page, index = divmod(number, _PAGE_KEYS)
        if page not in touched:
            touched[page] = bytearray(self._page(page))
        touched[page][index * _KEY : (index + 1) * _KEY] = key

    def _wrap_key(self, head: Mapping[str, Any]) -> bytes:
        return self._ring.epoch(head["epoch"], bytes.fromhex(head["epoch_key"]))

    def _new_epoch(self, head: dict[str, Any], touched: dict[int, bytearray]) -> None:
        """Wrap all pages anew under a key that only the new head knows.

        A storage cannot promise that no copy of an old page is left: SQLite moves parts of them about when it balances
        its tree, and a disk keeps what it likes. The one small cell that must really be overwritten is the head.
        """
        for page in range(len(head["pages"])):
            if page not in touched:
                touched[page] = bytearray(self._page(page))
        head["epoch"] += 1
        head["epoch_key"] = self._random(_KEY).hex()

    def _put_pages(self, head: dict[str, Any], touched: dict[int, bytearray], puts: dict[str, bytes]) -> list[str]:
        """Put changed pages under their next version; return the names of the versions they replace."""
        replaced = []
        for page, content in sorted(touched.items()):
            versions = head["pages"]
            if page < len(versions):
                replaced.append(self._ring.sealer.name(Place("keys", page, versions[page])))
                versions[page] += 1
            else:
                versions.append(0)
            place = Place("keys", page, versions[page])
            puts[self._ring.sealer.name(place)] = self._ring.sealer.close(self._wrap_key(head), place, bytes(content))
        return replaced

    # -- checking -----------------------------------------------------------------------------------------------

    def places(self) -> set[str]:
        """Return the names of all objects that belong to the log itself."""
        name = self._ring.sealer.name
        names = {name(Place("secrets"))}
        names |= {name(Place("keys", page, version)) for page, version in enumerate(self._head["pages"])}
        names |= {name(Place("batch", number)) for number in range(self.batches)}
        names |= {name(Place("entry", number)) for number in range(len(self)) if self._key_of(number) != _NO_KEY}
        return names

    def check_tree(self) -> list[str]:
        """Recompute the top tree from the batches and compare it with the head and its signature.

        Returns:
            Sentences, one for each thing that does not fit; empty when all fits.
        """
        problems = []
        frontier = Frontier()
        expected_first = 0
        for number in range(self.batches):
            batch = self.batch(number)
            if batch.first != expected_first:
                problems.append(f"Batch {number} does not begin where the one before it ends.")
            expected_first = batch.first + len(batch.commitments)
            frontier.append(leaf_hash(batch.root()))
        if expected_first + self.pending != len(self):
            problems.append("The number of entries does not fit the batches.")
        if [node.hex() for node in frontier.nodes] != self._head["frontier"]:
            problems.append("The tree over the batches does not fit the head.")
        if self.checkpoint:
            found = Checkpoint.parse_text(open_note(self.checkpoint, self.verifier_key))
            if (found.size, found.root, found.origin) != (self.batches, frontier.root(), self._origin):
                problems.append("The signed checkpoint does not fit the tree.")
        elif self.batches:
            problems.append("The signed checkpoint is missing.")
        return problems

    def root_at(self, size: int) -> bytes:
        """Return the root of the top tree when it had *size* batches, recomputed from the batches.

        Raises:
            VaultDamaged: the log has fewer batches, or one does not open.
        """
        if not 0 <= size <= self.batches:
            raise VaultDamaged(
                f"The log has {self.batches} batches; it once had {size}.",
                lost="Entries that were there are not in this file.",
                next_step="Look for a newer copy of the vault or a backup.",
            )
        frontier = Frontier()
        for number in range(size):
            frontier.append(leaf_hash(self.batch(number).root()))
        return frontier.root()

    def recorded_commitment(self, number: int, batch: ClosedBatch | None) -> bytes:
        """Return the commitment that batch or head keep for entry *number*. Raises `VaultDamaged` when it has none."""
        try:
            if batch is not None:
                return batch.commitments[number - batch.first]
            return bytes.fromhex(self._head["pending"][number - (len(self) - self.pending)])
        except IndexError:
            raise VaultDamaged(f"The batches of the log do not hold entry {number}.") from None


def _missing(place: Place) -> VaultDamaged:
    return VaultDamaged(
        f"A part of the vault ({place}) is missing.",
        lost="What it held cannot be read from this file.",
        next_step="Keep this file as it is, and restore your latest backup beside it.",
    )

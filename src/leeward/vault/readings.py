"""Records of a reading: sealed blocks of rows, and the leaves that commit to their source facts.

Follows docs/formats/archive.md §3–5 and docs/formats/vault.md §6. What a row holds is the caller's business (opaque
bytes); what is committed to are the five source facts beside it. Each segment of 65,536 records is durable when it is
complete. Memory: one block, and 32 bytes a record of the current segment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import accumulate
from struct import Struct
from typing import Any, NamedTuple

from leeward.core.errors import OurMistake, VaultDamaged
from leeward.vault.keys import KeyRing
from leeward.vault.log import Log
from leeward.vault.primitives import expand
from leeward.vault.seal import PIECE, Place, padme
from leeward.vault.storage.base import Storage
from leeward_proof import commit as commitments
from leeward_proof.tree import leaf_hash, root

__all__ = ["ReadingInfo", "ReadingReader", "ReadingWriter", "SourceFacts", "reading_places", "record_leaves"]

_BLIND = commitments.RECORD_BLIND
_BLINDS = Struct("32s32s32s32s32s32s32s64s")
"""What a record owns of the keystream: ``r``, a salt for each of the six facts, two unused slots."""
_DIGEST = 32

SourceFacts = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""raw, place, sender, time, media, private: the slots of docs/formats/archive.md §3; private may be empty."""


class ReadingInfo(NamedTuple):
    """What the ``reading`` entry keeps: the records root and how to find rows.

    Attributes:
        root: 32 bytes, over the segment roots.
        segments: number of segments.
        width: leaves of a segment.
        records: number of records.
        blocks: rows in each block, in order.
        sizes: bytes of content in each block.
        roots: root of each segment, 32 bytes; `root` is over them.
    """

    root: bytes
    segments: int
    width: int
    records: int
    blocks: list[int]
    sizes: list[int]
    roots: list[bytes]

    def field(self) -> dict[str, Any]:
        """Return the committed field ``records``."""
        return {"root": self.root.hex(), "segments": self.segments, "width": self.width}

    def rows_index(self) -> dict[str, Any]:
        """Return the field ``index``, which is never opened."""
        roots = [each.hex() for each in self.roots]
        return {"records": self.records, "blocks": self.blocks, "sizes": self.sizes, "roots": roots}

    @classmethod
    def of(cls, fields: dict[str, Any]) -> ReadingInfo:
        """Read both fields of a ``reading`` entry."""
        records, index = fields["records"], fields["index"]
        return cls(
            bytes.fromhex(records["root"]),
            records["segments"],
            records["width"],
            index["records"],
            index["blocks"],
            index["sizes"],
            [bytes.fromhex(each) for each in index["roots"]],
        )


def record_leaves(stream: bytes, facts: Sequence[SourceFacts]) -> list[bytes]:
    """Return the leaf hash of each record; *stream* holds 288 bytes of keystream for each.

    This is `commitments.record_commitment` over `commitments.record_digests`, written out: it runs a million times in
    an import, and the calls would cost more than the hashing (tests compare the two).
    """
    digest = sha256
    leaves: list[bytes] = []
    keep = leaves.append
    for blind, (raw, place, sender, time, media, private) in zip(_BLINDS.iter_unpack(stream), facts, strict=True):
        r, salt_raw, salt_place, salt_sender, salt_time, salt_media, salt_private, unused = blind
        inner = digest(
            b"".join(
                (
                    b"r1",
                    r,
                    digest(b"f1%b\x03raw%b" % (salt_raw, raw)).digest(),
                    digest(b"f1%b\x05place%b" % (salt_place, place)).digest(),
                    digest(b"f1%b\x06sender%b" % (salt_sender, sender)).digest(),
                    digest(b"f1%b\x04time%b" % (salt_time, time)).digest(),
                    digest(b"f1%b\x05media%b" % (salt_media, media)).digest(),
                    digest(b"f1%b\x07private%b" % (salt_private, private)).digest() if private else salt_private,
                    unused,
                )
            )
        ).digest()
        keep(digest(b"\x00" + inner).digest())
    return leaves


def _segment_leaves(seed: bytes, segment: int, leaves: Sequence[bytes], width: int) -> list[bytes]:
    """Return all leaves of a segment by position: padded and shuffled."""
    items = list(leaves)
    missing = width - len(items)
    if missing:
        stream = commitments.record_keystream(seed, segment * commitments.SEGMENT + len(items))(missing * _BLIND)
        items += [
            leaf_hash(commitments.padding_commitment(stream[i * _BLIND : i * _BLIND + 32])) for i in range(missing)
        ]
    return [items[item] for item in commitments.segment_order(seed, segment, width)]


def reading_places(reading: str, info: ReadingInfo) -> list[Place]:
    """Return the places of all objects of a reading."""
    places = [Place("block", reading, index) for index in range(len(info.blocks))]
    for segment in range(info.segments):
        places += [Place("leaves", reading, segment, i) for i in range(_leaf_pieces(info, segment))]
    return places


def _records_in(info: ReadingInfo, segment: int) -> int:
    return min(commitments.SEGMENT, info.records - segment * commitments.SEGMENT)


def _leaf_pieces(info: ReadingInfo, segment: int) -> int:
    return max(1, -(-_records_in(info, segment) * _DIGEST // PIECE))


class ReadingWriter:
    """Takes rows in source order. The caller has named ``("reading", id)`` in the head's jobs."""

    def __init__(self, storage: Storage, ring: KeyRing, file_key: bytes, reading: str) -> None:
        self._storage = storage
        self._sealer = ring.sealer
        self._reading = reading
        self._block_key = expand(file_key, b"leeward/v1/block")
        self._leaves_key = expand(file_key, b"leeward/v1/leaves")
        self._seed = expand(file_key, b"leeward/v1/seed")
        self._keystream = commitments.record_keystream(self._seed, 0)
        self._leaves: list[bytes] = []
        self._roots: list[bytes] = []
        self._blocks: list[int] = []
        self._sizes: list[int] = []
        self._records = 0

    @property
    def records(self) -> int:
        """Records taken so far."""
        return self._records

    def add(self, facts: Sequence[SourceFacts], block: bytes) -> None:
        """Take the next records as one block: their source facts, and their rows as the caller encodes them."""
        self.commit(facts)
        self.keep(len(facts), block)

    def commit(self, facts: Sequence[SourceFacts]) -> None:
        """Commit to the source facts of the next records. Their rows follow in one of the next blocks."""
        self._records += len(facts)
        self._leaves += record_leaves(self._keystream(len(facts) * _BLIND), facts)
        while len(self._leaves) > commitments.SEGMENT:
            # Strictly more: only then is it certain that there is a second segment, which decides the width.
            self._close_segment(self._leaves[: commitments.SEGMENT], commitments.SEGMENT)
            del self._leaves[: commitments.SEGMENT]

    def keep(self, rows: int, block: bytes) -> None:
        """Keep the next *rows* records, which were committed to, as one block."""
        self._put_block(block)
        self._blocks.append(rows)

    def _put_block(self, block: bytes) -> None:
        self._sizes.append(len(block))
        place = Place("block", self._reading, len(self._blocks))
        padded = block + bytes(padme(len(block)) - len(block))
        self._storage.put(self._sealer.name(place), self._sealer.close_piece(self._block_key, place, padded))

    def _close_segment(self, leaves: Sequence[bytes], width: int) -> None:
        segment = len(self._roots)
        joined = b"".join(leaves)
        puts = {}
        for i in range(max(1, -(-len(joined) // PIECE))):
            place = Place("leaves", self._reading, segment, i)
            piece = joined[i * PIECE : (i + 1) * PIECE]
            puts[self._sealer.name(place)] = self._sealer.close(self._leaves_key, place, piece)
        self._storage.put_many(puts)
        self._roots.append(root(_segment_leaves(self._seed, segment, leaves, width)))

    def finish(self) -> ReadingInfo:
        """Close the last segment and return what the entry keeps."""
        if sum(self._blocks) != self._records:
            raise OurMistake("The rows of a reading are not those that were committed to.")
        width = commitments.segment_width(len(self._leaves), not self._roots)
        if self._leaves or not self._roots:
            self._close_segment(self._leaves, width)
            self._leaves = []
        top = root([leaf_hash(segment_root) for segment_root in self._roots])
        return ReadingInfo(top, len(self._roots), width, self._records, self._blocks, self._sizes, self._roots)


class ReadingReader:
    """Opens the rows and leaves of a finished reading."""

    def __init__(self, log: Log, ring: KeyRing, file_key: bytes, reading: str, info: ReadingInfo) -> None:
        self._log = log
        self._sealer = ring.sealer
        self._reading = reading
        self.info = info
        self._block_key = expand(file_key, b"leeward/v1/block")
        self._leaves_key = expand(file_key, b"leeward/v1/leaves")
        self.seed = expand(file_key, b"leeward/v1/seed")
        self._first = list(accumulate(info.blocks, initial=0))

    def block(self, index: int) -> bytes:
        """Return the rows of block *index* as they were given. Raises `VaultDamaged`."""
        place = Place("block", self._reading, index)
        plain = self._sealer.open_piece(self._block_key, place, self._log.get(place))
        size = self.info.sizes[index]
        if size > len(plain):
            raise VaultDamaged(f"A part of the vault ({place}) is shorter than it should be.")
        return plain[:size]

    def blocks(self) -> Iterator[bytes]:
        """Yield all blocks in order."""
        for index in range(len(self.info.blocks)):
            yield self.block(index)

    def find(self, record: int) -> tuple[int, int]:
        """Return (block, place in the block) of a record."""
        block = bisect_right(self._first, record) - 1
        return block, record - self._first[block]

    def first_of(self, block: int) -> int:
        """Return the number of the first record of *block*."""
        return self._first[block]

    def leaves(self, segment: int) -> list[bytes]:
        """Return the leaves of a segment in record order, 32 bytes each. Raises `VaultDamaged`."""
        pieces = []
        for i in range(_leaf_pieces(self.info, segment)):
            place = Place("leaves", self._reading, segment, i)
            pieces.append(self._sealer.open(self._leaves_key, place, self._log.get(place)))
        joined = b"".join(pieces)
        if len(joined) != _records_in(self.info, segment) * _DIGEST:
            raise VaultDamaged(f"The leaves of segment {segment} of a reading do not fit its number of records.")
        return [joined[i : i + _DIGEST] for i in range(0, len(joined), _DIGEST)]

    def segment(self, segment: int) -> list[bytes]:
        """Return all leaves of a segment by position, padding included."""
        return _segment_leaves(self.seed, segment, self.leaves(segment), self.info.width)

    def positions(self, segment: int) -> list[int]:
        """Return the position of each item of a segment, records first."""
        positions = [0] * self.info.width
        for position, item in enumerate(commitments.segment_order(self.seed, segment, self.info.width)):
            positions[item] = position
        return positions

    def blind(self, record: int) -> bytes:
        """Return the 288 bytes of keystream that a record owns."""
        return commitments.record_keystream(self.seed, record)(_BLIND)

    def segment_roots(self) -> list[bytes]:
        """Recompute all segment roots from the leaves; `info.roots` has them as they were when the reading was made."""
        return [root(self.segment(segment)) for segment in range(self.info.segments)]

"""RFC 6962 hash trees: roots, single proofs, consistency, and proofs for many leaves at once.

Follows docs/formats/log.md §4–5 and RFC 6962 §2.1. Everything works on 32-byte digests; hashing of leaf *data* is
`leaf_hash`. A failed check raises `Unsound` with the layer the caller names; nothing is returned as false.

>>> root([leaf_hash(b"a"), leaf_hash(b"b")]) == node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
True
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from leeward_proof.errors import Unsound

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "consistency_proof",
    "helpers_for",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "root",
    "root_from_known",
    "verify_consistency",
    "verify_inclusion",
]

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 §2.1)."""


def leaf_hash(data: bytes) -> bytes:
    """Return ``H(0x00 || data)``."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return ``H(0x01 || left || right)``."""
    return sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two smaller than *size* (size > 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, each 32 bytes. Takes O(n) time and 32 bytes a leaf."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    digest = sha256
    # Pairing neighbours level by level and carrying an odd last node up gives the RFC 6962 shape.
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        pairs = iter(level)
        level = [digest(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)] + odd
    return level[0]


class Frontier:
    """The right edge of a growing tree: enough to append a leaf and give the root, in O(log n) memory.

    ``nodes`` are the roots of the complete subtrees from the largest (left) to the smallest (right); their sizes are
    the binary digits of ``size``.
    """

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)
        if len(self.nodes) != size.bit_count() or any(len(node) != 32 for node in self.nodes):
            raise ValueError("frontier does not fit its size")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash, 32 bytes."""
        node, index = leaf, self.size
        while index & 1:
            node = node_hash(self.nodes.pop(), node)
            index >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self.nodes:
            return EMPTY_ROOT
        result = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            result = node_hash(node, result)
        return result


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the RFC 6962 audit path of leaf *index*, from the leaf upwards. Raises IndexError outside the tree."""
    if not 0 <= index < len(leaves):
        raise IndexError("no such leaf")

    def path(lo: int, hi: int) -> list[bytes]:
        if hi - lo == 1:
            return []
        middle = lo + _split(hi - lo)
        if index < middle:
            return [*path(lo, middle), root(leaves[middle:hi])]
        return [*path(middle, hi), root(leaves[lo:middle])]

    return path(0, len(leaves))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes, *, layer: str = "top tree"
) -> None:
    """Check that *leaf* stands at *index* of the tree of *size* leaves whose root is *expected*.

    Raises:
        Unsound: it does not, or the proof has another length than this place needs.
    """
    if not 0 <= index < size:
        raise Unsound(layer, f"leaf {index}", "the place is outside the tree")
    result, low, high = leaf, index, size - 1
    for sibling in proof:
        if high == 0:
            raise Unsound(layer, f"leaf {index}", "the proof is longer than the tree is high")
        if low & 1 or low == high:
            result = node_hash(sibling, result)
            while low and not low & 1:
                low >>= 1
                high >>= 1
        else:
            result = node_hash(result, sibling)
        low >>= 1
        high >>= 1
    if high != 0:
        raise Unsound(layer, f"leaf {index}", "the proof is shorter than the tree is high")
    if result != expected:
        raise Unsound(layer, f"leaf {index}", "the computed root differs from the stated root")


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Return the RFC 6962 proof that the tree of the first *old* leaves is a prefix of the whole (0 < old <= n)."""
    if not 0 < old <= len(leaves):
        raise IndexError("no such earlier size")

    def proof(size: int, lo: int, hi: int, whole: bool) -> list[bytes]:
        if size == hi - lo:
            return [] if whole else [root(leaves[lo:hi])]
        k = _split(hi - lo)
        if size <= k:
            return [*proof(size, lo, lo + k, whole), root(leaves[lo + k : hi])]
        return [*proof(size - k, lo + k, hi, False), root(leaves[lo : lo + k])]

    return proof(old, 0, len(leaves), True)


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes], *, layer: str = "top tree"
) -> None:
    """Check that the tree of *old* leaves is a prefix of the tree of *new* leaves.

    Raises:
        Unsound: it is not, or the proof does not have the shape these sizes need.
    """
    where = f"{old} to {new}"
    if not 0 <= old <= new:
        raise Unsound(layer, where, "the sizes run backwards")
    if old == new:
        if proof or old_root != new_root:
            raise Unsound(layer, where, "equal sizes with different roots")
        return
    if old == 0:
        # RFC 6962 defines no proof from the empty tree: to accept one would say something was checked when nothing was.
        raise Unsound(layer, where, "the empty tree proves nothing")
    rest = list(proof)
    low, high = old - 1, new - 1
    while low & 1:
        low >>= 1
        high >>= 1
    if low == 0:
        first = second = old_root  # a power of two: its root is a node of the new tree
    elif rest:
        first = second = rest.pop(0)
    else:
        raise Unsound(layer, where, "the proof is too short")
    for node in rest:
        if high == 0:
            raise Unsound(layer, where, "the proof is too long")
        if low & 1 or low == high:
            first, second = node_hash(node, first), node_hash(node, second)
            while low and not low & 1:
                low >>= 1
                high >>= 1
        else:
            second = node_hash(second, node)
        low >>= 1
        high >>= 1
    if high != 0:
        raise Unsound(layer, where, "the proof is too short")
    if first != old_root or second != new_root:
        raise Unsound(layer, where, "a computed root differs from the stated root")


def helpers_for(leaves: Sequence[bytes], known: Iterable[int]) -> list[bytes]:
    """Return the helpers of docs/formats/log.md §5 for the leaves at positions *known* (at least one)."""
    places = sorted(set(known))
    if not places or places[0] < 0 or places[-1] >= len(leaves):
        raise IndexError("known positions must lie inside the tree, and there must be one")
    # Roots of aligned complete subtrees are asked for again and again: build the levels once.
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = iter(levels[-1])
        levels.append([sha256(b"\x01" + a + b).digest() for a, b in zip(below, below, strict=False)])
    result: list[bytes] = []

    def subtree(lo: int, hi: int) -> bytes:
        size = hi - lo
        if size & (size - 1) == 0:
            height = size.bit_length() - 1
            return levels[height][lo >> height]
        middle = lo + _split(size)
        return node_hash(subtree(lo, middle), subtree(middle, hi))

    def walk(lo: int, hi: int) -> None:
        first = bisect_left(places, lo)
        if first == len(places) or places[first] >= hi:
            result.append(subtree(lo, hi))
        elif hi - lo > 1:
            middle = lo + _split(hi - lo)
            walk(lo, middle)
            walk(middle, hi)

    walk(0, len(leaves))
    return result


def root_from_known(size: int, known: Mapping[int, bytes], helpers: Sequence[bytes], *, layer: str) -> bytes:
    """Recompute a root from some leaves and the helpers of docs/formats/log.md §5.

    Args:
        size: number of leaves of the tree.
        known: position to leaf hash, at least one.
        helpers: 32-byte digests in walking order; each must be used exactly once.
        layer: named in the error.

    Raises:
        Unsound: a position outside the tree, no known leaf, too few or too many helpers.
    """
    places = sorted(known)
    if not places or places[0] < 0 or places[-1] >= size:
        raise Unsound(layer, f"tree of {size}", "a place is outside the tree, or nothing is shown")
    remaining = iter(helpers)

    def walk(lo: int, hi: int, first: int, last: int) -> bytes:
        if first == last:
            try:
                return next(remaining)
            except StopIteration:
                raise Unsound(layer, f"tree of {size}", "the proof is too short") from None
        if hi - lo == 1:
            return known[lo]
        middle = lo + _split(hi - lo)
        cut = bisect_left(places, middle, first, last)
        return node_hash(walk(lo, middle, first, cut), walk(middle, hi, cut, last))

    result = walk(0, size, 0, len(places))
    if next(remaining, None) is not None:
        raise Unsound(layer, f"tree of {size}", "the proof is too long")
    return result

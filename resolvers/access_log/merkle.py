"""The Merkle tree over the log's entries (RFC 6962 2.1, RFC 9162 2.1): hashes and proofs.

A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right); a tree of n leaves splits at
the largest power of two below n. Complete subtrees never change as the log grows: whoever keeps
their hashes (`hash_at(level, index)`, the subtree of 2**level leaves that begins at leaf
index * 2**level) can prove everything. Pure functions over bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "HashAt",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
]

HashAt = Callable[[int, int], bytes]
"""The hash of the complete subtree of 2**level leaves at a level and an index."""

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the complete subtrees its size is made of, largest first.

    Enough to go on appending and to know the root, without any of the leaves.
    """

    __slots__ = ("_nodes", "size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self._nodes = list(nodes)

    @classmethod
    def at(cls, size: int, hash_at: HashAt) -> Frontier:
        """The edge of a tree whose complete subtrees are known."""
        return cls(size, [hash_at(level, index) for level, index in _complete(0, size)])

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The hashes of the complete subtrees, the largest (leftmost) first."""
        return tuple(self._nodes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Adds a leaf's hash; the hashes of the subtrees it completed, from level 0 (itself) up."""
        size, nodes = self.size, self._nodes
        completed = [leaf]
        while size & 1:
            leaf = node_hash(nodes.pop(), leaf)
            completed.append(leaf)
            size >>= 1
        nodes.append(leaf)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The tree's root."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for node in self._nodes[-2::-1]:
            root = node_hash(node, root)
        return root

    def copy(self) -> Frontier:
        """Another one of the same tree, to be appended to independently."""
        return Frontier(self.size, self._nodes)


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_hash_of(middle, end, hash_at))
            end = middle
        else:
            proof.append(_hash_of(begin, middle, hash_at))
            begin = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """The hashes that show the first `old` leaves to be the beginning of the first `new`.

    Raises ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} does not grow into one of {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    begin, end = 0, new
    whole = True  # the old root itself stands for what is left of the old tree
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_hash_of(middle, end, hash_at))
            end = middle
        else:
            proof.append(_hash_of(begin, middle, hash_at))
            begin, whole = middle, False
    if not whole:
        proof.append(_hash_of(begin, end, hash_at))
    proof.reverse()
    return proof


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof leads from a leaf's hash to the root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(node, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, node)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows the old tree to be the beginning of the new (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        known = EMPTY_ROOT if old == 0 else new_root
        return not proof and old_root == known
    nodes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not nodes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            second = node_hash(second, node)
        place >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """The largest power of two below a size of 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _complete(begin: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees, (level, index), that the leaves from `begin` to `end` are made of.

    `begin` is where the tree's own splits put it: a multiple of every power of two that occurs.
    """
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def _hash_of(begin: int, end: int, hash_at: HashAt) -> bytes:
    """The hash over the leaves from `begin` to `end`, a range the tree's splits make."""
    parts = _complete(begin, end)
    found = hash_at(*parts[-1])
    for level, index in parts[-2::-1]:
        found = node_hash(hash_at(level, index), found)
    return found

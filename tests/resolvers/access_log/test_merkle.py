"""The tree against published roots, the RFC's own definition, and another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from resolvers.access_log.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.resolvers.access_log.trees import (
    EIGHT,
    ROOTS,
    consistency,
    hash_at_of,
    inclusion,
    tree_hash,
)

SIZES = st.integers(1, 70)


def entries(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def frontier(leaves: list[bytes]) -> Frontier:
    edge = Frontier()
    for leaf in leaves:
        edge.append(leaf_hash(leaf))
    return edge


def test_published_roots() -> None:
    assert EMPTY_ROOT.hex() == ROOTS[0]
    for size, root in enumerate(ROOTS):
        assert frontier(EIGHT[:size]).root().hex() == root


def test_a_published_proof() -> None:
    """Of leaf 5 of 8: the hash beside it, the pair before, and the left half."""
    proof = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    found = inclusion_proof(5, 8, hash_at_of(EIGHT))
    assert [node.hex() for node in found] == proof
    found = consistency_proof(6, 8, hash_at_of(EIGHT))
    assert [node.hex() for node in found] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(SIZES)
def test_the_edge_has_the_root_of_the_whole(size: int) -> None:
    leaves = entries(size)
    edge = frontier(leaves)
    assert (edge.size, edge.root()) == (size, tree_hash(leaves))
    known = Frontier.at(size, hash_at_of(leaves))
    assert known.nodes == edge.nodes
    other = edge.copy()
    other.append(leaf_hash(b"one more"))
    assert edge.root() == tree_hash(leaves)
    assert other.root() == tree_hash([*leaves, b"one more"])


@given(SIZES)
def test_a_leaf_completes_the_subtrees_it_ends(size: int) -> None:
    leaves = entries(size)
    completed = frontier(leaves[:-1]).append(leaf_hash(leaves[-1]))
    assert completed == [tree_hash(leaves[-1 << level :]) for level in range(len(completed))]
    assert size % (1 << len(completed) - 1) == 0
    assert size % (1 << len(completed)) != 0


@given(SIZES, st.data())
def test_inclusion_is_as_the_rfc_defines(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = entries(size)
    proof = inclusion_proof(index, size, hash_at_of(leaves))
    assert proof == inclusion(index, leaves)
    root, leaf = tree_hash(leaves), leaf_hash(leaves[index])
    assert verify_inclusion(leaf, index, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, leaf_hash(b"another"))
    assert not verify_inclusion(leaf, index, size, [*proof, root], root)
    for at in range(len(proof)):
        changed = [*proof[:at], bytes(32), *proof[at + 1 :]]
        assert not verify_inclusion(leaf, index, size, changed, root)
        assert not verify_inclusion(leaf, index, size, proof[:at], root)
    for other in range(size):
        assert verify_inclusion(leaf, other, size, proof, root) == (other == index)


@given(SIZES, st.data())
def test_consistency_is_as_the_rfc_defines(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = entries(size)
    proof = consistency_proof(old, size, hash_at_of(leaves))
    assert proof == consistency(old, leaves)
    old_root, root = tree_hash(leaves[:old]), tree_hash(leaves)
    assert verify_consistency(old, old_root, size, root, proof)
    assert not verify_consistency(old, bytes(32), size, root, proof)
    assert not verify_consistency(old, old_root, size, bytes(32), proof)
    assert not verify_consistency(old, old_root, size, root, [*proof, bytes(32)])
    for at in range(len(proof)):
        changed = [*proof[:at], bytes(32), *proof[at + 1 :]]
        assert not verify_consistency(old, old_root, size, root, changed)
        assert not verify_consistency(old, old_root, size, root, proof[:at])


@given(SIZES, st.data())
def test_a_log_that_was_changed_is_not_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    at = data.draw(st.integers(0, old - 1))
    leaves = entries(size)
    forged = [*leaves[:at], b"forged", *leaves[at + 1 :]]
    proof = consistency_proof(old, size, hash_at_of(forged))
    assert not verify_consistency(old, tree_hash(leaves[:old]), size, tree_hash(forged), proof)


@given(st.integers(1, 40))
def test_it_is_as_another_implementation_has_it(size: int) -> None:
    """pymerkle follows RFC 9162 in roots and inclusion (its paths have the leaf itself, too); its
    proofs of consistency are of another form and are not compared.
    """
    leaves = entries(size)
    other = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    assert other.get_root(size) == frontier(leaves).root()
    hash_at = hash_at_of(leaves)
    for index in range(size):
        theirs = other.prove_inclusion(index + 1, size).path
        ours = inclusion_proof(index, size, hash_at)
        assert sorted(theirs) == sorted([leaf_hash(leaves[index]), *ours])


def test_bad_places_are_refused() -> None:
    hash_at = hash_at_of(EIGHT)
    for index, size in ((-1, 8), (8, 8), (0, 0)):
        with pytest.raises(ValueError, match="not in a tree"):
            inclusion_proof(index, size, hash_at)
        assert not verify_inclusion(leaf_hash(EIGHT[0]), index, size, [], bytes(32))
    for old, new in ((-1, 4), (5, 4)):
        with pytest.raises(ValueError, match="does not grow"):
            consistency_proof(old, new, hash_at)
        assert not verify_consistency(old, bytes(32), new, bytes(32), [])
    with pytest.raises(ValueError, match="complete subtrees"):
        Frontier(3, [bytes(32)])


def test_growing_from_nothing_and_not_at_all() -> None:
    root = tree_hash(EIGHT)
    assert consistency_proof(0, 8, hash_at_of(EIGHT)) == []
    assert consistency_proof(8, 8, hash_at_of(EIGHT)) == []
    assert verify_consistency(0, EMPTY_ROOT, 8, root, [])
    assert verify_consistency(8, root, 8, root, [])
    assert not verify_consistency(0, bytes(32), 8, root, [])
    assert not verify_consistency(8, root, 8, bytes(32), [])
    assert not verify_consistency(8, root, 8, root, [root])
    assert not verify_consistency(3, root, 8, root, [])


def test_leaves_and_nodes_cannot_be_taken_for_each_other() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)

"""A witness cosigns what grew out of what it has seen, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import AccessLogTampered, NoteInvalid
from resolvers.access_log.merkle import consistency_proof
from resolvers.access_log.notes import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    sign_checkpoint,
    verify_cosignature,
)
from resolvers.access_log.sides import pack_side, regions_of, unpack_side
from resolvers.access_log.witnessing import Held, consider, holds, regional_witness
from tests.resolvers.access_log.trees import hash_at_of, tree_hash

LOG = NoteSigner("log", bytes(range(32)))
WITNESS = NoteSigner("witness", bytes(32), COSIGNATURE)
LEAVES = [b"%d" % number for number in range(40)]
AT = 1_795_312_800


def noted(leaves: list[bytes], signer: NoteSigner = LOG, origin: str = "log") -> str:
    return sign_checkpoint(Checkpoint(origin, len(leaves), tree_hash(leaves)), signer)


def first(size: int) -> Held:
    return consider(None, noted(LEAVES[:size]), LOG.verifier, [], WITNESS, AT)


@given(st.integers(0, 40), st.integers(0, 40))
def test_growth_is_cosigned_and_nothing_shorter(old: int, new: int) -> None:
    held = first(old)
    if new < old:
        with pytest.raises(AccessLogTampered, match=f"has seen {old} entries"):
            consider(held, noted(LEAVES[:new]), LOG.verifier, [], WITNESS, AT)
        return
    proof = consistency_proof(old, new, hash_at_of(LEAVES))
    seen = consider(held, noted(LEAVES[:new]), LOG.verifier, proof, WITNESS, AT + 1)
    assert (seen.size, seen.root) == (new, tree_hash(LEAVES[:new]))
    assert verify_cosignature(seen.note + seen.cosignature, WITNESS.verifier) == AT + 1
    holds(seen, LOG.verifier, WITNESS.verifier)


@given(st.integers(1, 30), st.data())
def test_another_past_is_not_cosigned(old: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, old - 1))
    forged = [*LEAVES[:at], b"forged", *LEAVES[at + 1 :]]
    proof = consistency_proof(old, 40, hash_at_of(forged))
    with pytest.raises(AccessLogTampered, match="not shown to have grown"):
        consider(first(old), noted(forged), LOG.verifier, proof, WITNESS, AT)


def test_the_same_size_with_another_root_is_a_fork() -> None:
    forged = [*LEAVES[:9], b"forged"]
    with pytest.raises(AccessLogTampered):
        consider(first(10), noted(forged), LOG.verifier, [], WITNESS, AT)


def test_another_key_or_log_is_none_of_ours() -> None:
    other = NoteSigner("log", bytes(range(1, 33)))
    with pytest.raises(NoteInvalid, match="no signature by a known key"):
        consider(first(10), noted(LEAVES, other), LOG.verifier, [], WITNESS, AT)
    with pytest.raises(NoteInvalid, match="a checkpoint of another"):
        consider(first(10), noted(LEAVES, origin="another"), LOG.verifier, [], WITNESS, AT)
    second = NoteSigner("second", bytes(range(32)))
    note = noted(LEAVES, second, "second")
    with pytest.raises(NoteInvalid, match="not of log"):
        consider(first(10), note, second.verifier, [], WITNESS, AT)


def test_what_is_held_is_checked() -> None:
    held = first(10)
    for changed in (
        Held("log", 9, held.root, held.note, held.cosignature, AT),
        Held("log", 10, bytes(32), held.note, held.cosignature, AT),
        Held("log", 10, held.root, noted(LEAVES[:9]), held.cosignature, AT),
        Held("log", 10, held.root, held.note, "", AT),
    ):
        with pytest.raises(NoteInvalid):
            holds(changed, LOG.verifier, WITNESS.verifier)


def test_each_region_has_a_key_of_its_own() -> None:
    keys = {str(regional_witness(bytes(32), code).verifier) for code in ("320100", "320200")}
    keys.add(str(regional_witness(bytes(range(32)), "320100").verifier))
    assert len(keys) == 3


def test_the_regions_of_an_entry() -> None:
    told = b'{"region":"320100","what":{"regions":{"320200":"ANSWERED","320400":"TIMED_OUT"}}}'
    assert regions_of(told) == {"320100", "320200", "320400"}
    for other in (b"{}", b"[]", b"nonsense", b'{"region":null,"what":null}', b'{"what":[]}'):
        assert regions_of(other) == frozenset()


@given(st.lists(st.tuples(st.integers(0, 2**63), st.binary(max_size=30))))
def test_a_side_is_read_as_it_is_written(entries: list[tuple[int, bytes]]) -> None:
    assert list(unpack_side(pack_side(entries))) == entries


def test_a_side_that_was_cut_is_named() -> None:
    with pytest.raises(ValueError, match="in the middle"):
        list(unpack_side(pack_side([(1, b"entry")])[:-1]))
    with pytest.raises(ValueError, match="without a number"):
        list(unpack_side(b"\0\0\0\1a"))

"""Commitments: the same for the same record, another for another, nothing without the key."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from resolvers.access_log.commitments import DIGITS, Commitments, commitments_in

KINDS = st.sampled_from(["contact", "case", "person"])
NUMBERS = st.integers(0, 2**63 - 1)
OURS = Commitments(bytes(range(32)))


@given(st.sets(st.tuples(KINDS, NUMBERS), min_size=1, max_size=20))
def test_each_record_has_one_of_its_own(records: set[tuple[str, int]]) -> None:
    found = {OURS.one(kind, number) for kind, number in records}
    assert len(found) == len(records)
    assert all(len(one) == DIGITS and int(one, 16) >= 0 for one in found)
    other = Commitments(bytes(32))
    assert not found & {other.one(kind, number) for kind, number in records}


@given(KINDS, st.lists(NUMBERS | st.text(max_size=5), max_size=20))
def test_a_list_is_one_after_the_other(kind: str, ids: list[int | str]) -> None:
    written = OURS.of(kind, ids)
    assert commitments_in(written) == [OURS.one(kind, one) for one in ids]


@given(KINDS, NUMBERS)
def test_whoever_has_the_key_can_open_it(kind: str, number: int) -> None:
    cipher = Cipher(algorithms.AES(OURS._blocks), modes.ECB()).decryptor()
    block = cipher.update(bytes.fromhex(OURS.one(kind, number)))
    assert int.from_bytes(block[8:]) == number


def test_what_is_told_has_commitments_for_numbers() -> None:
    told = {
        "count": 3,
        "records": {"contact": [1, 2], "person": [1]},
        "reasons": {"own": {"contact": [2]}},
        "wrote": {"case": [5]},
        "clear": ["Contact.name"],
    }
    one = OURS.one
    assert OURS.told(told) == {
        "count": 3,
        "records": {"contact": one("contact", 1) + one("contact", 2), "person": one("person", 1)},
        "reasons": {"own": {"contact": one("contact", 2)}},
        "wrote": {"case": one("case", 5)},
        "clear": ["Contact.name"],
    }
    assert told["records"] == {"contact": [1, 2], "person": [1]}
    assert OURS.told({"reasons": {}, "records": {}}) == {"reasons": {}, "records": {}}


def test_entries_of_version_0_1_have_numbers() -> None:
    assert commitments_in([5, 6]) == [5, 6]
    assert commitments_in(None) == []

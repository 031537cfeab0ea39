"""Blind indexes: equal items meet whatever way they are written, and nothing can be read off."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.blind_index import (
    BlindIndexer,
    check_digit,
    normal_id_number,
    normal_name,
    normal_phone,
)
from regions.errors import KeysError
from regions.key_ring import Key, KeyRing

indexer = BlindIndexer(b"i" * 32)
other = BlindIndexer(b"o" * 32)


@pytest.mark.parametrize(
    ("first17", "digit"),
    [("11010519491231002", "X"), ("44052418800101001", "4"), ("99010119900101001", "9")],
)
def test_the_checksum_of_gb_11643(first17: str, digit: str) -> None:
    assert check_digit(first17) == digit


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("11010519491231002X", "11010519491231002X"),
        ("11010519491231002x", "11010519491231002X"),
        (" 110105 19491231 002x ", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),  # full width
        ("110105-19491231-002X", "11010519491231002X"),
        ("110105491231002", "11010519491231002X"),  # fifteen digits, before 1999
        ("e12345678", "E12345678"),  # a passport
        ("፩" * 15, "፩" * 15),  # a digit by Unicode, but no number
        ("", ""),
    ],
)
def test_id_numbers_have_one_form(text: str, normal: str) -> None:
    assert normal_id_number(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("19000000001", "19000000001"),
        ("190 0000 0001", "19000000001"),
        ("190-0000-0001", "19000000001"),
        ("+86 190 0000 0001", "19000000001"),
        ("008619000000001", "19000000001"),
        ("（025）8350 0000", "02583500000"),
        ("＋８６１９００００００００１", "19000000001"),
        ("none", ""),
    ],
)
def test_phone_numbers_have_one_form(text: str, normal: str) -> None:
    assert normal_phone(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("王 伟", "王伟"),
        ("王\u3000伟", "王伟"),
        ("Wang Wei", "wangwei"),
        ("阿依古丽·买买提", "阿依古丽买买提"),
        ("阿依古丽・买买提", "阿依古丽买买提"),
        ("ＷＡＮＧ", "wang"),
    ],
)
def test_names_have_one_form(text: str, normal: str) -> None:
    assert normal_name(text) == normal


@given(st.text())
def test_a_form_is_its_own_form(text: str) -> None:
    for normalise in (normal_phone, normal_name):
        assert normalise(normalise(text)) == normalise(text)


def test_equal_items_meet_and_others_do_not() -> None:
    assert indexer.id_number("110105491231002") == indexer.id_number(" 11010519491231002x")
    assert indexer.id_number("11010519491231002X") != indexer.id_number("440524188001010014")
    assert indexer.phone("+8619000000001") == indexer.phone("190-0000-0001")
    wang = indexer.name_birth("王伟", "1985-03-01")
    assert wang == indexer.name_birth("王 伟", "1985-03-01")
    assert wang != indexer.name_birth("王伟", "1985-03-02")


def test_an_index_is_128_bits_that_hang_on_the_key() -> None:
    index = indexer.phone("19000000001")
    assert index is not None
    assert len(bytes.fromhex(index)) == 16
    assert index == index.lower()
    assert index != other.phone("19000000001")


def test_the_same_digits_as_different_items_do_not_meet() -> None:
    assert indexer.phone("19000000001") != indexer.id_number("19000000001")


def test_nothing_has_no_index() -> None:
    for index in (
        indexer.id_number(None),
        indexer.id_number(""),
        indexer.phone("unknown"),
        indexer.name_birth("王伟", None),
        indexer.name_birth(None, "1985-03-01"),
    ):
        assert index is None


def test_a_key_of_the_sm_suite_hashes_with_hmac_sm3() -> None:
    ring = KeyRing({0: Key(b"i" * 32), 1: Key(b"i" * 32, sm3=True)})
    whole = hmac.digest(b"i" * 32, b"phone|19000000001", "sm3").hex()
    assert BlindIndexer(ring).phone("+86 190 0000 0001") == whole[:32]
    assert BlindIndexer(ring).under(0).phone("19000000001") == indexer.phone("19000000001")


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(KeysError, match="the index key 7 is missing"):
        indexer.under(7).phone("19000000001")

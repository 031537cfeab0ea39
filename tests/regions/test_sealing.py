"""Sealing: what goes in comes out, and nothing opens that was changed, moved or made elsewhere."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import EnvelopeError
from regions.ids import first_id
from regions.sealing import ITEMS, Sealer

KEY = b"k" * 32
PERSON = first_id("3201") + 1
WANG: dict[str, str | int | None] = {
    "name": "王伟",
    "sex": "M",
    "age": 41,
    "birth_date": "1985-03-01",
    "phone": "190 0000 0001",
}

values = st.one_of(st.none(), st.text(), st.integers(-(2**53), 2**53))


def opens(sealer: Sealer, table: str, record: int, envelope: bytes) -> bool:
    try:
        sealer.open(table, record, envelope)
    except EnvelopeError:
        return False
    return True


@given(st.dictionaries(st.sampled_from(ITEMS["people"]), values))
def test_items_come_out_as_they_went_in(items: dict[str, str | int | None]) -> None:
    sealer = Sealer(KEY, "3201")
    opened = sealer.open("people", PERSON, sealer.seal("people", PERSON, items))
    assert opened == {name: items.get(name) for name in ITEMS["people"]}


@pytest.mark.parametrize("table", ITEMS)
def test_every_table_seals_its_own_items(table: str) -> None:
    sealer = Sealer(KEY, "3201")
    items: dict[str, str | int | None] = {name: f"{name}\x1e值" for name in ITEMS[table]}
    assert sealer.open(table, 7, sealer.seal(table, 7, items)) == items


def test_the_parts_are_json_texts_in_the_order_of_the_items() -> None:
    sealer = Sealer(KEY, "3201")
    parts = sealer.open_parts("people", PERSON, sealer.seal("people", PERSON, WANG))
    assert parts[:5] == ['"王伟"', '"M"', "41", '"1985-03-01"', "null"]
    assert len(parts) == len(ITEMS["people"])


def test_the_envelope_shows_nothing() -> None:
    sealer = Sealer(KEY, "3201")
    envelope = sealer.seal("people", PERSON, WANG)
    assert envelope[:2] == b"\x01\x00"
    assert "王伟".encode() not in envelope
    assert b"1985" not in envelope
    assert sealer.seal("people", PERSON, WANG) != envelope  # a new nonce each time


def test_an_envelope_opens_only_where_it_belongs() -> None:
    sealer = Sealer(KEY, "3201")
    envelope = sealer.seal("visits", PERSON, {"remarks": "发热"})
    assert opens(sealer, "visits", PERSON, envelope)
    assert opens(Sealer(KEY, "320100"), "visits", PERSON, envelope)  # the same region
    assert not opens(sealer, "visits", PERSON + 1, envelope)
    assert not opens(sealer, "samples", PERSON, envelope)
    assert not opens(Sealer(KEY, "3202"), "visits", PERSON, envelope)
    assert not opens(Sealer(b"x" * 32, "3201"), "visits", PERSON, envelope)


@given(st.data())
def test_an_envelope_that_was_changed_does_not_open(data: st.DataObject) -> None:
    sealer = Sealer(KEY, "3201")
    envelope = bytearray(sealer.seal("people", PERSON, WANG))
    at = data.draw(st.integers(0, len(envelope) - 1))
    envelope[at] ^= data.draw(st.integers(1, 255))
    assert not opens(sealer, "people", PERSON, bytes(envelope))


@pytest.mark.parametrize("envelope", [b"", b"\x01", b"\x01\x00", b"\x01\x00" + b"n" * 20])
def test_what_is_no_envelope_does_not_open(envelope: bytes) -> None:
    assert not opens(Sealer(KEY, "3201"), "people", PERSON, envelope)


def test_a_suite_or_key_of_later_days_is_named() -> None:
    envelope = Sealer(KEY, "3201").seal("people", PERSON, WANG)
    with pytest.raises(EnvelopeError, match="a suite or key this gateway does not have"):
        Sealer(KEY, "3201").open("people", PERSON, b"\x02" + envelope[1:])


def test_the_error_names_the_record_and_no_value() -> None:
    envelope = Sealer(KEY, "3201").seal("people", PERSON, WANG)
    with pytest.raises(EnvelopeError) as raised:
        Sealer(KEY, "3201").open("people", PERSON + 1, envelope)
    assert raised.value.details == {"table": "people", "record": PERSON + 1}
    assert "王" not in str(raised.value)


def test_items_appended_later_are_null_in_older_envelopes() -> None:
    nonce = b"n" * 12
    older = AESGCM(KEY).encrypt(nonce, '"王伟"\x1e"M"'.encode(), b"320100|people|%d" % PERSON)
    opened = Sealer(KEY, "3201").open("people", PERSON, b"\x01\x00" + nonce + older)
    assert (opened["name"], opened["sex"], opened["guardian"]) == ("王伟", "M", None)
    assert list(opened) == list(ITEMS["people"])

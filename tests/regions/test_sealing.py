"""Sealing: what goes in comes out, and nothing opens that was changed, moved or made elsewhere."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import EnvelopeError
from regions.ids import first_id
from regions.key_ring import Key, KeyRing
from regions.person_keys import ERASED, MISSING, new_salt
from regions.sealing import ERASED_ENVELOPE, ITEMS, Sealer, needs

KEY = b"k" * 32
PERSON = first_id("3201") + 1
WANG: dict[str, str | int | None] = {
    "name": "王伟",
    "sex": "M",
    "age": 41,
    "birth_date": "1985-03-01",
    "phone": "190 0000 0001",
}

SALT, OTHER = bytes(range(32)), bytes(range(1, 33))


def ring(*more: bytes, sm4: bool = False) -> KeyRing:
    """Keys from number 0 on."""
    keys = {number: Key(key) for number, key in enumerate((KEY, *more))}
    return KeyRing(keys, sm4=sm4)


values = st.one_of(st.none(), st.text(), st.integers(-(2**53), 2**53))


def opens(sealer: Sealer, table: str, record: int, envelope: bytes) -> bool:
    try:
        sealer.open(table, record, envelope)
    except EnvelopeError:
        return False
    return True


@given(st.dictionaries(st.sampled_from(ITEMS["people"]), values))
def test_items_come_out_as_they_went_in(items: dict[str, str | int | None]) -> None:
    wanted = {name: items.get(name) for name in ITEMS["people"]}
    for sealer in (Sealer(KEY, "3201"), Sealer(ring(sm4=True), "3201")):
        envelope = sealer.seal("people", PERSON, items)
        assert sealer.open("people", PERSON, envelope) == wanted
        envelope = sealer.person(SALT).seal("people", PERSON, items)
        assert sealer.open("people", PERSON, envelope, SALT) == wanted


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
        Sealer(KEY, "3201").open("people", PERSON, b"\x09" + envelope[1:])
    with pytest.raises(EnvelopeError, match="a suite or key this gateway does not have"):
        Sealer(KEY, "3201").open("people", PERSON, b"\x01\x01" + envelope[2:])


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


def test_each_suite_seals_with_what_the_manual_says() -> None:
    """The envelopes opened by `cryptography` alone, from the derivations as they are described."""
    associated, nonce_to = b"320100|people|%d" % PERSON, slice(2, 14)
    aes, sm4 = Sealer(ring(b"j" * 32), "3201"), Sealer(ring(b"j" * 32, sm4=True), "3201")

    envelope = aes.person(SALT).seal("people", PERSON, WANG)
    assert envelope[:2] == b"\x03\x01"
    wrapping = hmac.digest(b"j" * 32, b"epigate keys of people, AES-256", "sha256")
    ecb = Cipher(algorithms.AES(wrapping), modes.ECB()).encryptor()
    key = ecb.update(SALT)
    clear = AESGCM(key).decrypt(envelope[nonce_to], envelope[14:], associated)
    assert clear.startswith('"王伟"\x1e"M"'.encode())

    envelope = sm4.seal("people", PERSON, WANG)
    assert envelope[:2] == b"\x02\x01"
    key = hmac.digest(b"j" * 32, b"epigate SM4-GCM", "sm3")[:16]
    assert _sm4(key, envelope, associated) == clear

    envelope = sm4.person(SALT).seal("people", PERSON, WANG)
    assert envelope[:2] == b"\x04\x01"
    wrapping = hmac.digest(b"j" * 32, b"epigate keys of people, SM4", "sm3")[:16]
    key = Cipher(algorithms.SM4(wrapping), modes.ECB()).encryptor().update(SALT)[:16]
    assert _sm4(key, envelope, associated) == clear


def _sm4(key: bytes, envelope: bytes, associated: bytes) -> bytes:
    mode = modes.GCM(envelope[2:14], envelope[-16:])
    cipher = Cipher(algorithms.SM4(key), mode).decryptor()
    cipher.authenticate_additional_data(associated)
    return cipher.update(envelope[14:-16]) + cipher.finalize()


def test_every_suite_and_key_is_read_whatever_is_written_with() -> None:
    writers = [Sealer(ring(sm4=sm4), "3201") for sm4 in (False, True)]
    writers += [Sealer(ring(b"j" * 32, sm4=sm4), "3201") for sm4 in (False, True)]
    envelopes = [writer.seal("people", PERSON, WANG) for writer in writers]
    envelopes += [writer.person(SALT).seal("people", PERSON, WANG) for writer in writers]
    assert len({envelope[:2] for envelope in envelopes}) == 8
    count = len(envelopes)
    for reader in (Sealer(ring(b"j" * 32), "3201"), Sealer(ring(b"j" * 32, sm4=True), "3201")):
        found = reader.open_many("people", [PERSON] * count, envelopes, [SALT] * count)
        assert {parts[0] for parts in found} == {'"王伟"'}


def test_an_envelope_of_a_person_opens_with_that_persons_salt_alone() -> None:
    sealer = Sealer(KEY, "3201")
    envelope = sealer.person(SALT).seal("visits", 7, {"remarks": "发热"})
    assert sealer.open("visits", 7, envelope, SALT) == {"remarks": "发热"}
    for salt in (OTHER, MISSING):
        with pytest.raises(EnvelopeError):
            sealer.open("visits", 7, envelope, salt)
    for wrong in (Sealer(b"x" * 32, "3201"), Sealer(KEY, "3202")):
        with pytest.raises(EnvelopeError):
            wrong.open("visits", 7, envelope, SALT)
    with pytest.raises(EnvelopeError):
        sealer.open("visits", 8, envelope, SALT)


def test_an_erased_persons_items_are_null_and_nothing_is_sealed_again() -> None:
    sealer = Sealer(KEY, "3201")
    envelope = sealer.person(SALT).seal("people", PERSON, WANG)
    for gone, salt in ((envelope, ERASED), (ERASED_ENVELOPE, ERASED), (ERASED_ENVELOPE, SALT)):
        assert set(sealer.open("people", PERSON, gone, salt).values()) == {None}
    with pytest.raises(EnvelopeError, match="erased"):
        sealer.person(ERASED)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=9))
def test_many_are_opened_as_one_by_one(kinds: list[tuple[bool, bool, bool]]) -> None:
    keys = ring(b"j" * 32), ring(b"j" * 32, sm4=True)
    ids, envelopes, salts = [], [], []
    for number, (of_person, sm4, erased) in enumerate(kinds):
        sealer, salt = Sealer(keys[sm4], "3201"), new_salt()
        seal = sealer.person(salt).seal if of_person else sealer.seal
        ids.append(number)
        envelopes.append(seal("contacts", number, {"place": f"{number}"}))
        salts.append(ERASED if erased else salt if of_person else MISSING)
    reader = Sealer(keys[0], "3201")
    one_by_one = [
        reader.open_parts("contacts", *one) for one in zip(ids, envelopes, salts, strict=True)
    ]
    assert reader.open_many("contacts", ids, envelopes, salts) == one_by_one
    for number, (_, _, erased) in enumerate(kinds):
        assert one_by_one[number][0] == ("null" if erased else f'"{number}"')


def test_an_envelope_says_which_keys_it_needs() -> None:
    sealer = Sealer(ring(b"j" * 32, sm4=True), "3201")
    assert needs(sealer.seal("visits", 1, {})) == (1, False)
    assert needs(sealer.person(SALT).seal("visits", 1, {})) == (1, True)
    assert needs(ERASED_ENVELOPE) is None

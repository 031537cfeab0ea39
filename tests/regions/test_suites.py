"""Known answers of the ciphers of the SM suite."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from regions.suites import AesSuite, Sm4Gcm, Sm4Suite, Suite, hmac_sm3

# RFC 8998, appendix A.1
KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
NONCE = bytes.fromhex("00001234567800000000ABCD")
ASSOCIATED = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
CLEAR = bytes.fromhex(
    "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
    "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
)
SEALED = bytes.fromhex(
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    "83DE3541E4C2B58177E065A9BF7B62EC"
)


def test_sm4_gcm_gives_the_answer_of_rfc_8998() -> None:
    cipher = Sm4Gcm(KEY)
    assert cipher.encrypt(NONCE, CLEAR, ASSOCIATED) == SEALED
    assert cipher.decrypt(NONCE, SEALED, ASSOCIATED) == CLEAR


@given(st.integers(0, 8 * len(SEALED) - 1))
def test_one_bit_is_enough(bit: int) -> None:
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidTag):
        Sm4Gcm(KEY).decrypt(NONCE, bytes(changed), ASSOCIATED)


@pytest.mark.parametrize("length", [0, 15])
def test_what_is_shorter_than_a_tag_does_not_open(length: int) -> None:
    with pytest.raises(InvalidTag):
        Sm4Gcm(KEY).decrypt(NONCE, SEALED[:length], ASSOCIATED)


def _hmac(key: bytes, text: bytes) -> bytes:
    """RFC 2104 over SM3 of another library, which gives the answer of GB/T 32905 A.1."""
    block = hashlib.new("sm3", key).digest() if len(key) > 64 else key
    block = block.ljust(64, b"\x00")
    inner = hashlib.new("sm3", bytes(b ^ 0x36 for b in block) + text).digest()
    return hashlib.new("sm3", bytes(b ^ 0x5C for b in block) + inner).digest()


def test_hmac_sm3_is_rfc_2104_over_sm3() -> None:
    answer = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert hashlib.new("sm3", b"abc").hexdigest() == answer
    for key, text in ((b"k" * 32, b"abc"), (b"", b""), (b"k" * 65, "张三".encode())):
        assert hmac_sm3(key, text) == _hmac(key, text)


@pytest.mark.parametrize("suite", [AesSuite, Sm4Suite])
def test_people_have_keys_of_their_own(suite: type[Suite]) -> None:
    made, other = suite(b"k" * 32), suite(b"x" * 32)
    salts = [bytes([number]) * 32 for number in range(3)]
    ciphers = [*made.of_people(b"".join(salts)), *other.of_people(salts[0]), made.own]
    sealed = [cipher.encrypt(NONCE, b"clear", None) for cipher in ciphers]
    assert len(set(sealed)) == len(sealed)
    again = suite(b"k" * 32).of_people(salts[1])[0]
    assert again.decrypt(NONCE, sealed[1], None) == b"clear"

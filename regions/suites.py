"""The two suites of ciphers: AES-256 with BLAKE2b, and SM4 with SM3 (GB/T 32907, GB/T 32905).

Both seal with GCM, a nonce of 12 bytes and a tag of 16. All keys are derived from one secret of 32
bytes; the key of a person is the person's salt, enciphered: without the salt, which is destroyed to
erase the person, the secret does not give it.
"""

from __future__ import annotations

import hmac as _hmac
from abc import ABC, abstractmethod

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = [
    "NONCE_BYTES",
    "SALT_BYTES",
    "AesSuite",
    "Sm4Gcm",
    "Sm4Suite",
    "Suite",
    "hmac_sm3",
]

NONCE_BYTES = 12
SALT_BYTES = 32
_TAG_BYTES = 16
_SM4_KEY_BYTES = 16


def hmac_sm3(key: bytes, text: bytes) -> bytes:
    """HMAC with SM3, 32 bytes."""
    made = hmac.HMAC(key, hashes.SM3())
    made.update(text)
    return made.finalize()


class Sm4Gcm:
    """SM4-GCM with the two methods of `cryptography`'s AEAD classes (RFC 8998)."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The ciphertext and its tag."""
        cipher = Cipher(self._key, modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(associated_data or b"")
        return cipher.update(data) + cipher.finalize() + cipher.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The clear text. Raises InvalidTag."""
        if len(data) < _TAG_BYTES:
            raise InvalidTag
        mode = modes.GCM(nonce, data[-_TAG_BYTES:])
        cipher = Cipher(self._key, mode).decryptor()
        cipher.authenticate_additional_data(associated_data or b"")
        return cipher.update(data[:-_TAG_BYTES]) + cipher.finalize()


class Suite(ABC):
    """What one secret serves for in one suite."""

    name: str

    @abstractmethod
    def __init__(self, secret: bytes) -> None: ...

    own: AESGCM | Sm4Gcm
    """Seals what belongs to no person of a region."""

    @abstractmethod
    def of_people(self, salts: bytes) -> list[AESGCM | Sm4Gcm]:
        """What seals for each of the people whose salts stand one after the other."""


class AesSuite(Suite):
    """AES-256-GCM."""

    name = "AES-256-GCM"

    def __init__(self, secret: bytes) -> None:
        self.own = AESGCM(secret)
        wrapping = _hmac.digest(secret, b"epigate keys of people, AES-256", "sha256")
        self._wrap = Cipher(algorithms.AES256(wrapping), modes.ECB()).encryptor().update

    def of_people(self, salts: bytes) -> list[AESGCM | Sm4Gcm]:
        """One call for all: random salts are enciphered block by block."""
        keys = self._wrap(salts)
        return [AESGCM(keys[at : at + SALT_BYTES]) for at in range(0, len(keys), SALT_BYTES)]


class Sm4Suite(Suite):
    """SM4-GCM; keys have 16 bytes."""

    name = "SM4-GCM"

    def __init__(self, secret: bytes) -> None:
        self.own = Sm4Gcm(hmac_sm3(secret, b"epigate SM4-GCM")[:_SM4_KEY_BYTES])
        wrapping = hmac_sm3(secret, b"epigate keys of people, SM4")[:_SM4_KEY_BYTES]
        self._wrap = Cipher(algorithms.SM4(wrapping), modes.ECB()).encryptor().update

    def of_people(self, salts: bytes) -> list[AESGCM | Sm4Gcm]:
        """The first half of each enciphered salt is the key."""
        keys = self._wrap(salts)
        return [Sm4Gcm(keys[at : at + _SM4_KEY_BYTES]) for at in range(0, len(keys), SALT_BYTES)]

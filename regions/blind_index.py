"""Blind indexes: keyed hashes of 128 bits by which equal private items are found unseen (B13).

Keyed BLAKE2b, or HMAC-SM3 cut to 128 bits: the key says which (`regions.key_ring`).

The item is brought to one form first: NFKC, trimmed, an ID number in upper case and 18 digits
(15-digit numbers of before 1999 get their century and checksum), a phone number as digits without
the country's prefix, a name in lower case without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from regions.errors import KeysError
from regions.index_keys import IndexState
from regions.key_ring import KeyRing
from regions.people import INDEX_SETS
from regions.suites import hmac_sm3

__all__ = [
    "BlindIndexer",
    "PersonIndexes",
    "check_digit",
    "normal_id_number",
    "normal_name",
    "normal_phone",
]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_BYTES = 16
_SETS = len(INDEX_SETS)
_NO_INDEXES = (None, None, None)

PersonIndexes = tuple[str | None, str | None, str | None]
"""Blind indexes of ID number, phone, and name with birth date."""


def check_digit(first17: str) -> str:
    """The checksum of an ID number by GB 11643 (ISO 7064 MOD 11-2)."""
    return _CHECK[sum(int(d) * w for d, w in zip(first17, _WEIGHTS, strict=True)) % 11]


def normal_id_number(text: str) -> str:
    """The one form of an ID number; other documents' numbers only lose their spaces."""
    if not (text.isascii() and text.isalnum()):
        text = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    text = text.upper()
    if len(text) == 15 and text.isascii() and text.isdigit():
        first17 = f"{text[:6]}19{text[6:]}"
        return first17 + check_digit(first17)
    return text


def normal_phone(text: str) -> str:
    """Digits only, without +86 or 0086."""
    if not (text.isascii() and text.isdigit()):
        text = re.sub(r"[^\d+]", "", unicodedata.normalize("NFKC", text))
    for prefix in ("+86", "0086"):
        if text.startswith(prefix):
            text = text[len(prefix) :]
    return text.replace("+", "")


def normal_name(text: str) -> str:
    """NFKC, lower case, no spaces or middle dots."""
    bare = re.sub(r"[\s\u00b7\u2022\u30fb]", "", unicodedata.normalize("NFKC", text)).lower()
    return unicodedata.normalize("NFKC", bare)  # what a space stood between may compose now


class BlindIndexer:
    """Hashes items with a key of the ring, by default the newest. An empty or missing item has no
    index (None).
    """

    def __init__(self, keys: KeyRing | bytes, number: int | None = None) -> None:
        self._ring, self._number = KeyRing.of(keys), number

    def under(self, number: int) -> BlindIndexer:
        """The one that hashes with the key of a number."""
        return BlindIndexer(self._ring, number)

    @property
    def newest(self) -> int:
        """The number of the newest key."""
        return self._ring.newest

    def every(self) -> tuple[BlindIndexer, ...]:
        """One for each key there is: while keys change, people are looked for under all."""
        return tuple([self.under(number) for number in self._ring.numbers()])

    def person(self, items: Mapping[str, Any]) -> PersonIndexes:
        """The indexes of a person's items: ID number, phone, name with birth date."""
        number, phone, name, birth = (
            str(items[one]) if items.get(one) else None
            for one in ("id_number", "phone", "name", "birth_date")
        )
        return self.id_number(number), self.phone(phone), self.name_birth(name, birth)

    def columns(self, items: Mapping[str, Any], state: IndexState) -> tuple[str | None, ...]:
        """What a person's columns of `INDEX_SETS` hold while a store is in a state, in order."""
        found: list[str | None] = [None] * (_SETS * len(_NO_INDEXES))
        for used, number in state.written.items():
            start = used * len(_NO_INDEXES)
            found[start : start + len(_NO_INDEXES)] = self.under(number).person(items)
        return tuple(found)

    def id_number(self, text: str | None) -> str | None:
        """Index of an ID number."""
        return self._hash("id_number", normal_id_number(text)) if text else None

    def phone(self, text: str | None) -> str | None:
        """Index of a phone number."""
        return self._hash("phone", normal_phone(text)) if text else None

    def name_birth(self, name: str | None, birth_date: str | None) -> str | None:
        """Index of name and birth date (ISO) together; either alone has none."""
        if not name or not birth_date:
            return None
        return self._hash("name_birth", f"{normal_name(name)}|{birth_date}")

    def content(self, data: bytes) -> str:
        """A hash of content, `<number of the key>:<128 bits>`: equal to no index of an item."""
        number = self._ring.newest if self._number is None else self._number
        return f"{number}:{self._keyed(number, b'content|' + data)}"

    def _hash(self, item: str, normal: str) -> str | None:
        if not normal:
            return None
        number = self._ring.newest if self._number is None else self._number
        return self._keyed(number, f"{item}|{normal}".encode())

    def _keyed(self, number: int, text: bytes) -> str:
        key = self._ring.find(number)
        if key is None:
            raise KeysError(
                f"the index key {number} is missing",
                hint="restore it to the key folder, or run `epigate keys status`",
                key="index",
            )
        if key.sm3:
            return hmac_sm3(key.secret, text)[:_BYTES].hex()
        return blake2b(text, key=key.secret, digest_size=_BYTES).hexdigest()

"""Blind indexes: keyed hashes of 128 bits by which equal private items are found unseen (B13).

The item is brought to one form first: NFKC, trimmed, an ID number in upper case and 18 digits
(15-digit numbers of before 1999 get their century and checksum), a phone number as digits without
the country's prefix, a name in lower case without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

__all__ = ["BlindIndexer", "check_digit", "normal_id_number", "normal_name", "normal_phone"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_BYTES = 16


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
    """Hashes items with the index key. An empty or missing item has no index (None)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

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

    def _hash(self, item: str, normal: str) -> str | None:
        if not normal:
            return None
        text = f"{item}|{normal}".encode()
        return blake2b(text, key=self._key, digest_size=_BYTES).hexdigest()

"""Page cursors: the keys of the last record, encrypted, bound to the list and its order.

AES-SIV: the same place gives the same cursor, and one that was changed, or made for another list or
order, does not open. A cursor tells nothing of the keys in it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from regions.errors import InvalidCursor

__all__ = ["Cursors"]


class Cursors:
    """Makes and opens cursors."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, place: list[Any], bound_to: bytes) -> str:
        """The cursor of a place: the keys of a record."""
        return _written(self._cipher.encrypt(orjson.dumps(place), [bound_to]))

    def open(self, cursor: str, bound_to: bytes, length: int) -> list[Any]:
        """The keys. Raises InvalidCursor."""
        try:
            if len(cursor) > 2000:
                raise ValueError
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            if _written(raw) != cursor:  # the decoder overlooks what is no part of its alphabet
                raise ValueError
            place = orjson.loads(self._cipher.decrypt(raw, [bound_to]))
        except (ValueError, InvalidTag, binascii.Error):
            raise InvalidCursor(
                "the cursor was not made for this list in this order",
                hint="take `after` from pageInfo.endCursor of the same question, or leave it out",
            ) from None
        if not isinstance(place, list) or len(place) != length:
            raise InvalidCursor("the cursor was not made for this list in this order")
        return place


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

"""Sealing: one encrypted value for all private items of a record (F10).

Envelope: 1 byte version and suite (1 = AES-256-GCM), 1 byte key number, 12 bytes nonce, the
ciphertext and its tag of 16 bytes. Associated data: region, table and record id, so that an
envelope moved to another record, table or region does not open. The clear text is the items in
their fixed order, each as JSON text, with U+001E between them (a JSON text sequence, RFC 7464,
without the line feeds): opened and split, the parts go into a response as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regions.alarms import ALARM_ITEMS
from regions.cases import CASE_ITEMS, EXPOSURE_ITEMS
from regions.contacts import CONTACT_ITEMS, SAMPLE_ITEMS, VISIT_ITEMS
from regions.corrections import CORRECTION_ITEMS
from regions.errors import EnvelopeError
from regions.ids import padded
from regions.offices import DUTY_ITEMS, FILING_ITEMS, RESPONSIBLE_ITEMS
from regions.people import PERSON_ITEMS
from regions.sign_in import FACTOR_ITEMS
from regions.users import STAFF_ITEMS

__all__ = ["ITEMS", "Sealer"]

ITEMS: Mapping[str, tuple[str, ...]] = {
    "people": PERSON_ITEMS,
    "cases": CASE_ITEMS,
    "exposures": EXPOSURE_ITEMS,
    "contacts": CONTACT_ITEMS,
    "visits": VISIT_ITEMS,
    "samples": SAMPLE_ITEMS,
    "corrections": CORRECTION_ITEMS,
    "alarms": ALARM_ITEMS,
    "accounts": STAFF_ITEMS,
    "registrations": STAFF_ITEMS,
    "administrator_filings": FILING_ITEMS,
    "responsible_persons": RESPONSIBLE_ITEMS,
    "duty_persons": DUTY_ITEMS,
    "second_factors": FACTOR_ITEMS,
}
"""The sealed items of each table, in the order of its envelope. Items are only ever appended."""

_SEPARATOR = b"\x1e"
_HEAD = b"\x01\x00"  # AES-256-GCM, key 0
_NONCE = 12


class Sealer:
    """Seals and opens the private items of one region's records."""

    def __init__(self, key: bytes, region: str) -> None:
        self._cipher = AESGCM(key)
        self._prefix = {table: f"{padded(region)}|{table}|".encode() for table in ITEMS}

    def seal(self, table: str, record_id: int, items: Mapping[str, str | int | None]) -> bytes:
        """The envelope of a record's items (names of `ITEMS[table]`; absent ones are null)."""
        values = [orjson.dumps(items.get(name)) for name in ITEMS[table]]
        return self.seal_parts(table, record_id, values)

    def seal_parts(self, table: str, record_id: int, parts: Iterable[bytes]) -> bytes:
        """The envelope of items that are JSON texts already, in the order of `ITEMS[table]`."""
        nonce = os.urandom(_NONCE)
        clear = _SEPARATOR.join(parts)
        associated = self._prefix[table] + b"%d" % record_id
        return _HEAD + nonce + self._cipher.encrypt(nonce, clear, associated)

    def open_parts(self, table: str, record_id: int, envelope: bytes) -> list[str]:
        """The items as JSON texts in the order of `ITEMS[table]`. Raises EnvelopeError."""
        return self.opener(table)(record_id, envelope)

    def opener(self, table: str) -> Callable[[int, bytes], list[str]]:
        """What `open_parts` does for one table, without looking anything up for each envelope."""
        decrypt, prefix, count = self._cipher.decrypt, self._prefix[table], len(ITEMS[table])

        def open_one(record_id: int, envelope: bytes) -> list[str]:
            if not envelope.startswith(_HEAD):
                raise EnvelopeError("the envelope names a suite or key this gateway does not have")
            try:
                clear = decrypt(envelope[2:14], envelope[14:], prefix + b"%d" % record_id)
            except (InvalidTag, ValueError):  # ValueError: too short to be an envelope
                raise EnvelopeError(
                    "a sealed value does not open: changed, moved, or sealed with another key",
                    table=table,
                    record=record_id,
                ) from None
            parts = clear.decode().split("\x1e")
            missing = count - len(parts)  # sealed before items were appended
            return parts + ["null"] * missing if missing else parts

        return open_one

    def open(self, table: str, record_id: int, envelope: bytes) -> dict[str, str | int | None]:
        """The items by name. Raises EnvelopeError."""
        parts = self.open_parts(table, record_id, envelope)
        return dict(zip(ITEMS[table], _loads(parts), strict=True))


def _loads(parts: Sequence[str]) -> list[str | int | None]:
    return [orjson.loads(part) for part in parts]

"""Sealing: one encrypted value for all private items of a record (F10).

Envelope: 1 byte version and suite, 1 byte key number, 12 bytes nonce, the ciphertext and its tag of
16 bytes. The first byte is

    1  AES-256-GCM under a key of the ring      3  AES-256-GCM under the person's key
    2  SM4-GCM under a key of the ring          4  SM4-GCM under the person's key

and a single byte 0 is what is left of a record of an erased person. What belongs to a person of a
region is sealed under that person's key: derived from a key of the ring and the person's salt
(`regions.person_keys`), and gone with the salt. Associated data: region, table and record id, so
that an envelope moved to another record, table or region does not open. The clear text is the items
in their fixed order, each as JSON text, with U+001E between them (a JSON text sequence, RFC 7464,
without the line feeds): opened and split, the parts go into a response as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regions.alarms import ALARM_ITEMS
from regions.alerts_changes import RULE_CHANGE_ITEMS
from regions.alerts_forms import (
    FORM_ITEMS,
    SIGNAL_ATTACHMENT_ITEMS,
    SIGNAL_CARD_ITEMS,
    SIGNAL_CONTENT_ITEMS,
)
from regions.assist import (
    ASSIST_ATTACHMENT_ITEMS,
    ASSIST_CONTENT_ITEMS,
    ASSIST_PERSON_ITEMS,
    ASSIST_REQUEST_ITEMS,
)
from regions.cases import CASE_ITEMS, EXPOSURE_ITEMS
from regions.contacts import CONTACT_ITEMS, SAMPLE_ITEMS, VISIT_ITEMS
from regions.corrections import CORRECTION_ITEMS
from regions.erasures import ERASURE_ITEMS
from regions.errors import EnvelopeError
from regions.ids import padded
from regions.key_ring import KeyRing
from regions.offices import DUTY_ITEMS, FILING_ITEMS, RESPONSIBLE_ITEMS
from regions.people import PERSON_ITEMS
from regions.person_keys import ERASED, MISSING
from regions.privacy import (
    APPLICATION_ITEMS,
    DATA_REQUEST_ITEMS,
    EMERGENCY_ITEMS,
    SIGNATURE_ITEMS,
)
from regions.sign_in import FACTOR_ITEMS
from regions.suites import NONCE_BYTES, AesSuite, Sm4Gcm, Sm4Suite, Suite
from regions.transfers import TRANSFER_ITEMS
from regions.users import STAFF_ITEMS

__all__ = ["ERASED_ENVELOPE", "ITEMS", "Items", "PersonSealer", "Sealer", "needs"]

ITEMS: Mapping[str, tuple[str, ...]] = {
    "people": PERSON_ITEMS,
    "cases": CASE_ITEMS,
    "exposures": EXPOSURE_ITEMS,
    "contacts": CONTACT_ITEMS,
    "visits": VISIT_ITEMS,
    "samples": SAMPLE_ITEMS,
    "corrections": CORRECTION_ITEMS,
    "assist_requests": ASSIST_REQUEST_ITEMS,
    "assist_people": ASSIST_PERSON_ITEMS,
    "assist_attachments": ASSIST_ATTACHMENT_ITEMS,
    "assist_contents": ASSIST_CONTENT_ITEMS,
    "signal_cards": SIGNAL_CARD_ITEMS,
    "investigation_forms": FORM_ITEMS,
    "signal_attachments": SIGNAL_ATTACHMENT_ITEMS,
    "signal_contents": SIGNAL_CONTENT_ITEMS,
    "erasures": ERASURE_ITEMS,
    "alarms": ALARM_ITEMS,
    "transfer_people": TRANSFER_ITEMS,
    "accounts": STAFF_ITEMS,
    "registrations": STAFF_ITEMS,
    "administrator_filings": FILING_ITEMS,
    "responsible_persons": RESPONSIBLE_ITEMS,
    "duty_persons": DUTY_ITEMS,
    "second_factors": FACTOR_ITEMS,
    "privacy_applications": APPLICATION_ITEMS,
    "privacy_signatures": SIGNATURE_ITEMS,
    "emergencies": EMERGENCY_ITEMS,
    "data_requests": DATA_REQUEST_ITEMS,
    "rule_changes": RULE_CHANGE_ITEMS,
}
"""The sealed items of each table, in the order of its envelope. Items are only ever appended."""

ERASED_ENVELOPE = b"\x00"
"""Stands where a record of an erased person had its envelope; every item reads as null."""

Items = Mapping[str, str | int | None]
_Cipher = AESGCM | Sm4Gcm

_SEPARATOR = b"\x1e"
_HEAD = 2
_BODY = _HEAD + NONCE_BYTES
_SUITES: Mapping[int, type[Suite]] = {1: AesSuite, 2: Sm4Suite, 3: AesSuite, 4: Sm4Suite}
_OF_PERSON = 2  # added to the first byte


def needs(envelope: bytes) -> tuple[int, bool] | None:
    """The number of the key an envelope needs, and whether with the person's; None if erased."""
    if envelope[:1] == ERASED_ENVELOPE:
        return None
    return envelope[1], envelope[0] > _OF_PERSON


class Sealer:
    """Seals and opens the private items of one region's records. Of one thread."""

    def __init__(self, keys: KeyRing | bytes, region: str) -> None:
        self._ring = KeyRing.of(keys)
        self._suites: dict[tuple[int, int], Suite] = {}
        self._prefix = {table: f"{padded(region)}|{table}|".encode() for table in ITEMS}

    @property
    def heads(self) -> tuple[bytes, bytes]:
        """The first two bytes of what is sealed now: of what is nobody's, and under a person's
        key.
        """
        number = self._ring.newest
        return bytes((2 if self._ring.sm4 else 1, number)), bytes(
            (4 if self._ring.sm4 else 3, number)
        )

    def seal(self, table: str, record_id: int, items: Items) -> bytes:
        """The envelope of a record that belongs to no person (names of `ITEMS[table]`; absent ones
        are null).
        """
        return self.seal_parts(table, record_id, parts_of(table, items))

    def seal_parts(self, table: str, record_id: int, parts: Iterable[bytes]) -> bytes:
        """The envelope of items that are JSON texts already, in the order of `ITEMS[table]`."""
        head = self.heads[0]
        return self._sealed(head, self._suite(*head).own, table, record_id, parts)

    @staticmethod
    def usable(salt: bytes) -> bool:
        """Whether a person of this salt has a key."""
        return salt not in (ERASED, MISSING)

    def person(self, salt: bytes) -> PersonSealer:
        """What seals a person's records under the person's key. Raises EnvelopeError if erased."""
        if not self.usable(salt):
            raise EnvelopeError("an erased person's records cannot be sealed again")
        head = self.heads[1]
        cipher = self._suite(*head).of_people(salt)[0]
        return PersonSealer(self, head, cipher)

    def people(self, salts: Mapping[int, bytes]) -> dict[int, PersonSealer]:
        """As `person`, for many people by id."""
        if not all(map(self.usable, salts.values())):
            raise EnvelopeError("an erased person's records cannot be sealed again")
        if not salts:
            return {}
        head = self.heads[1]
        ciphers = self._suite(*head).of_people(b"".join(salts.values()))
        return {
            person: PersonSealer(self, head, cipher)
            for person, cipher in zip(salts, ciphers, strict=True)
        }

    def _sealed(
        self, head: bytes, cipher: _Cipher, table: str, record_id: int, parts: Iterable[bytes]
    ) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        associated = self._prefix[table] + b"%d" % record_id
        return head + nonce + cipher.encrypt(nonce, _SEPARATOR.join(parts), associated)

    def open_parts(
        self, table: str, record_id: int, envelope: bytes, salt: bytes = MISSING
    ) -> list[str]:
        """The items as JSON texts in the order of `ITEMS[table]`. Raises EnvelopeError."""
        return self.open_many(table, [record_id], [envelope], [salt])[0]

    def open_many(
        self,
        table: str,
        ids: Sequence[int],
        envelopes: Sequence[bytes],
        salts: Sequence[bytes],
    ) -> list[list[str]]:
        """The items of many records of one table; salts of those whose person has none are MISSING.

        Raises EnvelopeError.
        """
        flat, count = self.open_flat(table, ids, envelopes, salts), len(ITEMS[table])
        return [flat[at : at + count] for at in range(0, len(flat), count)]

    def open_named(
        self,
        table: str,
        ids: Sequence[int],
        envelopes: Sequence[bytes],
        salts: Sequence[bytes],
    ) -> list[dict[str, str | int | None]]:
        """What `open_many` gives, as values by name."""
        return [
            dict(zip(ITEMS[table], map(orjson.loads, parts), strict=True))
            for parts in self.open_many(table, ids, envelopes, salts)
        ]

    @staticmethod
    def count(table: str) -> int:
        """How many items a record of a table has."""
        return len(ITEMS[table])

    def open_flat(
        self,
        table: str,
        ids: Sequence[int],
        envelopes: Sequence[bytes],
        salts: Sequence[bytes],
    ) -> list[str]:
        """What `open_many` gives, all items one after the other."""
        if not ids:
            return []
        texts, count = self._clear(table, ids, envelopes, salts), len(ITEMS[table])
        flat = _SEPARATOR.join(texts).decode().split("\x1e")
        if len(flat) == count * len(ids):
            return flat
        flat = []
        for clear in texts:
            parts = clear.decode().split("\x1e")[:count]
            flat += parts + ["null"] * (count - len(parts))  # sealed before items were appended
        return flat

    def _clear(
        self,
        table: str,
        ids: Sequence[int],
        envelopes: Sequence[bytes],
        salts: Sequence[bytes],
    ) -> list[bytes]:
        """What stands in the envelopes of one table, items separated by U+001E."""
        associated = self._prefix[table] + b"%d"
        texts: list[bytes] = []
        add = texts.append
        try:
            for record_id, envelope, cipher in zip(
                ids, envelopes, self._ciphers(envelopes, salts), strict=True
            ):
                if cipher is None:
                    add(_SEPARATOR.join([b"null"] * len(ITEMS[table])))
                else:
                    nonce, sealed = envelope[_HEAD:_BODY], envelope[_BODY:]
                    add(cipher.decrypt(nonce, sealed, associated % record_id))
        except (InvalidTag, ValueError):  # ValueError: too short to be an envelope
            raise EnvelopeError(
                "a sealed value does not open: changed, moved, or sealed with another key",
                table=table,
                record=ids[len(texts)],
            ) from None
        return texts

    def _ciphers(
        self, envelopes: Sequence[bytes], salts: Sequence[bytes]
    ) -> Sequence[_Cipher | None]:
        """What opens each envelope; None where its person is erased."""
        heads = {envelope[:_HEAD] for envelope in envelopes}
        if len(heads) == 1 and MISSING not in salts and ERASED not in salts:
            (head,) = heads
            if len(head) == _HEAD and head[0] > _OF_PERSON:
                return self._suite(*head).of_people(b"".join(salts))
        return [self._cipher(*one) for one in zip(envelopes, salts, strict=True)]

    def _cipher(self, envelope: bytes, salt: bytes) -> _Cipher | None:
        if envelope == ERASED_ENVELOPE or salt == ERASED:
            return None
        if len(envelope) < _BODY:
            raise ValueError("too short")
        suite = self._suite(envelope[0], envelope[1])
        if envelope[0] <= _OF_PERSON:
            return suite.own
        if salt == MISSING:
            raise EnvelopeError("a person's key is missing: was the store restored without it?")
        return suite.of_people(salt)[0]

    def _suite(self, kind: int, number: int) -> Suite:
        suite = self._suites.get((kind, number))
        if suite is None:
            key, make = self._ring.find(number), _SUITES.get(kind)
            if key is None or make is None:
                raise EnvelopeError("the envelope names a suite or key this gateway does not have")
            suite = make(key.secret)
            for shared in (kind, kind + _OF_PERSON if kind <= _OF_PERSON else kind - _OF_PERSON):
                self._suites[(shared, number)] = suite
        return suite

    def open(
        self, table: str, record_id: int, envelope: bytes, salt: bytes = MISSING
    ) -> dict[str, str | int | None]:
        """The items by name. Raises EnvelopeError."""
        parts = self.open_parts(table, record_id, envelope, salt)
        return dict(zip(ITEMS[table], map(orjson.loads, parts), strict=True))


class PersonSealer:
    """Seals the records of one person (`Sealer.person`)."""

    __slots__ = ("_cipher", "_head", "_sealer")

    def __init__(self, sealer: Sealer, head: bytes, cipher: _Cipher) -> None:
        self._sealer, self._head, self._cipher = sealer, head, cipher

    def seal(self, table: str, record_id: int, items: Items) -> bytes:
        """The envelope of a record's items (names of `ITEMS[table]`; absent ones are null)."""
        return self.seal_parts(table, record_id, parts_of(table, items))

    def seal_parts(self, table: str, record_id: int, parts: Iterable[bytes]) -> bytes:
        """The envelope of items that are JSON texts already, in the order of `ITEMS[table]`."""
        return self._sealer._sealed(self._head, self._cipher, table, record_id, parts)


def parts_of(table: str, items: Items) -> list[bytes]:
    """Items as JSON texts, in the order of `ITEMS[table]`."""
    return [orjson.dumps(items.get(name)) for name in ITEMS[table]]

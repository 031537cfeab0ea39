"""Keyed commitments: how the log names records without their numbers (G2).

A record is one AES-256 block of 16 bytes, the first 8 of SHA-256 of its kind and its 64-bit
number, encrypted under a key that serves nothing else (derived from the key `log`). On single
blocks AES is a keyed permutation, so a commitment is

- deterministic: the same record has the same one everywhere, so the log can be searched for it,
- binding: two records never share one (a permutation), whoever knows the key can open it,
- hiding: without the key it tells nothing but that two are of the same record.

ECB is what makes it so (one call for a whole list); as a mode for messages it would be wrong. Ids
that are no numbers (of rows of the gateway's own store) get 16 bytes of HMAC-SHA256 instead.

In an entry, those of a list are written one after the other in hexadecimal, 32 digits each:
searching the log for a record is searching its text for its commitment.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["DIGITS", "Commitments", "commitments_in"]

DIGITS = 32
"""Hexadecimal digits of a commitment."""

_COMMITTED = ("records", "wrote")


class Commitments:
    """Commitments under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._blocks = hmac.digest(key, b"epigate commitments of numbers", "sha256")
        self._others = hmac.digest(key, b"epigate commitments of texts", "sha256")
        # ECB keeps no state between blocks, so one context serves for ever.
        self._encrypt = Cipher(algorithms.AES(self._blocks), modes.ECB()).encryptor().update
        self._decrypt = Cipher(algorithms.AES(self._blocks), modes.ECB()).decryptor().update
        self._tags: dict[str, int] = {}

    def of(self, kind: str, ids: Sequence[Any]) -> str:
        """The commitments of records of a kind, one after the other."""
        blocks = [self._tag(kind)] * (2 * len(ids))
        blocks[1::2] = ids
        try:
            return self._encrypt(struct.pack(f">{len(blocks)}Q", *blocks)).hex()
        except struct.error:  # ids that are texts
            return "".join(self.one(kind, one) for one in ids)

    def one(self, kind: str, record: int | str) -> str:
        """The commitment of one record, to search for."""
        if isinstance(record, int) and 0 <= record < 1 << 64:
            return self._encrypt(struct.pack(">2Q", self._tag(kind), record)).hex()
        named = f"{kind}\0{record}".encode()
        return hmac.digest(self._others, named, "sha256")[: DIGITS // 2].hex()

    def opened(self, kind: str, commitment: str) -> int | None:
        """The number of a record; None where the commitment is of another kind, or of no number."""
        try:
            raw = bytes.fromhex(commitment)
        except ValueError:
            return None
        if len(raw) != DIGITS // 2:
            return None
        tag, number = struct.unpack(">2Q", self._decrypt(raw))
        return int(number) if tag == self._tag(kind) else None

    def told(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What `Trail.told` tells, its records as commitments."""
        found = dict(told)
        for name in _COMMITTED:
            if name in found:
                found[name] = self._of_kinds(found[name])
        if found.get("reasons"):
            reasons: Mapping[str, Mapping[str, Sequence[Any]]] = found["reasons"]
            found["reasons"] = {why: self._of_kinds(kinds) for why, kinds in reasons.items()}
        return found

    def _of_kinds(self, kinds: Mapping[str, Sequence[Any]]) -> dict[str, str]:
        return {kind: self.of(kind, ids) for kind, ids in kinds.items()}

    def _tag(self, kind: str) -> int:
        tag = self._tags.get(kind)
        if tag is None:
            tag = self._tags[kind] = int.from_bytes(sha256(kind.encode()).digest()[:8])
        return tag


def commitments_in(written: Any) -> list[Any]:
    """The commitments written in an entry under a kind; of version 0.1, the numbers."""
    if isinstance(written, str):
        return [written[at : at + DIGITS] for at in range(0, len(written), DIGITS)]
    return list(written) if isinstance(written, Iterable) else []

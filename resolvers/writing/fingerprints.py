"""Keyed hashes of idempotency keys and of what came with them: compared, never read."""

from __future__ import annotations

import hmac
from typing import Any

import orjson

__all__ = ["Fingerprints"]


class Fingerprints:
    """Makes fingerprints. Its key is derived from the index key and serves for nothing else."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"epigate idempotency", "sha256")

    def of_key(self, account: str, key: str) -> str:
        """What stands for a client's idempotency key: a client may have put anything into it."""
        return self._hash("key", account, key)

    def of_payload(self, account: str, key: str, operation: str, payload: Any) -> str:
        """What stands for an operation and its input (plain data) under a key.

        Equal inputs under two keys, or of two accounts, have different fingerprints.
        """
        return self._hash("payload", account, key, operation, payload)

    def _hash(self, *parts: Any) -> str:
        text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(self._key, text, "sha256").hex()

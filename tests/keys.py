"""The keys of the tests' stores: always the same."""

from __future__ import annotations

from regions.key_ring import KeyRing
from regions.keys import Keys

__all__ = ["keys_of", "same_keys"]


def keys_of(sealing: bytes, index: bytes, cursor: bytes, log: bytes, log_signing: bytes) -> Keys:
    """Keys with rings of one."""
    return Keys(KeyRing.of(sealing), KeyRing.of(index), cursor, log, log_signing)


def same_keys() -> Keys:
    """The same in every test."""
    return keys_of(*(bytes([number]) * 32 for number in (1, 2, 3, 4, 5)))

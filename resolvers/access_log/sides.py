"""Both sides of a read: which regions an entry concerns, and how they keep it (G5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from resolvers.access_log.tiles import pack_entries, unpack_entries

__all__ = ["pack_side", "regions_of", "unpack_side"]


def regions_of(entry: bytes | str) -> frozenset[str]:
    """The regions an entry concerns: those asked or written to, and the viewer's own."""
    try:
        said: Any = orjson.loads(entry)
    except orjson.JSONDecodeError:
        return frozenset()
    if not isinstance(said, dict):
        return frozenset()
    what = said.get("what")
    asked = what.get("regions") if isinstance(what, dict) else None
    found = set(asked) if isinstance(asked, dict) else set()
    if isinstance(said.get("region"), str):
        found.add(said["region"])
    return frozenset(found)


def pack_side(entries: Iterable[tuple[int, bytes]]) -> bytes:
    """Entries with their numbers, as a bundle: each its number in 8 bytes and its own bytes."""
    return pack_entries(number.to_bytes(8) + entry for number, entry in entries)


def unpack_side(bundle: bytes) -> Iterator[tuple[int, bytes]]:
    """The entries of a bundle. Raises ValueError where it ends too early."""
    for packed in unpack_entries(bundle):
        if len(packed) < 8:
            raise ValueError("an entry without a number")
        yield int.from_bytes(packed[:8]), packed[8:]

"""One list of the entries of several logs, the newest first.

Each log is in the order of its numbers, and of two logs the one whose next entry is younger goes
first. So what follows depends on nothing but the place reached in each log: pages are cut anywhere,
and what is appended meanwhile moves none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from resolvers.access_log.wanted import Found

__all__ = ["Merged", "Placed", "merged"]


class Placed(NamedTuple):
    """An entry of a log, and the place in each log behind it: entries of lower numbers follow."""

    origin: str
    number: int
    text: str
    places: dict[str, int]


class Merged(NamedTuple):
    """A page, the place in each log where it ends, and whether more may follow."""

    entries: list[Placed]
    places: dict[str, int]
    more: bool


def merged(found: Mapping[str, Found], size: int) -> Merged:
    """At most `size` entries of what was found in each log (by its origin).

    The page ends early where the entries found of a log are used up and looking through it is not:
    the next may be younger than what other logs have.
    """
    left = {origin: list(reversed(one.entries)) for origin, one in found.items()}
    places = {
        origin: one.entries[0][0] + 1 if one.entries else one.at for origin, one in found.items()
    }
    entries: list[Placed] = []
    while len(entries) < size:
        if any(one.more and not left[origin] for origin, one in found.items()):
            break
        heads = [(_at(rest[-1][1]), origin) for origin, rest in left.items() if rest]
        if not heads:
            break
        _, origin = max(heads)
        number, text = left[origin].pop()
        places[origin] = number if left[origin] else found[origin].at
        entries.append(Placed(origin, number, text, dict(places)))
    more = any(rest or found[origin].more for origin, rest in left.items())
    return Merged(entries, places, more)


def _at(text: str) -> str:
    """When an entry was made, as it says."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    return str(said.get("at") or "") if isinstance(said, dict) else ""

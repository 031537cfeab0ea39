"""Numbers of letters: the issuing unit's code, the year in China, and a serial of the store."""

from __future__ import annotations

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from regions.corrections import sequences
from regions.fencing import fences
from regions.instants import seconds_of
from resolvers.writing.values import day_of

__all__ = ["new_number"]

_SEQUENCE = "assist"


def new_number(connection: Connection, code: str, at: str) -> str:
    """The next number of a letter: `320104-2026-000017`, one in the country, since a unit's letters
    are all written in one store.

    A store that was put back from a backup has forgotten numbers. From then on it gives none below
    the minutes of the year in which that was found: no unit writes a letter a minute.
    """
    builder = sqlite if connection.dialect.name == "sqlite" else postgresql
    year = day_of(at)[:4]
    least = _forgotten(connection, year) + 1
    rise = case((sequences.c.next < least, least), else_=sequences.c.next + 1)
    serial = connection.execute(
        builder.insert(sequences)
        .values(name=f"{_SEQUENCE}:{code}:{year}", next=least)
        .on_conflict_do_update(index_elements=["name"], set_={"next": rise})
        .returning(sequences.c.next)
    ).scalar_one()
    return f"{code}-{year}-{serial:06d}"


def _forgotten(connection: Connection, year: str) -> int:
    """How many numbers of a year the store may have given and forgotten."""
    found = [one.found_at for one in fences(connection) if day_of(one.found_at)[:4] == year]
    begun = seconds_of(f"{year}-01-01T00:00:00+08:00")
    return max((int(seconds_of(one) - begun) // 60 for one in found), default=0)

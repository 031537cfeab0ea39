"""Numbers of letters: the issuing unit's code, the year in China, and a serial of the store."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from regions.corrections import sequences
from resolvers.writing.values import day_of

__all__ = ["new_number"]

_SEQUENCE = "assist"


def new_number(connection: Connection, code: str, at: str) -> str:
    """The next number of a letter: `320104-2026-000017`, one in the country, since a unit's letters
    are all written in one store.
    """
    builder = sqlite if connection.dialect.name == "sqlite" else postgresql
    name = f"{_SEQUENCE}:{code}:{day_of(at)[:4]}"
    serial = connection.execute(
        builder.insert(sequences)
        .values(name=name, next=1)
        .on_conflict_do_update(index_elements=["name"], set_={"next": sequences.c.next + 1})
        .returning(sequences.c.next)
    ).scalar_one()
    return f"{code}-{day_of(at)[:4]}-{serial:06d}"

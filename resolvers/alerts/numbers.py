"""Numbers of suspected events: the county, the year in China, and a serial of both."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from regions.corrections import sequences
from resolvers.writing.values import day_of

__all__ = ["new_event_number"]


def new_event_number(connection: Connection, code: str, at: str) -> str:
    """The next number of an event, `E32010220260007`: 15 characters, one in the country, since a
    county's events all lie in one store. Signals have 17 digits and no letter.
    """
    builder = sqlite if connection.dialect.name == "sqlite" else postgresql
    year = day_of(at)[:4]
    serial = connection.execute(
        builder.insert(sequences)
        .values(name=f"event:{code}:{year}", next=1)
        .on_conflict_do_update(index_elements=["name"], set_={"next": sequences.c.next + 1})
        .returning(sequences.c.next)
    ).scalar_one()
    return f"E{code}{year}{serial:04d}"

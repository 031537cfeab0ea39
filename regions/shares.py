"""Shares: a unit's right to the records of one person, out of a request or a transfer.

A share is of a person in one store: whoever works in the unit may open that person's records there,
and sees the items that the sender named in clear, for as long as the share is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Index, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.metadata import ID, internal, public, regional
from regions.statements import Prepared
from regions.text import among
from regions.writes import Writer

__all__ = ["end_many", "end_shares", "open_many", "open_shares", "shared_of", "shares"]

shares = Table(
    "shares",
    regional,
    public("person_id", ID, primary_key=True, autoincrement=False),
    public("unit_id", primary_key=True),
    public("source", primary_key=True),  # `assist:<number>`, `transfer:<id>`: why
    internal("items"),  # JSON array of PrivateItem names: what the sender lets be seen
    public("started_at"),
    public("ended_at", nullable=True),
)
_open = shares.c.ended_at.is_(None)
Index(
    "ix_shares_open",
    shares.c.unit_id,
    shares.c.person_id,
    sqlite_where=_open,
    postgresql_where=_open,
)
Index("ix_shares_source", shares.c.source)


def open_shares(
    connection: Connection,
    persons: Iterable[int],
    unit: str,
    source: str,
    items: Iterable[str],
    at: str,
) -> None:
    """Opens the records of persons of this store to a unit, or opens them again with these items.

    `items` are names of private items, none for masked records. A second time changes nothing
    but the items.
    """
    open_many(connection, [(persons, unit, source, items)], at)


def open_many(
    connection: Writer,
    given: Iterable[tuple[Iterable[int], str, str, Iterable[str]]],
    at: str,
) -> None:
    """As `open_shares`, for several sources at once: of each the persons, unit, source, items."""
    rows = [
        {
            "person_id": person,
            "unit_id": unit,
            "source": source,
            "items": text,
            "started_at": at,
            "ended_at": None,
        }
        for persons, unit, source, items in given
        for text in [orjson.dumps(sorted(set(items))).decode()]
        for person in dict.fromkeys(persons)
    ]
    _OPEN.run_all(connection, rows)


def _opening(dialect: str) -> Any:
    names = ("person_id", "unit_id", "source", "items", "started_at", "ended_at")
    made = (sqlite if dialect == "sqlite" else postgresql).insert(shares)
    made = made.values({name: bindparam(name) for name in names})
    return made.on_conflict_do_update(
        index_elements=["person_id", "unit_id", "source"],
        set_={"items": made.excluded["items"], "ended_at": None},
    )


_OPEN = Prepared(_opening)


def end_shares(
    connection: Connection,
    source: str,
    at: str,
    *,
    persons: Iterable[int] | None = None,
    unit: str | None = None,
) -> None:
    """Ends what a request or transfer opened, for all or some persons and for all units or one.

    Whoever asks next finds it ended.
    """
    where: list[ColumnElement[bool]] = [shares.c.source == source, shares.c.ended_at.is_(None)]
    if unit is not None:
        where.append(shares.c.unit_id == unit)
    if persons is None:
        connection.execute(update(shares).where(*where).values(ended_at=at))
        return
    if unit is None:
        end_many(connection, [(source, persons)], at)
        return
    for person in dict.fromkeys(persons):
        connection.execute(
            update(shares).where(*where, shares.c.person_id == person).values(ended_at=at)
        )


def end_many(connection: Writer, given: Iterable[tuple[str, Iterable[int]]], at: str) -> None:
    """Ends what several sources opened of persons, for all units: of each the source, persons."""
    rows = [
        {"whence": source, "who": person, "when": at}
        for source, persons in given
        for person in dict.fromkeys(persons)
    ]
    _END.run_all(connection, rows)


_END = Prepared(
    update(shares)
    .where(
        shares.c.source == bindparam("whence"),
        shares.c.person_id == bindparam("who"),
        shares.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("when"))
)


def shared_of(
    connection: Connection, persons: Iterable[int], prefix: str
) -> list[tuple[int, str, str, list[str]]]:
    """What is open of some people by sources that begin so: person, unit, source and items. It goes
    along where they are handed over.
    """
    keys = orjson.dumps(sorted(set(persons))).decode()
    found = _SHARED.run(connection, ids=keys, prefix=prefix)
    return [(person, unit, source, orjson.loads(items)) for person, unit, source, items in found]


_c = shares.c
_SHARED = Prepared(
    select(_c.person_id, _c.unit_id, _c.source, _c["items"])
    .where(among(_c.person_id, bindparam("ids")), _c.source.startswith(bindparam("prefix")), _open)
    .order_by(_c.person_id, _c.unit_id, _c.source)
)

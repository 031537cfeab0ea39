"""Alarms as records: what a detector raised, and how far it has watched, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from regions.alarms import alarm_positions, alarms
from resolvers.alarms.detecting import Raised

__all__ = ["new_alarms", "position", "record", "store_alarms"]


def position(connection: Connection, log: str) -> int:
    """The number of the last entry of a log that was watched; 0 where none was."""
    query = select(alarm_positions.c.number).where(alarm_positions.c.log == log)
    found: int | None = connection.execute(query).scalar()
    return found or 0


def store_alarms(connection: Connection, raised: Iterable[Raised]) -> list[Raised]:
    """Stores alarms; returns those whose slot had none yet."""
    new = []
    for one in raised:
        stored = connection.execute(
            insert(alarms)
            .values(
                rule=one.rule.name,
                subject=one.subject,
                window=one.window,
                account=one.account,
                unit_id=one.unit,
                code=one.code,
                raised_at=one.at,
                first_entry=one.first,
                last_entry=one.last,
                found=one.found,
                threshold=one.threshold,
            )
            .on_conflict_do_nothing(index_elements=["rule", "subject", "window"])
        )
        if stored.rowcount:
            new.append(one)
    return new


def record(connection: Connection, log: str, number: int, raised: Iterable[Raised]) -> list[Raised]:
    """Stores alarms and the position; returns those whose slot had none yet."""
    new = store_alarms(connection, raised)
    put = insert(alarm_positions).values(log=log, number=number)
    connection.execute(put.on_conflict_do_update(index_elements=["log"], set_={"number": number}))
    return new


def new_alarms(connection: Connection, after: int | None) -> tuple[int, list[Any]]:
    """The alarms behind an id, oldest first, and the last id; None for none but the last id."""
    if after is None:
        last = select(alarms.c.id).order_by(alarms.c.id.desc()).limit(1)
        return connection.execute(last).scalar() or 0, []
    query = select(alarms).where(alarms.c.id > after).order_by(alarms.c.id)
    rows = list(connection.execute(query))
    return (rows[-1].id if rows else after), rows

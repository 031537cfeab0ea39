"""Ids of records: 63 bits that name a record in the whole country, without asking anybody.

20 bits hold the region the record was made in (its code of six digits), 43 bits a number of that
region's own. So a link to a record in another region needs no second column, and two stores never
make the same id. Numbers are taken from the store in blocks: one small transaction for many
records.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.corrections import sequences
from regions.statements import Prepared

__all__ = [
    "NUMBER_BITS",
    "IdBlocks",
    "first_id",
    "hold_ids",
    "leap",
    "padded",
    "region_of",
    "take_ids",
]

NUMBER_BITS = 43
_SEQUENCE = "records"
_BLOCK = 500
_FURTHER = 4  # times what is wanted at once: who wants many will want as many again
_LEAP_BITS = 30


def padded(code: str) -> str:
    """A code of 2, 4 or 6 digits as six digits: `3201` → `320100`."""
    return code.ljust(6, "0")


def first_id(region: str) -> int:
    """The id before the first of a region (code of 2, 4 or 6 digits)."""
    return int(padded(region)) << NUMBER_BITS


def region_of(record_id: int) -> str:
    """The region (six digits) in which the record was made."""
    return f"{record_id >> NUMBER_BITS:06d}"


def take_ids(connection: Connection, region: str, count: int) -> int:
    """Takes `count` ids in the connection's transaction; returns the first of them."""
    begun = first_id(region) + 1 + count
    taken: int = _TAKE.run(connection, begun=begun, count=count).scalar_one()
    return taken - count


def hold_ids(connection: Connection, region: str) -> None:
    """Makes this the only transaction of the store that takes ids, until it ends.

    Whoever takes ids behind something else that others wait for (a daily count, a signal) holds
    them first. So all come in one order, and no two wait for each other in a ring.
    """
    take_ids(connection, region, 0)


def _taking(dialect: str) -> Any:
    # One statement, so that two who are the first at the same time do not both begin the sequence.
    builder = sqlite if dialect == "sqlite" else postgresql
    begin = builder.insert(sequences).values(name=_SEQUENCE, next=bindparam("begun"))
    return begin.on_conflict_do_update(
        index_elements=["name"],
        set_={"next": sequences.c.next + bindparam("count", None, sequences.c.next.type)},
    ).returning(sequences.c.next)


_TAKE = Prepared(_taking)


def leap(connection: Connection, region: str) -> None:
    """Leaves out more ids than a store has given since any backup of it: a store that was put back
    would give them once more, and other regions have records by them. There is room for 8,192.
    """
    take_ids(connection, region, 1 << _LEAP_BITS)


class IdBlocks:
    """Ids for a running gateway: a block at a time from the store, then from memory."""

    def __init__(self, engine: AsyncEngine, region: str) -> None:
        self._engine, self._region = engine, region
        self._next = self._end = 0
        self._turn = asyncio.Lock()

    async def take(self, count: int) -> int:
        """The first of `count` consecutive ids."""
        async with self._turn:
            if self._end - self._next < count:
                size = max(_FURTHER * count, _BLOCK)
                async with self._engine.begin() as connection:
                    start = await connection.run_sync(take_ids, self._region, size)
                self._next, self._end = start, start + size
            first = self._next
            self._next += count
            return first

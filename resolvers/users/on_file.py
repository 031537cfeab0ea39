"""Who is on file as administrator of a unit: filings as they stand (A4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from regions.errors import NotFound
from regions.offices import administrator_filings as filings
from resolvers.users.states import FilingState

__all__ = ["Filing", "active_of", "find_filing", "open_filings"]


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing as stored, but for its sealed items."""

    id: int
    state: FilingState
    unit_id: str
    unit_name: str
    unit_level: str
    code: str
    account: str
    name: str


def find_filing(connection: Connection, number: int) -> Filing:
    """Raises NotFound."""
    row = connection.execute(select(filings).where(filings.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no filing {number}", messageZh="没有该备案")
    return _filing(row)


def open_filings(connection: Connection, unit_id: str) -> list[Filing]:
    """The filings of a unit that count as on file, the oldest first."""
    rows = connection.execute(
        select(filings)
        .where(filings.c.unit_id == unit_id, filings.c.slot.is_not(None))
        .order_by(filings.c.id)
    )
    return [_filing(row) for row in rows]


def active_of(connection: Connection, unit_id: str) -> str | None:
    """The account of the active administrator of a unit."""
    found: str | None = connection.scalar(
        select(filings.c.account).where(
            filings.c.unit_id == unit_id, filings.c.state == FilingState.ACTIVE.name
        )
    )
    return found


def _filing(row: Row[Any]) -> Filing:
    return Filing(
        id=row.id,
        state=FilingState[row.state],
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=row.unit_level,
        code=row.code,
        account=row.account,
        name=row.name,
    )

"""What is told to somebody under a lease: of all who look, one hands it over, and says what came of
it (`assist_notices`, `emergency_notices`).
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Connection, Table, update

from resolvers.alerts.deliveries import Settled, next_look

__all__ = ["Told", "begin_handing", "settle"]


class Told(Protocol):
    """One that is leased."""

    @property
    def id(self) -> int:
        """Its row."""

    @property
    def attempts(self) -> int:
        """How often it was tried."""


def begin_handing(connection: Connection, table: Table, told: Told, by: str, at: str) -> bool:
    """Notes the point of no return; False where the lease has ended."""
    c = table.c
    mine = (c.id == told.id, c.state == "SENDING", c.leased_by == by, c.look_at > at)
    return connection.execute(update(table).where(*mine).values(handing=1)).rowcount == 1


def settle(
    connection: Connection, table: Table, told: Told, by: str, settled: Settled, at: str
) -> None:
    """Writes what came of an attempt. That it was accepted holds whoever has it by now."""
    c = table.c
    mine = (c.state == "SENDING") & (c.leased_by == by)
    where = c.state != "ACCEPTED" if settled.state == "ACCEPTED" else mine
    values: dict[str, Any] = {
        "state": settled.state,
        "outcome": settled.outcome,
        "leased_by": None,
        "handing": 0,
        "settled_at": None if settled.state == "DUE" else at,
    }
    if settled.state == "DUE":
        values["look_at"] = next_look(told.attempts, at, settled.wait)
    connection.execute(update(table).where(c.id == told.id, where).values(values))

"""The clocks of signals (E10, E11): the card of a single case, the form after an investigation.

A clock is a row of `signal_clocks`. It is met by what it waits for, late or not; what ran out is
written down by `sweep`, once, and shown by `overdue` and `becameOverdue` beside the pathways'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.alerts_forms import signal_clocks
from regions.ids import take_ids
from regions.instants import instant, seconds_of
from resolvers.users.levels import cdc_of

__all__ = ["SWEPT", "SignalLimits", "Span", "clock_due", "meet", "open_clock", "sweep"]

SWEPT = 200  # clocks in one transaction

_C = signal_clocks.c
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """Hours until the card of a single case, and until the form after the investigation."""

    card_hours: float = 2
    form_hours: float = 24


@dataclass(frozen=True, slots=True)
class Span:
    """Whose clock it is: of a signal, or of an event (by its first signal)."""

    signal_id: int
    code: str
    investigation_id: int | None = None


def clock_due(kind: str, opened_at: str, limits: SignalLimits) -> str:
    """By when what a clock of this kind waits for is due."""
    hours = limits.card_hours if kind == "ABNORMAL_CARD" else limits.form_hours
    return instant(seconds_of(opened_at) + hours * _HOUR)


def open_clock(
    connection: Connection, region: str, of: Span, kind: str, opened_at: str, limits: SignalLimits
) -> str:
    """Opens a clock; by when it runs out."""
    due = clock_due(kind, opened_at, limits)
    connection.execute(
        insert(signal_clocks).values(
            id=take_ids(connection, region, 1),
            signal_id=of.signal_id,
            investigation_id=of.investigation_id,
            kind=kind,
            code=of.code,
            unit_id=cdc_of(of.code),
            opened_at=opened_at,
            due_at=due,
        )
    )
    return due


def meet(connection: Connection, kind: str, at: str, **of: int) -> None:
    """Ends the clocks of a kind that wait, of a signal or an event (`signal_id=`,
    `investigation_id=`): what was due is done.
    """
    where = [_C.kind == kind, _C.met_at.is_(None), _C.dropped_at.is_(None)]
    where += [_C[name] == value for name, value in of.items()]
    late: Mapping[str, Any] = {"missed_at": _C.due_at, "noted_at": at}
    unnoted = [*where, _C.missed_at.is_(None), _C.due_at < at]
    connection.execute(update(signal_clocks).where(*unnoted).values(late))
    connection.execute(update(signal_clocks).where(*where).values(met_at=at))


def sweep(connection: Connection, now: str) -> int:
    """Writes down what ran out of up to 200 clocks, once each; how many did."""
    waits = [_C.met_at.is_(None), _C.dropped_at.is_(None), _C.missed_at.is_(None), _C.due_at < now]
    late = select(_C.id).where(*waits).order_by(_C.due_at, _C.id).limit(SWEPT)
    found = list(connection.execute(late).scalars())
    if found:
        connection.execute(
            update(signal_clocks)
            .where(_C.id.in_(found), _C.missed_at.is_(None))
            .values(missed_at=_C.due_at, noted_at=now)
        )
    return len(found)

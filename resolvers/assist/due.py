"""The clocks of received letters as `overdue` lists them beside those of pathways and signals (C).

A letter has three: to acknowledge it, to control its people, to answer. Each runs in some of its
states (`resolvers.assist.clocks.running`); what ran out undone, though done since, is known by the
instants that the letter keeps. Asking for more begins the last two anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, func, literal_column, null, or_

from regions.assist import assist_requests
from resolvers.assist.clocks import running
from resolvers.assist.rows import RECEIVED
from resolvers.assist.states import State
from schema.pathway import ClockKind

__all__ = ["LETTER_CLOCKS", "LetterClock"]

_C = assist_requests.c


@dataclass(frozen=True, slots=True)
class LetterClock:
    """One of the clocks, by the names that clocks of pathways have: expressions over a letter.

    `is_one`: that a letter has it; `waits`: that it runs now.
    """

    kind: ColumnElement[str]
    due_at: ColumnElement[str]
    opened_at: ColumnElement[str]
    met_at: ColumnElement[Any]
    missed_at: ColumnElement[Any]
    dropped_at: ColumnElement[Any]
    unit_id: ColumnElement[str]
    code: ColumnElement[str]
    is_one: ColumnElement[bool]
    waits: ColumnElement[bool]


def _clock(kind: ClockKind, due: str, met: str, opened: ColumnElement[str]) -> LetterClock:
    states = sorted(state.name for state in State if running(state) == due)
    due_at, met_at, ended = _C[due], _C[met], _C.ended_at
    undone = and_(met_at.is_(None), or_(ended.is_(None), ended > due_at))
    late = or_(met_at > due_at, undone)
    return LetterClock(
        kind=literal_column(f"'{kind.name}'"),
        due_at=due_at,
        opened_at=opened,
        met_at=met_at,
        missed_at=case((late, due_at), else_=null()),
        dropped_at=case((met_at.is_(None), ended), else_=null()),
        unit_id=func.coalesce(_C.to_unit, cast(literal_column("''"), String)),
        code=_C.code,
        is_one=and_(_C.side == literal_column(f"'{RECEIVED}'"), due_at.is_not(None)),
        waits=_C.state.in_([literal_column(f"'{one}'") for one in states]),
    )


LETTER_CLOCKS: Mapping[ClockKind, LetterClock] = {
    ClockKind.ASSIST_ACKNOWLEDGE: _clock(
        ClockKind.ASSIST_ACKNOWLEDGE, "acknowledge_due", "acknowledged_at", _C.sent_at
    ),
    ClockKind.ASSIST_CONTROL: _clock(
        ClockKind.ASSIST_CONTROL, "control_due", "controlled_at", _C.sent_at
    ),
    ClockKind.ASSIST_FEEDBACK: _clock(
        ClockKind.ASSIST_FEEDBACK,
        "feedback_due",
        "feedback_at",
        func.coalesce(_C.controlled_at, _C.sent_at),
    ),
}
"""Kind → the clock of a letter."""

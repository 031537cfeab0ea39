"""The clocks of received letters as `overdue` lists them beside those of pathways and signals (C).

A letter has three: to acknowledge it, to control its people, to answer; a person of it who tested
positive one more, to register the case, whose number is the person's position. The three run in
some of the letter's states (`resolvers.assist.clocks.running`); what ran out undone, though done
since, is known by the instants that the letter keeps. Asking for more begins the last two anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
)

from regions.assist import assist_people, assist_requests
from resolvers.assist.clocks import running
from resolvers.assist.rows import RECEIVED
from resolvers.assist.states import State
from schema.pathway import ClockKind

__all__ = ["LETTER_CLOCKS", "LetterClock"]

_C, _P = assist_requests.c, assist_people.c
_IS_RECEIVED = _C.side == literal_column(f"'{RECEIVED}'")


@dataclass(frozen=True, slots=True)
class LetterClock:
    """One of the clocks, by the names that clocks of pathways have: expressions over a letter, and
    over a person of it where `source` has people, too.

    `is_one`: that it is there; `waits`: that it runs now.
    """

    source: FromClause
    number: ColumnElement[int]

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


def _unit() -> ColumnElement[str]:
    return func.coalesce(_C.to_unit, cast(literal_column("''"), String))


def _clock(kind: ClockKind, due: str, met: str, opened: ColumnElement[str]) -> LetterClock:
    states = sorted(state.name for state in State if running(state) == due)
    due_at, met_at, ended = _C[due], _C[met], _C.ended_at
    undone = and_(met_at.is_(None), or_(ended.is_(None), ended > due_at))
    late = or_(met_at > due_at, undone)
    return LetterClock(
        source=assist_requests,
        number=literal_column("1"),
        kind=literal_column(f"'{kind.name}'"),
        due_at=due_at,
        opened_at=opened,
        met_at=met_at,
        missed_at=case((late, due_at), else_=null()),
        dropped_at=case((met_at.is_(None), ended), else_=null()),
        unit_id=_unit(),
        code=_C.code,
        is_one=and_(_IS_RECEIVED, due_at.is_not(None)),
        waits=_C.state.in_([literal_column(f"'{one}'") for one in states]),
    )


def _case() -> LetterClock:
    found = _P.case_at
    late = or_(found > _P.case_due, found.is_(None))
    return LetterClock(
        source=assist_people.join(assist_requests, _C.id == _P.request_id),
        number=_P.position,
        kind=literal_column(f"'{ClockKind.ASSIST_CASE.name}'"),
        due_at=_P.case_due,
        opened_at=_P.positive_at,
        met_at=found,
        missed_at=case((late, _P.case_due), else_=null()),
        dropped_at=null(),
        unit_id=_unit(),
        code=_C.code,
        is_one=and_(_IS_RECEIVED, _P.case_due.is_not(None)),
        waits=found.is_(None),
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
    ClockKind.ASSIST_CASE: _case(),
}
"""Kind → the clock of a letter."""

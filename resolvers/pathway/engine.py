"""The pathway as a pure function: standing, event and rule pack → the next standing, or why not.

The table is that of the requirements (D, from N113); hours and days are the pack's. Days are those
of China. An observation begins anew with the day of any positive sample; a sample counts as that
of day 7 or 12 from that day on (late is late, but counts; early counts for nothing).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from resolvers.pathway.isolation import at_home, isolated
from resolvers.pathway.moves import Next, again, refused
from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import (
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    later,
    local_day,
)
from resolvers.pathway.steps import HANDLERS

__all__ = ["ARRIVAL", "TAKES", "advance", "begin", "begin_contact", "expired", "started", "under"]

S, E, C = PathwayState, PathwayEvent, ClockKind
_ENDED = frozenset({S.CONFIRMED_CASE, S.CLOSED})
_PAST = frozenset(
    {
        E.SAMPLE_POSITIVE,
        E.TEMPERATURE_TAKEN,
        E.VISITED,
        E.REPORT_FILED,
        E.COUNTY_NOTIFIED,
        E.INVESTIGATION_FILED,
        E.ANTIBODY_TESTED,
        E.DISCHARGE_DATE_FILED,
    }
)
"""Events that may be recorded after the next state was entered: they move nobody back."""
_MOST_LAPSES = 400  # of one periodic clock in one step: half a year of mornings and evenings


ARRIVAL = "ARRIVAL"
"""How the pathway of somebody from a key area is said to have started."""


def begin(at: str, pack: RulePack | None = None) -> Standing:
    """A carrier who is screened; with a pack one who arrives from a key area and is tested within
    its hours (B5).
    """
    found = Standing("CASE", S.SCREENED, at)
    if pack is None:
        return found
    return found.opened(C.ARRIVAL_TEST, at, later(at, hours=pack.hours.arrival_test))


def started(how: str, at: str, pack: RulePack) -> Next:
    """The first standing of a pathway by how it started: as a case, an arrival or a contact."""
    if how in ("CASE", ARRIVAL):
        return begin(at, pack if how == ARRIVAL else None)
    return begin_contact(how, at, pack)


def begin_contact(level: str, at: str, pack: RulePack) -> Next:
    """A contact who is isolated from an instant on (B7: of a carrier as of a case)."""
    days = pack.isolation(level)
    if days is None:
        return refused("NO_PATHWAY", "contacts of this level are not isolated", "该级接触者不隔离")
    found = Standing(level, S.CENTRAL_ISOLATION, at, day_one=local_day(at).isoformat())
    if days.central_days:
        return isolated(found, at, days.central_days, days.central_tests)
    return at_home(found, at, days.home_days, days.home_tests)


def advance(standing: Standing, event: Event, pack: RulePack) -> Next:
    """What stands after an event. Every state and event is a transition or a named refusal."""
    handler = HANDLERS.get((standing.state, event.kind))
    if handler is None:
        if standing.state in _ENDED:
            return refused("ENDED", "this pathway has ended", "该管理流程已结束")
        return refused(
            "NOT_IN_STATE",
            f"{event.kind.name} does not happen in {standing.state.name}",
            f"{standing.state.name} 状态下不接受 {event.kind.name}",
        )
    if event.at < standing.entered_at and event.kind not in _PAST:
        return refused(
            "OUT_OF_ORDER",
            f"{event.kind.name} lies before {standing.entered_at}, when this state was entered",
            "事件时间早于进入当前状态的时间",
        )
    return handler(standing, event, pack)


def expired(standing: Standing, now: str) -> Standing:
    """With every clock that ran out by now marked missed; of the daily ones the next are opened,
    so that each morning, evening and day that lapsed is a record of its own.
    """
    found = standing
    for _ in range(_MOST_LAPSES):
        ran_out = [one for one in found.clocks if one.running and not one.missed_at]
        ran_out = [one for one in ran_out if one.due_at < now]
        if not ran_out:
            break
        marks = {(one.kind, one.number) for one in ran_out}
        found = replace(
            found,
            clocks=tuple(
                replace(one, missed_at=one.due_at) if (one.kind, one.number) in marks else one
                for one in found.clocks
            ),
        )
        for one in ran_out:
            if one.kind in (C.TEMPERATURE, C.DAILY_VISIT):
                found = found.dropped(one.due_at, one.kind)
                found = again(found, one.kind, one.due_at, one.due_at)
    return found


def under(start: Standing, history: Iterable[Event], pack: RulePack) -> Standing:
    """Where the same events lead from a first standing under a pack, leaving out what it refuses:
    a what-if, or the pathway as it is.
    """
    for event in history:
        following = advance(expired(start, event.at), event, pack)
        start = start if isinstance(following, Refused) else following
    return start


TAKES = {
    state: tuple(kind for kind in PathwayEvent if (state, kind) in HANDLERS)
    for state in PathwayState
}
"""State → the events it takes; every other is refused by name."""

"""What the steps of a pathway share: refusals, states, days, daily clocks (table D)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import (
    IN_HOSPITAL,
    ClockKind,
    Event,
    PathwayState,
    Refused,
    Standing,
    end_of_day,
    later,
    local_day,
)

__all__ = [
    "Next",
    "again",
    "day_of",
    "ends",
    "not_done",
    "periodic",
    "refused",
    "reviewed",
    "same",
    "to_state",
]

S, C = PathwayState, ClockKind
Next = Standing | Refused
"""The next standing, or why there is none."""


def refused(reason: str, message: str, message_zh: str) -> Refused:
    """A refusal by name, in English and Chinese."""
    return Refused(reason, message, message_zh)


def to_state(standing: Standing, state: PathwayState, at: str) -> Standing:
    """In another state, never from before it was entered into the one before."""
    return replace(standing, state=state, entered_at=max(at, standing.entered_at))


def day_of(standing: Standing, number: int) -> date:
    """The day in China that is so many of the observation; its first is 1."""
    assert standing.day_one is not None
    return date.fromisoformat(standing.day_one) + timedelta(days=number - 1)


def again(standing: Standing, kind: ClockKind, at: str, after: str) -> Standing:
    """Opens the next of the daily clocks: noon and midnight for temperatures, midnight for visits.

    `after` is the due instant of the one before: no half day comes twice.
    """
    day = local_day(after)
    noon = end_of_day(day - timedelta(days=1))
    noon = later(noon, hours=12)
    ends = [end_of_day(day), end_of_day(day + timedelta(days=1))]
    if kind is C.TEMPERATURE:
        ends = [noon, ends[0], later(ends[0], hours=12)]
    return standing.opened(kind, at, next(end for end in ends if end > after))


def periodic(kind: ClockKind) -> Callable[[Standing, Event, RulePack], Standing]:
    """A handler: the running clock of a daily kind is met, the next one opened."""

    def handle(standing: Standing, event: Event, pack: RulePack) -> Standing:
        running = [one for one in standing.clocks if one.kind is kind and one.running]
        if not running or event.at < running[0].opened_at:
            return standing  # of a half day or day that is over already
        found = standing.met(kind, event.at)
        return again(found, kind, event.at, max(running[0].due_at, event.at))

    return handle


def ends(kind: ClockKind) -> Callable[[Standing, Event, RulePack], Next]:
    """A handler: what is due of a kind is met, once."""

    def handle(standing: Standing, event: Event, pack: RulePack) -> Next:
        if not standing.runs(kind):
            return refused("DONE_ALREADY", f"no {kind.name} is due", f"{kind.name} 无待办")
        return standing.met(kind, event.at)

    return handle


def same(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """Nothing changes."""
    return standing


def not_done(standing: Standing, event: Event, days: int) -> Refused:
    """The refusal of days that are not over."""
    return refused(
        "DAYS_NOT_REACHED",
        f"this is day {standing.day(event.at)}, and {days} whole days are wanted",
        f"第{standing.day(event.at)}天，须满{days}天",
    )


def reviewed(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """The experts of the county confer; `returns_to` is where an exclusion leads."""
    back = S.HOSPITAL_OBSERVATION if standing.state in IN_HOSPITAL else standing.state
    found = standing.met(C.ARRIVAL_TEST, event.at)
    found = replace(
        to_state(found, S.EXPERT_REVIEW, event.at),
        returns_to=None if standing.state is S.SCREENED else back,
    )
    due = later(event.at, hours=pack.hours.expert_review)
    return found.opened(C.EXPERT_REVIEW, event.at, due)

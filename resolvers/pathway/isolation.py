"""The steps of isolation and of observation at home, of carriers and contacts (D, N113 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from resolvers.pathway.moves import Next, again, day_of, not_done, refused, to_state
from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import ClockKind, Event, PathwayState, Standing, end_of_day, local_day

__all__ = [
    "at_home",
    "central_done",
    "contact_negative",
    "home_done",
    "isolated",
    "revisited",
    "taken_over",
]

S, C = PathwayState, ClockKind


def isolated(standing: Standing, at: str, days: int, tests: Iterable[int] = ()) -> Standing:
    """Central isolation from an instant on; day 1 is the day it begins."""
    found = replace(to_state(standing, S.CENTRAL_ISOLATION, at), day_one=local_day(at).isoformat())
    return _tested(found.opened(C.CENTRAL_DAYS, at, end_of_day(day_of(found, days + 1))), at, tests)


def at_home(standing: Standing, at: str, days: int, tests: Iterable[int] = ()) -> Standing:
    """Observation at home from an instant on, with a visit a day."""
    found = replace(to_state(standing, S.HOME_OBSERVATION, at), day_one=local_day(at).isoformat())
    found = found.opened(C.HOME_DAYS, at, end_of_day(day_of(found, days + 1)))
    return again(_tested(found, at, tests), C.DAILY_VISIT, at, at)


def _tested(standing: Standing, at: str, days: Iterable[int]) -> Standing:
    for day in days:
        standing = standing.opened(C.CONTACT_TEST, at, end_of_day(day_of(standing, day)))
    return standing


def taken_over(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """The place of isolation, or whoever visits at home, has accepted the carrier."""
    days = pack.carrier
    if days.central_days:
        return isolated(standing, event.at, days.central_days)
    return at_home(standing, event.at, days.home_days)


def contact_negative(standing: Standing, event: Event, pack: RulePack) -> Next:
    """A contact's sample stands for the test of its day, late if that day is over. Tests before
    it that nobody took stay lapses.
    """
    day = local_day(event.at)
    wanted = [one for one in standing.clocks if one.kind is C.CONTACT_TEST and one.running]
    reached = [one for one in wanted if local_day(one.due_at) <= day]
    if not reached:
        if standing.level == "CASE" or not wanted:
            return refused("DONE_ALREADY", "no test is due", "无待办检测")
        return refused(
            "SAMPLED_EARLY",
            f"the sample is of day {standing.day(event.at)}, and the next test is on "
            f"{local_day(wanted[0].due_at)}",
            "采样早于规定的检测日",
        )
    found = standing
    for _ in reached[:-1]:
        found = found.missed(C.CONTACT_TEST, event.at)
    return found.met(C.CONTACT_TEST, event.at)


def _days_of(standing: Standing, pack: RulePack) -> tuple[int, int]:
    if standing.level == "CASE":
        return pack.carrier.central_days, pack.carrier.home_days
    days = pack.isolation(standing.level)
    return (days.central_days, days.home_days) if days is not None else (0, 0)


def central_done(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The whole days in a central place are over."""
    central, home = _days_of(standing, pack)
    if (standing.day(event.at) or 0) <= central:
        return not_done(standing, event, central)
    found = standing.met(C.CENTRAL_DAYS, event.at)
    if home:
        found = found.dropped(event.at, C.CONTACT_TEST)
        part = pack.isolation(standing.level)
        return at_home(found, event.at, home, part.home_tests if part is not None else ())
    return to_state(found.cleared(event.at), S.CLOSED, event.at)


def home_done(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The whole days at home are over, and every revisit is done."""
    _, home = _days_of(standing, pack)
    if (standing.day(event.at) or 0) <= home:
        return not_done(standing, event, home)
    wanted = len(pack.carrier.revisit_weeks) if standing.level == "CASE" else 0
    if standing.revisits < wanted:
        return refused(
            "REVISITS_OPEN",
            f"{standing.revisits} of {wanted} revisits at the designated hospital are recorded",
            f"定点医院复诊已完成{standing.revisits}次，应为{wanted}次",
        )
    found = standing.met(C.HOME_DAYS, event.at)
    return to_state(found.cleared(event.at), S.CLOSED, event.at)


def revisited(standing: Standing, event: Event, pack: RulePack) -> Next:
    """Seen at the designated hospital again (N113 3.3)."""
    if standing.level != "CASE" or standing.revisits >= len(pack.carrier.revisit_weeks):
        return refused("DONE_ALREADY", "no revisit is due", "无待办复诊")
    week = pack.carrier.revisit_weeks[standing.revisits]
    assert standing.released_at is not None
    begins = local_day(standing.released_at) + timedelta(days=7 * (week - 1) + 1)
    if local_day(event.at) < begins:
        return refused(
            "REVISITED_EARLY",
            f"the next revisit is that of week {week} after release, which begins on {begins}",
            f"下次复诊为解除后第{week}周，自{begins}起",
        )
    found = standing.met(C.REVISIT, event.at)
    return replace(found, revisits=found.revisits + 1)

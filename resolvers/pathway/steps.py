"""What each event of a pathway does in each state that takes it (requirements, table D)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import (
    AFTER_RELEASE,
    IN_HOSPITAL,
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    end_of_day,
    later,
    local_day,
)

__all__ = ["HANDLERS", "Next", "again", "at_home", "isolated", "refused"]

S, E, C = PathwayState, PathwayEvent, ClockKind
Next = Standing | Refused
"""The next standing, or why there is none."""


def refused(reason: str, message: str, message_zh: str) -> Refused:
    """A refusal by name, in English and Chinese."""
    return Refused(reason, message, message_zh)


def _to(standing: Standing, state: PathwayState, at: str) -> Standing:
    return replace(standing, state=state, entered_at=max(at, standing.entered_at))


def _day(standing: Standing, number: int) -> date:
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


def _observed(standing: Standing, at: str, pack: RulePack) -> Standing:
    """Day 1 of an observation in hospital; it never begins before the one it follows."""
    first = local_day(at).isoformat()
    if standing.state in IN_HOSPITAL and standing.day_one is not None:
        first = max(first, standing.day_one)
    found = standing.dropped(at, C.DAY_7_TEST, C.DAY_12_TEST, C.DUAL_SITE_TEST)
    found = _to(found, S.HOSPITAL_OBSERVATION, at)
    found = replace(found, day_one=first, second_at=None, released_at=None, revisits=0)
    carrier = pack.carrier
    opened = max(at, found.entered_at)
    found = found.opened(C.DAY_7_TEST, opened, end_of_day(_day(found, carrier.first_test_day)))
    if not any(one.kind is C.TEMPERATURE and one.running for one in found.clocks):
        found = again(found, C.TEMPERATURE, opened, opened)
    return found


def _reviewed(standing: Standing, event: Event, pack: RulePack) -> Standing:
    back = S.HOSPITAL_OBSERVATION if standing.state in IN_HOSPITAL else standing.state
    found = replace(
        _to(standing, S.EXPERT_REVIEW, event.at),
        returns_to=None if standing.state is S.SCREENED else back,
    )
    due = later(event.at, hours=pack.hours.expert_review)
    return found.opened(C.EXPERT_REVIEW, event.at, due)


def _confirmed(standing: Standing, event: Event, pack: RulePack) -> Standing:
    found = standing.met(C.EXPERT_REVIEW, event.at)
    found = _to(found.dropped(event.at), S.CONFIRMED_CASE, event.at)
    due = later(event.at, hours=pack.hours.card_correction)
    if standing.level == "CASE" and standing.returns_to is not None:  # there is a card
        found = found.opened(C.TELL_FIRST_REPORTER, event.at, due)
        return found.opened(C.CARD_CORRECTION, event.at, due)
    due = later(event.at, hours=pack.hours.direct_report)
    return found.opened(C.DIRECT_REPORT, event.at, due)


def _asymptomatic(standing: Standing, event: Event, pack: RulePack) -> Next:
    if standing.level == "CASE" and standing.returns_to is not None:
        return refused(
            "REPORTED_ALREADY",
            "the carrier is reported already: confirm the disease or exclude it",
            "该无症状感染者已报告，请确诊或排除",
        )
    found = standing.met(C.EXPERT_REVIEW, event.at).dropped(event.at)
    found = replace(_to(found, S.REPORTED, event.at), level="CASE", returns_to=None)
    hours = pack.hours
    return found.opened(C.DIRECT_REPORT, event.at, later(event.at, hours=hours.direct_report))


def _excluded(standing: Standing, event: Event, pack: RulePack) -> Standing:
    found = standing.met(C.EXPERT_REVIEW, event.at)
    back = standing.returns_to
    if back is None:
        return _to(found.dropped(event.at), S.CLOSED, event.at)
    found = replace(_to(found, back, event.at), returns_to=None)
    if back is S.HOSPITAL_OBSERVATION and not any(
        one.kind is C.DAY_7_TEST and one.running for one in found.clocks
    ):  # the review interrupted the tests: they begin again where they stood, with day 7
        found = found.dropped(event.at, C.DAY_12_TEST, C.DUAL_SITE_TEST)
        due = end_of_day(_day(found, pack.carrier.first_test_day))
        found = replace(found, second_at=None).opened(C.DAY_7_TEST, event.at, due)
    return found


def _notified(standing: Standing, event: Event, pack: RulePack) -> Standing:
    due = later(event.at, hours=pack.hours.investigation)
    return _to(standing, S.INVESTIGATED, event.at).opened(C.INVESTIGATION, event.at, due)


def _admitted(standing: Standing, event: Event, pack: RulePack) -> Standing:
    return _observed(standing, event.at, pack)


def _positive_in_hospital(standing: Standing, event: Event, pack: RulePack) -> Standing:
    return _observed(standing, event.at, pack)


def _positive_again(standing: Standing, event: Event, pack: RulePack) -> Standing:
    if standing.level != "CASE":
        return _reviewed(standing, event, pack)
    found = _observed(standing.dropped(event.at), event.at, pack)
    due = later(event.at, hours=pack.hours.positive_again)
    return found.opened(C.READMISSION, event.at, due)


def _negative_first(standing: Standing, event: Event, pack: RulePack) -> Next:
    wanted = pack.carrier.first_test_day
    if (standing.day(event.at) or 0) < wanted:
        return _too_early(standing, event, wanted)
    found = _to(standing.met(C.DAY_7_TEST, event.at), S.WAIT_DAY_12, event.at)
    due = end_of_day(_day(found, pack.carrier.second_test_day))
    return found.opened(C.DAY_12_TEST, event.at, due)


def _negative_second(standing: Standing, event: Event, pack: RulePack) -> Next:
    carrier = pack.carrier
    if (standing.day(event.at) or 0) < carrier.second_test_day:
        return _too_early(standing, event, carrier.second_test_day)
    found = _to(standing.met(C.DAY_12_TEST, event.at), S.WAIT_DUAL_SITE, event.at)
    found = replace(found, second_at=event.at)
    earliest = later(event.at, hours=carrier.dual_site_hours)
    due = max(end_of_day(local_day(earliest)), end_of_day(_day(found, carrier.observation_days)))
    return found.opened(C.DUAL_SITE_TEST, event.at, due)


def _too_early(standing: Standing, event: Event, wanted: int) -> Refused:
    return refused(
        "SAMPLED_EARLY",
        f"the sample is of day {standing.day(event.at)}, and day {wanted} is wanted",
        f"该标本采于第{standing.day(event.at)}天，应于第{wanted}天采集",
    )


def _dual_site(standing: Standing, event: Event, pack: RulePack) -> Next:
    assert standing.second_at is not None
    earliest = later(standing.second_at, hours=pack.carrier.dual_site_hours)
    if event.at < earliest:
        return refused(
            "SAMPLED_EARLY",
            f"throat and anal swab are taken together at {earliest} or later: "
            f"{pack.carrier.dual_site_hours} hours after the last sample",
            "咽拭子、肛拭子须在上次采样满规定时间后同时采集",
        )
    return _to(standing.met(C.DUAL_SITE_TEST, event.at), S.CLINICAL_CHECK, event.at)


def _checked(standing: Standing, event: Event, pack: RulePack) -> Next:
    wanted = pack.carrier.observation_days
    if (standing.day(event.at) or 0) < wanted:
        return refused(
            "DAYS_NOT_REACHED",
            f"this is day {standing.day(event.at)} of {wanted}",
            f"医学观察第{standing.day(event.at)}天，未满{wanted}天",
        )
    found = _to(standing.dropped(event.at), S.RELEASED_FROM_HOSPITAL, event.at)
    found = replace(found, released_at=event.at, day_one=None)
    due = later(event.at, hours=pack.hours.discharge_date)
    found = found.opened(C.DISCHARGE_DATE, event.at, due)
    for week in pack.carrier.revisit_weeks:
        last = end_of_day(local_day(event.at) + timedelta(days=7 * week))
        found = found.opened(C.REVISIT, event.at, last)
    return found


def isolated(standing: Standing, at: str, days: int) -> Standing:
    """Central isolation from an instant on; day 1 is the day it begins."""
    found = replace(_to(standing, S.CENTRAL_ISOLATION, at), day_one=local_day(at).isoformat())
    return found.opened(C.CENTRAL_DAYS, at, end_of_day(_day(found, days + 1)))


def at_home(standing: Standing, at: str, days: int) -> Standing:
    """Observation at home from an instant on, with a visit a day."""
    found = replace(_to(standing, S.HOME_OBSERVATION, at), day_one=local_day(at).isoformat())
    found = found.opened(C.HOME_DAYS, at, end_of_day(_day(found, days + 1)))
    return again(found, C.DAILY_VISIT, at, at)


def _taken_over(standing: Standing, event: Event, pack: RulePack) -> Standing:
    return isolated(standing, event.at, pack.carrier.central_days)


def _days_of(standing: Standing, pack: RulePack) -> tuple[int, int]:
    if standing.level == "CASE":
        return pack.carrier.central_days, pack.carrier.home_days
    days = pack.isolation(standing.level)
    return (days.central_days, days.home_days) if days is not None else (0, 0)


def _central_done(standing: Standing, event: Event, pack: RulePack) -> Next:
    central, home = _days_of(standing, pack)
    if (standing.day(event.at) or 0) <= central:
        return _not_done(standing, event, central)
    found = standing.met(C.CENTRAL_DAYS, event.at)
    if home:
        return at_home(found, event.at, home)
    return _to(found.dropped(event.at), S.CLOSED, event.at)


def _home_done(standing: Standing, event: Event, pack: RulePack) -> Next:
    _, home = _days_of(standing, pack)
    if (standing.day(event.at) or 0) <= home:
        return _not_done(standing, event, home)
    wanted = len(pack.carrier.revisit_weeks) if standing.level == "CASE" else 0
    if standing.revisits < wanted:
        return refused(
            "REVISITS_OPEN",
            f"{standing.revisits} of {wanted} revisits at the designated hospital are recorded",
            f"定点医院复诊已完成{standing.revisits}次，应为{wanted}次",
        )
    found = standing.met(C.HOME_DAYS, event.at)
    return _to(found.dropped(event.at), S.CLOSED, event.at)


def _not_done(standing: Standing, event: Event, days: int) -> Refused:
    return refused(
        "DAYS_NOT_REACHED",
        f"this is day {standing.day(event.at)}, and {days} whole days are wanted",
        f"第{standing.day(event.at)}天，须满{days}天",
    )


def _periodic(kind: ClockKind) -> Callable[[Standing, Event, RulePack], Standing]:
    def handle(standing: Standing, event: Event, pack: RulePack) -> Standing:
        running = [one for one in standing.clocks if one.kind is kind and one.running]
        if not running or event.at < running[0].opened_at:
            return standing  # of a half day or day that is over already
        found = standing.met(kind, event.at)
        return again(found, kind, event.at, max(running[0].due_at, event.at))

    return handle


def _ends(kind: ClockKind) -> Callable[[Standing, Event, RulePack], Next]:
    def handle(standing: Standing, event: Event, pack: RulePack) -> Next:
        if not any(one.kind is kind and one.running for one in standing.clocks):
            return refused("DONE_ALREADY", f"no {kind.name} is due", f"{kind.name} 无待办")
        return standing.met(kind, event.at)

    return handle


def _revisited(standing: Standing, event: Event, pack: RulePack) -> Next:
    if standing.level != "CASE" or standing.revisits >= len(pack.carrier.revisit_weeks):
        return refused("DONE_ALREADY", "no revisit is due", "无待办复诊")
    found = standing.met(C.REVISIT, event.at)
    return replace(found, revisits=found.revisits + 1)


def _same(standing: Standing, event: Event, pack: RulePack) -> Standing:
    return standing


def _handlers() -> dict[
    tuple[PathwayState, PathwayEvent], Callable[[Standing, Event, RulePack], Next]
]:
    found: dict[tuple[PathwayState, PathwayEvent], Callable[[Standing, Event, RulePack], Next]] = {
        (S.SCREENED, E.SAMPLE_POSITIVE): _reviewed,
        (S.SCREENED, E.SAMPLE_NEGATIVE): lambda s, e, p: _to(s, S.CLOSED, e.at),
        (S.EXPERT_REVIEW, E.SAMPLE_POSITIVE): _same,
        (S.EXPERT_REVIEW, E.SAMPLE_NEGATIVE): _same,
        (S.EXPERT_REVIEW, E.ASYMPTOMATIC_CONFIRMED): _asymptomatic,
        (S.EXPERT_REVIEW, E.DISEASE_CONFIRMED): _confirmed,
        (S.EXPERT_REVIEW, E.EXCLUDED): _excluded,
        (S.REPORTED, E.COUNTY_NOTIFIED): _notified,
        (S.INVESTIGATED, E.ADMITTED): _admitted,
        (S.HOSPITAL_OBSERVATION, E.SAMPLE_NEGATIVE): _negative_first,
        (S.WAIT_DAY_12, E.SAMPLE_NEGATIVE): _negative_second,
        (S.WAIT_DUAL_SITE, E.DUAL_SITE_NEGATIVE): _dual_site,
        (S.CLINICAL_CHECK, E.CLINICAL_CHECK_NORMAL): _checked,
        (S.RELEASED_FROM_HOSPITAL, E.TRANSFER_ACCEPTED): _taken_over,
        (S.CENTRAL_ISOLATION, E.DAYS_DONE): _central_done,
        (S.HOME_OBSERVATION, E.DAYS_DONE): _home_done,
        (S.CONFIRMED_CASE, E.FIRST_REPORTER_TOLD): _ends(C.TELL_FIRST_REPORTER),
        (S.CONFIRMED_CASE, E.CARD_CORRECTED): _ends(C.CARD_CORRECTION),
        (S.HOME_OBSERVATION, E.VISITED): _periodic(C.DAILY_VISIT),
    }
    for state in (S.REPORTED, S.INVESTIGATED):
        found[state, E.SAMPLE_POSITIVE] = _same
        found[state, E.SAMPLE_NEGATIVE] = _same
        found[state, E.SYMPTOM_APPEARED] = _reviewed
    for state in IN_HOSPITAL:
        found[state, E.SAMPLE_POSITIVE] = _positive_in_hospital
        found[state, E.SYMPTOM_APPEARED] = _reviewed
        found[state, E.TEMPERATURE_TAKEN] = _periodic(C.TEMPERATURE)
    found[S.EXPERT_REVIEW, E.TEMPERATURE_TAKEN] = _periodic(C.TEMPERATURE)
    for state in AFTER_RELEASE:
        found[state, E.SAMPLE_POSITIVE] = _positive_again
        found[state, E.SYMPTOM_APPEARED] = _reviewed
        found[state, E.DISCHARGE_DATE_FILED] = _ends(C.DISCHARGE_DATE)
        found[state, E.REVISITED] = _revisited
    for state in (S.INVESTIGATED, *IN_HOSPITAL):
        found[state, E.INVESTIGATION_FILED] = _ends(C.INVESTIGATION)
    for state in (S.REPORTED, S.INVESTIGATED, S.CONFIRMED_CASE, *IN_HOSPITAL):
        found[state, E.REPORT_FILED] = _ends(C.DIRECT_REPORT)
    return found


HANDLERS = _handlers()
"""(state, event) → what it does; every other pair is refused by name."""

"""The steps in the designated hospital: day 1, tests, any positive, release (D, N113 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from resolvers.pathway.moves import Next, again, day_of, refused, reviewed, to_state
from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import (
    IN_HOSPITAL,
    OWED,
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
    "admitted",
    "checked",
    "dual_site",
    "negative_first",
    "negative_second",
    "positive_again",
    "positive_in_hospital",
]

S, C = PathwayState, ClockKind


def _observed(standing: Standing, at: str, pack: RulePack) -> Standing:
    """Day 1 of an observation in hospital; it never begins before the one it follows."""
    first = local_day(at).isoformat()
    if standing.state in IN_HOSPITAL and standing.day_one is not None:
        first = max(first, standing.day_one)
    found = standing.dropped(at, C.DAY_7_TEST, C.DAY_12_TEST, C.DUAL_SITE_TEST, C.ANTIBODY_TEST)
    found = to_state(found, S.HOSPITAL_OBSERVATION, at)
    found = replace(found, day_one=first, second_at=None, released_at=None, revisits=0)
    carrier = pack.carrier
    opened = max(at, found.entered_at)
    found = found.opened(C.DAY_7_TEST, opened, end_of_day(day_of(found, carrier.first_test_day)))
    if carrier.antibody_day and not any(
        one.kind is C.ANTIBODY_TEST and one.met_at is not None for one in found.clocks
    ):  # once is enough, however often the days begin again
        due = end_of_day(day_of(found, carrier.antibody_day))
        found = found.opened(C.ANTIBODY_TEST, opened, due)
    if not found.runs(C.TEMPERATURE):
        found = again(found, C.TEMPERATURE, opened, opened)
    return found


def admitted(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """The carrier is sent to hospital at once, whether or not the county knows yet (N113 1.3)."""
    return _observed(standing.met(C.ADMISSION, event.at), event.at, pack)


def positive_in_hospital(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """Any positive begins the days again (N113 2.1)."""
    return _observed(standing, event.at, pack)


def positive_again(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """Positive after release: back to hospital; of a contact, to the experts."""
    if standing.level != "CASE":
        return reviewed(standing, event, pack)
    kept = (*OWED, C.EXPERT_REVIEW)
    found = _observed(standing.cleared(event.at, *kept), event.at, pack)
    due = later(event.at, hours=pack.hours.positive_again)
    return found.opened(C.READMISSION, event.at, due)


def negative_first(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The first test, that of day 7 in N113, from its day on."""
    wanted = pack.carrier.first_test_day
    if (standing.day(event.at) or 0) < wanted:
        return _too_early(standing, event, wanted)
    found = to_state(standing.met(C.DAY_7_TEST, event.at), S.WAIT_DAY_12, event.at)
    found = replace(found, second_at=event.at)
    earliest = later(event.at, hours=pack.carrier.test_gap_hours)
    due = max(
        end_of_day(day_of(found, pack.carrier.second_test_day)), end_of_day(local_day(earliest))
    )
    return found.opened(C.DAY_12_TEST, event.at, due)


def negative_second(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The second test, that of day 12 in N113, from its day on."""
    carrier = pack.carrier
    if (standing.day(event.at) or 0) < carrier.second_test_day:
        return _too_early(standing, event, carrier.second_test_day)
    gap = carrier.test_gap_hours
    if gap and standing.second_at and event.at < later(standing.second_at, hours=gap):
        return refused(
            "SAMPLED_EARLY",
            f"{gap} hours lie at least between the two samples, and the first is of "
            f"{standing.second_at}",
            f"两次采样须至少间隔{gap}小时",
        )
    found = standing.met(C.DAY_12_TEST, event.at)
    if not carrier.dual_site_hours:
        return to_state(replace(found, second_at=event.at), S.CLINICAL_CHECK, event.at)
    found = replace(to_state(found, S.WAIT_DUAL_SITE, event.at), second_at=event.at)
    earliest = later(event.at, hours=carrier.dual_site_hours)
    due = max(end_of_day(local_day(earliest)), end_of_day(day_of(found, carrier.observation_days)))
    return found.opened(C.DUAL_SITE_TEST, event.at, due)


def _too_early(standing: Standing, event: Event, wanted: int) -> Refused:
    return refused(
        "SAMPLED_EARLY",
        f"the sample is of day {standing.day(event.at)}, and day {wanted} is wanted",
        f"该标本采于第{standing.day(event.at)}天，应于第{wanted}天采集",
    )


def dual_site(standing: Standing, event: Event, pack: RulePack) -> Next:
    """Throat and anal swab together, so many hours after the second test (N113 2.3)."""
    assert standing.second_at is not None
    earliest = later(standing.second_at, hours=pack.carrier.dual_site_hours)
    if event.at < earliest:
        return refused(
            "SAMPLED_EARLY",
            f"throat and anal swab are taken together at {earliest} or later: "
            f"{pack.carrier.dual_site_hours} hours after the last sample",
            "咽拭子、肛拭子须在上次采样满规定时间后同时采集",
        )
    return to_state(standing.met(C.DUAL_SITE_TEST, event.at), S.CLINICAL_CHECK, event.at)


def checked(standing: Standing, event: Event, pack: RulePack) -> Next:
    """Release from hospital, once its days are reached (N113 2.3 and 3.3)."""
    wanted = pack.carrier.observation_days
    if (standing.day(event.at) or 0) < wanted:
        return refused(
            "DAYS_NOT_REACHED",
            f"this is day {standing.day(event.at)} of {wanted}",
            f"医学观察第{standing.day(event.at)}天，未满{wanted}天",
        )
    found = standing.cleared(event.at, *OWED, C.ANTIBODY_TEST)
    found = to_state(found, S.RELEASED_FROM_HOSPITAL, event.at)
    found = replace(found, released_at=event.at, day_one=None)
    due = later(event.at, hours=pack.hours.discharge_date)
    found = found.opened(C.DISCHARGE_DATE, event.at, due)
    for week in pack.carrier.revisit_weeks:
        last = end_of_day(local_day(event.at) + timedelta(days=7 * week))
        found = found.opened(C.REVISIT, event.at, last)
    return found

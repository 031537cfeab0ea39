"""When somebody is let go and when all is over, at the earliest, if nothing more goes wrong (D).

Days are those of China. What is late today is taken to be done today.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from resolvers.pathway.packs import Carrier, RulePack
from resolvers.pathway.states import (
    IN_HOSPITAL,
    PathwayState,
    Standing,
    later,
    local_day,
)

__all__ = ["ends_on", "release_on"]

S = PathwayState
_TO_HOSPITAL = frozenset({S.REPORTED, S.INVESTIGATED})


def release_on(standing: Standing, pack: RulePack, at: str) -> date | None:
    """The day of release from hospital, past or at the earliest; None where none is in sight."""
    standing = _there(standing)
    if standing.level != "CASE":
        return None
    if standing.released_at is not None:
        return local_day(standing.released_at)
    today, carrier = local_day(at), pack.carrier
    if standing.state in _TO_HOSPITAL:
        standing = replace(standing, state=S.HOSPITAL_OBSERVATION, day_one=today.isoformat())
    if standing.state not in IN_HOSPITAL or standing.day_one is None:
        return None
    first = date.fromisoformat(standing.day_one)
    reached = max(first + timedelta(days=carrier.observation_days - 1), today)
    return max(reached, _tested(standing, carrier, first, today))


def _tested(standing: Standing, carrier: Carrier, first: date, today: date) -> date:
    """The day of the last sample that is wanted; today where there are all."""
    found, state = today, standing.state
    if state is S.HOSPITAL_OBSERVATION:
        found = max(found, first + timedelta(days=carrier.first_test_day - 1))
    if state in (S.HOSPITAL_OBSERVATION, S.WAIT_DAY_12):
        gap = _after(standing, found, carrier.test_gap_hours, waits=state is S.WAIT_DAY_12)
        found = max(found, gap, first + timedelta(days=carrier.second_test_day - 1))
    if state is not S.CLINICAL_CHECK and carrier.dual_site_hours:
        waits = state is S.WAIT_DUAL_SITE
        found = max(found, _after(standing, found, carrier.dual_site_hours, waits=waits))
    return found


def _after(standing: Standing, sampled: date, hours: int, *, waits: bool) -> date:
    if waits and standing.second_at is not None:
        return local_day(later(standing.second_at, hours=hours))
    return sampled + timedelta(days=-(-hours // 24))


def ends_on(standing: Standing, pack: RulePack, at: str) -> date | None:
    """The day on which the pathway can end, at the earliest; None where none is in sight."""
    standing = _there(standing)
    today = local_day(at)
    if standing.level != "CASE":
        part = pack.isolation(standing.level)
        if part is None or standing.day_one is None:
            return None
        return _isolated(standing, (part.central_days, part.home_days), today)
    release = release_on(standing, pack, at)
    if release is None or standing.state is S.CLOSED:
        return None
    carrier = pack.carrier
    days = (carrier.central_days, carrier.home_days)
    if standing.state in (S.CENTRAL_ISOLATION, S.HOME_OBSERVATION):
        found = _isolated(standing, days, today)
    else:
        found = max(release, today) + timedelta(days=sum(days))
    weeks = carrier.revisit_weeks[standing.revisits :]
    if found is None or not weeks:
        return found
    return max(found, release + timedelta(days=7 * (weeks[-1] - 1) + 1))


def _isolated(standing: Standing, days: tuple[int, int], today: date) -> date | None:
    assert standing.day_one is not None
    first, (central, home) = date.fromisoformat(standing.day_one), days
    if standing.state is S.CENTRAL_ISOLATION:
        return max(first + timedelta(days=central), today) + timedelta(days=home)
    if standing.state is S.HOME_OBSERVATION:
        return max(first + timedelta(days=home), today)
    return None


def _there(standing: Standing) -> Standing:
    """Where a review leads back to, if it excludes the disease."""
    back = standing.returns_to
    return standing if back is None else replace(standing, state=back)

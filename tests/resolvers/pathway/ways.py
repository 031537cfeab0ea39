"""Ways that lead to each state of a pathway, by the requirements' table D."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from regions.instants import instant, seconds_of
from resolvers.pathway.engine import advance, begin, expired, started
from resolvers.pathway.packs import RulePack, packs
from resolvers.pathway.states import Event, PathwayEvent, PathwayState, Refused, Standing

__all__ = ["START", "contact_of", "day_at", "go", "in_state", "later_by", "reason_of", "states_of"]

S, E = PathwayState, PathwayEvent
START = "2024-02-20T02:00:00Z"
"""Ten o'clock in China on day 1, with a leap day ahead."""

Way = list[tuple[PathwayEvent, str]]


def day_at(day: int, hour: int = 10, minute: int = 0, second: int = 0) -> str:
    """An instant of the day of admission (1) or another, in hours of China."""
    seconds = (day - 1) * 86400 + (hour - 10) * 3600 + minute * 60 + second
    return later_by(START, seconds)


def later_by(at: str, seconds: float) -> str:
    """An instant so many seconds later."""
    return instant(seconds_of(at) + seconds)


def go(standing: Standing, way: Iterable[tuple[PathwayEvent, str]], pack: RulePack) -> Standing:
    """Where a way leads, with what ran out before each event marked."""
    for kind, at in way:
        following = advance(expired(standing, at), Event(kind, at), pack)
        assert isinstance(following, Standing), (kind, at, following)
        standing = following
    return standing


def reason_of(standing: Standing, kind: PathwayEvent, at: str, pack: RulePack) -> str:
    """By which name an event is refused."""
    following = advance(standing, Event(kind, at), pack)
    assert isinstance(following, Refused), following
    assert following.message
    assert following.message_zh
    return following.reason


def _ways(pack: RulePack) -> dict[PathwayState, Way]:
    """From screening to each state; day 1 is the day of admission."""
    of = pack.carrier
    found: dict[PathwayState, Way] = {S.SCREENED: []}
    way: Way = []

    def then(state: PathwayState, *steps: tuple[PathwayEvent, str]) -> None:
        way.extend(steps)
        found[state] = list(way)

    then(S.EXPERT_REVIEW, (E.SAMPLE_POSITIVE, day_at(1, 8)))
    found[S.CONFIRMED_CASE] = [*way, (E.DISEASE_CONFIRMED, day_at(1, 9))]
    then(S.REPORTED, (E.ASYMPTOMATIC_CONFIRMED, day_at(1, 9)))
    then(S.INVESTIGATED, (E.COUNTY_NOTIFIED, day_at(1, 9, 30)))
    then(S.HOSPITAL_OBSERVATION, (E.ADMITTED, day_at(1)))
    then(S.WAIT_DAY_12, (E.SAMPLE_NEGATIVE, day_at(of.first_test_day)))
    if of.dual_site_hours:
        then(S.WAIT_DUAL_SITE, (E.SAMPLE_NEGATIVE, day_at(of.second_test_day)))
        at = later_by(day_at(of.second_test_day), of.dual_site_hours * 3600)
        then(S.CLINICAL_CHECK, (E.DUAL_SITE_NEGATIVE, at))
    else:
        then(S.CLINICAL_CHECK, (E.SAMPLE_NEGATIVE, day_at(of.second_test_day)))
    end = of.observation_days
    then(S.RELEASED_FROM_HOSPITAL, (E.CLINICAL_CHECK_NORMAL, day_at(end, 12)))
    accepted = (E.TRANSFER_ACCEPTED, day_at(end, 15))
    if of.central_days:
        then(S.CENTRAL_ISOLATION, accepted)
        end += of.central_days
        then(S.HOME_OBSERVATION, (E.DAYS_DONE, day_at(end, 15)))
    else:
        then(S.HOME_OBSERVATION, accepted)
    done = of.observation_days
    for week in of.revisit_weeks:
        way.append((E.REVISITED, day_at(max(end, done + 7 * week), 16)))
    end = max(end + of.home_days, done + 7 * max(of.revisit_weeks, default=0))
    then(S.CLOSED, (E.DAYS_DONE, day_at(end, 17)))
    return found


def states_of(pack: RulePack) -> list[PathwayState]:
    """The states that a carrier can be in under a pack."""
    return [state for state in S if state in _ways(pack)]


def in_state(state: PathwayState, pack: RulePack) -> Standing:
    """A carrier who has just come into a state."""
    return _in_state(state, pack.id)


@cache
def _in_state(state: PathwayState, key: str) -> Standing:
    pack = packs()[key]
    found = go(begin(day_at(1, 7)), _ways(pack)[state], pack)
    assert found.state is state
    return found


def contact_of(level: str, pack: RulePack) -> Standing:
    """A contact whose days begin."""
    found = started(level, START, pack)
    assert isinstance(found, Standing)
    return found

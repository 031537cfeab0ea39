"""The pathway: its table over every state and event, its clocks, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.instants import instant, seconds_of
from resolvers.pathway.engine import advance, begin, begin_contact, expired, under
from resolvers.pathway.packs import RulePack, packs
from resolvers.pathway.states import (
    IN_HOSPITAL,
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    local_day,
)

S, E, C = PathwayState, PathwayEvent, ClockKind
_N113 = packs()["N113"]
_START = "2024-02-20T02:00:00Z"  # ten o'clock in China, and a leap day lies ahead


def _at(day: int, hour: int = 10, minute: int = 0, second: int = 0) -> str:
    """An instant of the day of admission (1) or later, in hours of China."""
    seconds = seconds_of(_START) + (day - 1) * 86400 + (hour - 10) * 3600 + minute * 60 + second
    return instant(seconds)


def _go(standing: Standing, *events: tuple[PathwayEvent, str], pack: RulePack = _N113) -> Standing:
    for kind, at in events:
        following = advance(standing, Event(kind, at), pack)
        assert isinstance(following, Standing), following
        standing = following
    return standing


def _reason(standing: Standing, kind: PathwayEvent, at: str, pack: RulePack = _N113) -> str:
    following = advance(standing, Event(kind, at), pack)
    assert isinstance(following, Refused), following
    assert following.message
    assert following.message_zh
    return following.reason


def _admitted() -> Standing:
    return _go(
        begin(_at(1, 8)),
        (E.SAMPLE_POSITIVE, _at(1, 8)),
        (E.ASYMPTOMATIC_CONFIRMED, _at(1, 9)),
        (E.REPORT_FILED, _at(1, 9, 30)),
        (E.COUNTY_NOTIFIED, _at(1, 9, 40)),
        (E.ADMITTED, _at(1)),
    )


def _released() -> Standing:
    return _go(
        _admitted(),
        (E.SAMPLE_NEGATIVE, _at(7)),
        (E.SAMPLE_NEGATIVE, _at(12)),
        (E.DUAL_SITE_NEGATIVE, _at(13)),
        (E.CLINICAL_CHECK_NORMAL, _at(14)),
    )


def _due(standing: Standing, kind: ClockKind) -> list[str]:
    return [one.due_at for one in standing.clocks if one.kind is kind and one.running]


def test_the_way_from_screening_to_the_end() -> None:
    found = _released()
    assert found.state is S.RELEASED_FROM_HOSPITAL
    assert _due(found, C.DISCHARGE_DATE) == [_at(14, 12)]
    assert _due(found, C.REVISIT) == [_at(28, 23, 59, 59), _at(42, 23, 59, 59)]
    found = _go(found, (E.DISCHARGE_DATE_FILED, _at(14, 11)), (E.TRANSFER_ACCEPTED, _at(14, 20)))
    assert found.state is S.CENTRAL_ISOLATION
    assert _reason(found, E.DAYS_DONE, _at(27, 20)) == "DAYS_NOT_REACHED"
    found = _go(found, (E.REVISITED, _at(27)), (E.DAYS_DONE, _at(28)))
    assert found.state is S.HOME_OBSERVATION
    assert _reason(found, E.DAYS_DONE, _at(42)) == "REVISITS_OPEN"
    found = _go(found, (E.VISITED, _at(28, 11)), (E.REVISITED, _at(42)), (E.DAYS_DONE, _at(42)))
    assert found.state is S.CLOSED
    assert not [one for one in found.clocks if one.running]


def test_a_test_before_its_day_counts_for_nothing() -> None:
    assert _reason(_admitted(), E.SAMPLE_NEGATIVE, _at(6, 23, 59)) == "SAMPLED_EARLY"
    found = _go(_admitted(), (E.SAMPLE_NEGATIVE, _at(7, 0)))
    assert _reason(found, E.SAMPLE_NEGATIVE, _at(11, 23, 59)) == "SAMPLED_EARLY"


def test_two_swabs_to_the_hour() -> None:
    found = _go(_admitted(), (E.SAMPLE_NEGATIVE, _at(7)), (E.SAMPLE_NEGATIVE, _at(12, 10, 0, 1)))
    assert _reason(found, E.DUAL_SITE_NEGATIVE, _at(13)) == "SAMPLED_EARLY"
    found = _go(found, (E.DUAL_SITE_NEGATIVE, _at(13, 10, 0, 1)))
    assert _reason(found, E.CLINICAL_CHECK_NORMAL, _at(13, 23, 59)) == "DAYS_NOT_REACHED"


@pytest.mark.parametrize("negatives", range(4))
def test_any_positive_begins_the_days_again(negatives: int) -> None:
    ways = [
        (E.SAMPLE_NEGATIVE, _at(7)),
        (E.SAMPLE_NEGATIVE, _at(12)),
        (E.DUAL_SITE_NEGATIVE, _at(13)),
    ]
    found = _go(_admitted(), *ways[:negatives], (E.SAMPLE_POSITIVE, _at(13, 12)))
    assert (found.state, found.day_one) == (S.HOSPITAL_OBSERVATION, "2024-03-03")
    assert _due(found, C.DAY_7_TEST) == [_at(19, 23, 59, 59)]
    assert not _due(found, C.DAY_12_TEST) + _due(found, C.DUAL_SITE_TEST)


def test_positive_after_release_is_admitted_again() -> None:
    found = _go(_released(), (E.TRANSFER_ACCEPTED, _at(14, 12)), (E.SAMPLE_POSITIVE, _at(20)))
    assert found.state is S.HOSPITAL_OBSERVATION
    assert _due(found, C.READMISSION) == [_at(20, 12)]
    assert not _due(found, C.REVISIT)


def test_symptoms_lead_to_a_review_that_confirms_or_excludes() -> None:
    review = _go(_admitted(), (E.SYMPTOM_APPEARED, _at(5)))
    case = _go(review, (E.DISEASE_CONFIRMED, _at(5, 11)))
    assert case.state is S.CONFIRMED_CASE
    assert _due(case, C.TELL_FIRST_REPORTER) == _due(case, C.CARD_CORRECTION) == [_at(5, 13)]
    case = _go(case, (E.FIRST_REPORTER_TOLD, _at(5, 12)), (E.CARD_CORRECTED, _at(5, 12)))
    assert _reason(case, E.CARD_CORRECTED, _at(5, 13)) == "DONE_ALREADY"
    back = _go(review, (E.EXCLUDED, _at(5, 11)))
    assert (back.state, back.day_one) == (S.HOSPITAL_OBSERVATION, "2024-02-20")
    assert _reason(review, E.ASYMPTOMATIC_CONFIRMED, _at(5, 11)) == "REPORTED_ALREADY"


@pytest.mark.parametrize(
    ("pack", "level", "days"),
    [
        ("N113", "CLOSE", [14]),
        ("N113", "SECONDARY", [14]),
        ("8TH_EDITION", "CLOSE", [14, 7]),
        ("8TH_EDITION", "SECONDARY", [7]),
        ("9TH_EDITION", "CLOSE", [7, 3]),
        ("9TH_EDITION", "SECONDARY", [7]),
    ],
)
def test_days_of_a_contact(pack: str, level: str, days: list[int]) -> None:
    rules, passed = packs()[pack], 1
    found = begin_contact(level, _START, rules)
    assert isinstance(found, Standing)
    for part in days:
        passed += part
        assert _reason(found, E.DAYS_DONE, _at(passed - 1), rules) == "DAYS_NOT_REACHED"
        found = _go(found, (E.DAYS_DONE, _at(passed)), pack=rules)
    assert found.state is S.CLOSED


def test_a_positive_contact_becomes_a_carrier() -> None:
    contact = begin_contact("CLOSE", _START, _N113)
    assert isinstance(contact, Standing)
    found = _go(contact, (E.SAMPLE_POSITIVE, _at(3)), (E.ASYMPTOMATIC_CONFIRMED, _at(3, 11)))
    assert (found.state, found.level) == (S.REPORTED, "CASE")
    assert isinstance(begin_contact("GENERAL", _START, _N113), Refused)


def test_every_half_day_that_lapses_is_a_record() -> None:
    found = expired(_admitted(), _at(3, 9))
    lapsed = [one for one in found.clocks if one.kind is C.TEMPERATURE and one.missed_at]
    assert [one.due_at for one in lapsed] == [
        _at(1, 11, 59, 59),
        _at(1, 23, 59, 59),
        _at(2, 11, 59, 59),
        _at(2, 23, 59, 59),
    ]
    assert _due(found, C.TEMPERATURE) == [_at(3, 11, 59, 59)]
    assert expired(found, _at(3, 9)) == found
    twice = _go(found, (E.TEMPERATURE_TAKEN, _at(3, 9)), (E.TEMPERATURE_TAKEN, _at(3, 9, 30)))
    assert len(_due(twice, C.TEMPERATURE)) == 1


def test_what_is_met_late_stays_missed() -> None:
    reported = _go(
        begin(_at(1, 8)), (E.SAMPLE_POSITIVE, _at(1, 8)), (E.ASYMPTOMATIC_CONFIRMED, _at(1, 9))
    )
    found = _go(reported, (E.REPORT_FILED, _at(1, 11, 0, 1)))
    clock = next(one for one in found.clocks if one.kind is C.DIRECT_REPORT)
    assert (clock.met_at, clock.missed_at) == (_at(1, 11, 0, 1), _at(1, 11))
    in_time = _go(reported, (E.REPORT_FILED, _at(1, 11)))
    assert not any(one.missed_at for one in in_time.clocks if one.kind is C.DIRECT_REPORT)


_EVENTS = st.lists(st.tuples(st.sampled_from(list(E)), st.integers(0, 40 * 24)), max_size=60)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("pack", packs().values(), ids=list(packs()))
@given(events=_EVENTS, contact=st.sampled_from([None, "CLOSE", "SECONDARY"]))
def test_what_always_holds(
    pack: RulePack, events: list[tuple[PathwayEvent, int]], contact: str | None
) -> None:
    """In whatever order events come: time and clocks only go forward, and only whoever was
    negative on day 7, day 12 and at both sites is let go.
    """
    standing = _admitted()
    if contact is not None:
        begun = begin_contact(contact, _START, pack)
        assert isinstance(begun, Standing)
        standing = begun
    for kind, hour in events:
        at = _at(1, 10 + hour)
        before, standing = standing, under(standing, [Event(kind, at)], pack)
        assert standing.entered_at >= before.entered_at
        assert len(standing.clocks) >= len(before.clocks)
        for old, new in zip(before.clocks, standing.clocks, strict=False):
            assert (old.kind, old.number, old.due_at) == (new.kind, new.number, new.due_at)
            assert old.running or old == new
        for one in standing.clocks:
            assert one.due_at >= one.opened_at
        if standing.state in IN_HOSPITAL:
            assert standing.day_one is not None
            if before.state in IN_HOSPITAL:
                assert before.day_one is not None
                assert standing.day_one >= before.day_one
            if kind is E.SAMPLE_POSITIVE and before.state in IN_HOSPITAL:
                assert standing.state is S.HOSPITAL_OBSERVATION
                assert standing.day_one >= local_day(at).isoformat()
        if standing.state is S.RELEASED_FROM_HOSPITAL is not before.state:
            assert before.state is S.CLINICAL_CHECK or kind is E.EXCLUDED
        if standing.state is S.CLINICAL_CHECK is not before.state and kind is not E.EXCLUDED:
            assert before.second_at is not None
            waited = seconds_of(at) - seconds_of(before.second_at)
            assert waited >= pack.carrier.dual_site_hours * 3600
        late = expired(standing, at)
        assert expired(late, at) == late

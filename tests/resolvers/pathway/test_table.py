"""The requirements' table D as rules over everything: packs × states × events, and every timer.

`_TABLE` and `_TIMERS` are written from the requirements and N113, not from the engine.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from regions.instants import seconds_of
from resolvers.pathway.engine import advance, begin, expired
from resolvers.pathway.packs import RulePack, packs
from resolvers.pathway.states import (
    CHINA,
    Clock,
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    end_of_day,
    local_day,
)
from tests.resolvers.pathway.ways import (
    START,
    contact_of,
    day_at,
    go,
    in_state,
    later_by,
    reason_of,
    states_of,
)

S, E, C = PathwayState, PathwayEvent, ClockKind
_PACKS = packs()
_SAME = "same"
_LATER = day_at(44)  # after every day that is waited for

_HOSPITAL: dict[PathwayEvent, object] = {
    E.SAMPLE_POSITIVE: S.HOSPITAL_OBSERVATION,
    E.SYMPTOM_APPEARED: S.EXPERT_REVIEW,
    E.TEMPERATURE_TAKEN: _SAME,
    E.REPORT_FILED: _SAME,
    E.COUNTY_NOTIFIED: "DONE_ALREADY",
    E.INVESTIGATION_FILED: _SAME,
    E.ANTIBODY_TESTED: _SAME,
    E.CARD_CORRECTED: S.CONFIRMED_CASE,
    E.CARD_WITHDRAWN: S.CLOSED,
}
_RELEASED: dict[PathwayEvent, object] = {
    E.SAMPLE_POSITIVE: S.HOSPITAL_OBSERVATION,
    E.SYMPTOM_APPEARED: S.EXPERT_REVIEW,
    E.DISCHARGE_DATE_FILED: _SAME,
    E.REVISITED: _SAME,
    E.REPORT_FILED: _SAME,
    E.COUNTY_NOTIFIED: "DONE_ALREADY",
    E.INVESTIGATION_FILED: _SAME,
    E.ANTIBODY_TESTED: _SAME,
    E.CARD_CORRECTED: S.CONFIRMED_CASE,
    E.CARD_WITHDRAWN: S.CLOSED,
}
_TABLE: dict[PathwayState, dict[PathwayEvent, object]] = {
    S.SCREENED: {
        E.SAMPLE_POSITIVE: S.EXPERT_REVIEW,
        E.SAMPLE_NEGATIVE: S.CLOSED,
        E.CARD_WITHDRAWN: S.CLOSED,
    },
    S.EXPERT_REVIEW: {
        E.SAMPLE_POSITIVE: _SAME,
        E.SAMPLE_NEGATIVE: _SAME,
        E.TEMPERATURE_TAKEN: _SAME,
        E.ASYMPTOMATIC_CONFIRMED: S.REPORTED,
        E.DISEASE_CONFIRMED: S.CONFIRMED_CASE,
        E.EXCLUDED: S.CLOSED,
        E.REPORT_FILED: "DONE_ALREADY",
        E.COUNTY_NOTIFIED: "NOT_REPORTED",
        E.INVESTIGATION_FILED: "DONE_ALREADY",
        E.ANTIBODY_TESTED: "DONE_ALREADY",
        E.CARD_CORRECTED: S.CONFIRMED_CASE,
        E.CARD_WITHDRAWN: S.CLOSED,
    },
    S.REPORTED: {
        E.SAMPLE_POSITIVE: _SAME,
        E.SAMPLE_NEGATIVE: _SAME,
        E.SYMPTOM_APPEARED: S.EXPERT_REVIEW,
        E.REPORT_FILED: _SAME,
        E.COUNTY_NOTIFIED: S.INVESTIGATED,
        E.INVESTIGATION_FILED: "DONE_ALREADY",  # nobody is due to investigate what is not known
        E.ADMITTED: S.HOSPITAL_OBSERVATION,  # "at once", whoever is told meanwhile
        E.CARD_CORRECTED: S.CONFIRMED_CASE,
        E.CARD_WITHDRAWN: S.CLOSED,
    },
    S.INVESTIGATED: {
        E.SAMPLE_POSITIVE: _SAME,
        E.SAMPLE_NEGATIVE: _SAME,
        E.SYMPTOM_APPEARED: S.EXPERT_REVIEW,
        E.REPORT_FILED: _SAME,
        E.COUNTY_NOTIFIED: "DONE_ALREADY",
        E.INVESTIGATION_FILED: _SAME,
        E.ADMITTED: S.HOSPITAL_OBSERVATION,
        E.CARD_CORRECTED: S.CONFIRMED_CASE,
        E.CARD_WITHDRAWN: S.CLOSED,
    },
    S.HOSPITAL_OBSERVATION: _HOSPITAL
    | {
        E.SAMPLE_NEGATIVE: S.WAIT_DAY_12,
        E.DUAL_SITE_NEGATIVE: S.WAIT_DAY_12,
        E.ADMITTED: "DONE_ALREADY",
    },
    S.WAIT_DAY_12: _HOSPITAL
    | {E.SAMPLE_NEGATIVE: S.WAIT_DUAL_SITE, E.DUAL_SITE_NEGATIVE: S.WAIT_DUAL_SITE},
    S.WAIT_DUAL_SITE: _HOSPITAL | {E.DUAL_SITE_NEGATIVE: S.CLINICAL_CHECK},
    S.CLINICAL_CHECK: _HOSPITAL | {E.CLINICAL_CHECK_NORMAL: S.RELEASED_FROM_HOSPITAL},
    S.RELEASED_FROM_HOSPITAL: _RELEASED | {E.TRANSFER_ACCEPTED: S.CENTRAL_ISOLATION},
    S.CENTRAL_ISOLATION: _RELEASED
    | {E.DAYS_DONE: S.HOME_OBSERVATION, E.SAMPLE_NEGATIVE: "DONE_ALREADY"},
    S.HOME_OBSERVATION: _RELEASED
    | {E.DAYS_DONE: "REVISITS_OPEN", E.VISITED: _SAME, E.SAMPLE_NEGATIVE: "DONE_ALREADY"},
    S.CONFIRMED_CASE: {
        E.REPORT_FILED: _SAME,
        E.COUNTY_NOTIFIED: _SAME,
        E.INVESTIGATION_FILED: "DONE_ALREADY",
        E.FIRST_REPORTER_TOLD: "DONE_ALREADY",  # ill when screened: nobody had reported before
        E.CARD_CORRECTED: "DONE_ALREADY",
    },
    S.CLOSED: {},
}
"""State, event → the next state, or the name of the refusal; every other pair is refused since it
does not happen there.
"""


def _expected(state: PathwayState, kind: PathwayEvent, pack: RulePack) -> object:
    found = _TABLE[state].get(kind)
    of = pack.carrier
    if found is None:
        return "ENDED" if state in (S.CLOSED, S.CONFIRMED_CASE) else "NOT_IN_STATE"
    if found is _SAME and kind is E.ANTIBODY_TESTED and not of.antibody_day:
        return "DONE_ALREADY"
    if found is _SAME and kind is E.REVISITED and not of.revisit_weeks:
        return "DONE_ALREADY"
    if found == "REVISITS_OPEN" and not of.revisit_weeks:
        return S.CLOSED
    if found is S.WAIT_DUAL_SITE and not of.dual_site_hours:
        return S.CLINICAL_CHECK
    if found is S.CENTRAL_ISOLATION and not of.central_days:
        return S.HOME_OBSERVATION
    return state if found is _SAME else found


_EVERYTHING = [
    pytest.param(pack, state, kind, id=f"{pack.id}-{state.name}-{kind.name}")
    for pack in _PACKS.values()
    for state, kind in product(states_of(pack), E)
]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize(("pack", "state", "kind"), _EVERYTHING)
def test_every_pair_is_the_tables_step_or_its_named_refusal(
    pack: RulePack, state: PathwayState, kind: PathwayEvent
) -> None:
    standing = in_state(state, pack)
    following = advance(expired(standing, _LATER), Event(kind, _LATER), pack)
    expected = _expected(state, kind, pack)
    if isinstance(following, Refused):
        assert following.reason == expected
        assert following.message
        assert following.message_zh
    else:
        assert following.state is expected


def test_the_packs_lead_through_the_states_they_want() -> None:
    assert set(states_of(_PACKS["N113"])) == set(S)
    left_out = {S.WAIT_DUAL_SITE, S.CENTRAL_ISOLATION}
    assert set(S) - set(states_of(_PACKS["8TH_EDITION"])) == left_out
    assert set(S) - set(states_of(_PACKS["9TH_EDITION"])) == left_out


# ------------------------------------------------------------------------------------ timers


def _last(standing: Standing, kind: ClockKind) -> Clock:
    return [one for one in standing.clocks if one.kind is kind][-1]


_N = _PACKS["N113"]


def _reached(state: PathwayState, *more: tuple[PathwayEvent, str], pack: RulePack = _N) -> Standing:
    return go(in_state(state, pack), more, pack)


_TIMERS = {
    # what stands, the clock, when it is due in hours of China, what meets it
    "experts at once": (_reached(S.EXPERT_REVIEW), C.EXPERT_REVIEW, day_at(1, 10), E.EXCLUDED),
    "report 2 h": (_reached(S.REPORTED), C.DIRECT_REPORT, day_at(1, 11), E.REPORT_FILED),
    "hospital at once": (_reached(S.REPORTED), C.ADMISSION, day_at(1, 11), E.ADMITTED),
    "ill when screened: report 2 h": (
        _reached(S.CONFIRMED_CASE),
        C.DIRECT_REPORT,
        day_at(1, 11),
        E.REPORT_FILED,
    ),
    "investigation 24 h": (
        _reached(S.INVESTIGATED),
        C.INVESTIGATION,
        day_at(2, 9, 30),
        E.INVESTIGATION_FILED,
    ),
    "temperature of the morning": (
        _reached(S.HOSPITAL_OBSERVATION),
        C.TEMPERATURE,
        day_at(1, 11, 59, 59),
        E.TEMPERATURE_TAKEN,
    ),
    "temperature of the evening": (
        _reached(S.HOSPITAL_OBSERVATION, (E.TEMPERATURE_TAKEN, day_at(1, 11))),
        C.TEMPERATURE,
        day_at(1, 23, 59, 59),
        E.TEMPERATURE_TAKEN,
    ),
    "day 7": (
        _reached(S.HOSPITAL_OBSERVATION),
        C.DAY_7_TEST,
        day_at(7, 23, 59, 59),
        E.SAMPLE_NEGATIVE,
    ),
    "day 12": (_reached(S.WAIT_DAY_12), C.DAY_12_TEST, day_at(12, 23, 59, 59), E.SAMPLE_NEGATIVE),
    "antibodies within 14 days": (
        _reached(S.HOSPITAL_OBSERVATION),
        C.ANTIBODY_TEST,
        day_at(14, 23, 59, 59),
        E.ANTIBODY_TESTED,
    ),
    "two swabs by day 14": (
        _reached(S.WAIT_DUAL_SITE),
        C.DUAL_SITE_TEST,
        day_at(14, 23, 59, 59),
        E.DUAL_SITE_NEGATIVE,
    ),
    "two swabs of whoever was tested late": (
        _reached(S.WAIT_DAY_12, (E.SAMPLE_NEGATIVE, day_at(16, 12))),
        C.DUAL_SITE_TEST,
        day_at(17, 23, 59, 59),
        E.DUAL_SITE_NEGATIVE,
    ),
    "discharge date 2 h": (
        _reached(S.RELEASED_FROM_HOSPITAL),
        C.DISCHARGE_DATE,
        day_at(14, 14),
        E.DISCHARGE_DATE_FILED,
    ),
    "14 days in a central place": (
        _reached(S.CENTRAL_ISOLATION),
        C.CENTRAL_DAYS,
        day_at(28, 23, 59, 59),
        E.DAYS_DONE,
    ),
    "14 days at home": (
        _reached(S.HOME_OBSERVATION, (E.REVISITED, day_at(28, 16)), (E.REVISITED, day_at(41, 16))),
        C.HOME_DAYS,
        day_at(42, 23, 59, 59),
        E.DAYS_DONE,
    ),
    "daily visit": (
        _reached(S.HOME_OBSERVATION),
        C.DAILY_VISIT,
        day_at(28, 23, 59, 59),
        E.VISITED,
    ),
    "revisit of week 4": (
        _reached(S.HOME_OBSERVATION, (E.REVISITED, day_at(28, 16))),
        C.REVISIT,
        day_at(42, 23, 59, 59),
        E.REVISITED,
    ),
    "positive again 2 h": (
        _reached(S.CENTRAL_ISOLATION, (E.SAMPLE_POSITIVE, day_at(20))),
        C.READMISSION,
        day_at(20, 12),
        E.ADMITTED,
    ),
    "first reporter told 2 h": (
        _reached(
            S.HOSPITAL_OBSERVATION,
            (E.SYMPTOM_APPEARED, day_at(3, 8)),
            (E.DISEASE_CONFIRMED, day_at(3, 9)),
        ),
        C.TELL_FIRST_REPORTER,
        day_at(3, 11),
        E.FIRST_REPORTER_TOLD,
    ),
    "card corrected 2 h": (
        _reached(
            S.HOSPITAL_OBSERVATION,
            (E.SYMPTOM_APPEARED, day_at(3, 8)),
            (E.DISEASE_CONFIRMED, day_at(3, 9)),
        ),
        C.CARD_CORRECTION,
        day_at(3, 11),
        E.CARD_CORRECTED,
    ),
    "arrival tested 12 h": (
        begin(day_at(1, 8), _N),
        C.ARRIVAL_TEST,
        day_at(1, 20),
        E.SAMPLE_NEGATIVE,
    ),
    "contact's days": (
        contact_of("CLOSE", _N),
        C.CENTRAL_DAYS,
        day_at(15, 23, 59, 59),
        E.DAYS_DONE,
    ),
    "contact's test": (
        contact_of("CLOSE", _N),
        C.CONTACT_TEST,
        day_at(1, 23, 59, 59),
        E.SAMPLE_NEGATIVE,
    ),
}


@pytest.mark.parametrize("name", _TIMERS)
def test_every_timer_at_its_border(name: str) -> None:
    """Met at the second it is due it is kept, a second later it is missed, whoever looks when."""
    standing, kind, due, event = _TIMERS[name]
    clock = _last(standing, kind)
    assert clock.due_at == due
    assert clock.running
    assert not _last(expired(standing, due), kind).missed_at
    late = later_by(due, 1)
    gone = [one for one in expired(standing, late).clocks if one.kind is kind]
    assert [one.missed_at for one in gone if one.due_at == due] == [due]
    for at, missed in ((due, None), (late, due)):
        for before in (standing, expired(standing, at)):
            after = go(before, [(event, at)], _N)
            (met,) = [one for one in after.clocks if one.kind is kind and one.due_at == due]
            assert met.missed_at == missed
            if event is not E.TEMPERATURE_TAKEN and event is not E.VISITED:
                assert met.met_at == at


def test_no_timer_of_a_pack_is_forgotten() -> None:
    tested = {kind for _, kind, _, _ in _TIMERS.values()}
    # No pack has these: tests of alerts and of letters.
    of_signals = {C.ABNORMAL_CARD, C.INVESTIGATION_FORM}
    of_letters = {kind for kind in C if kind.name.startswith("ASSIST_")}
    assert tested == set(C) - of_signals - of_letters


# ------------------------------------------------------------------------------- what moves days


@pytest.mark.parametrize("pack", _PACKS.values(), ids=list(_PACKS))
def test_days_begin_and_end_at_midnight_in_china(pack: RulePack) -> None:
    """A sample a second before its day is early, on its first second it counts."""
    of = pack.carrier
    for state, number in (
        (S.HOSPITAL_OBSERVATION, of.first_test_day),
        (S.WAIT_DAY_12, of.second_test_day),
    ):
        standing, midnight = in_state(state, pack), day_at(number, 0)
        if state is S.WAIT_DAY_12 and of.test_gap_hours:
            standing = go(
                in_state(S.HOSPITAL_OBSERVATION, pack),
                [(E.SAMPLE_NEGATIVE, day_at(of.first_test_day, 0))],
                pack,
            )
        assert reason_of(standing, E.SAMPLE_NEGATIVE, later_by(midnight, -1), pack) == (
            "SAMPLED_EARLY"
        )
        assert go(standing, [(E.SAMPLE_NEGATIVE, midnight)], pack).state is not state
    checked = in_state(S.CLINICAL_CHECK, pack)
    midnight = day_at(of.observation_days, 0)
    if midnight > checked.entered_at:
        early = later_by(midnight, -1)
        assert reason_of(checked, E.CLINICAL_CHECK_NORMAL, early, pack) == "DAYS_NOT_REACHED"


def test_two_swabs_to_the_second() -> None:
    second = day_at(12, 17, 30, 15)
    standing = go(in_state(S.WAIT_DAY_12, _N), [(E.SAMPLE_NEGATIVE, second)], _N)
    day_later = later_by(second, 24 * 3600)
    early = later_by(day_later, -1)
    assert reason_of(standing, E.DUAL_SITE_NEGATIVE, early, _N) == "SAMPLED_EARLY"
    found = go(standing, [(E.DUAL_SITE_NEGATIVE, day_later)], _N)
    assert found.state is S.CLINICAL_CHECK


@pytest.mark.parametrize("pack", ["8TH_EDITION", "9TH_EDITION"])
def test_two_samples_of_national_plans_lie_a_day_apart(pack: str) -> None:
    rules = _PACKS[pack]
    first = day_at(rules.carrier.first_test_day, 17)
    standing = go(in_state(S.HOSPITAL_OBSERVATION, rules), [(E.SAMPLE_NEGATIVE, first)], rules)
    day_later = later_by(first, 24 * 3600)
    early = later_by(day_later, -1)
    assert reason_of(standing, E.SAMPLE_NEGATIVE, early, rules) == "SAMPLED_EARLY"
    assert go(standing, [(E.SAMPLE_NEGATIVE, day_later)], rules).state is S.CLINICAL_CHECK


def test_a_carrier_is_admitted_before_the_county_is_told() -> None:
    """N113 1.3: sent to hospital at once; the county investigates within 24 h of hearing of it."""
    admitted = _reached(S.REPORTED, (E.ADMITTED, day_at(1, 9, 20)))
    assert admitted.state is S.HOSPITAL_OBSERVATION
    assert _last(admitted, C.DIRECT_REPORT).running
    told = go(admitted, [(E.COUNTY_NOTIFIED, day_at(1, 9, 40))], _N)
    assert told.state is S.HOSPITAL_OBSERVATION
    assert _last(told, C.INVESTIGATION).due_at == day_at(2, 9, 40)
    assert reason_of(told, E.COUNTY_NOTIFIED, day_at(1, 10), _N) == "DONE_ALREADY"


def test_what_is_owed_stays_due_when_the_carrier_falls_ill_or_is_let_go() -> None:
    ill = _reached(
        S.INVESTIGATED,
        (E.SYMPTOM_APPEARED, day_at(1, 9, 40)),
        (E.DISEASE_CONFIRMED, day_at(1, 9, 50)),
    )
    assert _last(ill, C.DIRECT_REPORT).running
    assert _last(ill, C.INVESTIGATION).running
    assert not _last(ill, C.ADMISSION).running
    done = go(ill, [(E.REPORT_FILED, day_at(1, 10)), (E.INVESTIGATION_FILED, day_at(1, 11))], _N)
    assert not any(one.missed_at for one in done.clocks)


def test_any_positive_begins_the_days_again_also_while_experts_confer() -> None:
    review = _reached(S.WAIT_DAY_12, (E.SYMPTOM_APPEARED, day_at(9)))
    again = go(review, [(E.SAMPLE_POSITIVE, day_at(9, 12))], _N)
    assert (again.state, again.day_one) == (S.EXPERT_REVIEW, "2024-02-28")
    assert _last(again, C.EXPERT_REVIEW).running
    back = go(again, [(E.EXCLUDED, day_at(9, 13))], _N)
    assert (back.state, back.day(day_at(9, 13))) == (S.HOSPITAL_OBSERVATION, 1)
    assert _last(back, C.DAY_7_TEST).due_at == day_at(15, 23, 59, 59)


def test_positive_during_a_review_after_release_leads_back_to_hospital() -> None:
    review = _reached(S.CENTRAL_ISOLATION, (E.SYMPTOM_APPEARED, day_at(20)))
    again = go(review, [(E.SAMPLE_POSITIVE, day_at(20, 12))], _N)
    assert again.state is S.EXPERT_REVIEW
    assert _last(again, C.READMISSION).due_at == day_at(20, 14)
    in_time = go(again, [(E.ADMITTED, day_at(20, 13)), (E.EXCLUDED, day_at(20, 13, 30))], _N)
    assert in_time.state is S.HOSPITAL_OBSERVATION
    assert _last(in_time, C.READMISSION).met_at == day_at(20, 13)


def test_symptoms_before_admission_are_reviewed_in_hospital() -> None:
    review = _reached(S.REPORTED, (E.SYMPTOM_APPEARED, day_at(1, 9, 10)))
    there = go(review, [(E.ADMITTED, day_at(1, 9, 30)), (E.EXCLUDED, day_at(1, 9, 50))], _N)
    assert (there.state, there.day_one) == (S.HOSPITAL_OBSERVATION, "2024-02-20")
    assert _last(there, C.ADMISSION).met_at == day_at(1, 9, 30)


def test_a_revisit_belongs_to_its_week() -> None:
    released = _reached(S.RELEASED_FROM_HOSPITAL)  # on day 14: week 2 after it is days 22 to 28
    early = day_at(21, 23, 59, 59)
    assert reason_of(released, E.REVISITED, early, _N) == "REVISITED_EARLY"
    once = go(released, [(E.REVISITED, day_at(22, 0))], _N)
    assert reason_of(once, E.REVISITED, day_at(35), _N) == "REVISITED_EARLY"
    assert go(once, [(E.REVISITED, day_at(36, 0))], _N).revisits == 2


@pytest.mark.parametrize(
    ("pack", "level", "central", "home"),
    [
        ("N113", "CLOSE", [1], []),
        ("N113", "SECONDARY", [1], []),
        ("8TH_EDITION", "CLOSE", [1, 4, 7, 14], [2, 7]),
        ("8TH_EDITION", "SECONDARY", [1, 4, 7], []),
        ("9TH_EDITION", "CLOSE", [1, 2, 3, 5, 7], [3]),
        ("9TH_EDITION", "SECONDARY", [], [1, 4, 7]),
    ],
)
def test_tests_of_contacts(pack: str, level: str, central: list[int], home: list[int]) -> None:
    rules = _PACKS[pack]
    found = contact_of(level, rules)
    dues = [one.due_at for one in found.clocks if one.kind is C.CONTACT_TEST]
    assert dues == [day_at(day, 23, 59, 59) for day in central or home]
    for day in central or home:
        found = go(found, [(E.SAMPLE_NEGATIVE, day_at(day, 12))], rules)
    assert not any(one.missed_at for one in found.clocks if one.kind is C.CONTACT_TEST)
    if central and home:
        days = rules.isolation(level)
        assert days is not None
        first = days.central_days + 1
        found = go(found, [(E.DAYS_DONE, day_at(first))], rules)
        dues = [one.due_at for one in found.clocks if one.kind is C.CONTACT_TEST]
        assert dues[len(central) :] == [day_at(first + day - 1, 23, 59, 59) for day in home]


def test_a_contact_tested_late_lapsed_and_a_test_left_out_stays_so() -> None:
    rules = _PACKS["8TH_EDITION"]
    contact = contact_of("CLOSE", rules)
    found = go(contact, [(E.SAMPLE_NEGATIVE, day_at(5))], rules)
    first, second, third, _ = (one for one in found.clocks if one.kind is C.CONTACT_TEST)
    assert (first.met_at, first.missed_at) == (None, day_at(1, 23, 59, 59))
    assert (second.met_at, second.missed_at) == (day_at(5), day_at(4, 23, 59, 59))
    assert third.running
    assert reason_of(found, E.SAMPLE_NEGATIVE, day_at(6), rules) == "SAMPLED_EARLY"


def test_days_of_china_are_all_alike_and_those_of_asia_shanghai() -> None:
    shanghai, day = ZoneInfo("Asia/Shanghai"), date(1992, 1, 1)
    while day < date(2036, 1, 1):
        end = end_of_day(day)
        following = end_of_day(day + timedelta(days=1))
        assert seconds_of(following) - seconds_of(end) == 86400
        assert local_day(end) == day
        assert local_day(later_by(end, 1)) == day + timedelta(days=1)
        day += timedelta(days=1)
    for year in range(1992, 2036):
        for month in (1, 7):
            noon = seconds_of(f"{year}-{month:02d}-01T12:00:00Z")
            from_zone = datetime.fromtimestamp(noon, shanghai).utcoffset()
            assert from_zone == CHINA.utcoffset(None)


def test_start_is_ten_in_china() -> None:
    assert local_day(START) == date(2024, 2, 20)

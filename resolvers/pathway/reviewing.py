"""The steps of report and review: experts, card, county, the disease confirmed or excluded (D,
N113 1.3 and 2.2).
"""

from __future__ import annotations

from dataclasses import replace

from resolvers.pathway.hospital import admitted, positive_again, positive_in_hospital
from resolvers.pathway.moves import Next, day_of, refused, to_state
from resolvers.pathway.packs import RulePack
from resolvers.pathway.states import (
    AFTER_RELEASE,
    OWED,
    ClockKind,
    Event,
    PathwayState,
    Standing,
    end_of_day,
    later,
)

__all__ = [
    "admitted_in_review",
    "asymptomatic",
    "card_says_ill",
    "confirmed",
    "excluded",
    "notified",
    "positive_in_review",
    "screened_negative",
    "withdrawn",
]

S, C = PathwayState, ClockKind


def confirmed(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """The experts find the disease: the card is reported, or corrected (N113 2.2)."""
    found = standing.met(C.EXPERT_REVIEW, event.at)
    found = to_state(found.cleared(event.at, *OWED), S.CONFIRMED_CASE, event.at)
    due = later(event.at, hours=pack.hours.card_correction)
    if standing.level == "CASE" and standing.returns_to is not None:  # there is a card
        found = found.opened(C.TELL_FIRST_REPORTER, event.at, due)
        return found.opened(C.CARD_CORRECTION, event.at, due)
    due = later(event.at, hours=pack.hours.direct_report)
    return found.opened(C.DIRECT_REPORT, event.at, due)


def asymptomatic(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The experts find a carrier: reported, and sent to hospital at once (N113 1.3)."""
    if standing.level == "CASE" and standing.returns_to is not None:
        return refused(
            "REPORTED_ALREADY",
            "the carrier is reported already: confirm the disease or exclude it",
            "该无症状感染者已报告，请确诊或排除",
        )
    found = standing.met(C.EXPERT_REVIEW, event.at).cleared(event.at)
    found = replace(
        to_state(found, S.REPORTED, event.at), level="CASE", returns_to=None, day_one=None
    )
    hours = pack.hours
    found = found.opened(C.DIRECT_REPORT, event.at, later(event.at, hours=hours.direct_report))
    return found.opened(C.ADMISSION, event.at, later(event.at, hours=hours.admission))


def excluded(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """The experts exclude the disease: back to where the review began, or the end."""
    found = standing.met(C.EXPERT_REVIEW, event.at)
    back = standing.returns_to
    if back is None:
        return to_state(found.cleared(event.at), S.CLOSED, event.at)
    found = replace(to_state(found, back, event.at), returns_to=None)
    if back is S.HOSPITAL_OBSERVATION and not found.runs(C.DAY_7_TEST):
        # The review interrupted the tests: they begin again where they stood, with day 7.
        found = found.dropped(event.at, C.DAY_12_TEST, C.DUAL_SITE_TEST)
        due = end_of_day(day_of(found, pack.carrier.first_test_day))
        found = replace(found, second_at=None).opened(C.DAY_7_TEST, event.at, due)
    return found


def notified(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The county learns of a carrier: who is in hospital already stays there (N113 1.3)."""
    if standing.level != "CASE" or (
        standing.state is S.EXPERT_REVIEW and standing.returns_to is None
    ):
        return refused("NOT_REPORTED", "no carrier is reported yet", "尚未报告为无症状感染者")
    if any(one.kind is C.INVESTIGATION for one in standing.clocks):
        return refused("DONE_ALREADY", "the county is notified already", "县（区）疾控机构已获知")
    due = later(event.at, hours=pack.hours.investigation)
    found = standing.opened(C.INVESTIGATION, event.at, due)
    return to_state(found, S.INVESTIGATED, event.at) if standing.state is S.REPORTED else found


def admitted_in_review(standing: Standing, event: Event, pack: RulePack) -> Next:
    """A reported carrier fell ill on the way: the review goes on in hospital."""
    if standing.returns_to is S.HOSPITAL_OBSERVATION and standing.runs(C.READMISSION):
        return standing.met(C.READMISSION, event.at)
    if standing.returns_to not in (S.REPORTED, S.INVESTIGATED):
        return refused("NOT_IN_STATE", "no admission is awaited", "无待入院安排")
    found = admitted(replace(standing, returns_to=None), event, pack)
    return _under_review(found, standing)


def _under_review(found: Standing, standing: Standing) -> Standing:
    """In hospital, but for the review that is going on."""
    return replace(
        found,
        state=S.EXPERT_REVIEW,
        entered_at=standing.entered_at,
        returns_to=S.HOSPITAL_OBSERVATION,
    )


def positive_in_review(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """Any positive begins the days again, also while experts confer."""
    back = standing.returns_to
    if standing.level != "CASE" or back not in (S.HOSPITAL_OBSERVATION, *AFTER_RELEASE):
        return standing
    assert back is not None
    there = replace(standing, state=back)
    begun = positive_again if back in AFTER_RELEASE else positive_in_hospital
    return _under_review(begun(there, event, pack), standing)


def withdrawn(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """No case, carrier or contact after all."""
    return to_state(standing.cleared(event.at), S.CLOSED, event.at)


def card_says_ill(standing: Standing, event: Event, pack: RulePack) -> Next:
    """The institution that reported the card corrects it by itself: nobody is left to be told."""
    if standing.level != "CASE":
        return refused("NOT_REPORTED", "no carrier is reported yet", "尚未报告为无症状感染者")
    found = standing.met(C.EXPERT_REVIEW, event.at).cleared(event.at, *OWED)
    return replace(to_state(found, S.CONFIRMED_CASE, event.at), returns_to=None)


def screened_negative(standing: Standing, event: Event, pack: RulePack) -> Standing:
    """Screened and negative: the end."""
    return to_state(standing.met(C.ARRIVAL_TEST, event.at), S.CLOSED, event.at)

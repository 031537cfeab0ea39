"""Which step each event of a pathway is in each state that takes it (requirements, table D)."""

from __future__ import annotations

from collections.abc import Callable

from resolvers.pathway.hospital import (
    admitted,
    checked,
    dual_site,
    negative_first,
    negative_second,
    positive_again,
    positive_in_hospital,
)
from resolvers.pathway.isolation import (
    central_done,
    contact_negative,
    home_done,
    revisited,
    taken_over,
)
from resolvers.pathway.moves import Next, ends, periodic, reviewed, same
from resolvers.pathway.packs import RulePack
from resolvers.pathway.reviewing import (
    admitted_in_review,
    asymptomatic,
    card_says_ill,
    confirmed,
    excluded,
    notified,
    positive_in_review,
    screened_negative,
    withdrawn,
)
from resolvers.pathway.states import (
    AFTER_RELEASE,
    IN_HOSPITAL,
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Standing,
)

__all__ = ["HANDLERS"]

S, E, C = PathwayState, PathwayEvent, ClockKind


def _handlers() -> dict[
    tuple[PathwayState, PathwayEvent], Callable[[Standing, Event, RulePack], Next]
]:
    found: dict[tuple[PathwayState, PathwayEvent], Callable[[Standing, Event, RulePack], Next]] = {
        (S.SCREENED, E.SAMPLE_POSITIVE): reviewed,
        (S.SCREENED, E.SAMPLE_NEGATIVE): screened_negative,
        (S.EXPERT_REVIEW, E.SAMPLE_POSITIVE): positive_in_review,
        (S.EXPERT_REVIEW, E.SAMPLE_NEGATIVE): same,
        (S.EXPERT_REVIEW, E.ASYMPTOMATIC_CONFIRMED): asymptomatic,
        (S.EXPERT_REVIEW, E.DISEASE_CONFIRMED): confirmed,
        (S.EXPERT_REVIEW, E.EXCLUDED): excluded,
        (S.EXPERT_REVIEW, E.ADMITTED): admitted_in_review,
        (S.EXPERT_REVIEW, E.TEMPERATURE_TAKEN): periodic(C.TEMPERATURE),
        (S.HOSPITAL_OBSERVATION, E.SAMPLE_NEGATIVE): negative_first,
        (S.HOSPITAL_OBSERVATION, E.DUAL_SITE_NEGATIVE): negative_first,
        (S.HOSPITAL_OBSERVATION, E.ADMITTED): ends(C.READMISSION),
        (S.WAIT_DAY_12, E.SAMPLE_NEGATIVE): negative_second,
        (S.WAIT_DAY_12, E.DUAL_SITE_NEGATIVE): negative_second,
        (S.WAIT_DUAL_SITE, E.DUAL_SITE_NEGATIVE): dual_site,
        (S.CLINICAL_CHECK, E.CLINICAL_CHECK_NORMAL): checked,
        (S.RELEASED_FROM_HOSPITAL, E.TRANSFER_ACCEPTED): taken_over,
        (S.CENTRAL_ISOLATION, E.SAMPLE_NEGATIVE): contact_negative,
        (S.CENTRAL_ISOLATION, E.DAYS_DONE): central_done,
        (S.HOME_OBSERVATION, E.SAMPLE_NEGATIVE): contact_negative,
        (S.HOME_OBSERVATION, E.DAYS_DONE): home_done,
        (S.HOME_OBSERVATION, E.VISITED): periodic(C.DAILY_VISIT),
        (S.CONFIRMED_CASE, E.FIRST_REPORTER_TOLD): ends(C.TELL_FIRST_REPORTER),
        (S.CONFIRMED_CASE, E.CARD_CORRECTED): ends(C.CARD_CORRECTION),
    }
    for state in (S.REPORTED, S.INVESTIGATED):
        found[state, E.SAMPLE_POSITIVE] = same
        found[state, E.SAMPLE_NEGATIVE] = same
        found[state, E.SYMPTOM_APPEARED] = reviewed
        found[state, E.ADMITTED] = admitted
    for state in IN_HOSPITAL:
        found[state, E.SAMPLE_POSITIVE] = positive_in_hospital
        found[state, E.SYMPTOM_APPEARED] = reviewed
        found[state, E.TEMPERATURE_TAKEN] = periodic(C.TEMPERATURE)
    for state in AFTER_RELEASE:
        found[state, E.SAMPLE_POSITIVE] = positive_again
        found[state, E.SYMPTOM_APPEARED] = reviewed
        found[state, E.DISCHARGE_DATE_FILED] = ends(C.DISCHARGE_DATE)
        found[state, E.REVISITED] = revisited
    reported = (S.REPORTED, S.INVESTIGATED, *IN_HOSPITAL, *AFTER_RELEASE)
    for state in (S.EXPERT_REVIEW, *reported):
        found[state, E.CARD_CORRECTED] = card_says_ill
    for state in (S.EXPERT_REVIEW, S.CONFIRMED_CASE, *reported):
        found[state, E.REPORT_FILED] = ends(C.DIRECT_REPORT)
        found[state, E.COUNTY_NOTIFIED] = notified
        found[state, E.INVESTIGATION_FILED] = ends(C.INVESTIGATION)
    for state in (S.EXPERT_REVIEW, *IN_HOSPITAL, *AFTER_RELEASE):
        found[state, E.ANTIBODY_TESTED] = ends(C.ANTIBODY_TEST)
    for state in (S.SCREENED, S.EXPERT_REVIEW, *reported):
        found[state, E.CARD_WITHDRAWN] = withdrawn
    return found


HANDLERS = _handlers()
"""(state, event) → what it does; every other pair is refused by name."""

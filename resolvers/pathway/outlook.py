"""What a clock waits for and how long that takes as a rule: breaches are predicted by it.

The minutes are ours: no document says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regions.instants import instant, seconds_of
from resolvers.pathway.states import ClockKind, PathwayEvent

__all__ = ["OUTLOOK", "Outlook", "critical_until", "is_critical"]

C, E = ClockKind, PathwayEvent


@dataclass(frozen=True, slots=True)
class Outlook:
    """What ends the wait for a clock, any of the events, and how many minutes that takes."""

    missing: tuple[PathwayEvent, ...]
    minutes: int


_RESULT = (E.SAMPLE_NEGATIVE, E.SAMPLE_POSITIVE)
_DECISION = (E.ASYMPTOMATIC_CONFIRMED, E.DISEASE_CONFIRMED, E.EXCLUDED)

OUTLOOK: Mapping[ClockKind, Outlook] = {
    C.EXPERT_REVIEW: Outlook(_DECISION, 60),
    C.DIRECT_REPORT: Outlook((E.REPORT_FILED,), 30),
    C.ADMISSION: Outlook((E.ADMITTED,), 60),
    C.INVESTIGATION: Outlook((E.INVESTIGATION_FILED,), 6 * 60),
    C.TEMPERATURE: Outlook((E.TEMPERATURE_TAKEN,), 60),
    C.ARRIVAL_TEST: Outlook(_RESULT, 4 * 60),
    C.DAY_7_TEST: Outlook(_RESULT, 6 * 60),
    C.DAY_12_TEST: Outlook(_RESULT, 6 * 60),
    C.DUAL_SITE_TEST: Outlook((E.DUAL_SITE_NEGATIVE, E.SAMPLE_POSITIVE), 6 * 60),
    C.ANTIBODY_TEST: Outlook((E.ANTIBODY_TESTED,), 24 * 60),
    C.CONTACT_TEST: Outlook(_RESULT, 6 * 60),
    C.DISCHARGE_DATE: Outlook((E.DISCHARGE_DATE_FILED,), 30),
    C.CENTRAL_DAYS: Outlook((E.DAYS_DONE,), 4 * 60),
    C.HOME_DAYS: Outlook((E.REVISITED, E.DAYS_DONE), 4 * 60),
    C.DAILY_VISIT: Outlook((E.VISITED,), 2 * 60),
    C.REVISIT: Outlook((E.REVISITED,), 24 * 60),
    C.READMISSION: Outlook((E.ADMITTED,), 60),
    C.TELL_FIRST_REPORTER: Outlook((E.FIRST_REPORTER_TOLD,), 30),
    C.CARD_CORRECTION: Outlook((E.CARD_CORRECTED,), 30),
    # Of signals: the card and the form themselves end the wait, no event of a pathway.
    C.ABNORMAL_CARD: Outlook((), 30),
    C.INVESTIGATION_FORM: Outlook((), 3 * 60),
    # Of letters, likewise.
    C.ASSIST_ACKNOWLEDGE: Outlook((), 30),
    C.ASSIST_CONTROL: Outlook((), 6 * 60),
    C.ASSIST_FEEDBACK: Outlook((), 3 * 60),
    C.ASSIST_CASE: Outlook((), 30),
}
"""Clock → what it waits for."""


def critical_until(kind: ClockKind, now: str) -> str:
    """Whatever of a kind is due by then, and not done now, is going to run out."""
    return instant(seconds_of(now) + OUTLOOK[kind].minutes * 60)


def is_critical(kind: ClockKind, due_at: str, now: str) -> bool:
    """Whether a clock that waits is going to run out, or has."""
    return due_at <= critical_until(kind, now)

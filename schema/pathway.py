"""Pathways of carriers and contacts, and what is due on them (D)."""

from enum import Enum

import strawberry

from schema.contacts import RulePack
from schema.nodes import PageInfo, RegionAnswer
from schema.scalars import Date, DateTime, RegionCode

__all__ = [
    "ClockKind",
    "OverdueConnection",
    "OverdueEdge",
    "OverdueFilter",
    "OverdueItem",
    "Pathway",
    "PathwayCaveat",
    "PathwayClock",
    "PathwayEvent",
    "PathwayState",
    "PathwayStep",
]


@strawberry.enum(description="Where a carrier or contact stands.")
class PathwayState(Enum):
    """Where a carrier or contact stands."""

    SCREENED = strawberry.enum_value(
        "SCREENED", description="Screened; a result is awaited (筛查)."
    )
    EXPERT_REVIEW = strawberry.enum_value(
        "EXPERT_REVIEW", description="The county's experts decide (专家会诊)."
    )
    REPORTED = strawberry.enum_value(
        "REPORTED", description="Confirmed as an asymptomatic carrier (已报告)."
    )
    INVESTIGATED = strawberry.enum_value(
        "INVESTIGATED", description="The county's CDC knows and investigates (个案调查)."
    )
    HOSPITAL_OBSERVATION = strawberry.enum_value(
        "HOSPITAL_OBSERVATION", description="In the designated hospital, from day 1 (集中医学观察)."
    )
    WAIT_DAY_12 = strawberry.enum_value(
        "WAIT_DAY_12",
        description="Negative in the first test; the second, on day 12 in N113 (待第12天采样).",
    )
    WAIT_DUAL_SITE = strawberry.enum_value(
        "WAIT_DUAL_SITE",
        description="Negative in the second test; where the rules want two swabs (待双部位采样).",
    )
    CLINICAL_CHECK = strawberry.enum_value(
        "CLINICAL_CHECK", description="Negative in all tests; the days may not be over (临床评估)."
    )
    RELEASED_FROM_HOSPITAL = strawberry.enum_value(
        "RELEASED_FROM_HOSPITAL", description="Let go; a transfer is awaited (解除定点医院观察)."
    )
    CENTRAL_ISOLATION = strawberry.enum_value(
        "CENTRAL_ISOLATION", description="In a central place (集中隔离)."
    )
    HOME_OBSERVATION = strawberry.enum_value(
        "HOME_OBSERVATION", description="At home (居家医学观察)."
    )
    CONFIRMED_CASE = strawberry.enum_value(
        "CONFIRMED_CASE", description="Fell ill: a confirmed case (转为确诊)."
    )
    CLOSED = strawberry.enum_value("CLOSED", description="Ended (结束).")


@strawberry.enum(description="What happens on a pathway.")
class PathwayEvent(Enum):
    """What happens on a pathway."""

    SAMPLE_POSITIVE = strawberry.enum_value(
        "SAMPLE_POSITIVE", description="A sample was positive; `at` is when it was taken."
    )
    SAMPLE_NEGATIVE = strawberry.enum_value(
        "SAMPLE_NEGATIVE", description="A sample was negative; `at` is when it was taken."
    )
    DUAL_SITE_NEGATIVE = strawberry.enum_value(
        "DUAL_SITE_NEGATIVE",
        description="Throat and anal swab taken together, both negative; `at` is when.",
    )
    ASYMPTOMATIC_CONFIRMED = strawberry.enum_value(
        "ASYMPTOMATIC_CONFIRMED", description="The experts find no symptoms or signs."
    )
    DISEASE_CONFIRMED = strawberry.enum_value(
        "DISEASE_CONFIRMED", description="The experts find the disease."
    )
    EXCLUDED = strawberry.enum_value("EXCLUDED", description="The experts exclude the disease.")
    SYMPTOM_APPEARED = strawberry.enum_value("SYMPTOM_APPEARED", description="A symptom appeared.")
    REPORT_FILED = strawberry.enum_value("REPORT_FILED", description="The card was reported.")
    COUNTY_NOTIFIED = strawberry.enum_value(
        "COUNTY_NOTIFIED", description="The county's CDC was notified."
    )
    INVESTIGATION_FILED = strawberry.enum_value(
        "INVESTIGATION_FILED", description="The case was investigated, the form is uploaded."
    )
    ADMITTED = strawberry.enum_value(
        "ADMITTED", description="Admitted to the designated hospital: day 1."
    )
    TEMPERATURE_TAKEN = strawberry.enum_value(
        "TEMPERATURE_TAKEN", description="Temperature and health of a morning or evening."
    )
    ANTIBODY_TESTED = strawberry.enum_value(
        "ANTIBODY_TESTED", description="Blood was tested for antibodies."
    )
    CLINICAL_CHECK_NORMAL = strawberry.enum_value(
        "CLINICAL_CHECK_NORMAL", description="Chest CT and blood count are normal."
    )
    DISCHARGE_DATE_FILED = strawberry.enum_value(
        "DISCHARGE_DATE_FILED", description="The discharge date is filled in on the card."
    )
    TRANSFER_ACCEPTED = strawberry.enum_value(
        "TRANSFER_ACCEPTED", description="The place of isolation accepted the transfer."
    )
    DAYS_DONE = strawberry.enum_value(
        "DAYS_DONE", description="The days of isolation or observation are done."
    )
    VISITED = strawberry.enum_value("VISITED", description="The community health centre visited.")
    REVISITED = strawberry.enum_value(
        "REVISITED", description="Seen at the designated hospital again."
    )
    FIRST_REPORTER_TOLD = strawberry.enum_value(
        "FIRST_REPORTER_TOLD", description="Whoever reported first was told."
    )
    CARD_CORRECTED = strawberry.enum_value(
        "CARD_CORRECTED", description="The card was corrected to a confirmed case."
    )
    CARD_WITHDRAWN = strawberry.enum_value(
        "CARD_WITHDRAWN",
        description="The card was corrected to excluded, or the contact is none after all.",
    )


@strawberry.enum(description="What is due on a pathway, a signal or an assist letter.")
class ClockKind(Enum):
    """What is due on a pathway, a signal or an assist letter."""

    EXPERT_REVIEW = strawberry.enum_value("EXPERT_REVIEW", description="The experts decide.")
    DIRECT_REPORT = strawberry.enum_value("DIRECT_REPORT", description="The card is reported.")
    ADMISSION = strawberry.enum_value(
        "ADMISSION", description="The carrier is admitted to the designated hospital."
    )
    INVESTIGATION = strawberry.enum_value("INVESTIGATION", description="The case is investigated.")
    TEMPERATURE = strawberry.enum_value(
        "TEMPERATURE", description="Temperature, every morning and evening."
    )
    ARRIVAL_TEST = strawberry.enum_value(
        "ARRIVAL_TEST", description="Whoever arrives from a key area is tested (B5)."
    )
    DAY_7_TEST = strawberry.enum_value(
        "DAY_7_TEST", description="The first test, that of day 7 in N113."
    )
    DAY_12_TEST = strawberry.enum_value(
        "DAY_12_TEST", description="The second test, that of day 12 in N113."
    )
    ANTIBODY_TEST = strawberry.enum_value("ANTIBODY_TEST", description="Antibodies are tested.")
    CONTACT_TEST = strawberry.enum_value(
        "CONTACT_TEST", description="A test of a contact, on the day the rules say."
    )
    DUAL_SITE_TEST = strawberry.enum_value("DUAL_SITE_TEST", description="Throat and anal swab.")
    DISCHARGE_DATE = strawberry.enum_value(
        "DISCHARGE_DATE", description="The discharge date is filled in."
    )
    CENTRAL_DAYS = strawberry.enum_value(
        "CENTRAL_DAYS", description="The days in a central place end."
    )
    HOME_DAYS = strawberry.enum_value("HOME_DAYS", description="The days at home end.")
    DAILY_VISIT = strawberry.enum_value("DAILY_VISIT", description="The visit of a day.")
    REVISIT = strawberry.enum_value("REVISIT", description="The revisit of a week.")
    READMISSION = strawberry.enum_value(
        "READMISSION", description="Positive again: back to hospital."
    )
    TELL_FIRST_REPORTER = strawberry.enum_value(
        "TELL_FIRST_REPORTER", description="Whoever reported first is told."
    )
    CARD_CORRECTION = strawberry.enum_value("CARD_CORRECTION", description="The card is corrected.")
    ABNORMAL_CARD = strawberry.enum_value(
        "ABNORMAL_CARD",
        description="Of a single-case signal: the abnormal information card is filed (E10).",
    )
    INVESTIGATION_FORM = strawberry.enum_value(
        "INVESTIGATION_FORM",
        description="Of a suspected event: the investigation form is filed (E11).",
    )
    ASSIST_ACKNOWLEDGE = strawberry.enum_value(
        "ASSIST_ACKNOWLEDGE", description="Of an assist letter: it is acknowledged (C)."
    )
    ASSIST_CONTROL = strawberry.enum_value(
        "ASSIST_CONTROL", description="Of an assist letter: its people are found and controlled."
    )
    ASSIST_FEEDBACK = strawberry.enum_value(
        "ASSIST_FEEDBACK", description="Of an assist letter: it is answered."
    )
    ASSIST_CASE = strawberry.enum_value(
        "ASSIST_CASE",
        description="Of a person of an assist letter who tested positive: the case is registered.",
    )


@strawberry.type(description="Something due by an instant.")
class PathwayClock:
    """Something due by an instant."""

    kind: ClockKind = strawberry.field(description="What.")
    number: int = strawberry.field(description="Which of its kind, from 1.")
    opened_at: DateTime = strawberry.field(description="Since when.")
    due_at: DateTime = strawberry.field(description="By when; no clock is ever set back.")
    met_at: DateTime | None = strawberry.field(description="When it was done.")
    missed_at: DateTime | None = strawberry.field(
        description="When it ran out undone; stays once it is done late."
    )
    dropped_at: DateTime | None = strawberry.field(description="When it was no longer wanted.")


@strawberry.type(description="An event of a pathway.")
class PathwayStep:
    """An event of a pathway."""

    kind: PathwayEvent = strawberry.field(description="What happened.")
    at: DateTime = strawberry.field(description="When.")
    state: PathwayState = strawberry.field(description="Where it led.")
    unit_id: strawberry.ID = strawberry.field(description="The unit that recorded it.")
    recorded_at: DateTime = strawberry.field(description="When it was recorded.")


@strawberry.type(
    description="Something a pathway's days rest on that nobody has compared with the document."
)
class PathwayCaveat:
    """Something that nobody has compared with the document."""

    part: str = strawberry.field(description="The part of the rule pack, `carrier`.")
    message: str = strawberry.field(description="Where its values come from, in English.")
    message_zh: str = strawberry.field(description="What to do about it, in Chinese.")


@strawberry.type(description="The pathway of a carrier or contact (管理流程).")
class Pathway:
    """The pathway of a carrier or contact."""

    record: strawberry.ID = strawberry.field(description="The case or contact.")
    pack: RulePack = strawberry.field(description="The rules it follows.")
    caveats: list[PathwayCaveat] = strawberry.field(
        description=(
            "What its days and hours rest on that nobody has compared with the document of these "
            "rules. Empty where all was."
        )
    )
    state: PathwayState = strawberry.field(description="Where it stands.")
    entered_at: DateTime = strawberry.field(description="Since when.")
    day: int | None = strawberry.field(
        description="Which day of the present observation it is; null where none runs."
    )
    day_one: Date | None = strawberry.field(description="Day 1 of the present observation.")
    released_at: DateTime | None = strawberry.field(description="Release from hospital.")
    release_on: Date | None = strawberry.field(
        description=(
            "Release from hospital, the day or the earliest one if all goes well from now on; null "
            "where none is in sight."
        )
    )
    ends_on: Date | None = strawberry.field(
        description="The earliest day on which the pathway can end; null where none is in sight."
    )
    unit_id: strawberry.ID = strawberry.field(description="The unit responsible from now on.")
    code: RegionCode = strawberry.field(description="County responsible.")
    clocks: list[PathwayClock] = strawberry.field(description="What is or was due.")
    events: list[PathwayStep] = strawberry.field(description="What happened, as recorded.")


@strawberry.type(
    description="Something due on a pathway, a signal or an assist letter, and whose it is."
)
class OverdueItem:
    """Something due on a pathway."""

    id: strawberry.ID = strawberry.field(description="Id of the clock.")
    record: strawberry.ID = strawberry.field(
        description="The case, contact, signal or assist request."
    )
    kind: ClockKind = strawberry.field(description="What is due.")
    unit_id: strawberry.ID = strawberry.field(description="The unit responsible.")
    code: RegionCode = strawberry.field(description="County responsible.")
    opened_at: DateTime = strawberry.field(description="Since when.")
    due_at: DateTime = strawberry.field(description="By when.")
    missed_at: DateTime | None = strawberry.field(
        description="When it ran out undone; null while there is time."
    )
    met_at: DateTime | None = strawberry.field(description="When it was done.")
    late_minutes: int = strawberry.field(
        description="Whole minutes late, up to now or to when it was done; 0 while there is time."
    )
    missing: list[PathwayEvent] = strawberry.field(
        description=(
            "What is missing of a pathway: any of these events ends the wait. Empty once it has "
            "ended, and of signals and letters."
        )
    )
    predicted_breach: bool = strawberry.field(
        description=(
            "Whether it is going to run out, or has: what is missing takes longer, as a rule, than "
            "the time that is left."
        )
    )

    @property
    def logged_as(self) -> str:
        """The record it is about, as an event of a subscription."""
        return str(self.record)


@strawberry.input(description="What is due. Several fields together must all hold.")
class OverdueFilter:
    """What is due."""

    code: list[RegionCode] | None = strawberry.field(
        default=None, description="County responsible: these codes and all below."
    )
    kind: list[ClockKind] | None = strawberry.field(default=None, description="What is due.")
    unit: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Units responsible."
    )
    due_until: DateTime | None = strawberry.field(
        default=None,
        description="Due by then, later shows what comes; now, unless given.",
    )
    predicted: bool = strawberry.field(
        default=False,
        description=(
            "Instead, what has not run out but is going to: what is missing takes longer, as a "
            "rule, than the time that is left."
        ),
    )
    lapses: bool = strawberry.field(
        default=False, description="Instead, what ran out undone, though done or dropped since."
    )


@strawberry.type(description="Something due in a list.")
class OverdueEdge:
    """Something due in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: OverdueItem = strawberry.field(description="What is due.")


@strawberry.type(description="A page of what is due, merged over regions, the longest due first.")
class OverdueConnection:
    """A page of what is due."""

    edges: list[OverdueEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )

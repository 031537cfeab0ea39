"""How signals of an area fare: what whoever oversees them looks at, and reports (E12)."""

from enum import Enum

import strawberry

from schema.alerts import DetectionMethod
from schema.alerts_forms import InvestigationGround
from schema.enum_values import value
from schema.nodes import RegionAnswer
from schema.scalars import Date, DateTime, RegionCode
from schema.statistics import Disease

__all__ = [
    "FalseSignals",
    "OpenSignals",
    "SignalFigures",
    "SignalReport",
    "SignalReportArea",
    "SignalReportCurve",
    "SignalReportDisease",
    "SignalReportGround",
    "SignalReportMethod",
    "SignalReportPeriod",
]


@strawberry.enum(description="The time that a report on signals is of.")
class SignalReportPeriod(Enum):
    """The time that a report on signals is of."""

    DAY = value("DAY", "One day (日报).")
    WEEK = value("WEEK", "Monday to Sunday (周报).")
    MONTH = value("MONTH", "A month of the calendar (月报).")
    YEAR = value("YEAR", "A year of the calendar (年报).")


@strawberry.type(
    description=(
        "Figures of signals that stand for themselves; those an open one absorbed are `absorbed`. "
        "They count signals, never cases. Rates are 0 to 1, null where there is nothing to divide "
        "by."
    )
)
class SignalFigures:
    """Figures of signals."""

    signals: int = strawberry.field(description="Signals (预警信号).")
    absorbed: int = strawberry.field(
        description="Further ones of the same spell that an open signal absorbed."
    )
    counties: int = strawberry.field(
        description="Counties of the area whose region answered; of a disease or method likewise."
    )
    per_county_week: float | None = strawberry.field(
        description="Signals by county and week (平均每县每周信号数)."
    )
    answered: int = strawberry.field(
        description="With an abnormal information card on record (已响应)."
    )
    answered_rate: float | None = strawberry.field(description="`answered` of `signals`.")
    hours_to_answer: float | None = strawberry.field(
        description="Median hours from sending to the first card (响应时间中位数); 0 where it was "
        "answered before it was sent."
    )
    within_two_hours: int = strawberry.field(description="Answered within 2 h of sending.")
    within_two_hours_rate: float | None = strawberry.field(
        description="Of those answered, or sent more than 2 h ago."
    )
    within_day: int = strawberry.field(description="Answered within 24 h of sending.")
    within_day_rate: float | None = strawberry.field(
        description="Of those answered, or sent more than 24 h ago."
    )
    suspected: int = strawberry.field(
        description="Signals that are part of a suspected event (疑似事件)."
    )
    suspected_rate: float | None = strawberry.field(description="`suspected` of `signals`.")
    suspected_events: int = strawberry.field(description="The suspected events themselves.")
    confirmed: int = strawberry.field(
        description="Signals whose event is concluded as an outbreak (确认暴发)."
    )
    confirmed_rate: float | None = strawberry.field(description="`confirmed` of `signals`.")
    confirmed_events: int = strawberry.field(description="The outbreaks themselves.")
    excluded: int = strawberry.field(
        description="False signals (误报): excluded by the card, or by the investigation."
    )
    overseen: int = strawberry.field(
        description="Looked at by a level above the county, as noted in the trail (E12)."
    )


@strawberry.type(description="Figures of one disease.")
class SignalReportDisease:
    """Figures of one disease."""

    disease: Disease = strawberry.field(description="The disease.")
    figures: SignalFigures = strawberry.field(description="Its figures.")


@strawberry.type(description="Figures of one area.")
class SignalReportArea:
    """Figures of one area."""

    code: RegionCode = strawberry.field(
        description="The area: all below it. A signal whose county is not known stands under the "
        "province or city that is."
    )
    complete: bool = strawberry.field(
        description="False where a region that may have signals of it did not answer."
    )
    figures: SignalFigures = strawberry.field(description="Its figures.")


@strawberry.type(description="Figures of one method of detection.")
class SignalReportMethod:
    """Figures of one method of detection."""

    method: DetectionMethod = strawberry.field(description="The method.")
    figures: SignalFigures = strawberry.field(description="Its figures.")


@strawberry.type(description="One step of the curve of signals, by the day they were raised for.")
class SignalReportCurve:
    """One step of the curve of signals."""

    start: Date = strawberry.field(name="from", description="First day of the step.")
    end: Date = strawberry.field(name="to", description="Last day of the step.")
    signals: int = strawberry.field(description="Signals.")
    suspected: int = strawberry.field(description="Of them, part of a suspected event.")
    confirmed: int = strawberry.field(description="Of them, of an outbreak.")


@strawberry.type(
    description="Signals suspected on one ground of the card, and what became of them."
)
class SignalReportGround:
    """Signals suspected on one ground."""

    ground: InvestigationGround = strawberry.field(description="The ground.")
    suspected: int = strawberry.field(description="Signals whose latest card says it holds.")
    confirmed: int = strawberry.field(description="Of them, of an outbreak.")
    excluded: int = strawberry.field(description="Of them, excluded by the investigation.")


@strawberry.type(
    description="False signals: how it was found that nothing was behind them. One may have been "
    "verified in several ways."
)
class FalseSignals:
    """False signals."""

    signals: int = strawberry.field(description="All of them.")
    rate: float | None = strawberry.field(
        description="Of those that are decided: excluded, or of an outbreak."
    )
    by_card: int = strawberry.field(description="Excluded by the abnormal information card.")
    by_investigation: int = strawberry.field(description="Excluded by the investigation form.")
    data_analysis: int = strawberry.field(description="Verified by the data on record.")
    phone: int = strawberry.field(description="Verified by telephone.")
    other: int = strawberry.field(description="Verified otherwise.")


@strawberry.type(
    description="What is not done as of now, whatever the day it was raised for: what city and "
    "province follow up daily (E12)."
)
class OpenSignals:
    """What is not done as of now."""

    unanswered: int = strawberry.field(
        description="Signals that stand for themselves and have no card yet."
    )
    single_case_late: int = strawberry.field(
        description="Of them, of single cases and sent more than 2 h ago (E10)."
    )
    late: int = strawberry.field(description="Of them, sent more than 24 h ago.")
    suspected_events: int = strawberry.field(
        description="Suspected events whose investigation has not begun."
    )
    investigated_events: int = strawberry.field(description="Events under investigation.")
    forms_late: int = strawberry.field(
        description="Of them, with an investigation form past its time (E11)."
    )
    watched_events: int = strawberry.field(description="Concluded to be watched on (继续关注).")


@strawberry.type(description="How the signals of an area and time fared (E12).")
class SignalReport:
    """How the signals of an area and time fared."""

    code: RegionCode = strawberry.field(description="The area.")
    period: SignalReportPeriod = strawberry.field(description="Day, week, month or year.")
    start: Date = strawberry.field(name="from", description="First day.")
    end: Date = strawberry.field(name="to", description="Last day.")
    as_of: DateTime = strawberry.field(description="The instant at which the stores were asked.")
    complete: bool = strawberry.field(
        description="False where a region did not answer: its signals and counties are missing."
    )
    total: SignalFigures = strawberry.field(description="All together.")
    before: SignalFigures = strawberry.field(description="The same of the time before it (上期).")
    diseases: list[SignalReportDisease] = strawberry.field(
        description="By disease, the most signals first."
    )
    areas: list[SignalReportArea] = strawberry.field(
        description="By area directly below, in order: provinces, cities, counties; all of them."
    )
    counties: list[SignalReportArea] = strawberry.field(
        description="By county, in order, those with signals."
    )
    methods: list[SignalReportMethod] = strawberry.field(
        description="By method, the most signals first."
    )
    curve: list[SignalReportCurve] = strawberry.field(
        description="Day by day; of a year week by week, of a day the four weeks up to it."
    )
    grounds: list[SignalReportGround] = strawberry.field(
        description="The six grounds of the abnormal information card."
    )
    false_signals: FalseSignals = strawberry.field(description="What led nowhere, and how so.")
    open: OpenSignals = strawberry.field(description="What waits now.")
    unmanned: list[RegionCode] = strawberry.field(
        description="Counties in whose CDC nobody is on duty now who may sign in (A10): of their "
        "signals the level above is told."
    )
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")

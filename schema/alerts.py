"""Outbreak signals (预警信号) and the rules they come from (requirements E)."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.cases import Case
from schema.fields import column, constant, gathered, identity, many, one
from schema.nodes import Node, PageInfo, RegionAnswer
from schema.ranges import DateRange, DateTimeRange
from schema.scalars import Date, DateTime, RegionCode
from schema.statistics import Disease

if TYPE_CHECKING:
    from schema.alerts_analysis import SignalAnalysis
    from schema.alerts_forms import (
        AbnormalInformationCard,
        Investigation,
        SignalClock,
        SignalEvent,
    )

__all__ = [
    "DetectInput",
    "DetectedDay",
    "DetectedSeries",
    "DetectionMethod",
    "DetectionParameter",
    "DetectionParameterInput",
    "DetectionRule",
    "RuleOrigin",
    "Signal",
    "SignalConnection",
    "SignalEdge",
    "SignalFilter",
    "SignalKind",
    "SignalState",
]


@strawberry.enum(description="How a disease is watched in an area.")
class DetectionMethod(Enum):
    """How a disease is watched in an area. The manual's page of methods explains each."""

    SINGLE_CASE = strawberry.enum_value(
        "SINGLE_CASE", description="Every card signals at once (单病例)."
    )
    MOVING_PERCENTILE = strawberry.enum_value(
        "MOVING_PERCENTILE", description="Moving percentile of seven-day sums (移动百分位数法)."
    )
    EARS_C1 = strawberry.enum_value("EARS_C1", description="EARS C1: the last days.")
    EARS_C2 = strawberry.enum_value("EARS_C2", description="EARS C2: with a gap of two days.")
    EARS_C3 = strawberry.enum_value("EARS_C3", description="EARS C3: C2 of three days together.")
    HISTORICAL_LIMITS = strawberry.enum_value(
        "HISTORICAL_LIMITS", description="Historical limits of four-week sums."
    )
    RKI = strawberry.enum_value("RKI", description="The Robert Koch Institute's intervals.")
    BAYES = strawberry.enum_value("BAYES", description="A negative binomial prediction.")
    CUSUM = strawberry.enum_value("CUSUM", description="A cumulative sum.")
    EWMA = strawberry.enum_value("EWMA", description="An exponentially weighted mean.")
    FARRINGTON = strawberry.enum_value("FARRINGTON", description="Farrington 1996.")
    FARRINGTON_FLEXIBLE = strawberry.enum_value(
        "FARRINGTON_FLEXIBLE", description="Farrington Flexible (Noufaily 2013)."
    )
    OUTBREAK_P = strawberry.enum_value("OUTBREAK_P", description="OutbreakP.")
    GLR = strawberry.enum_value(
        "GLR", description="Likelihood ratio of a rise over the last one to seven days."
    )
    SPACE_TIME_PERMUTATION = strawberry.enum_value(
        "SPACE_TIME_PERMUTATION", description="Space-time permutation scan over counties."
    )
    SPACE_TIME_POISSON = strawberry.enum_value(
        "SPACE_TIME_POISSON", description="Space-time Poisson scan over counties."
    )
    NONE = strawberry.enum_value("NONE", description="Not watched in this area (不预警).")


@strawberry.enum(description="Who set a rule.")
class RuleOrigin(Enum):
    """Who set a rule (E4, E5, E7)."""

    NATIONAL = strawberry.enum_value("NATIONAL", description="The national plan (国家).")
    PROVINCE = strawberry.enum_value("PROVINCE", description="A province for itself (省级).")
    APPLICATION = strawberry.enum_value(
        "APPLICATION", description="An application that was approved (申请批准)."
    )


@strawberry.enum(description="What raised a signal.")
class SignalKind(Enum):
    """What raised a signal."""

    SINGLE_CASE = strawberry.enum_value("SINGLE_CASE", description="One card (单病例预警).")
    STATISTICAL = strawberry.enum_value(
        "STATISTICAL", description="The counts of one county (时间模型)."
    )
    CLUSTER = strawberry.enum_value(
        "CLUSTER", description="The counts of counties that lie together (时空模型)."
    )


@strawberry.enum(description="How far a signal is.")
class SignalState(Enum):
    """How far a signal is (table E)."""

    DETECTED = strawberry.enum_value("DETECTED", description="Computed, not yet sent (已探测).")
    SENT = strawberry.enum_value("SENT", description="Sent to the duty person (已发送).")
    RESENT = strawberry.enum_value("RESENT", description="Sent again (再次发送).")
    VIEWED = strawberry.enum_value("VIEWED", description="Seen by an officer (已查看).")
    VERIFYING = strawberry.enum_value("VERIFYING", description="Being verified (核实中).")
    EXCLUDED = strawberry.enum_value("EXCLUDED", description="No event (已排除).")
    SUSPECTED = strawberry.enum_value("SUSPECTED", description="A suspected event (疑似事件).")
    INVESTIGATING = strawberry.enum_value(
        "INVESTIGATING", description="Being investigated (现场调查)."
    )
    CONCLUDED = strawberry.enum_value("CONCLUDED", description="Concluded (已结案).")


@strawberry.type(description="A signal: something unusual of one disease in one county (预警信号).")
class Signal(Node):
    """A signal. It holds counts and codes, never anything private (E6)."""

    id: strawberry.ID = identity()
    number: str = column("Its number: code of the county, day, and serial of that day.")
    kind: SignalKind = column("What raised it.")
    code: RegionCode = column("The county; of a cluster the one with the most cases.")
    disease: Disease = constant("The disease.", by="disease")
    day: Date = column(
        "The day it was raised for: the last day counted, or the card's day of report."
    )
    method: DetectionMethod = column("The method that raised it.")
    rule_id: strawberry.ID = column("The rule that raised it.")
    rule_version: int = column("The version of that rule.")
    observed: float = column("What was observed, as the method counts.")
    expected: float | None = column("What the method expected.")
    bound: float | None = column("The bound that was reached.")
    score: float | None = column("How far it went, as the method says.")
    cases: int = column("Cases of the seven days up to and with the day.")
    deaths: int = column("Deaths among them.")
    data_version: strawberry.ID = column(
        "The newest record its counts had seen: later reports and corrections change no signal."
    )
    case: Annotated[Case, strawberry.lazy("schema.cases")] | None = one(
        "The card, of a single case.", "Case", by="case_id"
    )
    members: list[RegionCode] | None = column("The counties of a cluster.")
    window_days: int | None = column("Of a cluster: so many days up to and with the day.")
    relative_risk: float | None = column(
        "Of a cluster: how often its risk is that of elsewhere; null where no cases are elsewhere."
    )
    p_value: float | None = column(
        "Of a cluster: how likely chance alone shows one as strong somewhere, in one scan.",
        name="probability",
    )
    recurrence_days: float | None = column(
        "Of a cluster: after how many nightly scans chance alone shows one as strong."
    )
    missing_regions: list[RegionCode] | None = column(
        "Of a cluster: the regions whose counts were not read, since they did not answer in time."
    )
    cases_behind: list[Annotated[Case, strawberry.lazy("schema.cases")]] = gathered(
        "The report cards behind it, the newest first: those of its disease and counties, in every "
        "region, reported in the seven days up to its day and counted as they are now; of a single "
        "case its card. Only those the viewer may open."
    )
    analysis: Annotated["SignalAnalysis", strawberry.lazy("schema.alerts_analysis")] = gathered(
        "What the cards behind it have in common: place, time, people, rarity, and the grounds "
        "of E9 that this speaks for."
    )
    state: SignalState = column("How far it is.")
    detected_at: DateTime = column("When it was computed.")
    sent_at: DateTime | None = column("When it was sent first.")
    viewed_at: DateTime | None = column("When an officer saw it first.")
    answered_at: DateTime | None = column("When the first abnormal information card was filed.")
    absorbed_into: Annotated["Signal", strawberry.lazy("schema.alerts")] | None = one(
        "The open signal of the same spell that absorbed it; null: it stands for itself.",
        "Signal",
        by="absorbed_into",
    )
    version: int = column("Rises with every step; forms give it back.")
    repeats: int = column("How many later signals of the same spell it absorbed.")
    updated_at: DateTime = column("When it last changed.")
    event: Annotated["Investigation", strawberry.lazy("schema.alerts_forms")] | None = one(
        "The suspected event that it is part of.", "Investigation", by="event_id"
    )
    cards: list[Annotated["AbnormalInformationCard", strawberry.lazy("schema.alerts_forms")]] = (
        many(
            "All versions of its abnormal information card, the first first.",
            "AbnormalInformationCard",
            by="signal_id",
        )
    )
    trail: list[Annotated["SignalEvent", strawberry.lazy("schema.alerts_forms")]] = many(
        "What happened to it, in order.", "SignalEvent", by="signal_id"
    )
    clocks: list[Annotated["SignalClock", strawberry.lazy("schema.alerts_forms")]] = many(
        "What is or was due on it.", "SignalClock", by="signal_id"
    )


@strawberry.type(description="A signal in a page.")
class SignalEdge:
    """A signal in a page."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Signal = strawberry.field(description="The signal.")


@strawberry.type(description="A page of signals, merged over regions.")
class SignalConnection:
    """A page of signals, merged over regions."""

    edges: list[SignalEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )


@strawberry.input(
    description="Which signals. Several fields together must all hold; lists mean any of them."
)
class SignalFilter:
    """Which signals."""

    all_of: "list[SignalFilter] | None" = strawberry.field(
        name="and", default=None, description="All of these hold."
    )
    any_of: "list[SignalFilter] | None" = strawberry.field(
        name="or", default=None, description="One of these holds."
    )
    none_of: "SignalFilter | None" = strawberry.field(
        name="not", default=None, description="This does not hold."
    )
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="The county, of a cluster any of its: these codes and all below."
    )
    disease: list[strawberry.ID] | None = strawberry.field(default=None, description="Diseases.")
    kind: list[SignalKind] | None = strawberry.field(default=None, description="What raised it.")
    method: list[DetectionMethod] | None = strawberry.field(default=None, description="Methods.")
    rule_id: list[strawberry.ID] | None = strawberry.field(default=None, description="Rules.")
    state: list[SignalState] | None = strawberry.field(default=None, description="How far.")
    number: list[str] | None = strawberry.field(default=None, description="Numbers.")
    case: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Raised by these cards."
    )
    absorbed: bool | None = strawberry.field(
        default=None, description="Those absorbed by another, or those that stand for themselves."
    )
    day: DateRange | None = strawberry.field(default=None, description="The day it was raised for.")
    detected_at: DateTimeRange | None = strawberry.field(default=None, description="Computed.")


@strawberry.type(description="A parameter of a method.")
class DetectionParameter:
    """A parameter of a method."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value, as JSON.")


@strawberry.type(description="A rule: how one disease is watched in one area, from when to when.")
class DetectionRule:
    """A rule of detection (E4, E5, E7)."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    version: int = strawberry.field(description="Its version.")
    code: RegionCode = strawberry.field(
        description="The area, with all below; 000000 is the country. Of several rules for a "
        "county the one of the smallest area holds."
    )
    disease: Disease = strawberry.field(description="The disease.")
    method: DetectionMethod = strawberry.field(description="The method.")
    parameters: list[DetectionParameter] = strawberry.field(
        description="Parameters that are not the method's defaults."
    )
    effective_from: Date = strawberry.field(description="The first day it holds.")
    effective_to: Date | None = strawberry.field(description="The last day; null: until changed.")
    origin: RuleOrigin = strawberry.field(description="Who set it.")


@strawberry.input(description="A parameter of a method, other than its default.")
class DetectionParameterInput:
    """A parameter of a method, other than its default."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value, as JSON.")


@strawberry.input(
    description=(
        "What to detect: by the rules in effect on the last day, or by a method that is tried."
    )
)
class DetectInput:
    """What to detect."""

    diseases: list[strawberry.ID] = strawberry.field(description="Diseases.")
    codes: list[RegionCode] = strawberry.field(
        description="Codes: each one series, of itself and all below it."
    )
    start: Date = strawberry.field(name="from", description="The first day judged.")
    end: Date = strawberry.field(name="to", description="The last day judged.")
    method: DetectionMethod | None = strawberry.field(
        default=None, description="A method to try; the rules' own unless given."
    )
    parameters: list[DetectionParameterInput] | None = strawberry.field(
        default=None, description="Parameters of the method that is tried."
    )
    clusters: bool = strawberry.field(
        default=False,
        description="By the rule that scans for clusters of counties, in place of the one for each "
        "county alone: among the counties of the viewer's jurisdiction, of counties only.",
    )


@strawberry.type(description="What a method says of one day of a series.")
class DetectedDay:
    """What a method says of one day of a series."""

    day: Date = strawberry.field(description="The day.")
    cases: int = strawberry.field(description="Cases reported that day.")
    observed: float | None = strawberry.field(description="What was observed, as it counts.")
    expected: float | None = strawberry.field(description="What was expected.")
    bound: float | None = strawberry.field(description="The bound.")
    score: float | None = strawberry.field(description="How far it went.")
    alarm: bool = strawberry.field(description="Whether it alarms.")
    enough: bool = strawberry.field(
        description="Whether the history suffices; without it there is no answer."
    )
    members: list[RegionCode] | None = strawberry.field(
        default=None,
        description="By a scan: the counties of the cluster that the county is in, whose numbers "
        "the others here are; null where it is in none.",
    )
    recurrence_days: float | None = strawberry.field(
        default=None,
        description="By a scan: after how many scans chance alone shows one as strong.",
    )


@strawberry.type(description="A series as a method sees it; computed for the question, not kept.")
class DetectedSeries:
    """A series as a method sees it."""

    disease: Disease = strawberry.field(description="The disease.")
    code: RegionCode = strawberry.field(description="The code: itself and all below it.")
    method: DetectionMethod = strawberry.field(description="The method.")
    rule_id: strawberry.ID | None = strawberry.field(
        description="The rule that says so; null: none does, or a method is tried."
    )
    days: list[DetectedDay] = strawberry.field(
        description="Every day asked for; none where no method looks at the series."
    )
    regions: list[RegionAnswer] = strawberry.field(
        description="What became of each region; the counts are without those that did not answer."
    )

"""The tuner: what other ways of watching a disease would have signalled (requirements E7)."""

import strawberry

from schema.alerts import DetectionMethod, DetectionParameter, DetectionParameterInput
from schema.nodes import RegionAnswer
from schema.scalars import Date, RegionCode
from schema.statistics import Disease

__all__ = [
    "KnownOutbreak",
    "KnownOutbreakInput",
    "TriedMethodInput",
    "TuneInput",
    "TunedWay",
    "Tuning",
]


@strawberry.input(description="An outbreak that is known: which of it is seen is told.")
class KnownOutbreakInput:
    """An outbreak that is known."""

    code: RegionCode = strawberry.field(description="Where: this code, or any county below.")
    start: Date = strawberry.field(name="from", description="Its first day.")
    end: Date = strawberry.field(name="to", description="Its last day.")


@strawberry.input(description="A method to try beside the percentiles.")
class TriedMethodInput:
    """A method to try."""

    method: DetectionMethod = strawberry.field(description="The method.")
    parameters: list[DetectionParameterInput] | None = strawberry.field(
        default=None, description="What differs from its defaults."
    )


@strawberry.input(description="What to replay, and by which ways.")
class TuneInput:
    """What to replay."""

    disease: strawberry.ID = strawberry.field(description="The disease.")
    code: RegionCode = strawberry.field(description="The area: every county of it is judged.")
    start: Date = strawberry.field(name="from", description="The first day judged.")
    end: Date = strawberry.field(
        name="to", description="The last day judged; at most five years after the first."
    )
    percentiles: list[int] | None = strawberry.field(
        default=None,
        description="Percentiles of the moving percentile: 45, 50, … 95 unless given.",
    )
    methods: list[TriedMethodInput] | None = strawberry.field(
        default=None, description="Methods to try, too; at most 10."
    )
    outbreaks: list[KnownOutbreakInput] | None = strawberry.field(
        default=None, description="Outbreaks that are known; at most 100."
    )


@strawberry.type(description="A known outbreak, and when a way would have seen it.")
class KnownOutbreak:
    """A known outbreak, and when a way would have seen it."""

    code: RegionCode = strawberry.field(description="Where.")
    start: Date = strawberry.field(name="from", description="Its first day.")
    end: Date = strawberry.field(name="to", description="Its last day.")
    judged: bool = strawberry.field(
        description="Whether any county of it could be judged on any of its days: one that could "
        "not has missed it for want of history."
    )
    after_days: int | None = strawberry.field(
        description="Days from its first to the first alarm within it; null: missed."
    )


@strawberry.type(description="What one way of watching would have done.")
class TunedWay:
    """What one way of watching would have done."""

    method: DetectionMethod = strawberry.field(description="The method.")
    parameters: list[DetectionParameter] = strawberry.field(
        description="What differs from its defaults."
    )
    judged: int = strawberry.field(description="County-days with enough history to be judged.")
    alarms: int = strawberry.field(description="County-days that alarm.")
    signals: int = strawberry.field(
        description="Signals that stand for themselves: the spells of the alarms."
    )
    signals_per_day: float | None = strawberry.field(
        description="Of them, on a day, in the whole area: of the days that could be judged. Null: "
        "none could."
    )
    outbreaks: list[KnownOutbreak] = strawberry.field(
        description="The known outbreaks, in the order given."
    )
    missed: int = strawberry.field(description="How many of them it would have missed.")


@strawberry.type(description="A replay of an area by several ways; computed, not kept.")
class Tuning:
    """A replay of an area by several ways."""

    disease: Disease = strawberry.field(description="The disease.")
    code: RegionCode = strawberry.field(description="The area.")
    days: int = strawberry.field(description="Days that were replayed.")
    counties: int = strawberry.field(description="Counties of the area that any count is of.")
    ways: list[TunedWay] = strawberry.field(
        description="The percentiles in their order, then the methods."
    )
    regions: list[RegionAnswer] = strawberry.field(
        description="What became of each region; the counts are without those that did not answer."
    )

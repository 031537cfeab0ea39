"""Aggregates: counts that tell of nobody (F13)."""

from enum import Enum

import strawberry

from schema.enums import (
    CaseClassification,
    CaseOrigin,
    CaseOutcome,
    ContactLevel,
    ContactOutcome,
    ContactRoute,
    Traced,
)
from schema.nodes import RegionAnswer
from schema.scalars import Date, DateTime, RegionCode

__all__ = [
    "AggregateCell",
    "AggregateDimension",
    "AggregateInput",
    "AggregateSubject",
    "Aggregates",
]


@strawberry.enum(description="What is counted.")
class AggregateSubject(Enum):
    """What is counted."""

    CASES = strawberry.enum_value("CASES", description="Cases, of every classification.")
    CONTACTS = strawberry.enum_value("CONTACTS", description="Contacts.")


@strawberry.enum(description="What counts can be told apart by; one each of place and of time.")
class AggregateDimension(Enum):
    """What counts can be told apart by."""

    DISEASE = strawberry.enum_value("DISEASE", description="Disease; of cases.")
    PROVINCE = strawberry.enum_value("PROVINCE", description="Province responsible.")
    CITY = strawberry.enum_value("CITY", description="City responsible.")
    COUNTY = strawberry.enum_value("COUNTY", description="County responsible.")
    YEAR = strawberry.enum_value("YEAR", description="Year reported, of contacts registered.")
    MONTH = strawberry.enum_value("MONTH", description="Month reported, of contacts registered.")
    WEEK = strawberry.enum_value(
        "WEEK", description="Week reported, Monday to Sunday; of contacts registered."
    )
    DAY = strawberry.enum_value("DAY", description="Day reported, of contacts registered.")
    CLASSIFICATION = strawberry.enum_value("CLASSIFICATION", description="How certain; of cases.")
    ORIGIN = strawberry.enum_value("ORIGIN", description="Infected here or elsewhere; of cases.")
    OUTCOME = strawberry.enum_value("OUTCOME", description="How it ended.")
    LEVEL = strawberry.enum_value("LEVEL", description="Level; of contacts.")
    ROUTE = strawberry.enum_value("ROUTE", description="Route; of contacts.")
    TRACED = strawberry.enum_value("TRACED", description="Whether found; of contacts.")


@strawberry.input(
    description="What to count. Lists mean any of them; what is not given is not narrowed."
)
class AggregateInput:
    """What to count."""

    subject: AggregateSubject = strawberry.field(name="of", description="What is counted.")
    by: list[AggregateDimension] = strawberry.field(
        default_factory=list,
        description=(
            "What the counts are told apart by, three at most: kind, place and time as finely as "
            "can be, or one of the others with them, by city and week at the finest."
        ),
    )
    codes: list[RegionCode] | None = strawberry.field(
        default=None, description="These codes and all below; the whole jurisdiction unless given."
    )
    start: Date | None = strawberry.field(name="from", default=None, description="First day.")
    end: Date | None = strawberry.field(name="to", default=None, description="Last day.")
    diseases: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keys of diseases; of cases."
    )
    classification: list[CaseClassification] | None = strawberry.field(
        default=None, description="How certain; of cases."
    )
    origin: list[CaseOrigin] | None = strawberry.field(
        default=None, description="Origin; of cases."
    )
    case_outcome: list[CaseOutcome] | None = strawberry.field(
        default=None, description="Outcome of cases."
    )
    level: list[ContactLevel] | None = strawberry.field(
        default=None, description="Level; of contacts."
    )
    route: list[ContactRoute] | None = strawberry.field(
        default=None, description="Route; of contacts."
    )
    traced: list[Traced] | None = strawberry.field(
        default=None, description="Whether found; of contacts."
    )
    contact_outcome: list[ContactOutcome] | None = strawberry.field(
        default=None, description="Outcome of contacts."
    )


@strawberry.type(description="A cell of a table of counts.")
class AggregateCell:
    """A cell of a table of counts."""

    values: list[str] = strawberry.field(
        description=(
            "Where it stands, in the order of `by`: key of a disease, code, first day, name of an "
            "enum's value, or UNKNOWN."
        )
    )
    count: int | None = strawberry.field(
        description="How many, a multiple of five; null where there may be fewer than five."
    )
    suppressed: bool = strawberry.field(
        description="Whether it is not told: there may be fewer than five."
    )
    margin: int | None = strawberry.field(
        description="How far `count` may be off by rounding, nineteen times of twenty."
    )
    complete: bool = strawberry.field(
        description="False where a region that it may have people in is withheld or not answering."
    )


@strawberry.type(
    description="A table of counts rounded to fives, all of them once: it tells of nobody (F13)."
)
class Aggregates:
    """A table of counts."""

    cells: list[AggregateCell] = strawberry.field(
        description=(
            "The cells in the order of their values; one that is not there has nobody, or so few "
            "that they were rounded to none."
        )
    )
    total: int | None = strawberry.field(
        description="How many in all, a multiple of five; null where suppressed."
    )
    suppressed: bool = strawberry.field(
        description="Whether the total is not told: there may be fewer than five."
    )
    margin: int | None = strawberry.field(
        description="How far `total` may be off by rounding, nineteen times of twenty."
    )
    complete: bool = strawberry.field(
        description="False where a region is withheld or did not answer."
    )
    unplaced: int = strawberry.field(
        description="How many of the total are in cells that are suppressed."
    )
    as_of: DateTime = strawberry.field(
        description="Records made before this instant are counted: the last midnight in China."
    )
    withheld: list[RegionCode] = strawberry.field(
        description="Regions that may have fewer than five records: in no count at all."
    )
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")

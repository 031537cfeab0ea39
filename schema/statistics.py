"""Diseases and counts."""

import strawberry

from schema.enums import AlertMethod, CountSource, LawClass, RegionState, Step
from schema.nodes import RegionAnswer
from schema.scalars import Date, RegionCode

__all__ = ["Count", "CountSeries", "CountSource", "Disease", "RegionState", "Step"]


@strawberry.type(description="A notifiable disease (法定传染病).")
class Disease:
    """A notifiable disease."""

    id: strawberry.ID = strawberry.field(description="Its key, `measles`.")
    name_zh: str = strawberry.field(description="Chinese name.")
    name_en: str = strawberry.field(description="English name.")
    law_class: LawClass = strawberry.field(description="Class in the law.")
    alert_method: AlertMethod = strawberry.field(description="How it is watched.")
    icd10: str = strawberry.field(description="ICD-10 roots, separated by semicolons.")


@strawberry.type(description="Cases of one step of a series.")
class Count:
    """Cases of one step of a series."""

    start: Date = strawberry.field(name="from", description="First day of the step.")
    cases: int = strawberry.field(
        description="Cases reported in the step, suspected ones too; neither those excluded since "
        "nor carriers without symptoms (`ASYMPTOMATIC`)."
    )
    deaths: int = strawberry.field(description="Those of them who died.")


@strawberry.type(description="Counts of one disease, one code and one source, by day of report.")
class CountSeries:
    """Counts of one disease, one code and one source, by day of report."""

    disease: Disease = strawberry.field(description="The disease.")
    code: RegionCode = strawberry.field(description="The code: itself and all below it.")
    source: CountSource = strawberry.field(
        description="Where they come from. Two sources may count the same people: never add them."
    )
    step: Step = strawberry.field(description="Length of a step.")
    counts: list[Count] = strawberry.field(
        description="Every step from first to last, steps without cases too."
    )
    regions: list[RegionAnswer] = strawberry.field(
        description="What became of each region; the counts are without those that did not answer."
    )

"""The figures of a day that a city may publish (B9, N113 4.2)."""

import strawberry

from schema.nodes import RegionAnswer
from schema.scalars import Date, RegionCode

__all__ = ["Figure", "PublicFigures"]


@strawberry.type(description="A number of cases: local and imported ones, and both.")
class Figure:
    """A number of cases."""

    local: int = strawberry.field(description="Infected here (本土).")
    imported: int = strawberry.field(description="Infected elsewhere (境外输入).")
    total: int = strawberry.field(description="Both together.")


@strawberry.type(description="What a city may publish of a day: COVID-19, by place and origin.")
class PublicFigures:
    """What a city may publish of a day."""

    date: Date = strawberry.field(description="The day, in China.")
    code: RegionCode = strawberry.field(description="The place.")
    confirmed_reported: Figure = strawberry.field(
        description="Cards of confirmed cases reported on the day (新增确诊病例)."
    )
    carriers_reported: Figure = strawberry.field(
        description=(
            "Cards of carriers without symptoms reported on the day (新增无症状感染者), those that "
            "have been corrected to confirmed since among them."
        )
    )
    turned_confirmed: Figure = strawberry.field(
        description="Carriers who became confirmed cases on the day (转为确诊病例)."
    )
    released: Figure = strawberry.field(
        description="Carriers let go from the designated hospital on the day (解除医学观察)."
    )
    under_observation: Figure = strawberry.field(
        description=(
            "Carriers under observation in the designated hospital at the end of the day "
            "(尚在医学观察)."
        )
    )
    complete: bool = strawberry.field(
        description=(
            "Whether every region of the place answered. If not, the figures are of those that "
            "did, and are not to be published."
        )
    )
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")

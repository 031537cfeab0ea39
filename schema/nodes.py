"""What all lists share: nodes, pages, and the word of each region."""

import strawberry

from schema.enums import RegionState
from schema.fields import identity
from schema.scalars import DateTime, RegionCode

__all__ = ["Node", "PageInfo", "Region", "RegionAnswer"]


@strawberry.interface(description="A record that can be asked for by its id.")
class Node:
    """A record that can be asked for by its id."""

    id: strawberry.ID = identity()


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Where a page ends."""

    has_next_page: bool = strawberry.field(description="Whether more records follow.")
    has_previous_page: bool = strawberry.field(
        description="Whether records stand before: true when the page was asked for by `after`."
    )
    start_cursor: str | None = strawberry.field(description="Cursor of the first record.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last record; give it as `after` for the next page."
    )


@strawberry.type(description="What became of one region in this question.")
class RegionAnswer:
    """What became of one region in this question."""

    code: RegionCode = strawberry.field(description="The region.")
    state: RegionState = strawberry.field(
        description="Whether it answered; records are missing unless this is ANSWERED or NOT_ASKED."
    )
    milliseconds: float | None = strawberry.field(
        description="How long its store took for all that was read there, relations included."
    )
    records: int | None = strawberry.field(description="Records of this page that are its own.")
    as_of: DateTime | None = strawberry.field(description="The instant its records were read.")


@strawberry.type(description="A region: some GB/T 2260 prefixes and one store (地区).")
class Region:
    """A region: some GB/T 2260 prefixes and one store."""

    code: RegionCode = strawberry.field(description="Its code, six digits.")
    name_zh: str = strawberry.field(description="Chinese name.")
    name_en: str = strawberry.field(description="English name.")
    prefixes: list[str] = strawberry.field(description="The prefixes of the codes it holds.")
    state: RegionState = strawberry.field(
        description="Whether it answers now; REFUSED while its circuit breaker is open."
    )

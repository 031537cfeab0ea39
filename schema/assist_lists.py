"""Lists of assist requests (协查): which letters, and a page of them (C1)."""

import strawberry

from schema.assist import AssistRequest, AssistSide, AssistState
from schema.nodes import PageInfo, RegionAnswer
from schema.scalars import DateTime, RegionCode

__all__ = ["AssistRequestConnection", "AssistRequestEdge", "AssistRequestFilter"]


@strawberry.input(description="Which letters. Several fields together must all hold.")
class AssistRequestFilter:
    """Which letters."""

    number: list[str] | None = strawberry.field(
        default=None, description="With one of these numbers."
    )
    root_number: str | None = strawberry.field(
        default=None, description="Of the chain that began with this letter."
    )
    side: AssistSide | None = strawberry.field(
        default=None, description="Whose copies: RECEIVED are letters that came in."
    )
    state: list[AssistState] | None = strawberry.field(
        default=None, description="In one of these states."
    )
    disease: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of one of these diseases."
    )
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="County of the copy's side: these codes and all below."
    )
    from_unit: strawberry.ID | None = strawberry.field(default=None, description="Issued by it.")
    to_unit: strawberry.ID | None = strawberry.field(default=None, description="Sent to it.")
    assigned_to: str | None = strawberry.field(
        default=None, description="Assigned to this account."
    )
    overdue: bool | None = strawberry.field(
        default=None,
        description="True: the clock that runs in its state has run out; false: it has not.",
    )
    unread: bool | None = strawberry.field(
        default=None, description="True: the receiver has not read the latest version."
    )
    created_after: DateTime | None = strawberry.field(
        default=None, description="Made at this instant or later."
    )
    updated_after: DateTime | None = strawberry.field(
        default=None, description="Changed at this instant or later."
    )


@strawberry.type(description="A letter in a page.")
class AssistRequestEdge:
    """A letter in a page."""

    cursor: str = strawberry.field(description="Its place in the list.")
    node: AssistRequest = strawberry.field(description="The letter.")


@strawberry.type(description="A page of letters, the newest first.")
class AssistRequestConnection:
    """A page of letters."""

    edges: list[AssistRequestEdge] = strawberry.field(description="The letters.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )

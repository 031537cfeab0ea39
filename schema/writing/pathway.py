"""`advancePathway`."""

from typing import Annotated

import strawberry

from schema.pathway import Pathway, PathwayEvent
from schema.scalars import DateTime
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotCustodianProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = ["AdvancePathwayInput", "AdvancePathwayPayload", "AdvancePathwayResult"]


@strawberry.input(description="An event of a pathway; without one, the pathway begins.")
class AdvancePathwayInput:
    """An event of a pathway."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every event: a UUID, say."
    )
    record: strawberry.ID = strawberry.field(description="The case or contact.")
    event: PathwayEvent | None = strawberry.field(
        default=None, description="What happened; none, to begin the pathway alone."
    )
    at: DateTime | None = strawberry.field(default=None, description="When; now, unless given.")
    pack: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The rules, where the pathway begins: unless given, those of the contact, of a case "
            "those that hold in its county on that day."
        ),
    )


@strawberry.type(description="A pathway that went on.")
class AdvancePathwayPayload:
    """A pathway that went on."""

    pathway: Pathway = strawberry.field(description="Where it stands.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


AdvancePathwayResult = Annotated[
    AdvancePathwayPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | StepProblem
    | RegionUnavailableProblem,
    strawberry.union("AdvancePathwayResult", description="The pathway, or why it stays."),
]

"""Expected failures of a mutation: named types, in English and Chinese, never with a private value.

Problem
├── InvalidInputProblem       INVALID_INPUT         what was given means nothing here
├── IdempotencyConflict       IDEMPOTENCY_CONFLICT  the key was used for something else
├── ForbiddenProblem          FORBIDDEN             not this role, or not this jurisdiction
├── NotFoundProblem           NOT_FOUND             no such record that the viewer may open
├── StepProblem               STEP_REFUSED          not this step, not now, or not by this person
├── NotCustodianProblem       NOT_CUSTODIAN         another region or unit answers for the person
└── RegionUnavailableProblem  REGION_UNAVAILABLE    the region's store did not answer
"""

import strawberry

from schema.enums import RegionState
from schema.scalars import DateTime, RegionCode
from schema.transfers import CustodyState

__all__ = [
    "ForbiddenProblem",
    "IdempotencyConflict",
    "InvalidInputProblem",
    "Mistake",
    "NotCustodianProblem",
    "NotFoundProblem",
    "Problem",
    "RegionUnavailableProblem",
    "StepProblem",
]


@strawberry.interface(description="Why a mutation did not do what it was asked.")
class Problem:
    """Why a mutation did not do what it was asked."""

    code: str = strawberry.field(description="A stable name, `INVALID_INPUT`.")
    message: str = strawberry.field(description="What was wrong and how to mend it, in English.")
    message_zh: str = strawberry.field(description="The same in Chinese.")


@strawberry.type(description="One value of an input that cannot be taken.")
class Mistake:
    """One value of an input that cannot be taken."""

    path: list[str] = strawberry.field(
        description="Where it stands in the input: names of fields, and numbers from 0 in lists."
    )
    message: str = strawberry.field(description="What is wrong with it, in English.")
    message_zh: str = strawberry.field(description="The same in Chinese.")


@strawberry.type(
    description="The input cannot be taken. `path` and the messages are those of the first mistake."
)
class InvalidInputProblem(Problem):
    """The input cannot be taken."""

    path: list[str] = strawberry.field(description="Where the first mistake stands in the input.")
    mistakes: list[Mistake] = strawberry.field(description="Every mistake that was found.")


@strawberry.type(
    description=(
        "The idempotency key was used before, for another operation or with another input. "
        "Nothing was written now."
    )
)
class IdempotencyConflict(Problem):
    """The idempotency key was used before for something else."""


@strawberry.type(description="The viewer's role or jurisdiction does not allow it.")
class ForbiddenProblem(Problem):
    """The viewer's role or jurisdiction does not allow it."""


@strawberry.type(
    description="There is no such record, or none that the viewer may open; never said which."
)
class NotFoundProblem(Problem):
    """No such record that the viewer may open."""

    path: list[str] = strawberry.field(description="Where its id stands in the input.")


@strawberry.type(
    description=(
        "The step cannot be taken: it is another's turn, it was taken already, or something must "
        "happen first. `reason` names which."
    )
)
class StepProblem(Problem):
    """The step cannot be taken."""

    reason: str = strawberry.field(description="A stable name, `NOT_YOUR_STEP`.")


@strawberry.type(
    description=(
        "The person was handed over, or is being handed over: nothing was written here. Whoever "
        "answers for the person writes what concerns the person."
    )
)
class NotCustodianProblem(Problem):
    """Another region answers for the person, or the person is on the way there."""

    person_id: strawberry.ID = strawberry.field(description="The person.")
    custodian: RegionCode = strawberry.field(description="The region that answers for the person.")
    unit: strawberry.ID | None = strawberry.field(
        description="Id of the unit that does, where this region knows it."
    )
    state: CustodyState = strawberry.field(
        description=(
            "What this region's store says of its custody; `OWNED` where the person is its own and "
            "the record is not: a case's card stays with the region that reported it."
        )
    )
    since: DateTime | None = strawberry.field(description="Since when, where it is known.")


@strawberry.type(description="The region's store did not answer.")
class RegionUnavailableProblem(Problem):
    """The region's store did not answer."""

    region: RegionCode = strawberry.field(description="The region.")
    state: RegionState = strawberry.field(description="What became of it.")
    written: bool | None = strawberry.field(
        description=(
            "False: nothing was changed. True: it was written, but could not be read back. Null: "
            "the answer to the commit was lost. The same request with the same key finds out."
        )
    )

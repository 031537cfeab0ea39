"""Steps of a transfer: offering, accepting, refusing, taking back, arriving; inputs and results."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.enum_values import value
from schema.privacy import PrivateItem
from schema.scalars import DateTime, RegionCode
from schema.transfers import Transfer, TransferOutcome, TransferReason
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    Problem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = [
    "OfferTransferInput",
    "OfferedPersonInput",
    "RecordArrivalInput",
    "RefusalReason",
    "RefuseTransferInput",
    "TransferActionInput",
    "TransferPayload",
    "TransferResult",
    "TransferRow",
]


_KEY = "1 to 200 printable characters, new for every step: a UUID, say."
_WHO = "Only these people, 1 to 1,000; everybody who is still open unless given."


@strawberry.enum(description="Why a person who is offered is refused.")
class RefusalReason(Enum):
    """Why a person who is offered is refused."""

    WRONG_REGION = value("WRONG_REGION", "The person belongs to another county (非本辖区).")
    DUPLICATE = value("DUPLICATE", "The person is on record here already (重复).")
    INSUFFICIENT = value("INSUFFICIENT", "What came along does not suffice (信息不全).")
    NO_PLACE = value("NO_PLACE", "There is no place to take the person in (无接收条件).")
    OTHER = value("OTHER", "Something else.")


@strawberry.input(description="A person to offer.")
class OfferedPersonInput:
    """A person to offer."""

    person_id: strawberry.ID = strawberry.field(description="The person.")
    epoch: int | None = strawberry.field(
        default=None,
        description=(
            "The epoch of custody that the client knows of: the person is offered only if it is "
            "still that one."
        ),
    )
    escort: str | None = strawberry.field(default=None, description="Who goes along.")
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(
    description=(
        "People to offer to another unit. `toCode` leads to the county that receives them, through "
        "the table of changed codes; one that does not lead to exactly one county is asked back."
    )
)
class OfferTransferInput:
    """People to offer to another unit."""

    idempotency_key: str = strawberry.field(
        description=f"{_KEY} The transfer's id follows from account and key."
    )
    people: list[OfferedPersonInput] = strawberry.field(
        description="1 to 1,000 people of one region, each once."
    )
    to_code: RegionCode = strawberry.field(description="County that is to answer for them.")
    to_unit: strawberry.ID | None = strawberry.field(
        default=None, description="Unit of that county which decides; its CDC unless given."
    )
    reason: TransferReason = strawberry.field(description="Why.")
    items: list[PrivateItem] | None = strawberry.field(
        default=None,
        description=(
            "Private items that the receiving unit may see in clear until it has decided: of those "
            "that the offering account sees itself. None unless given: the preview is masked."
        ),
    )
    planned_at: DateTime | None = strawberry.field(default=None, description="Planned departure.")
    departed_at: DateTime | None = strawberry.field(
        default=None, description="Departure, where they are on the way already."
    )


@strawberry.input(description="A step of a transfer.")
class TransferActionInput:
    """A step of a transfer."""

    idempotency_key: str = strawberry.field(description=_KEY)
    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")
    people: list[strawberry.ID] | None = strawberry.field(default=None, description=_WHO)


@strawberry.input(description="Whom of a transfer not to take, and why.")
class RefuseTransferInput:
    """Whom of a transfer not to take, and why."""

    idempotency_key: str = strawberry.field(description=_KEY)
    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")
    reason: RefusalReason = strawberry.field(description="Why.")
    people: list[strawberry.ID] | None = strawberry.field(default=None, description=_WHO)


@strawberry.input(description="When the people of a transfer arrived.")
class RecordArrivalInput:
    """When the people of a transfer arrived."""

    idempotency_key: str = strawberry.field(description=_KEY)
    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")
    arrived_at: DateTime | None = strawberry.field(
        default=None, description="When they arrived; now, unless given."
    )


@strawberry.type(description="What became of one person in this step; each has an outcome.")
class TransferRow:
    """What became of one person in this step."""

    person_id: strawberry.ID = strawberry.field(description="The person.")
    outcome: TransferOutcome | None = strawberry.field(
        description="Where the person stands after it; null where there is a problem."
    )
    problem: Problem | None = strawberry.field(description="Why the step was not taken.")


@strawberry.type(description="A step of a transfer, taken for some of its people at least.")
class TransferPayload:
    """A step of a transfer that was taken."""

    transfer: Transfer | None = strawberry.field(
        description="The transfer, as this side's store has it now; null where nobody was offered."
    )
    people: list[TransferRow] = strawberry.field(
        description="What became of each person that was asked for, in the order of the input."
    )
    pending: bool = strawberry.field(
        description=(
            "Whether the other region has yet to be told, since it does not answer: the step is "
            "taken here and is delivered as soon as it does. Nothing need be sent again."
        )
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


TransferResult = Annotated[
    TransferPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem
    | RegionUnavailableProblem,
    strawberry.union("TransferResult", description="The transfer, or why the step was not taken."),
]

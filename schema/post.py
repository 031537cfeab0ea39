"""What is on its way between regions, and what can be done about it (D)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.enum_values import value
from schema.nodes import RegionAnswer
from schema.scalars import DateTime, RegionCode
from schema.transfers import TransferSide, TransferState
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = [
    "InFlightAction",
    "InFlightReason",
    "ResendTransferInput",
    "ResendTransferPayload",
    "ResendTransferResult",
    "TransferInFlight",
    "TransfersInFlight",
]


@strawberry.enum(description="Why a transfer is still on its way.")
class InFlightReason(Enum):
    """Why a transfer is still on its way."""

    NOT_YET_SENT = value("NOT_YET_SENT", "A message waits to be delivered (待发送).")
    REGION_UNAVAILABLE = value(
        "REGION_UNAVAILABLE", "The region a message is for does not answer (对方地区无应答)."
    )
    MESSAGE_FAILED = value(
        "MESSAGE_FAILED", "A message cannot be delivered: `error` says why (消息投递失败)."
    )
    MESSAGE_CONFLICT = value(
        "MESSAGE_CONFLICT",
        "A message came before with another content: there is an alarm (消息冲突).",
    )
    UNDECIDED = value("UNDECIDED", "The receiving unit has not decided (接收单位未决定).")
    PEER_SILENT = value(
        "PEER_SILENT",
        "All is sent from here; the other region's next message has not come (等待对方消息).",
    )


@strawberry.enum(description="What may safely be done about a transfer on its way.")
class InFlightAction(Enum):
    """What may safely be done."""

    WAIT = value("WAIT", "Nothing: it goes on by itself, however long that takes (等待).")
    RESEND = value("RESEND", "Have it delivered now: `resendTransfer` (重新投递).")
    CANCEL = value("CANCEL", "Take back whom the receiver has not accepted (撤回).")
    DECIDE = value("DECIDE", "Accept or refuse (接收或退回).")


@strawberry.type(description="A transfer that is on its way, as one side's store has it.")
class TransferInFlight:
    """A transfer that is on its way."""

    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")
    side: TransferSide = strawberry.field(description="Whose record this is.")
    state: TransferState = strawberry.field(description="How far it is, by this record.")
    from_region: RegionCode = strawberry.field(description="The sending region.")
    to_region: RegionCode = strawberry.field(description="The receiving region.")
    from_unit: strawberry.ID = strawberry.field(description="Id of the unit that offers.")
    to_unit: strawberry.ID = strawberry.field(description="Id of the unit that decides.")
    since: DateTime = strawberry.field(
        description="Since when the message waits; without one, since this record last changed."
    )
    reason: InFlightReason = strawberry.field(description="Why.")
    topic: str | None = strawberry.field(
        description="What the message says, `transfer.commit`; null where none waits."
    )
    attempts: int = strawberry.field(description="How often its delivery failed.")
    error: str | None = strawberry.field(description="The code of its last failure.")
    actions: list[InFlightAction] = strawberry.field(description="What may safely be done.")


@strawberry.type(description="Transfers that have been on their way for too long, oldest first.")
class TransfersInFlight:
    """Transfers that have been on their way for too long."""

    transfers: list[TransferInFlight] = strawberry.field(description="Up to `first` of them.")
    more: bool = strawberry.field(description="Whether there are others.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")


@strawberry.input(description="A transfer to be delivered now.")
class ResendTransferInput:
    """A transfer to be delivered now."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every request: a UUID, say."
    )
    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")


@strawberry.type(description="What became of delivering a transfer.")
class ResendTransferPayload:
    """What became of delivering a transfer."""

    transfer_id: strawberry.ID = strawberry.field(description="The transfer.")
    delivered: bool = strawberry.field(
        description="Whether nothing of it waits any more; else it is delivered later."
    )
    repeated: bool = strawberry.field(
        description="Whether there was an earlier request with the same key; it is delivered again."
    )


ResendTransferResult = Annotated[
    ResendTransferPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union(
        "ResendTransferResult", description="What became of it, or why it was refused."
    ),
]

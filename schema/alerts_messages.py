"""Messages of signals: who was told, when, by which channel, and what came of it (E2, E3, E10)."""

from enum import Enum

import strawberry

from schema.enum_values import value
from schema.scalars import DateTime, PrivateString

__all__ = [
    "DeliveryState",
    "MessageChannel",
    "MessageOccasion",
    "MessageState",
    "SignalDelivery",
    "SignalMessage",
]


@strawberry.enum(description="Why a message is sent.")
class MessageOccasion(Enum):
    """Why a message is sent."""

    FIRST = value("FIRST", "The signal was raised (首次发送).")
    AGAIN = value("AGAIN", "Nobody filed an abnormal information card in time (再次发送).")
    LEVEL = value(
        "LEVEL",
        "Told to a level above: nobody answered, or no receiver took it (向上级发送).",
    )


@strawberry.enum(description="How far a message is.")
class MessageState(Enum):
    """How far a message is."""

    WAITING = value("WAITING", "It is not due, or nobody on duty can be reached so far (待发送).")
    ADDRESSED = value("ADDRESSED", "It has its deliveries (已分派).")
    DROPPED = value("DROPPED", "The signal was answered or absorbed before it was due (已取消).")
    NOBODY = value("NOBODY", "Nobody on duty could be reached, and it is too late (无值班人员).")


@strawberry.enum(description="How somebody is told.")
class MessageChannel(Enum):
    """How somebody is told."""

    SMS = value("SMS", "A short message (短信).")
    EMAIL = value("EMAIL", "A mail (电子邮件).")
    WEBHOOK = value("WEBHOOK", "A signed request to a program (网络回调).")
    FILE = value("FILE", "A line of a file (文件).")


@strawberry.enum(description="What came of a delivery.")
class DeliveryState(Enum):
    """What came of a delivery."""

    DUE = value("DUE", "It is tried, or tried again (待投递).")
    SENDING = value("SENDING", "It is under way (投递中).")
    ACCEPTED = value("ACCEPTED", "The receiver has it (已接收).")
    DOUBTFUL = value(
        "DOUBTFUL",
        "Nobody knows whether the receiver has it, and a repeat might come twice (结果不明).",
    )
    FAILED = value("FAILED", "The receiver does not take it, or it is too late (失败).")


@strawberry.type(description="A message to one person by one channel, or to a program.")
class SignalDelivery:
    """A message to one person by one channel, or to a program."""

    channel: MessageChannel = strawberry.field(description="By which channel.")
    unit_id: strawberry.ID | None = strawberry.field(
        description="Unit of whoever is told; null of a program."
    )
    account: str | None = strawberry.field(
        description="Account of whoever is told; null of a program."
    )
    to: PrivateString | None = strawberry.field(
        description=(
            "The number or address; `*` but for the holder and the unit's own administrator. Null "
            "of a program."
        )
    )
    state: DeliveryState = strawberry.field(description="What came of it.")
    attempts: int = strawberry.field(description="How often it was tried.")
    outcome: str | None = strawberry.field(
        description="What the last attempt came to, a code: `HTTP_503`, `ANSWER_LOST`."
    )
    reference: str | None = strawberry.field(description="What the receiver calls it.")
    next_at: DateTime | None = strawberry.field(description="When it is tried next.")
    settled_at: DateTime | None = strawberry.field(
        description="When it was accepted, doubtful or failed."
    )


@strawberry.type(description="A message of a signal.")
class SignalMessage:
    """A message of a signal."""

    occasion: MessageOccasion = strawberry.field(description="Why it is sent.")
    level: int | None = strawberry.field(
        description="How many levels above the county are told, of the occasion LEVEL."
    )
    due_at: DateTime = strawberry.field(description="When it is due.")
    state: MessageState = strawberry.field(description="How far it is.")
    text: str | None = strawberry.field(
        description="What it says; null until it is due. There is nothing personal in it."
    )
    addressed_at: DateTime | None = strawberry.field(
        description="When it was looked up who is on duty."
    )
    deliveries: list[SignalDelivery] = strawberry.field(description="To whom it goes.")

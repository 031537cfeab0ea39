"""What duty persons are told of letters by messages, and what came of it (C)."""

from enum import Enum

import strawberry

from schema.alerts_messages import MessageChannel
from schema.enum_values import value
from schema.scalars import DateTime

__all__ = ["AssistNotice", "AssistNoticeState", "AssistOccasion"]


@strawberry.enum(description="Why somebody is told of a letter by a message.")
class AssistOccasion(Enum):
    """Why somebody is told of a letter by a message."""

    ARRIVED = value("ARRIVED", "It arrived, and waits to be acknowledged (待签收).")
    CITY = value("CITY", "Nobody acknowledged it in time: the city is told (上报市级).")
    PROVINCE = value("PROVINCE", "The same, told to the province (上报省级).")
    REFUSED = value("REFUSED", "It was refused, and is back with the issuer (已退回).")
    CASE = value("CASE", "Somebody of it tested positive: the issuer is told (检测阳性).")


@strawberry.enum(description="How far a message of a letter is.")
class AssistNoticeState(Enum):
    """How far a message of a letter is."""

    WAITING = value("WAITING", "Nobody on duty can be reached so far; looked again (待发送).")
    ADDRESSED = value("ADDRESSED", "It has its deliveries, each with a channel (已分派).")
    NOBODY = value("NOBODY", "Nobody on duty could be reached within a day (无值班人员).")
    DROPPED = value("DROPPED", "Nobody need be told any more (已取消).")
    DUE = value("DUE", "It is tried, or tried again (待投递).")
    SENDING = value("SENDING", "It is under way (投递中).")
    ACCEPTED = value("ACCEPTED", "The receiver has it (已接收).")
    DOUBTFUL = value("DOUBTFUL", "Nobody knows whether the receiver has it (结果不明).")
    FAILED = value("FAILED", "The receiver does not take it, or it is too late (失败).")


@strawberry.type(description="Somebody who is told of a letter by a message (协查提示).")
class AssistNotice:
    """Somebody who is told of a letter by a message."""

    occasion: AssistOccasion = strawberry.field(description="Why.")
    about: int = strawberry.field(
        description="The letter's version; of CASE the person's place in the letter."
    )
    units: list[strawberry.ID] = strawberry.field(
        description="The units whose duty persons are told, or those of the nearest unit above."
    )
    channel: MessageChannel | None = strawberry.field(
        description="By which channel; null: the message itself, which its deliveries follow."
    )
    unit_id: strawberry.ID | None = strawberry.field(
        description="Unit of whoever is told; null of a program."
    )
    account: str | None = strawberry.field(
        description="Account of whoever is told; null of a program."
    )
    state: AssistNoticeState = strawberry.field(description="What came of it.")
    outcome: str | None = strawberry.field(
        description="What the last attempt came to, a code: `HTTP_503`, `LATE`."
    )
    due_at: DateTime = strawberry.field(description="When it was due.")
    settled_at: DateTime | None = strawberry.field(description="When that was known.")

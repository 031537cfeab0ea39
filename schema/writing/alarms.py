"""`acknowledgeAlarm`."""

from typing import Annotated

import strawberry

from schema.alarms import Alarm, AlarmFinding
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = ["AcknowledgeAlarmInput", "AcknowledgeAlarmPayload", "AcknowledgeAlarmResult"]


@strawberry.input(description="What came of looking into an alarm; it is said once.")
class AcknowledgeAlarmInput:
    """What came of looking into an alarm."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every alarm: a UUID, say."
    )
    alarm: strawberry.ID = strawberry.field(description="The alarm, `alarm:17`.")
    finding: AlarmFinding = strawberry.field(description="What came of it.")
    note: str = strawberry.field(
        description="What was done, 1 to 500 characters, without anybody's private data."
    )


@strawberry.type(description="An alarm that was looked into.")
class AcknowledgeAlarmPayload:
    """An alarm that was looked into."""

    alarm: Alarm = strawberry.field(description="The alarm.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


AcknowledgeAlarmResult = Annotated[
    AcknowledgeAlarmPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("AcknowledgeAlarmResult", description="The alarm, or why it stays as it is."),
]

"""Emergency access (紧急访问): at once, short, told to two supervisors, reviewed (F11)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.nodes import PageInfo
from schema.privacy.grants import Grant
from schema.privacy.items import RecordType
from schema.scalars import DateTime, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "BreakGlassInput",
    "BreakGlassPayload",
    "BreakGlassResult",
    "EmergencyAccess",
    "EmergencyAccessConnection",
    "EmergencyAccessEdge",
    "EmergencyFinding",
    "EmergencyNotice",
    "EmergencyOccasion",
    "EmergencyReason",
    "ReviewEmergencyAccessInput",
    "ReviewEmergencyAccessPayload",
    "ReviewEmergencyAccessResult",
]


@strawberry.enum(description="Why there is no time for an application.")
class EmergencyReason(Enum):
    """Why there is no time for an application."""

    LIFE_AT_RISK = strawberry.enum_value(
        "LIFE_AT_RISK", description="A person's life or health is at risk (抢救)."
    )
    OUTBREAK = strawberry.enum_value("OUTBREAK", description="An outbreak is fought (暴发处置).")
    TRACING = strawberry.enum_value(
        "TRACING", description="Somebody must be found at once (紧急追踪)."
    )
    OTHER = strawberry.enum_value("OTHER", description="Something else; the text says what (其他).")


@strawberry.enum(description="What the review of an emergency access found.")
class EmergencyFinding(Enum):
    """What the review of an emergency access found."""

    JUSTIFIED = strawberry.enum_value("JUSTIFIED", description="It was justified (合理).")
    UNJUSTIFIED = strawberry.enum_value(
        "UNJUSTIFIED", description="It was not: the account is suspended at once (不合理)."
    )


@strawberry.enum(description="Why a supervisor of an emergency access is told.")
class EmergencyOccasion(Enum):
    """Why a supervisor is told."""

    TAKEN = strawberry.enum_value("TAKEN", description="It was taken.")
    REMINDER = strawberry.enum_value(
        "REMINDER", description="Its review is due soon, and the account suspended otherwise."
    )


@strawberry.type(description="A message by which an emergency access is told of.")
class EmergencyNotice:
    """A message by which an emergency access is told of."""

    account: str | None = strawberry.field(
        description="Login name of the supervisor; null of a channel that is no person's."
    )
    channel: str = strawberry.field(description="SMS, EMAIL, WEBHOOK or FILE.")
    occasion: EmergencyOccasion = strawberry.field(description="Why.")
    due_at: DateTime = strawberry.field(description="When it is sent at the earliest.")
    state: str = strawberry.field(
        description=(
            "DUE, SENDING, ACCEPTED (the receiver has it), DOUBTFUL (nobody knows), FAILED, or "
            "DROPPED: reviewed before it was due."
        )
    )
    outcome: str | None = strawberry.field(description="A code word of the last attempt.")
    settled_at: DateTime | None = strawberry.field(description="Since when nothing is tried.")


@strawberry.type(
    description=(
        "An emergency access. Its supervisors find it here; one of them reviews it by "
        "`reviewDueAt`, or the account is suspended."
    )
)
class EmergencyAccess:
    """An emergency access."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    account: str = strawberry.field(description="Login name of whoever took it.")
    name: str = strawberry.field(description="Name of whoever took it.")
    unit_id: strawberry.ID = strawberry.field(description="Unit.")
    reason: EmergencyReason = strawberry.field(description="Why.")
    reason_text: str | None = strawberry.field(
        description="Why, in words; null for whoever neither took it nor is told of it."
    )
    grant: Grant = strawberry.field(description="The right it gave; the access log names its id.")
    supervisors: list[str] = strawberry.field(
        description="Login names of the two who are told of it."
    )
    notices: list[EmergencyNotice] = strawberry.field(
        description="The messages by which they are told, and what became of them."
    )
    unreached: list[str] = strawberry.field(
        description=(
            "Those of the supervisors to whom no message goes: no channel to people is configured, "
            "or their account has no number or address for one. Tell them otherwise."
        )
    )
    review_due_at: DateTime = strawberry.field(description="Until when it must be reviewed.")
    reviewed_at: DateTime | None = strawberry.field(description="When it was reviewed.")
    reviewed_by: str | None = strawberry.field(description="Login name of the reviewer.")
    finding: EmergencyFinding | None = strawberry.field(description="What the review found.")
    remarks: str | None = strawberry.field(
        description="What the reviewer wrote; null as `reasonText` is."
    )
    suspended_at: DateTime | None = strawberry.field(
        description="When the account was suspended for it."
    )
    created_at: DateTime = strawberry.field(description="When it was taken.")


@strawberry.type(description="An emergency access in a list.")
class EmergencyAccessEdge:
    """An emergency access in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: EmergencyAccess = strawberry.field(description="The emergency access.")


@strawberry.type(description="Emergency accesses, the newest first.")
class EmergencyAccessConnection:
    """Emergency accesses."""

    edges: list[EmergencyAccessEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are.")


@strawberry.input(
    description=(
        "Access in an emergency: to every private item of some types of record, in one place or of "
        "one person."
    )
)
class BreakGlassInput:
    """Access in an emergency."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every emergency: a UUID, say."
    )
    reason: EmergencyReason = strawberry.field(description="Why.")
    reason_text: str = strawberry.field(
        description="Why, in words, at most 1,000 characters; kept sealed."
    )
    record_types: list[RecordType] = strawberry.field(description="Of which records.")
    code: RegionCode = strawberry.field(
        description="Where: a code within the own jurisdiction, itself and all below."
    )
    person: strawberry.ID | None = strawberry.field(
        default=None, description="Only this person's records."
    )
    minutes: int | None = strawberry.field(
        default=None, description="For how long; as long as the gateway allows, unless given."
    )


@strawberry.type(description="An emergency access that holds from the next request on.")
class BreakGlassPayload:
    """An emergency access that holds from the next request on."""

    access: EmergencyAccess = strawberry.field(description="The emergency access.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


BreakGlassResult = Annotated[
    BreakGlassPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("BreakGlassResult", description="The emergency access, or why there is none."),
]


@strawberry.input(description="The review of an emergency access, by one of its two supervisors.")
class ReviewEmergencyAccessInput:
    """The review of an emergency access."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every review: a UUID, say."
    )
    access: strawberry.ID = strawberry.field(description="The emergency access.")
    finding: EmergencyFinding = strawberry.field(description="What the review found.")
    remarks: str | None = strawberry.field(
        default=None,
        description="In words; required where it was not justified, at most 1,000, kept sealed.",
    )


@strawberry.type(description="An emergency access that was reviewed.")
class ReviewEmergencyAccessPayload:
    """An emergency access that was reviewed."""

    access: EmergencyAccess = strawberry.field(description="The emergency access.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


ReviewEmergencyAccessResult = Annotated[
    ReviewEmergencyAccessPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("ReviewEmergencyAccessResult", description="The review, or why not."),
]

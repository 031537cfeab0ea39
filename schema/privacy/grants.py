"""Grants (授权): rights in force and those that were, and how they are revoked (F7)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.nodes import PageInfo, RegionAnswer
from schema.privacy.items import PrivateItem, RecordType
from schema.scalars import DateTime, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "Grant",
    "GrantConnection",
    "GrantEdge",
    "GrantFilter",
    "GrantedBy",
    "RevocationReason",
    "RevokeGrantInput",
    "RevokeGrantPayload",
    "RevokeGrantResult",
]


@strawberry.enum(description="How a right was given.")
class GrantedBy(Enum):
    """How a right was given."""

    APPLICATION = strawberry.enum_value(
        "APPLICATION", description="By an application with its five signatures."
    )
    EMERGENCY = strawberry.enum_value(
        "EMERGENCY", description="Taken in an emergency, to be reviewed (F11)."
    )
    COMMAND_LINE = strawberry.enum_value(
        "COMMAND_LINE", description="On the gateway's machine by whoever runs it."
    )


@strawberry.enum(description="Why a right is revoked.")
class RevocationReason(Enum):
    """Why a right is revoked."""

    PURPOSE_ENDED = strawberry.enum_value(
        "PURPOSE_ENDED", description="What it was for is done (用途结束)."
    )
    LEFT = strawberry.enum_value("LEFT", description="Its holder left or changed posts (离岗).")
    MISUSE = strawberry.enum_value("MISUSE", description="It was misused (违规使用).")
    LEAK = strawberry.enum_value("LEAK", description="The account leaked (账号泄露).")
    MISTAKE = strawberry.enum_value("MISTAKE", description="It was given by mistake (误授).")
    ROLE_WITHDRAWN = strawberry.enum_value(
        "ROLE_WITHDRAWN", description="Its unit withdrew the dedicated role it rests on (角色撤销)."
    )


@strawberry.type(
    description="A right to see private items of records in clear (授权): for one account."
)
class Grant:
    """A right to see private items in clear."""

    id: strawberry.ID = strawberry.field(description="Its id, as the access log names it.")
    account: str = strawberry.field(description="Login name of its holder.")
    unit_id: strawberry.ID | None = strawberry.field(description="Unit of its holder.")
    record_types: list[RecordType] = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="Which items.")
    code: RegionCode = strawberry.field(description="Where: this code and all below.")
    person: strawberry.ID | None = strawberry.field(
        description="The one person whose records it opens; null for everybody's."
    )
    purpose: str = strawberry.field(description="What for: a code, or words of the command line.")
    how: GrantedBy = strawberry.field(description="How it was given.")
    application: strawberry.ID | None = strawberry.field(
        description="The application or emergency it comes from."
    )
    starts_at: DateTime = strawberry.field(description="From when.")
    ends_at: DateTime = strawberry.field(description="Until when.")
    in_force: bool = strawberry.field(description="Whether it holds at this moment.")
    revoked_at: DateTime | None = strawberry.field(description="When it was revoked.")
    revoked_by: str | None = strawberry.field(description="Login name of whoever revoked it.")
    revoked_reason: RevocationReason | None = strawberry.field(description="Why.")


@strawberry.input(description="Which grants.")
class GrantFilter:
    """Which grants."""

    account: str | None = strawberry.field(default=None, description="Those of this login name.")
    in_force: bool | None = strawberry.field(
        default=None, description="Those that hold now, or those that do not."
    )
    how: list[GrantedBy] | None = strawberry.field(
        default=None, description="Those given in one of these ways."
    )


@strawberry.type(description="A grant in a list.")
class GrantEdge:
    """A grant in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Grant = strawberry.field(description="The grant.")


@strawberry.type(description="Grants, the newest first.")
class GrantConnection:
    """Grants."""

    edges: list[GrantEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(
        description="Every region as NOT_ASKED: the gateway's own store has these."
    )
    total_count: int = strawberry.field(description="How many there are.")


@strawberry.input(description="A right to be ended at once.")
class RevokeGrantInput:
    """A right to be ended at once."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every revocation: a UUID, say."
    )
    grant: strawberry.ID = strawberry.field(description="The grant.")
    reason: RevocationReason = strawberry.field(description="Why.")


@strawberry.type(description="A right that was ended.")
class RevokeGrantPayload:
    """A right that was ended."""

    grant: Grant = strawberry.field(description="The grant as it stands now.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RevokeGrantResult = Annotated[
    RevokeGrantPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("RevokeGrantResult", description="The grant, or why it was not revoked."),
]

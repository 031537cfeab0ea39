"""Accounts as administrators see them, and what is done to them: renewed, changed, disabled."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated, Any

import strawberry

from schema.enums import UnitLevel
from schema.nodes import PageInfo, RegionAnswer
from schema.scalars import DateTime, RegionCode
from schema.users.staff import Purpose, StaffContact, UserRole
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = [
    "ChangeUserInput",
    "ChangeUserResult",
    "DisableUserInput",
    "DisableUserResult",
    "EnableUserInput",
    "EnableUserResult",
    "RenewUserInput",
    "RenewUserResult",
    "User",
    "UserConnection",
    "UserEdge",
    "UserFilter",
    "UserPayload",
    "UserStanding",
]


@strawberry.enum(description="What an account is now; only an active one may sign in.")
class UserStanding(Enum):
    """What an account is now."""

    ACTIVE = strawberry.enum_value("ACTIVE", description="May sign in.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="Suspended for a while (暂停).")
    DISABLED = strawberry.enum_value(
        "DISABLED", description="Its holder left, or it leaked (停用)."
    )
    LAPSED = strawberry.enum_value("LAPSED", description="Not renewed within a year (未年度备案).")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its term is over (过期).")
    STANDBY = strawberry.enum_value(
        "STANDBY", description="An administrator on file who is not the active one (已备案未启用)."
    )
    UNFILED = strawberry.enum_value(
        "UNFILED", description="An administrator who is not on file (未备案)."
    )
    BARRED = strawberry.enum_value(
        "BARRED", description="Its unit may not have this role (机构无此权限)."
    )


@strawberry.type(description="An account and its holder (A1).")
class User:
    """An account and its holder."""

    account: str = strawberry.field(description="Login name.")
    name: str = strawberry.field(description="Name of its holder.")
    role: UserRole = strawberry.field(description="Role.")
    unit_id: strawberry.ID = strawberry.field(description="Unit.")
    unit_name: str = strawberry.field(description="Name of the unit.")
    unit_level: UnitLevel = strawberry.field(description="Level of the unit.")
    code: RegionCode = strawberry.field(description="Jurisdiction: this code and all below.")
    department: str | None = strawberry.field(description="Department of its holder.")
    head: bool = strawberry.field(description="Whether its holder heads the department.")
    purpose: Purpose | None = strawberry.field(description="What the account is for (L503 3.1).")
    standing: UserStanding = strawberry.field(description="What it is now.")
    suspended_until: DateTime | None = strawberry.field(
        description="Of a suspended one: until when, if that is known."
    )
    created_at: DateTime = strawberry.field(description="Since when there is the account.")
    valid_until: DateTime = strawberry.field(description="When its term ends.")
    renewed_at: DateTime = strawberry.field(description="When it was last renewed.")
    renew_by: DateTime = strawberry.field(
        description="When it lapses unless it is renewed before: a year after the last renewal."
    )
    contact: StaffContact = strawberry.field(description="Contact details; mostly masked.")


@strawberry.input(description="Which accounts.")
class UserFilter:
    """Which accounts."""

    account: list[str] | None = strawberry.field(default=None, description="Of these login names.")
    unit: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these units.")
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="Of units of these codes and all below."
    )
    role: list[UserRole] | None = strawberry.field(default=None, description="Of these roles.")
    standing: list[UserStanding] | None = strawberry.field(
        default=None, description="Which are one of these now."
    )
    renew_before: DateTime | None = strawberry.field(
        default=None, description="Which lapse before this instant unless they are renewed."
    )


@strawberry.type(description="An account in a list.")
class UserEdge:
    """An account in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: User = strawberry.field(description="The account.")


async def _count(root: strawberry.Parent[Any]) -> int:
    found: int = await root.counting()
    return found


@strawberry.type(description="Accounts that the viewer administers, by login name.")
class UserConnection:
    """Accounts that the viewer administers."""

    edges: list[UserEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(
        description="Every region as NOT_ASKED: the gateway's own store has these."
    )
    counting: strawberry.Private[Callable[[], Awaitable[int]]]

    total_count: int = strawberry.field(resolver=_count, description="How many there are.")


_KEY = "1 to 200 printable characters, new for every request: a UUID, say."


@strawberry.input(description="A yearly renewal (年度备案).")
class RenewUserInput:
    """A yearly renewal."""

    idempotency_key: str = strawberry.field(description=_KEY)
    account: str = strawberry.field(description="Login name.")
    valid_until: DateTime | None = strawberry.field(
        default=None,
        description="Another end of its term, at most three years ahead; as it is, unless given.",
    )
    id_number: str | None = strawberry.field(
        default=None,
        description=(
            "ID number of its holder, where none is on record: an administrator's account is not "
            "renewed without."
        ),
    )


@strawberry.input(description="Another role, department or headship of an account.")
class ChangeUserInput:
    """Another role, department or headship of an account."""

    idempotency_key: str = strawberry.field(description=_KEY)
    account: str = strawberry.field(description="Login name.")
    role: UserRole | None = strawberry.field(
        default=None,
        description=(
            "Another role, of those that are registered; as it is, unless given. Administrators "
            "are filed and deregistered instead."
        ),
    )
    purpose: Purpose | None = strawberry.field(
        default=None, description="With a role: what the account is for now, where that changes."
    )
    department: str | None = strawberry.field(
        default=None, description="Another department of its holder; as it is, unless given."
    )
    head: bool | None = strawberry.field(
        default=None,
        description="Whether its holder heads the department; as it is, unless given.",
    )
    reason: str = strawberry.field(description="Why.")


@strawberry.input(description="What disables an account at once.")
class DisableUserInput:
    """What disables an account at once."""

    idempotency_key: str = strawberry.field(description=_KEY)
    account: str = strawberry.field(description="Login name.")
    reason: str = strawberry.field(description="Why: its holder left, it leaked, …")


@strawberry.input(description="What lets a disabled or suspended account sign in again.")
class EnableUserInput:
    """What lets a disabled or suspended account sign in again."""

    idempotency_key: str = strawberry.field(description=_KEY)
    account: str = strawberry.field(description="Login name.")
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="An account that was changed.")
class UserPayload:
    """An account that was changed."""

    user: User = strawberry.field(description="The account, as the viewer may see it now.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RenewUserResult = Annotated[
    UserPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union("RenewUserResult", description="The account, or why it is not renewed."),
]
ChangeUserResult = Annotated[
    UserPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union("ChangeUserResult", description="The account, or why it is not changed."),
]
DisableUserResult = Annotated[
    UserPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union("DisableUserResult", description="The account, or why it is not disabled."),
]
EnableUserResult = Annotated[
    UserPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union("EnableUserResult", description="The account, or why it is not enabled."),
]

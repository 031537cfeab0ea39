"""Privacy roles (隐私角色): which items of which records, national or a unit's own (F4)."""

from typing import Annotated

import strawberry

from schema.privacy.items import PrivateItem, RecordType
from schema.scalars import DateTime
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "DedicatedRoleInput",
    "PrivacyRole",
    "WithdrawPrivacyRoleInput",
    "WithdrawPrivacyRolePayload",
    "WithdrawPrivacyRoleResult",
]


@strawberry.type(
    description=(
        "A privacy role (隐私角色): the items it reveals of a type of record. The national ones "
        "are fixed; a dedicated one (专用隐私权限角色) is of the unit that defined it (L503 3.3)."
    )
)
class PrivacyRole:
    """A privacy role."""

    id: strawberry.ID = strawberry.field(description="Its id, to be given in an application.")
    name: str = strawberry.field(description="Name.")
    name_zh: str = strawberry.field(description="Chinese name.")
    record_type: RecordType = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="The items it reveals.")
    national: bool = strawberry.field(description="Whether it is a national role.")
    unit_id: strawberry.ID | None = strawberry.field(
        description="The unit that defined it; null for a national role."
    )
    regulation: str | None = strawberry.field(
        description="The regulation a dedicated role rests on; null for a national role."
    )
    withdrawn_at: DateTime | None = strawberry.field(
        default=None,
        description="When the unit withdrew a dedicated role: nobody applies for it any more.",
    )


@strawberry.input(
    description=(
        "A dedicated role that the unit defines by this application, where the national ones do "
        "not suffice (L503 3.3). It exists once the application has its fifth signature."
    )
)
class DedicatedRoleInput:
    """A dedicated role."""

    name: str = strawberry.field(description="Name, at most 60 characters.")
    name_zh: str = strawberry.field(description="Chinese name, at most 60 characters.")
    record_type: RecordType = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="The items it reveals.")
    regulation: str = strawberry.field(
        description="The text of the unit's regulation it rests on, at most 4,000 characters."
    )


@strawberry.input(description="A dedicated role that its unit does without from now on.")
class WithdrawPrivacyRoleInput:
    """A dedicated role to be withdrawn."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every withdrawal: a UUID, say."
    )
    role: strawberry.ID = strawberry.field(description="The dedicated role.")
    reason: str = strawberry.field(description="Why, at most 500 characters.")
    end_rights: bool = strawberry.field(
        default=True,
        description=(
            "Whether the rights it gave end at once, with all that was applied for together with "
            "it; else they run to their end and are renewed no more."
        ),
    )


@strawberry.type(description="A dedicated role that was withdrawn.")
class WithdrawPrivacyRolePayload:
    """A dedicated role that was withdrawn."""

    role: PrivacyRole = strawberry.field(description="The role as it stands now.")
    ended: list[strawberry.ID] = strawberry.field(description="The rights that ended with it.")
    closed: list[strawberry.ID] = strawberry.field(
        description="The applications that ended with it."
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


WithdrawPrivacyRoleResult = Annotated[
    WithdrawPrivacyRolePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union(
        "WithdrawPrivacyRoleResult", description="The role, or why it was not withdrawn."
    ),
]

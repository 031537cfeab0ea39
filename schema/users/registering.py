"""Real-name registration: what a stranger sends, and what the unit's administrator makes of it."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.enums import UnitLevel
from schema.nodes import PageInfo
from schema.scalars import DateTime, RegionCode
from schema.users.accounts import User
from schema.users.staff import ContactInput, Purpose, StaffContact, UserRole
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = [
    "ApproveRegistrationInput",
    "ApproveRegistrationPayload",
    "ApproveRegistrationResult",
    "RefuseRegistrationsInput",
    "RefuseRegistrationsPayload",
    "RefuseRegistrationsResult",
    "RegisterInput",
    "RegisterPayload",
    "RegisterResult",
    "Registration",
    "RegistrationConnection",
    "RegistrationEdge",
    "RegistrationState",
    "RegistrationStatus",
]


@strawberry.enum(description="What became of a registration.")
class RegistrationState(Enum):
    """What became of a registration."""

    PENDING = strawberry.enum_value(
        "PENDING", description="Waits for the administrator of the unit."
    )
    APPROVED = strawberry.enum_value("APPROVED", description="Has become an account.")
    REFUSED = strawberry.enum_value("REFUSED", description="Was refused, with a reason.")
    EXPIRED = strawberry.enum_value(
        "EXPIRED",
        description="Nobody decided it in time; nobody can any more. The person registers anew.",
    )


@strawberry.input(description="A real-name registration (实名注册); it needs no session.")
class RegisterInput:
    """A real-name registration."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every registration: a UUID, say."
    )
    unit: strawberry.ID = strawberry.field(description="Id of the unit, `cdc-320102`.")
    name: str = strawberry.field(description="Real name.")
    department: str | None = strawberry.field(default=None, description="Department.")
    head: bool = strawberry.field(
        default=False, description="Whether the applicant heads the department."
    )
    contact: ContactInput = strawberry.field(description="Contact details.")
    account: str = strawberry.field(
        description=(
            "Login name that is wanted: 2 to 64 letters, digits, dots, hyphens, underscores. Where "
            "it is taken, the account gets a number behind it; `registration` tells."
        )
    )
    password: str = strawberry.field(description="Password of the account to be.")
    role: UserRole = strawberry.field(
        description="DIRECT_REPORTER, UNIT_USER, DUTY_PERSON or REVIEWER."
    )
    purpose: Purpose = strawberry.field(description="What the account is for.")


@strawberry.type(description="A registration that was taken.")
class RegisterPayload:
    """A registration that was taken. The same whether the login name is free or not."""

    receipt: str = strawberry.field(
        description="By which `registration` tells what became of it. Keep it; nobody can renew it."
    )
    state: RegistrationState = strawberry.field(description="PENDING.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


@strawberry.type(description="What became of a registration, for whoever holds its receipt.")
class RegistrationStatus:
    """What became of a registration."""

    state: RegistrationState = strawberry.field(description="What became of it.")
    account: str | None = strawberry.field(
        description="Login name of the account, once it is approved."
    )
    reason: str | None = strawberry.field(description="Why it was refused, if it was.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided.")


@strawberry.type(description="A registration, for administrators.")
class Registration:
    """A registration, for administrators."""

    id: strawberry.ID = strawberry.field(description="Its id, `registration:12`.")
    state: RegistrationState = strawberry.field(description="What became of it.")
    wanted: str = strawberry.field(description="Login name that is wanted.")
    account: str | None = strawberry.field(description="Login name that was given.")
    name: str = strawberry.field(description="Real name.")
    role: UserRole = strawberry.field(description="Role that is wanted.")
    purpose: Purpose = strawberry.field(description="What the account is for.")
    unit_id: strawberry.ID = strawberry.field(description="Unit.")
    unit_name: str = strawberry.field(description="Name of the unit.")
    unit_level: UnitLevel = strawberry.field(description="Level of the unit.")
    code: RegionCode = strawberry.field(description="Code of the unit.")
    department: str | None = strawberry.field(description="Department.")
    head: bool = strawberry.field(description="Whether the applicant heads the department.")
    contact: StaffContact = strawberry.field(description="Contact details.")
    created_at: DateTime = strawberry.field(description="When it came.")
    decided_by: str | None = strawberry.field(description="Account that decided.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided.")
    reason: str | None = strawberry.field(description="Why it was refused, if it was.")


@strawberry.type(description="A registration in a list.")
class RegistrationEdge:
    """A registration in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Registration = strawberry.field(description="The registration.")


@strawberry.type(description="Registrations that the viewer may decide, the oldest first.")
class RegistrationConnection:
    """Registrations that the viewer may decide."""

    edges: list[RegistrationEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")


@strawberry.input(description="A decision about a registration.")
class ApproveRegistrationInput:
    """A decision about a registration."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every decision: a UUID, say."
    )
    registration: strawberry.ID = strawberry.field(description="Its id, `registration:12`.")
    approve: bool = strawberry.field(default=True, description="False refuses it.")
    reason: str | None = strawberry.field(
        default=None, description="Why it is refused; needed then."
    )
    account: str | None = strawberry.field(
        default=None,
        description=(
            "Another login name; the wanted one unless given, with a number where it is taken."
        ),
    )
    valid_until: DateTime | None = strawberry.field(
        default=None,
        description="End of its term, at most three years ahead, which it is unless given.",
    )


@strawberry.type(description="A registration that was decided.")
class ApproveRegistrationPayload:
    """A registration that was decided."""

    registration: Registration = strawberry.field(description="The registration.")
    user: User | None = strawberry.field(description="The account, where it was approved.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


@strawberry.input(description="Registrations that are refused for one reason.")
class RefuseRegistrationsInput:
    """Registrations that are refused for one reason."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every decision: a UUID, say."
    )
    registrations: list[strawberry.ID] = strawberry.field(
        description="Their ids, `registration:12`, 1 to 100: all are refused, or none."
    )
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="Registrations that were refused.")
class RefuseRegistrationsPayload:
    """Registrations that were refused."""

    registrations: list[Registration] = strawberry.field(description="They, by their ids.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RegisterResult = Annotated[
    RegisterPayload | InvalidInputProblem | IdempotencyConflict,
    strawberry.union("RegisterResult", description="A receipt, or why there is none."),
]
RefuseRegistrationsResult = Annotated[
    RefuseRegistrationsPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union(
        "RefuseRegistrationsResult", description="What was refused, or why nothing was."
    ),
]
ApproveRegistrationResult = Annotated[
    ApproveRegistrationPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union(
        "ApproveRegistrationResult", description="What was decided, or why nothing was."
    ),
]

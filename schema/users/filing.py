"""Filing of business administrators with the level above (备案, L503 3.2 and annex 1)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.enums import UnitLevel
from schema.nodes import PageInfo
from schema.scalars import Date, DateTime, RegionCode
from schema.users.staff import ContactInput, StaffContact
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = [
    "ActivateAdministratorInput",
    "ActivateAdministratorResult",
    "AdministratorFiling",
    "AdministratorFilingConnection",
    "AdministratorFilingEdge",
    "AdministratorFilingFilter",
    "DecideAdministratorFilingInput",
    "DecideAdministratorFilingResult",
    "DeregisterAdministratorInput",
    "DeregisterAdministratorResult",
    "FileAdministratorInput",
    "FileAdministratorResult",
    "FilingPayload",
    "FilingState",
    "WithdrawAdministratorFilingInput",
    "WithdrawAdministratorFilingResult",
]


@strawberry.enum(description="What became of the filing of an administrator.")
class FilingState(Enum):
    """What became of the filing of an administrator."""

    FILED = strawberry.enum_value("FILED", description="Waits for the level above (待审核).")
    ON_FILE = strawberry.enum_value("ON_FILE", description="Accepted, not active (已备案).")
    ACTIVE = strawberry.enum_value(
        "ACTIVE", description="The one active administrator of the unit (已启用)."
    )
    REFUSED = strawberry.enum_value("REFUSED", description="Refused, with a reason (已退回).")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="Withdrawn before that (已撤回).")
    DEREGISTERED = strawberry.enum_value(
        "DEREGISTERED", description="Deregistered with the level above (已注销)."
    )


@strawberry.type(description="An administrator's filing: every field of annex 1 (L503).")
class AdministratorFiling:
    """An administrator's filing."""

    id: strawberry.ID = strawberry.field(description="Its id, `filing:12`.")
    state: FilingState = strawberry.field(description="What became of it.")
    province: str = strawberry.field(
        description="Province (省份); the country for the national one."
    )
    unit_id: strawberry.ID = strawberry.field(description="Unit (单位).")
    unit_name: str = strawberry.field(description="Name of the unit.")
    unit_level: UnitLevel = strawberry.field(description="Level of the unit.")
    code: RegionCode = strawberry.field(description="Code of the unit.")
    department: str = strawberry.field(description="Department (部门).")
    name: str = strawberry.field(description="Name (姓名).")
    account: str = strawberry.field(description="Login account (登录账号).")
    contact: StaffContact = strawberry.field(description="Contact details; mostly masked.")
    security_commitment: bool = strawberry.field(description="Security commitment (安全管理承诺).")
    privacy_commitment: bool = strawberry.field(
        description="Privacy commitment (隐私信息安全承诺)."
    )
    signed_on: Date = strawberry.field(description="When the administrator signed (本人签字).")
    head_name: str = strawberry.field(description="Head of the department who signed.")
    head_signed_on: Date = strawberry.field(description="When the head signed (领导签字).")
    second_reason: str | None = strawberry.field(
        description="Why the unit needs a second administrator, if this is one."
    )
    filed_by: str = strawberry.field(description="Account that filed it.")
    filed_at: DateTime = strawberry.field(description="When it was filed.")
    decided_by: str | None = strawberry.field(description="Account that decided.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided.")
    reason: str | None = strawberry.field(
        description="Why it was refused, withdrawn or deregistered."
    )
    closed_by: str | None = strawberry.field(description="Account that ended it.")
    closed_at: DateTime | None = strawberry.field(description="When it ended.")


@strawberry.input(description="Which filings.")
class AdministratorFilingFilter:
    """Which filings."""

    unit: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these units.")
    state: list[FilingState] | None = strawberry.field(default=None, description="In these states.")


@strawberry.type(description="A filing in a list.")
class AdministratorFilingEdge:
    """A filing in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: AdministratorFiling = strawberry.field(description="The filing.")


@strawberry.type(description="Filings of the viewer's code and all below, the newest first.")
class AdministratorFilingConnection:
    """Filings of the viewer's code and all below."""

    edges: list[AdministratorFilingEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")


_KEY = "1 to 200 printable characters, new for every request: a UUID, say."
_FILING = "Id of the filing, `filing:12`."


@strawberry.input(description="The form of annex 1 (业务管理员备案表).")
class FileAdministratorInput:
    """The form of annex 1."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="Unit whose administrator it is.")
    department: str = strawberry.field(description="Department.")
    name: str = strawberry.field(description="Name.")
    account: str = strawberry.field(
        description="Login name of the administrator's account, which opens no business data."
    )
    password: str = strawberry.field(description="Password of that account, set by its holder.")
    contact: ContactInput = strawberry.field(description="Contact details.")
    security_commitment: bool = strawberry.field(
        description="Whether the administrator commits to the rules of users and permissions."
    )
    privacy_commitment: bool = strawberry.field(
        description="Whether the administrator commits to strict management of private items."
    )
    signed_on: Date = strawberry.field(description="When the administrator signed.")
    head_name: str = strawberry.field(description="Head of the department who signed.")
    head_signed_on: Date = strawberry.field(
        description="When the head signed: not before the administrator."
    )
    second_reason: str | None = strawberry.field(
        default=None, description="Why a second administrator is needed; only for a second one."
    )


@strawberry.input(description="A decision of the level above about a filing.")
class DecideAdministratorFilingInput:
    """A decision of the level above about a filing."""

    idempotency_key: str = strawberry.field(description=_KEY)
    filing: strawberry.ID = strawberry.field(description=_FILING)
    accept: bool = strawberry.field(description="False refuses it.")
    reason: str | None = strawberry.field(
        default=None, description="Why it is refused; needed then."
    )


@strawberry.input(description="The withdrawal of a filing that is not decided.")
class WithdrawAdministratorFilingInput:
    """The withdrawal of a filing that is not decided."""

    idempotency_key: str = strawberry.field(description=_KEY)
    filing: strawberry.ID = strawberry.field(description=_FILING)
    reason: str = strawberry.field(description="Why.")


@strawberry.input(description="Which of the two on file is active from now on.")
class ActivateAdministratorInput:
    """Which of the two on file is active from now on."""

    idempotency_key: str = strawberry.field(description=_KEY)
    filing: strawberry.ID = strawberry.field(description=_FILING)
    reason: str | None = strawberry.field(default=None, description="Why.")


@strawberry.input(description="A deregistration with the level above (注销).")
class DeregisterAdministratorInput:
    """A deregistration with the level above."""

    idempotency_key: str = strawberry.field(description=_KEY)
    filing: strawberry.ID = strawberry.field(description=_FILING)
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="A filing that was made or changed.")
class FilingPayload:
    """A filing that was made or changed."""

    filing: AdministratorFiling = strawberry.field(description="The filing, as it is now.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


FileAdministratorResult = Annotated[
    FilingPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union("FileAdministratorResult", description="The filing, or why there is none."),
]
DecideAdministratorFilingResult = Annotated[
    FilingPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union(
        "DecideAdministratorFilingResult", description="The filing, or why it is not decided."
    ),
]
WithdrawAdministratorFilingResult = Annotated[
    FilingPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union(
        "WithdrawAdministratorFilingResult", description="The filing, or why it is not withdrawn."
    ),
]
ActivateAdministratorResult = Annotated[
    FilingPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union(
        "ActivateAdministratorResult", description="The filing, or why it is not active."
    ),
]
DeregisterAdministratorResult = Annotated[
    FilingPayload | InvalidInputProblem | IdempotencyConflict | ForbiddenProblem | NotFoundProblem,
    strawberry.union(
        "DeregisterAdministratorResult", description="The filing, or why it is not deregistered."
    ),
]

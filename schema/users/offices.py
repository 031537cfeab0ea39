"""Offices of a unit: first responsible person (A9), duty person (A10), the roles it has (A3)."""

from typing import Annotated

import strawberry

from schema.scalars import DateTime, PrivateString, RegionCode
from schema.users.duty import DutyPerson, DutyShift
from schema.users.staff import UserRole
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
)

__all__ = [
    "EndDutyPersonResult",
    "ResponsiblePerson",
    "SetDiseaseWatchesResult",
    "SetDutyPersonResult",
    "SetDutyRosterResult",
    "SetResponsiblePersonInput",
    "SetResponsiblePersonResult",
    "SetUnitRoleInput",
    "SetUnitRoleResult",
    "UnitOffices",
    "UnitOfficesPayload",
    "UnitRole",
]


@strawberry.type(
    description="The first responsible person for information security (信息安全第一责任人)."
)
class ResponsiblePerson:
    """The first responsible person for information security."""

    name: str = strawberry.field(description="Name.")
    post: str = strawberry.field(description="Post, 主任 say.")
    office_phone: PrivateString | None = strawberry.field(
        description="Office telephone; `*` but for the unit's own administrator."
    )
    mobile: PrivateString | None = strawberry.field(
        description="Mobile number; `*` but for the unit's own administrator."
    )
    since: DateTime = strawberry.field(description="Since when.")
    until: DateTime | None = strawberry.field(description="Until when; null is to this day.")
    set_by: str = strawberry.field(description="Account that put it on record.")


@strawberry.type(description="A role that a system administrator took from a unit, or gave back.")
class UnitRole:
    """A role that was taken from a unit, or given back."""

    role: UserRole = strawberry.field(description="The role.")
    enabled: bool = strawberry.field(description="Whether the unit has it.")
    reason: str = strawberry.field(description="Why.")
    set_by: str = strawberry.field(description="Account that decided.")
    set_at: DateTime = strawberry.field(description="When.")


@strawberry.type(description="Who holds which office in a unit.")
class UnitOffices:
    """Who holds which office in a unit."""

    unit_id: strawberry.ID = strawberry.field(description="The unit.")
    unit_above: strawberry.ID | None = strawberry.field(
        description="The unit with which it files; null for the national one."
    )
    administrator: str | None = strawberry.field(
        description="Account of its active business administrator."
    )
    answering: str | None = strawberry.field(
        description=(
            "Account of the administrator who answers for it: its own or, where none can act, of "
            "the nearest level above that has one."
        )
    )
    responsible_person: ResponsiblePerson | None = strawberry.field(
        description="First responsible person for information security."
    )
    responsible_history: list[ResponsiblePerson] = strawberry.field(
        description="All there ever were, the newest first."
    )
    duty_person: DutyPerson | None = strawberry.field(
        description="Duty person for alerts when no shift says who is."
    )
    duty_persons: list[DutyPerson] = strawberry.field(
        description="All its duty persons, by account."
    )
    duty_shifts: list[DutyShift] = strawberry.field(
        description="Shifts that have not ended, the next first."
    )
    on_duty: list[str] = strawberry.field(
        description=(
            "Accounts of whoever is told of a signal now: by shift or else standing, if the "
            "account may sign in."
        )
    )
    watched_diseases: list[strawberry.ID] = strawberry.field(
        description="Diseases of whose single-case signals the unit is told, too (E3)."
    )
    duty_history: list[DutyPerson] = strawberry.field(
        description="All there ever were, the newest first."
    )
    roles: list[UnitRole] = strawberry.field(
        description="What was decided about its roles; it has every other."
    )
    code: RegionCode = strawberry.field(description="Code of the unit.")


_KEY = "1 to 200 printable characters, new for every request: a UUID, say."


@strawberry.input(description="Who is responsible for information security from now on.")
class SetResponsiblePersonInput:
    """Who is responsible for information security from now on."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The unit.")
    name: str = strawberry.field(description="Name.")
    post: str = strawberry.field(description="Post, 主任 say.")
    office_phone: str = strawberry.field(description="Office telephone.")
    mobile: str | None = strawberry.field(default=None, description="Mobile number.")


@strawberry.input(description="Whether a unit may have accounts of a role.")
class SetUnitRoleInput:
    """Whether a unit may have accounts of a role."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The unit.")
    role: UserRole = strawberry.field(description="The role.")
    enabled: bool = strawberry.field(
        description="False ends the sessions of the unit's accounts of this role at once."
    )
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="The offices of a unit, changed.")
class UnitOfficesPayload:
    """The offices of a unit, changed."""

    offices: UnitOffices = strawberry.field(description="As they are now.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


SetResponsiblePersonResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union(
        "SetResponsiblePersonResult", description="The offices, or why nothing was changed."
    ),
]
SetDutyPersonResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("SetDutyPersonResult", description="The offices, or why nothing was changed."),
]
EndDutyPersonResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("EndDutyPersonResult", description="The offices, or why nothing was changed."),
]
SetDutyRosterResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("SetDutyRosterResult", description="The offices, or why nothing was changed."),
]
SetDiseaseWatchesResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union(
        "SetDiseaseWatchesResult", description="The offices, or why nothing was changed."
    ),
]
SetUnitRoleResult = Annotated[
    UnitOfficesPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("SetUnitRoleResult", description="The offices, or why nothing was changed."),
]

"""The root fields of accounts and units."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.context import context_of
from resolvers.users.administrators import (
    activate_administrator,
    decide_administrator_filing,
    deregister_administrator,
    file_administrator,
    withdraw_administrator_filing,
)
from resolvers.users.changing import disable_user, enable_user, renew_user
from resolvers.users.filed import list_filings
from resolvers.users.listing import list_users
from resolvers.users.offices import (
    set_duty_person,
    set_responsible_person,
    set_unit_role,
    unit_offices,
)
from resolvers.users.registering import approve_registration, register
from resolvers.users.registrations import list_registrations, registration_status
from resolvers.writing.writing import answered
from schema.users.accounts import (
    DisableUserInput,
    DisableUserResult,
    EnableUserInput,
    EnableUserResult,
    RenewUserInput,
    RenewUserResult,
    UserConnection,
    UserFilter,
)
from schema.users.filing import (
    ActivateAdministratorInput,
    ActivateAdministratorResult,
    AdministratorFilingConnection,
    AdministratorFilingFilter,
    DecideAdministratorFilingInput,
    DecideAdministratorFilingResult,
    DeregisterAdministratorInput,
    DeregisterAdministratorResult,
    FileAdministratorInput,
    FileAdministratorResult,
    WithdrawAdministratorFilingInput,
    WithdrawAdministratorFilingResult,
)
from schema.users.offices import (
    SetDutyPersonInput,
    SetDutyPersonResult,
    SetResponsiblePersonInput,
    SetResponsiblePersonResult,
    SetUnitRoleInput,
    SetUnitRoleResult,
    UnitOffices,
)
from schema.users.registering import (
    ApproveRegistrationInput,
    ApproveRegistrationResult,
    RegisterInput,
    RegisterResult,
    RegistrationConnection,
    RegistrationState,
    RegistrationStatus,
)

__all__ = ["UserMutations", "UserQueries"]

_First = Annotated[
    int | None,
    strawberry.argument(description="Size of the page, at most 1,000; the gateway has a default."),
]
_After = Annotated[
    str | None,
    strawberry.argument(description="The page behind this cursor: `endCursor` of the last."),
]
_Users = Annotated[
    UserFilter | None, strawberry.argument(description="Which accounts; all unless given.")
]
_States = Annotated[
    list[RegistrationState] | None,
    strawberry.argument(description="In these states; those that wait, unless given."),
]
_Filings = Annotated[
    AdministratorFilingFilter | None,
    strawberry.argument(description="Which filings; all unless given."),
]
_KEY = (
    "The same idempotency key again gives the first result and writes nothing; with another input "
    "it is a conflict."
)
_WHAT = strawberry.argument(description="What to write, and the idempotency key.")


@strawberry.type
class UserQueries:
    """Questions about accounts and units."""

    @strawberry.field(
        description=(
            "Accounts of the viewer's code and all below, by login name: for business, system and "
            "security administrators. Contact details are masked but for one's own unit's "
            "administrator."
        )
    )
    async def users(
        self,
        info: strawberry.Info,
        filter: _Users = None,
        first: _First = None,
        after: _After = None,
    ) -> UserConnection:
        """Accounts."""
        return await list_users(context_of(info), filter, first, after)

    @strawberry.field(
        description=(
            "Registrations that the viewer may decide: of its unit, and of units below that have "
            "no administrator who can act."
        )
    )
    async def registrations(
        self,
        info: strawberry.Info,
        states: _States = None,
        first: _First = None,
        after: _After = None,
    ) -> RegistrationConnection:
        """Registrations."""
        return await list_registrations(context_of(info), states, first, after)

    @strawberry.field(
        description=(
            "What became of a registration, for whoever holds its receipt; needs no session. Null "
            "where the receipt is none."
        )
    )
    async def registration(
        self,
        info: strawberry.Info,
        receipt: Annotated[
            str, strawberry.argument(description="The receipt that `register` answered with.")
        ],
    ) -> RegistrationStatus | None:
        """What became of a registration."""
        return await registration_status(context_of(info), receipt)

    @strawberry.field(
        description=(
            "Filings of administrators: of the viewer's code and all below for administrators, the "
            "own ones for everybody else."
        )
    )
    async def administrator_filings(
        self,
        info: strawberry.Info,
        filter: _Filings = None,
        first: _First = None,
        after: _After = None,
    ) -> AdministratorFilingConnection:
        """Filings of administrators."""
        return await list_filings(context_of(info), filter, first, after)

    @strawberry.field(description="Who holds which office in a unit; null where there is none.")
    async def unit_offices(
        self,
        info: strawberry.Info,
        unit: Annotated[
            strawberry.ID, strawberry.argument(description="Id of the unit, `cdc-320102`.")
        ],
    ) -> UnitOffices | None:
        """Who holds which office in a unit."""
        return await unit_offices(context_of(info), unit)


@strawberry.type
class UserMutations:
    """What changes accounts and units."""

    @strawberry.mutation(
        description=(
            "Registers whoever asks, with the real name, for an account of a unit; needs no "
            f"session. The answer is the same whether the wanted login name is free or not. {_KEY}"
        )
    )
    async def register(
        self, info: strawberry.Info, input: Annotated[RegisterInput, _WHAT]
    ) -> RegisterResult:
        """Registers whoever asks."""
        result: RegisterResult = await answered(info, register, input)
        return result

    @strawberry.mutation(
        description=(
            "Approves or refuses a registration: by the active administrator of the unit or, where "
            f"it has none who can act, of the nearest level above. {_KEY}"
        )
    )
    async def approve_registration(
        self, info: strawberry.Info, input: Annotated[ApproveRegistrationInput, _WHAT]
    ) -> ApproveRegistrationResult:
        """Approves or refuses a registration."""
        result: ApproveRegistrationResult = await answered(info, approve_registration, input)
        return result

    @strawberry.mutation(
        description=(
            "Files a business administrator with the level above, by the form of annex 1 of L503. "
            f"At most two of a unit are on file. {_KEY}"
        )
    )
    async def file_administrator(
        self, info: strawberry.Info, input: Annotated[FileAdministratorInput, _WHAT]
    ) -> FileAdministratorResult:
        """Files a business administrator with the level above."""
        result: FileAdministratorResult = await answered(info, file_administrator, input)
        return result

    @strawberry.mutation(
        description=(
            "The level above accepts or refuses a filing. An accepted administrator is active "
            f"where the unit has no active one. {_KEY}"
        )
    )
    async def decide_administrator_filing(
        self, info: strawberry.Info, input: Annotated[DecideAdministratorFilingInput, _WHAT]
    ) -> DecideAdministratorFilingResult:
        """The level above accepts or refuses a filing."""
        result: DecideAdministratorFilingResult = await answered(
            info, decide_administrator_filing, input
        )
        return result

    @strawberry.mutation(
        description=f"Takes a filing back that is not decided: by whoever filed it. {_KEY}"
    )
    async def withdraw_administrator_filing(
        self, info: strawberry.Info, input: Annotated[WithdrawAdministratorFilingInput, _WHAT]
    ) -> WithdrawAdministratorFilingResult:
        """Takes a filing back."""
        result: WithdrawAdministratorFilingResult = await answered(
            info, withdraw_administrator_filing, input
        )
        return result

    @strawberry.mutation(
        description=(
            "Switches which of the two administrators on file is active: by the active one, or by "
            f"the level above. The other's sessions end at once. {_KEY}"
        )
    )
    async def activate_administrator(
        self, info: strawberry.Info, input: Annotated[ActivateAdministratorInput, _WHAT]
    ) -> ActivateAdministratorResult:
        """Switches which of the two administrators on file is active."""
        result: ActivateAdministratorResult = await answered(info, activate_administrator, input)
        return result

    @strawberry.mutation(
        description=(
            "Deregisters an administrator with the level above, whose administrator does it: the "
            f"account is disabled at once, and there is room for a new filing. {_KEY}"
        )
    )
    async def deregister_administrator(
        self, info: strawberry.Info, input: Annotated[DeregisterAdministratorInput, _WHAT]
    ) -> DeregisterAdministratorResult:
        """Deregisters an administrator with the level above."""
        result: DeregisterAdministratorResult = await answered(
            info, deregister_administrator, input
        )
        return result

    @strawberry.mutation(
        description=(
            "Renews an account for a year: an ordinary one by the administrator who answers for "
            "its unit, an administrator's by the level above. One that was not renewed within a "
            f"year lapses. {_KEY}"
        )
    )
    async def renew_user(
        self, info: strawberry.Info, input: Annotated[RenewUserInput, _WHAT]
    ) -> RenewUserResult:
        """Renews an account for a year."""
        result: RenewUserResult = await answered(info, renew_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Disables an account at once, with its sessions: by the business administrator of its "
            f"unit or of a level above, or by the security administrator. {_KEY}"
        )
    )
    async def disable_user(
        self, info: strawberry.Info, input: Annotated[DisableUserInput, _WHAT]
    ) -> DisableUserResult:
        """Disables an account at once."""
        result: DisableUserResult = await answered(info, disable_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Lets a disabled or suspended account sign in again, by whoever may disable it. An "
            f"administrator's stays inactive until it is activated. {_KEY}"
        )
    )
    async def enable_user(
        self, info: strawberry.Info, input: Annotated[EnableUserInput, _WHAT]
    ) -> EnableUserResult:
        """Lets a disabled or suspended account sign in again."""
        result: EnableUserResult = await answered(info, enable_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Puts on record who is the first responsible person for information security of a "
            f"unit; whoever was before stays in the history. {_KEY}"
        )
    )
    async def set_responsible_person(
        self, info: strawberry.Info, input: Annotated[SetResponsiblePersonInput, _WHAT]
    ) -> SetResponsiblePersonResult:
        """Puts on record who is responsible."""
        result: SetResponsiblePersonResult = await answered(info, set_responsible_person, input)
        return result

    @strawberry.mutation(
        description=(
            "Puts on record who is on duty for alerts in a CDC unit, by which mobile number. The "
            f"one on duty may change the own number. {_KEY}"
        )
    )
    async def set_duty_person(
        self, info: strawberry.Info, input: Annotated[SetDutyPersonInput, _WHAT]
    ) -> SetDutyPersonResult:
        """Puts on record who is on duty."""
        result: SetDutyPersonResult = await answered(info, set_duty_person, input)
        return result

    @strawberry.mutation(
        description=(
            "Takes a role from a unit, whose accounts of it may not sign in from then on, or gives "
            f"it back: by the system administrator. {_KEY}"
        )
    )
    async def set_unit_role(
        self, info: strawberry.Info, input: Annotated[SetUnitRoleInput, _WHAT]
    ) -> SetUnitRoleResult:
        """Takes a role from a unit, or gives it back."""
        result: SetUnitRoleResult = await answered(info, set_unit_role, input)
        return result

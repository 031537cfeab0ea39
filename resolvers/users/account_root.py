"""The root fields of accounts: who registers, is approved, renewed, disabled."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.arguments import KEY, After, First, What
from resolvers.context import context_of
from resolvers.users.changing import disable_user, enable_user, renew_user
from resolvers.users.listing import list_users
from resolvers.users.moving import change_user
from resolvers.users.refusing import refuse_registrations
from resolvers.users.registering import approve_registration, register
from resolvers.users.registrations import list_registrations, registration_status
from resolvers.writing.writing import answered
from schema.users.accounts import (
    ChangeUserInput,
    ChangeUserResult,
    DisableUserInput,
    DisableUserResult,
    EnableUserInput,
    EnableUserResult,
    RenewUserInput,
    RenewUserResult,
    UserConnection,
    UserFilter,
)
from schema.users.registering import (
    ApproveRegistrationInput,
    ApproveRegistrationResult,
    RefuseRegistrationsInput,
    RefuseRegistrationsResult,
    RegisterInput,
    RegisterResult,
    RegistrationConnection,
    RegistrationState,
    RegistrationStatus,
)

__all__ = ["AccountMutations", "AccountQueries"]

_Users = Annotated[
    UserFilter | None, strawberry.argument(description="Which accounts; all unless given.")
]
_States = Annotated[
    list[RegistrationState] | None,
    strawberry.argument(description="In these states; those that wait, unless given."),
]


@strawberry.type
class AccountQueries:
    """Questions about accounts and registrations."""

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
        first: First = None,
        after: After = None,
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
        first: First = None,
        after: After = None,
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


@strawberry.type
class AccountMutations:
    """What changes accounts."""

    @strawberry.mutation(
        description=(
            "Registers whoever asks, with the real name, for an account of a unit; needs no "
            f"session. The answer is the same whether the wanted login name is free or not. {KEY}"
        )
    )
    async def register(
        self, info: strawberry.Info, input: Annotated[RegisterInput, What]
    ) -> RegisterResult:
        """Registers whoever asks."""
        result: RegisterResult = await answered(info, register, input)
        return result

    @strawberry.mutation(
        description=(
            "Approves or refuses a registration: by the active administrator of the unit or, where "
            f"it has none who can act, of the nearest level above. {KEY}"
        )
    )
    async def approve_registration(
        self, info: strawberry.Info, input: Annotated[ApproveRegistrationInput, What]
    ) -> ApproveRegistrationResult:
        """Approves or refuses a registration."""
        result: ApproveRegistrationResult = await answered(info, approve_registration, input)
        return result

    @strawberry.mutation(
        description=(
            "Refuses many registrations at once, for one reason, by whoever decides each of them. "
            f"{KEY}"
        )
    )
    async def refuse_registrations(
        self, info: strawberry.Info, input: Annotated[RefuseRegistrationsInput, What]
    ) -> RefuseRegistrationsResult:
        """Refuses many registrations at once."""
        result: RefuseRegistrationsResult = await answered(info, refuse_registrations, input)
        return result

    @strawberry.mutation(
        description=(
            "Renews an account for a year: an ordinary one by the administrator who answers for "
            "its unit, an administrator's by the level above. One that was not renewed within a "
            f"year lapses. {KEY}"
        )
    )
    async def renew_user(
        self, info: strawberry.Info, input: Annotated[RenewUserInput, What]
    ) -> RenewUserResult:
        """Renews an account for a year."""
        result: RenewUserResult = await answered(info, renew_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Changes role, department or headship of an account and ends its sessions at once: by "
            "whoever renews it, and nobody's own. An administrator's role is changed by filing and "
            f"deregistering alone. {KEY}"
        )
    )
    async def change_user(
        self, info: strawberry.Info, input: Annotated[ChangeUserInput, What]
    ) -> ChangeUserResult:
        """Changes role, department or headship of an account."""
        result: ChangeUserResult = await answered(info, change_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Disables an account at once, with its sessions: by the business administrator of its "
            f"unit or of a level above, or by the security administrator. {KEY}"
        )
    )
    async def disable_user(
        self, info: strawberry.Info, input: Annotated[DisableUserInput, What]
    ) -> DisableUserResult:
        """Disables an account at once."""
        result: DisableUserResult = await answered(info, disable_user, input)
        return result

    @strawberry.mutation(
        description=(
            "Lets a disabled or suspended account sign in again, by whoever may disable it. An "
            f"administrator's stays inactive until it is activated. {KEY}"
        )
    )
    async def enable_user(
        self, info: strawberry.Info, input: Annotated[EnableUserInput, What]
    ) -> EnableUserResult:
        """Lets a disabled or suspended account sign in again."""
        result: EnableUserResult = await answered(info, enable_user, input)
        return result

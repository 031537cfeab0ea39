"""The root fields of offices: administrators on file, responsible and duty persons, unit roles."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.arguments import KEY, After, First, What
from resolvers.context import context_of
from resolvers.users.administrators import (
    activate_administrator,
    decide_administrator_filing,
    deregister_administrator,
    file_administrator,
    withdraw_administrator_filing,
)
from resolvers.users.duty import (
    end_duty_person,
    set_disease_watches,
    set_duty_person,
    set_duty_roster,
)
from resolvers.users.filed import list_filings
from resolvers.users.offices import (
    set_responsible_person,
    set_unit_role,
    unit_offices,
)
from resolvers.writing.writing import answered
from schema.users.duty import (
    EndDutyPersonInput,
    SetDiseaseWatchesInput,
    SetDutyPersonInput,
    SetDutyRosterInput,
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
    EndDutyPersonResult,
    SetDiseaseWatchesResult,
    SetDutyPersonResult,
    SetDutyRosterResult,
    SetResponsiblePersonInput,
    SetResponsiblePersonResult,
    SetUnitRoleInput,
    SetUnitRoleResult,
    UnitOffices,
)

__all__ = ["OfficeMutations", "OfficeQueries"]

_Filings = Annotated[
    AdministratorFilingFilter | None,
    strawberry.argument(description="Which filings; all unless given."),
]


@strawberry.type
class OfficeQueries:
    """Questions about who holds which office."""

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
        first: First = None,
        after: After = None,
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
class OfficeMutations:
    """What changes who holds which office."""

    @strawberry.mutation(
        description=(
            "Files a business administrator with the level above, by the form of annex 1 of L503. "
            f"At most two of a unit are on file. {KEY}"
        )
    )
    async def file_administrator(
        self, info: strawberry.Info, input: Annotated[FileAdministratorInput, What]
    ) -> FileAdministratorResult:
        """Files a business administrator with the level above."""
        result: FileAdministratorResult = await answered(info, file_administrator, input)
        return result

    @strawberry.mutation(
        description=(
            "The level above accepts or refuses a filing. An accepted administrator is active "
            f"where the unit has no active one. {KEY}"
        )
    )
    async def decide_administrator_filing(
        self, info: strawberry.Info, input: Annotated[DecideAdministratorFilingInput, What]
    ) -> DecideAdministratorFilingResult:
        """The level above accepts or refuses a filing."""
        result: DecideAdministratorFilingResult = await answered(
            info, decide_administrator_filing, input
        )
        return result

    @strawberry.mutation(
        description=f"Takes a filing back that is not decided: by whoever filed it. {KEY}"
    )
    async def withdraw_administrator_filing(
        self, info: strawberry.Info, input: Annotated[WithdrawAdministratorFilingInput, What]
    ) -> WithdrawAdministratorFilingResult:
        """Takes a filing back."""
        result: WithdrawAdministratorFilingResult = await answered(
            info, withdraw_administrator_filing, input
        )
        return result

    @strawberry.mutation(
        description=(
            "Switches which of the two administrators on file is active: by the active one, or by "
            f"the level above. The other's sessions end at once. {KEY}"
        )
    )
    async def activate_administrator(
        self, info: strawberry.Info, input: Annotated[ActivateAdministratorInput, What]
    ) -> ActivateAdministratorResult:
        """Switches which of the two administrators on file is active."""
        result: ActivateAdministratorResult = await answered(info, activate_administrator, input)
        return result

    @strawberry.mutation(
        description=(
            "Deregisters an administrator with the level above, whose administrator does it: the "
            f"account is disabled at once, and there is room for a new filing. {KEY}"
        )
    )
    async def deregister_administrator(
        self, info: strawberry.Info, input: Annotated[DeregisterAdministratorInput, What]
    ) -> DeregisterAdministratorResult:
        """Deregisters an administrator with the level above."""
        result: DeregisterAdministratorResult = await answered(
            info, deregister_administrator, input
        )
        return result

    @strawberry.mutation(
        description=(
            "Puts on record who is the first responsible person for information security of a "
            f"unit; whoever was before stays in the history. {KEY}"
        )
    )
    async def set_responsible_person(
        self, info: strawberry.Info, input: Annotated[SetResponsiblePersonInput, What]
    ) -> SetResponsiblePersonResult:
        """Puts on record who is responsible."""
        result: SetResponsiblePersonResult = await answered(info, set_responsible_person, input)
        return result

    @strawberry.mutation(
        description=(
            "Puts a duty person for alerts of a CDC unit on record, with the mobile number and the "
            "e-mail address of today. Duty persons may change their own. " + KEY
        )
    )
    async def set_duty_person(
        self, info: strawberry.Info, input: Annotated[SetDutyPersonInput, What]
    ) -> SetDutyPersonResult:
        """Puts on record who is on duty."""
        result: SetDutyPersonResult = await answered(info, set_duty_person, input)
        return result

    @strawberry.mutation(
        description=(
            "Takes a duty person off the record; shifts that have not ended are withdrawn. " + KEY
        )
    )
    async def end_duty_person(
        self, info: strawberry.Info, input: Annotated[EndDutyPersonInput, What]
    ) -> EndDutyPersonResult:
        """Takes a duty person off the record."""
        result: EndDutyPersonResult = await answered(info, end_duty_person, input)
        return result

    @strawberry.mutation(
        description=(
            "Plans who is on duty for alerts from when to when: what was planned to begin in the "
            "time given is withdrawn and stays in the history. " + KEY
        )
    )
    async def set_duty_roster(
        self, info: strawberry.Info, input: Annotated[SetDutyRosterInput, What]
    ) -> SetDutyRosterResult:
        """Plans who is on duty when."""
        result: SetDutyRosterResult = await answered(info, set_duty_roster, input)
        return result

    @strawberry.mutation(
        description=(
            "Sets of which diseases' single-case signals a unit's duty persons are told, too: "
            "those of the own code and all below (E3). " + KEY
        )
    )
    async def set_disease_watches(
        self, info: strawberry.Info, input: Annotated[SetDiseaseWatchesInput, What]
    ) -> SetDiseaseWatchesResult:
        """Sets of which diseases a unit is told."""
        result: SetDiseaseWatchesResult = await answered(info, set_disease_watches, input)
        return result

    @strawberry.mutation(
        description=(
            "Takes a role from a unit, whose accounts of it may not sign in from then on, or gives "
            f"it back: by the system administrator. {KEY}"
        )
    )
    async def set_unit_role(
        self, info: strawberry.Info, input: Annotated[SetUnitRoleInput, What]
    ) -> SetUnitRoleResult:
        """Takes a role from a unit, or gives it back."""
        result: SetUnitRoleResult = await answered(info, set_unit_role, input)
        return result

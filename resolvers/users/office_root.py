"""The root fields of offices: administrators on file, responsible and duty persons, unit roles."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.arguments import KEY, After, First
from resolvers.context import context_of
from resolvers.users import administrators, duty, offices
from resolvers.users.filed import list_filings
from resolvers.writing.mutations import mutation
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
        return await offices.unit_offices(context_of(info), unit)


@strawberry.type
class OfficeMutations:
    """What changes who holds which office."""

    file_administrator = mutation(
        administrators.file_administrator,
        FileAdministratorInput,
        FileAdministratorResult,
        "Files a business administrator with the level above, by the form of annex 1 of L503. "
        f"At most two of a unit are on file. {KEY}",
    )
    decide_administrator_filing = mutation(
        administrators.decide_administrator_filing,
        DecideAdministratorFilingInput,
        DecideAdministratorFilingResult,
        "The level above accepts or refuses a filing. An accepted administrator is active "
        f"where the unit has no active one. {KEY}",
    )
    withdraw_administrator_filing = mutation(
        administrators.withdraw_administrator_filing,
        WithdrawAdministratorFilingInput,
        WithdrawAdministratorFilingResult,
        f"Takes a filing back that is not decided: by whoever filed it. {KEY}",
    )
    activate_administrator = mutation(
        administrators.activate_administrator,
        ActivateAdministratorInput,
        ActivateAdministratorResult,
        "Switches which of the two administrators on file is active: by the active one, or by "
        f"the level above. The other's sessions end at once. {KEY}",
    )
    deregister_administrator = mutation(
        administrators.deregister_administrator,
        DeregisterAdministratorInput,
        DeregisterAdministratorResult,
        "Deregisters an administrator with the level above, whose administrator does it: the "
        f"account is disabled at once, and there is room for a new filing. {KEY}",
    )
    set_responsible_person = mutation(
        offices.set_responsible_person,
        SetResponsiblePersonInput,
        SetResponsiblePersonResult,
        "Puts on record who is the first responsible person for information security of a "
        f"unit; whoever was before stays in the history. {KEY}",
    )
    set_duty_person = mutation(
        duty.set_duty_person,
        SetDutyPersonInput,
        SetDutyPersonResult,
        "Puts a duty person for alerts of a CDC unit on record, with the mobile number and the "
        f"e-mail address of today. Duty persons may change their own. {KEY}",
    )
    end_duty_person = mutation(
        duty.end_duty_person,
        EndDutyPersonInput,
        EndDutyPersonResult,
        f"Takes a duty person off the record; shifts that have not ended are withdrawn. {KEY}",
    )
    set_duty_roster = mutation(
        duty.set_duty_roster,
        SetDutyRosterInput,
        SetDutyRosterResult,
        "Plans who is on duty for alerts from when to when: what was planned to begin in the "
        f"time given is withdrawn and stays in the history. {KEY}",
    )
    set_disease_watches = mutation(
        duty.set_disease_watches,
        SetDiseaseWatchesInput,
        SetDiseaseWatchesResult,
        "Sets of which diseases' single-case signals a unit's duty persons are told, too: "
        f"those of the own code and all below (E3). {KEY}",
    )
    set_unit_role = mutation(
        offices.set_unit_role,
        SetUnitRoleInput,
        SetUnitRoleResult,
        "Takes a role from a unit, whose accounts of it may not sign in from then on, or gives "
        f"it back: by the system administrator. {KEY}",
    )

"""The questions and mutations of privacy: roles, applications, grants, emergencies, requests."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from resolvers.arguments import KEY, After, First, What
from resolvers.context import context_of
from resolvers.privacy.applications import list_applications
from resolvers.privacy.data_requests import (
    decide_data_request,
    list_data_requests,
    request_data,
)
from resolvers.privacy.dedicated import list_roles, withdraw_privacy_role
from resolvers.privacy.emergencies import (
    break_glass,
    list_emergencies,
    review_emergency_access,
)
from resolvers.privacy.forms import apply_for_privacy_role
from resolvers.privacy.grants import list_grants, revoke_grant
from resolvers.privacy.signing import record_privacy_briefing, sign_privacy_application
from resolvers.rights import require
from resolvers.writing.writing import answered
from schema.privacy.applications import (
    PrivacyApplicationConnection,
    PrivacyApplicationFilter,
    PrivacyApplicationInput,
    PrivacyApplicationResult,
    RecordPrivacyBriefingInput,
    SignPrivacyApplicationInput,
)
from schema.privacy.data_requests import (
    DataRequestConnection,
    DataRequestFilter,
    DataRequestInput,
    DataRequestResult,
    DecideDataRequestInput,
)
from schema.privacy.emergencies import (
    BreakGlassInput,
    BreakGlassResult,
    EmergencyAccessConnection,
    ReviewEmergencyAccessInput,
    ReviewEmergencyAccessResult,
)
from schema.privacy.grants import (
    GrantConnection,
    GrantFilter,
    RevokeGrantInput,
    RevokeGrantResult,
)
from schema.privacy.roles import (
    PrivacyRole,
    WithdrawPrivacyRoleInput,
    WithdrawPrivacyRoleResult,
)

__all__ = ["PrivacyMutations", "PrivacyQueries"]


def _argument(description: str) -> Any:
    return strawberry.argument(description=description)


_Applications = Annotated[
    PrivacyApplicationFilter | None, _argument("Which applications; all unless given.")
]
_DataRequests = Annotated[DataRequestFilter | None, _argument("Which requests; all unless given.")]
_Grants = Annotated[GrantFilter | None, _argument("Which grants; all unless given.")]


@strawberry.type
class PrivacyQueries:
    """Questions about rights to private items."""

    @strawberry.field(
        description="The privacy roles: the national ones, and those the viewer's unit defined."
    )
    async def privacy_roles(
        self,
        info: strawberry.Info,
        withdrawn: Annotated[bool | None, _argument("Those that were withdrawn, too.")] = None,
    ) -> list[PrivacyRole]:
        """The privacy roles."""
        context = context_of(info)
        require(context.signed_in(), info.field_name)
        return await list_roles(context, withdrawn=bool(withdrawn))

    @strawberry.field(
        description=(
            "Applications for privacy roles, the newest first: the own; those of the unit for its "
            "administrator; those a head signs; those of the jurisdiction for security "
            "administrator and auditor."
        )
    )
    async def privacy_applications(
        self,
        info: strawberry.Info,
        filter: _Applications = None,
        first: First = None,
        after: After = None,
    ) -> PrivacyApplicationConnection:
        """Applications for privacy roles."""
        context = context_of(info)
        require(context.signed_in(), info.field_name)
        return await list_applications(context, filter, first, after)

    @strawberry.field(
        description=(
            "Rights to private items, those that have ended included, the newest first: the own; "
            "those of the jurisdiction for administrators and auditor."
        )
    )
    async def grants(
        self,
        info: strawberry.Info,
        filter: _Grants = None,
        first: First = None,
        after: After = None,
    ) -> GrantConnection:
        """Rights to private items."""
        context = context_of(info)
        require(context.signed_in(), info.field_name)
        return await list_grants(context, filter, first, after)

    @strawberry.field(
        description=(
            "Emergency accesses, the newest first: the own, those the viewer is told of as a "
            "supervisor; those of the jurisdiction for security administrator and auditor."
        )
    )
    async def emergency_accesses(
        self,
        info: strawberry.Info,
        unreviewed: Annotated[
            bool | None, _argument("Only those that wait for their review.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> EmergencyAccessConnection:
        """Emergency accesses."""
        context = context_of(info)
        require(context.signed_in(), info.field_name)
        return await list_emergencies(context, bool(unreviewed), first, after)

    @strawberry.field(
        description=(
            "Requests for data of people without an account, the newest first: those the viewer "
            "filed; those of the unit for its administrator; those a head decides; those of the "
            "jurisdiction for security administrator and auditor."
        )
    )
    async def data_requests(
        self,
        info: strawberry.Info,
        filter: _DataRequests = None,
        first: First = None,
        after: After = None,
    ) -> DataRequestConnection:
        """Requests for data."""
        context = context_of(info)
        require(context.signed_in(), info.field_name)
        return await list_data_requests(context, filter, first, after)


@strawberry.type
class PrivacyMutations:
    """What changes rights to private items."""

    @strawberry.mutation(
        description=(
            "Fills in an application for privacy roles (L503 annex 2). It gives no right before "
            f"its fifth signature. {KEY}"
        )
    )
    async def apply_for_privacy_role(
        self, info: strawberry.Info, input: Annotated[PrivacyApplicationInput, What]
    ) -> PrivacyApplicationResult:
        """Fills in an application for privacy roles."""
        result: PrivacyApplicationResult = await answered(info, apply_for_privacy_role, input)
        return result

    @strawberry.mutation(
        description=(
            "Signs an application, refuses to, or withdraws it: five different people in their "
            f"order. The fifth signature gives the right. {KEY}"
        )
    )
    async def sign_privacy_application(
        self, info: strawberry.Info, input: Annotated[SignPrivacyApplicationInput, What]
    ) -> PrivacyApplicationResult:
        """Signs an application, refuses to, or withdraws it."""
        result: PrivacyApplicationResult = await answered(info, sign_privacy_application, input)
        return result

    @strawberry.mutation(
        description=(
            "Records that the administrator briefed the applicant on privacy duties; without it "
            f"the administrator cannot sign. {KEY}"
        )
    )
    async def record_privacy_briefing(
        self, info: strawberry.Info, input: Annotated[RecordPrivacyBriefingInput, What]
    ) -> PrivacyApplicationResult:
        """Records the briefing on privacy duties."""
        result: PrivacyApplicationResult = await answered(info, record_privacy_briefing, input)
        return result

    @strawberry.mutation(
        description=(
            "Ends a right at once: by its holder, an administrator of the unit or of one above, or "
            f"the security administrator. {KEY}"
        )
    )
    async def revoke_grant(
        self, info: strawberry.Info, input: Annotated[RevokeGrantInput, What]
    ) -> RevokeGrantResult:
        """Ends a right at once."""
        result: RevokeGrantResult = await answered(info, revoke_grant, input)
        return result

    @strawberry.mutation(
        description=(
            "Withdraws a dedicated role: nobody applies for it any more, applications for it that "
            "wait are closed, and the rights it gave end unless they shall run out. By an "
            f"administrator of the unit or of one above, or the security administrator. {KEY}"
        )
    )
    async def withdraw_privacy_role(
        self, info: strawberry.Info, input: Annotated[WithdrawPrivacyRoleInput, What]
    ) -> WithdrawPrivacyRoleResult:
        """Withdraws a dedicated role."""
        result: WithdrawPrivacyRoleResult = await answered(info, withdraw_privacy_role, input)
        return result

    @strawberry.mutation(
        description=(
            "Access in an emergency, at once and for a short time: told to two supervisors, logged "
            f"under its own id, reviewed within a day or the account is suspended. {KEY}"
        )
    )
    async def break_glass(
        self, info: strawberry.Info, input: Annotated[BreakGlassInput, What]
    ) -> BreakGlassResult:
        """Access in an emergency."""
        result: BreakGlassResult = await answered(info, break_glass, input)
        return result

    @strawberry.mutation(
        description=f"Reviews an emergency access, by one of its two supervisors. {KEY}"
    )
    async def review_emergency_access(
        self, info: strawberry.Info, input: Annotated[ReviewEmergencyAccessInput, What]
    ) -> ReviewEmergencyAccessResult:
        """Reviews an emergency access."""
        result: ReviewEmergencyAccessResult = await answered(info, review_emergency_access, input)
        return result

    @strawberry.mutation(
        description=(
            "Files a request for data for somebody without an account (L503 3.1): the head of the "
            f"department in charge and the business administrator approve it. {KEY}"
        )
    )
    async def request_data(
        self, info: strawberry.Info, input: Annotated[DataRequestInput, What]
    ) -> DataRequestResult:
        """Files a request for data."""
        result: DataRequestResult = await answered(info, request_data, input)
        return result

    @strawberry.mutation(description=f"Approves, refuses or withdraws a request for data. {KEY}")
    async def decide_data_request(
        self, info: strawberry.Info, input: Annotated[DecideDataRequestInput, What]
    ) -> DataRequestResult:
        """Decides a request for data."""
        result: DataRequestResult = await answered(info, decide_data_request, input)
        return result

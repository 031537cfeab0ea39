"""The mutations of signals: looked at, verified, answered, investigated."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.alerts.attaching import attach_to_signal
from resolvers.alerts.carding import file_abnormal_information_card
from resolvers.alerts.investigating import (
    end_investigation,
    file_investigation_form,
    start_investigation,
)
from resolvers.alerts.viewing import start_verification, view_signal
from resolvers.arguments import KEY, What
from resolvers.writing.writing import answered
from schema.writing.alerts import (
    AbnormalInformationCardInput,
    AttachToSignalInput,
    EndInvestigationInput,
    InvestigationFormInput,
    SignalActionInput,
    SignalResult,
)

__all__ = ["SignalMutations"]

_DUTY = f"By a duty person of the county's CDC. {KEY}"


@strawberry.type
class SignalMutations:
    """What officers do with a signal."""

    @strawberry.mutation(
        description=(
            "Notes that an officer looks at a signal: of the county's CDC, whose first look is a "
            f"state, or of a level above (E8, E12). {KEY}"
        )
    )
    async def view_signal(
        self, info: strawberry.Info, input: Annotated[SignalActionInput, What]
    ) -> SignalResult:
        """Notes that an officer looks at a signal."""
        result: SignalResult = await answered(info, view_signal, input)
        return result

    @strawberry.mutation(description=f"Begins to verify a signal (E8). {_DUTY}")
    async def start_verification(
        self, info: strawberry.Info, input: Annotated[SignalActionInput, What]
    ) -> SignalResult:
        """Begins to verify a signal."""
        result: SignalResult = await answered(info, start_verification, input)
        return result

    @strawberry.mutation(
        description=(
            "Files an abnormal information card (异常信息卡), the first or a further version: the "
            "signal is excluded, or is a suspected event with a number (E9). "
            f"{_DUTY}"
        )
    )
    async def file_abnormal_information_card(
        self, info: strawberry.Info, input: Annotated[AbnormalInformationCardInput, What]
    ) -> SignalResult:
        """Files an abnormal information card."""
        result: SignalResult = await answered(info, file_abnormal_information_card, input)
        return result

    @strawberry.mutation(
        description=(
            "Begins the investigation of a suspected event in the field, for all its signals "
            f"(E11). {_DUTY}"
        )
    )
    async def start_investigation(
        self, info: strawberry.Info, input: Annotated[SignalActionInput, What]
    ) -> SignalResult:
        """Begins the investigation of a suspected event."""
        result: SignalResult = await answered(info, start_investigation, input)
        return result

    @strawberry.mutation(
        description=(
            "Tells that the investigation in the field is over: the form and the report are due "
            f"24 h later (E11). {_DUTY}"
        )
    )
    async def end_investigation(
        self, info: strawberry.Info, input: Annotated[EndInvestigationInput, What]
    ) -> SignalResult:
        """Tells that the investigation in the field is over."""
        result: SignalResult = await answered(info, end_investigation, input)
        return result

    @strawberry.mutation(
        description=(
            "Files an investigation form (现场调查表), the first or a further version: outbreak, "
            f"excluded, or continued watch (E11). {_DUTY}"
        )
    )
    async def file_investigation_form(
        self, info: strawberry.Info, input: Annotated[InvestigationFormInput, What]
    ) -> SignalResult:
        """Files an investigation form."""
        result: SignalResult = await answered(info, file_investigation_form, input)
        return result

    @strawberry.mutation(
        description=(
            "Attaches a file to a suspected event: the investigation report (调查报告), pictures "
            f"(E11). {_DUTY}"
        )
    )
    async def attach_to_signal(
        self, info: strawberry.Info, input: Annotated[AttachToSignalInput, What]
    ) -> SignalResult:
        """Attaches a file to a suspected event."""
        result: SignalResult = await answered(info, attach_to_signal, input)
        return result

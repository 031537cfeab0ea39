"""The mutations of records: every name, what it takes, what it gives."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.arguments import KEY, What
from resolvers.writing.care import record_sample, record_visit
from resolvers.writing.cases import register_case
from resolvers.writing.contacts import register_contacts
from resolvers.writing.correcting import correct
from resolvers.writing.writing import answered
from schema.writing.care import (
    RecordSampleInput,
    RecordSampleResult,
    RecordVisitInput,
    RecordVisitResult,
)
from schema.writing.cases import RegisterCaseInput, RegisterCaseResult
from schema.writing.contacts import RegisterContactsInput, RegisterContactsResult
from schema.writing.correcting import CorrectInput, CorrectResult

__all__ = ["RecordMutations"]


@strawberry.type
class RecordMutations:
    """What changes records."""

    @strawberry.mutation(description=f"Registers a case with its person. {KEY}")
    async def register_case(
        self, info: strawberry.Info, input: Annotated[RegisterCaseInput, What]
    ) -> RegisterCaseResult:
        """Registers a case with its person."""
        result: RegisterCaseResult = await answered(info, register_case, input)
        return result

    @strawberry.mutation(
        description=(
            "Registers 1 to 1,000 contacts, each in the region of its county and each for itself: "
            f"a row that cannot be taken does not keep the others out. {KEY}"
        )
    )
    async def register_contacts(
        self, info: strawberry.Info, input: Annotated[RegisterContactsInput, What]
    ) -> RegisterContactsResult:
        """Registers contacts."""
        result: RegisterContactsResult = await answered(info, register_contacts, input)
        return result

    @strawberry.mutation(description=f"Records a visit or health check. {KEY}")
    async def record_visit(
        self, info: strawberry.Info, input: Annotated[RecordVisitInput, What]
    ) -> RecordVisitResult:
        """Records a visit."""
        result: RecordVisitResult = await answered(info, record_visit, input)
        return result

    @strawberry.mutation(description=f"Records a sample and its test. {KEY}")
    async def record_sample(
        self, info: strawberry.Info, input: Annotated[RecordSampleInput, What]
    ) -> RecordSampleResult:
        """Records a sample."""
        result: RecordSampleResult = await answered(info, record_sample, input)
        return result

    @strawberry.mutation(
        description=(
            f"Corrects fields of a record; the history keeps old and new with a reason. {KEY}"
        )
    )
    async def correct(
        self, info: strawberry.Info, input: Annotated[CorrectInput, What]
    ) -> CorrectResult:
        """Corrects fields of a record."""
        result: CorrectResult = await answered(info, correct, input)
        return result

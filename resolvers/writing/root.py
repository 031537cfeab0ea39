"""The mutations of records: every name, what it takes, what it gives."""

from __future__ import annotations

from typing import Annotated

import strawberry

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

_KEY = (
    "The same idempotency key again gives the first result and writes nothing; with another input "
    "it is a conflict."
)
_WHAT = strawberry.argument(description="What to write, and the idempotency key.")


@strawberry.type
class RecordMutations:
    """What changes records."""

    @strawberry.mutation(description=f"Registers a case with its person. {_KEY}")
    async def register_case(
        self, info: strawberry.Info, input: Annotated[RegisterCaseInput, _WHAT]
    ) -> RegisterCaseResult:
        """Registers a case with its person."""
        result: RegisterCaseResult = await answered(info, register_case, input)
        return result

    @strawberry.mutation(
        description=(
            "Registers 1 to 1,000 contacts, each in the region of its county and each for itself: "
            f"a row that cannot be taken does not keep the others out. {_KEY}"
        )
    )
    async def register_contacts(
        self, info: strawberry.Info, input: Annotated[RegisterContactsInput, _WHAT]
    ) -> RegisterContactsResult:
        """Registers contacts."""
        result: RegisterContactsResult = await answered(info, register_contacts, input)
        return result

    @strawberry.mutation(description=f"Records a visit or health check. {_KEY}")
    async def record_visit(
        self, info: strawberry.Info, input: Annotated[RecordVisitInput, _WHAT]
    ) -> RecordVisitResult:
        """Records a visit."""
        result: RecordVisitResult = await answered(info, record_visit, input)
        return result

    @strawberry.mutation(description=f"Records a sample and its test. {_KEY}")
    async def record_sample(
        self, info: strawberry.Info, input: Annotated[RecordSampleInput, _WHAT]
    ) -> RecordSampleResult:
        """Records a sample."""
        result: RecordSampleResult = await answered(info, record_sample, input)
        return result

    @strawberry.mutation(
        description=(
            f"Corrects fields of a record; the history keeps old and new with a reason. {_KEY}"
        )
    )
    async def correct(
        self, info: strawberry.Info, input: Annotated[CorrectInput, _WHAT]
    ) -> CorrectResult:
        """Corrects fields of a record."""
        result: CorrectResult = await answered(info, correct, input)
        return result

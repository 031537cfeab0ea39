"""`recordVisit` and `recordSample`."""

from typing import Annotated

import strawberry

from schema.care import Sample, Visit
from schema.enums import SampleResult, SampleTest, Specimen, Symptom, VisitKind
from schema.scalars import DateTime
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotCustodianProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
)

__all__ = [
    "RecordSampleInput",
    "RecordSamplePayload",
    "RecordSampleResult",
    "RecordVisitInput",
    "RecordVisitPayload",
    "RecordVisitResult",
]


@strawberry.input(description="A visit or health check (随访, 健康监测).")
class RecordVisitInput:
    """A visit or health check."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every visit: a UUID, say."
    )
    record: strawberry.ID = strawberry.field(description="The contact or case who was visited.")
    kind: VisitKind = strawberry.field(description="Kind.")
    visited_at: DateTime | None = strawberry.field(
        default=None, description="When; now, unless given."
    )
    temperature_tenths: int | None = strawberry.field(
        default=None, description="Temperature in tenths of a degree Celsius, 300 to 450."
    )
    symptoms: list[Symptom] | None = strawberry.field(default=None, description="Symptoms found.")
    co_residents: int | None = strawberry.field(
        default=None,
        description="How many who live with the person were asked after (N113 3.2), at most 100.",
    )
    co_residents_ill: int | None = strawberry.field(
        default=None, description="How many of them have symptoms."
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="A sample and its test (采样, 检测).")
class RecordSampleInput:
    """A sample and its test."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every sample: a UUID, say."
    )
    record: strawberry.ID = strawberry.field(description="The contact or case it was taken of.")
    specimen: Specimen = strawberry.field(description="What it was taken of.")
    test: SampleTest = strawberry.field(
        default=SampleTest.NUCLEIC_ACID, description="How it was tested."
    )
    taken_at: DateTime | None = strawberry.field(
        default=None, description="When taken; now, unless given."
    )
    result: SampleResult = strawberry.field(
        default=SampleResult.PENDING, description="What was found."
    )
    result_at: DateTime | None = strawberry.field(
        default=None, description="When it was known; only with a result."
    )
    laboratory: str | None = strawberry.field(
        default=None, description="Id of the laboratory's unit, `hospital-320102-1`."
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


_REPEATED = "Whether this is the result of an earlier request with the same key."


@strawberry.type(description="A visit that was recorded.")
class RecordVisitPayload:
    """A visit that was recorded."""

    visit: Visit = strawberry.field(description="The visit, as the viewer may see it.")
    repeated: bool = strawberry.field(description=_REPEATED)


@strawberry.type(description="A sample that was recorded.")
class RecordSamplePayload:
    """A sample that was recorded."""

    sample: Sample = strawberry.field(description="The sample, as the viewer may see it.")
    repeated: bool = strawberry.field(description=_REPEATED)


RecordVisitResult = Annotated[
    RecordVisitPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | RegionUnavailableProblem,
    strawberry.union("RecordVisitResult", description="The visit, or why there is none."),
]

RecordSampleResult = Annotated[
    RecordSamplePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | RegionUnavailableProblem,
    strawberry.union("RecordSampleResult", description="The sample, or why there is none."),
]

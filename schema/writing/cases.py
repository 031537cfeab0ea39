"""`registerCase`."""

from typing import Annotated

import strawberry

from schema.cases import Case
from schema.enums import CaseClassification, CaseOrigin, CaseOutcome, ExposureKind, FoundBy
from schema.people import PersonInput
from schema.scalars import Date, DateTime, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotCustodianProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
)

__all__ = ["ExposureInput", "RegisterCaseInput", "RegisterCasePayload", "RegisterCaseResult"]


@strawberry.input(description="How a case was exposed (暴露).")
class ExposureInput:
    """How a case was exposed."""

    kind: ExposureKind | None = strawberry.field(default=None, description="Setting.")
    code: RegionCode | None = strawberry.field(
        default=None, description="Where it happened: any code in use."
    )
    started_on: Date | None = strawberry.field(default=None, description="First day.")
    ended_on: Date | None = strawberry.field(default=None, description="Last day.")
    place: str | None = strawberry.field(default=None, description="Place, in words.")
    source_case: strawberry.ID | None = strawberry.field(
        default=None, description="The case who exposed this one, in whatever region."
    )


@strawberry.input(
    description="A case to register. Give `person`, or `personId` of one on record in the region."
)
class RegisterCaseInput:
    """A case to register."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every case: a UUID, say."
    )
    disease: strawberry.ID = strawberry.field(description="Key of the disease, `measles`.")
    classification: CaseClassification = strawberry.field(description="How certain.")
    code: RegionCode = strawberry.field(
        description="County responsible, in the viewer's jurisdiction."
    )
    person: PersonInput | None = strawberry.field(default=None, description="Who.")
    person_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who, if on record in the region already."
    )
    origin: CaseOrigin = strawberry.field(
        default=CaseOrigin.LOCAL, description="Infected here or elsewhere."
    )
    found_by: FoundBy | None = strawberry.field(
        default=None, description="How a carrier was found."
    )
    onset_on: Date | None = strawberry.field(
        default=None, description="First symptoms; not after the report."
    )
    diagnosed_at: DateTime | None = strawberry.field(default=None, description="When diagnosed.")
    reported_at: DateTime | None = strawberry.field(
        default=None, description="When the card was reported; now, unless given."
    )
    outcome: CaseOutcome | None = strawberry.field(
        default=None, description="How it ended; `DIED` where `diedOn` is given."
    )
    outcome_on: Date | None = strawberry.field(default=None, description="When it ended.")
    died_on: Date | None = strawberry.field(default=None, description="Day of death.")
    remarks: str | None = strawberry.field(default=None, description="Free text.")
    exposures: list[ExposureInput] | None = strawberry.field(
        default=None, description="How the case was exposed; at most 50."
    )


@strawberry.type(description="A case that was registered.")
class RegisterCasePayload:
    """A case that was registered."""

    case: Case = strawberry.field(description="The case, as the viewer may see it.")
    duplicate: bool | None = strawberry.field(
        description=(
            "Whether the person was on record in any region before (查重): by ID number, phone, or "
            "name and birth date. Null where it was not found but a region did not answer."
        )
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RegisterCaseResult = Annotated[
    RegisterCasePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | RegionUnavailableProblem,
    strawberry.union("RegisterCaseResult", description="The case, or why there is none."),
]

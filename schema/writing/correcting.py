"""`correct` (B14, F12)."""

from typing import Annotated

import strawberry

from schema.nodes import Node
from schema.people import Correction
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotCustodianProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
)

__all__ = ["ChangeInput", "CorrectInput", "CorrectPayload", "CorrectResult", "IgnoredChange"]


@strawberry.input(description="One field's new value.")
class ChangeInput:
    """One field's new value."""

    field: str = strawberry.field(
        description="The field, by its name in the record's type: `onsetOn`, `observation.dueOn`."
    )
    value: str | None = strawberry.field(
        default=None,
        description=(
            "The value as text: `2026-11-22`, `CONFIRMED`, `36`, `contact:123`; a list as JSON, "
            '`["SHARED_MEAL"]`. Null empties the field. `*` never overwrites a private field.'
        ),
    )


@strawberry.input(description="Corrections of one record (更正).")
class CorrectInput:
    """Corrections of one record."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every correction: a UUID, say."
    )
    id: strawberry.ID = strawberry.field(
        description="The record: a person, case, contact, visit or sample."
    )
    changes: list[ChangeInput] = strawberry.field(description="1 to 50 fields, each once.")
    reason: str = strawberry.field(description="Why; kept with every change.")


@strawberry.type(description="A change that was not made, and is no mistake.")
class IgnoredChange:
    """A change that was not made, and is no mistake."""

    field: str = strawberry.field(description="The field.")
    code: str = strawberry.field(
        description=(
            "`MASK_GIVEN`: the value was `*`, which never overwrites. `UNCHANGED`: the field had "
            "this value; not said of a private field that the viewer sees masked."
        )
    )
    message: str = strawberry.field(description="The same as a sentence, in English.")
    message_zh: str = strawberry.field(description="The same in Chinese.")


@strawberry.type(description="A record that was corrected.")
class CorrectPayload:
    """A record that was corrected."""

    record: Node | None = strawberry.field(
        description=(
            "The record, as the viewer may see it now; null for a system administrator, who opens "
            "none."
        )
    )
    corrections: list[Correction] = strawberry.field(
        description="What was changed, one entry a field, as it stands in the record's history."
    )
    ignored: list[IgnoredChange] = strawberry.field(description="Changes that were not made.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


CorrectResult = Annotated[
    CorrectPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | RegionUnavailableProblem,
    strawberry.union("CorrectResult", description="The record, or why it was not corrected."),
]

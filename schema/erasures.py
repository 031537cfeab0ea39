"""Erasing a person (个人信息删除): who asked, who confirmed, how far it has come (F10)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.scalars import DateTime, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "ConfirmErasureInput",
    "ConfirmErasurePayload",
    "ConfirmErasureResult",
    "ErasedRegion",
    "Erasure",
    "ErasureState",
    "LetterPlace",
    "LetterPlaceInput",
    "RequestErasureInput",
    "RequestErasurePayload",
    "RequestErasureResult",
]


@strawberry.enum(description="How far an erasure has come.")
class ErasureState(Enum):
    """How far an erasure has come."""

    ASKED = strawberry.enum_value("ASKED", description="Nothing is erased yet (待确认).")
    CONFIRMED = strawberry.enum_value(
        "CONFIRMED", description="Confirmed; a region is still to be done (执行中)."
    )
    DONE = strawberry.enum_value("DONE", description="Erased in every region (已删除).")


@strawberry.type(description="Somebody's place in a letter, and in all letters that carry it on.")
class LetterPlace:
    """Somebody's place in a letter."""

    number: str = strawberry.field(description="Number of the first letter of the chain.")
    position: int = strawberry.field(description="The place, from 1; 0 is the index case.")


@strawberry.input(description="Somebody who was typed into a letter without an ID number.")
class LetterPlaceInput:
    """Somebody's place in a letter."""

    number: str = strawberry.field(
        description="Number of the letter, or of one that carries it on, `320102-2026-000017`."
    )
    position: int = strawberry.field(description="The place, from 1; 0 is the index case.")


@strawberry.type(description="An order to erase a person.")
class Erasure:
    """An order to erase a person."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    state: ErasureState = strawberry.field(description="How far it has come.")
    people: list[strawberry.ID] = strawberry.field(
        description="The person's records, in all regions."
    )
    letters: list[LetterPlace] = strawberry.field(
        description="Where letters name the person: the same place in every copy is erased."
    )
    reason: str = strawberry.field(description="Why, and on whose request.")
    asked_by: str = strawberry.field(description="Login name of whoever asked for it.")
    asked_at: DateTime = strawberry.field(description="When.")
    confirmed_by: str | None = strawberry.field(description="Login name of whoever confirmed it.")
    confirmed_at: DateTime | None = strawberry.field(description="When.")
    done_at: DateTime | None = strawberry.field(description="When every region was done.")


@strawberry.type(description="What was erased in a region.")
class ErasedRegion:
    """What was erased in a region."""

    region: RegionCode = strawberry.field(description="The region.")
    envelopes: int = strawberry.field(description="Sealed values that were erased now.")


@strawberry.input(description="A person to be erased.")
class RequestErasureInput:
    """A person to be erased."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every request: a UUID, say."
    )
    people: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="Ids of the person's records, `person:28156…`; those of the same ID number "
        "are found. May be empty where `letters` are given.",
    )
    letters: list[LetterPlaceInput] = strawberry.field(
        default_factory=list,
        description="Where the person was typed into letters by name or telephone alone; whoever "
        "has an ID number there is found by it.",
    )
    reason: str = strawberry.field(
        description="Why, and on whose request, at most 500 characters. Kept sealed."
    )


@strawberry.type(description="The order that was kept.")
class RequestErasurePayload:
    """The order that was kept."""

    erasure: Erasure = strawberry.field(description="The order, for another to confirm.")
    alike: list[LetterPlace] = strawberry.field(
        description=(
            "Where somebody was typed into a letter without an ID number, with the telephone, or "
            "the name and birth date, of the person: perhaps the same. They stay unless an order "
            "names them in `letters`. Empty when repeated."
        )
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


@strawberry.input(description="An order to be carried out.")
class ConfirmErasureInput:
    """An order to be carried out."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every request: a UUID, say."
    )
    erasure: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="What was erased.")
class ConfirmErasurePayload:
    """What was erased."""

    erasure: Erasure = strawberry.field(description="The order as it stands now.")
    erased: list[ErasedRegion] = strawberry.field(description="By region, what was erased now.")
    away: list[RegionCode] = strawberry.field(
        description="Regions still to be done: confirm it again, with a new key, when they answer."
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RequestErasureResult = Annotated[
    RequestErasurePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("RequestErasureResult", description="The order, or why there is none."),
]

ConfirmErasureResult = Annotated[
    ConfirmErasurePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("ConfirmErasureResult", description="What was erased, or why nothing was."),
]

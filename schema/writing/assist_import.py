"""`importAssistPeople`: the people of a letter out of a list, CSV or XLSX."""

from typing import Annotated

import strawberry

from schema.assist import AssistRequest, AssistTask
from schema.privacy import PrivateItem
from schema.scalars import AreaCode, RegionCode
from schema.writing.assist import AssistCaseInput
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = [
    "AssistLetterInput",
    "AssistPeopleRow",
    "AssistRowMistake",
    "ImportAssistPeopleInput",
    "ImportAssistPeoplePayload",
    "ImportAssistPeopleResult",
]


@strawberry.input(description="The letter that the people of a list make, but for the people.")
class AssistLetterInput:
    """A letter but for its people."""

    to_code: AreaCode | None = strawberry.field(
        default=None, description="Where the people are; that of their whereabouts unless given."
    )
    through_province: bool = strawberry.field(
        default=False, description="To the CDC of the receiving province, which hands it down."
    )
    case: AssistCaseInput = strawberry.field(description="The index case, a stub if need be.")
    asked: list[AssistTask] = strawberry.field(description="What is asked; at least one.")
    shared_items: list[PrivateItem] | None = strawberry.field(
        default=None,
        description="What the receiving unit may see in clear; see createAssistRequest.",
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(
    description=(
        "A list of people, and what becomes of it: with `letter` a draft is written, with "
        "`request` they are added to that letter; with neither the list is only checked."
    )
)
class ImportAssistPeopleInput:
    """A list of people, and what becomes of it."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every list: a UUID, say."
    )
    content: str = strawberry.field(
        description=(
            "The file in base64: XLSX, or CSV in UTF-8 or GB 18030, with the titles of the "
            "template (`GET /assist-requests/template.xlsx`, `.csv`); at most 2,000 people."
        )
    )
    letter: AssistLetterInput | None = strawberry.field(
        default=None, description="The letter to write."
    )
    request: strawberry.ID | None = strawberry.field(
        default=None, description="The letter to add to: the issuer's copy."
    )


@strawberry.type(description="What cannot be taken of a row.")
class AssistRowMistake:
    """What cannot be taken of a row."""

    column: str = strawberry.field(
        description="The column's title in the list; empty: the row as a whole."
    )
    message: str = strawberry.field(description="What is wrong, in English; never a value.")
    message_zh: str = strawberry.field(description="The same in Chinese.")


@strawberry.type(description="What became of one row of a list.")
class AssistPeopleRow:
    """What became of one row of a list."""

    line: int = strawberry.field(description="The line as the spreadsheet program counts it.")
    accepted: bool = strawberry.field(description="Whether it can be taken, and was if asked for.")
    mistakes: list[AssistRowMistake] = strawberry.field(description="Why not.")
    same_as: int | None = strawberry.field(
        description=(
            "The line in which the person stands first, where this one stands there twice: by ID "
            "number, phone, or name and birth date. Flagged, never refused."
        )
    )
    duplicate: bool | None = strawberry.field(
        description=(
            "Whether the person is on record in any region (查重). Flagged, never refused. Null "
            "where not found but a region did not answer, and for a row that is not accepted."
        )
    )
    county: RegionCode | None = strawberry.field(
        description=(
            "The county that the code of whereabouts leads to today; null where none is given or "
            "it leads to no single county: `question` asks then."
        )
    )
    question: str | None = strawberry.field(
        description="Where the code of whereabouts leads to no single county: what to choose of."
    )
    question_zh: str | None = strawberry.field(description="The same in Chinese.")


@strawberry.type(description="What became of a list of people.")
class ImportAssistPeoplePayload:
    """What became of a list of people."""

    rows: list[AssistPeopleRow] = strawberry.field(description="Every row, in the list's order.")
    accepted: int = strawberry.field(description="Rows that can be taken.")
    rejected: int = strawberry.field(description="The other rows.")
    counties: list[RegionCode] = strawberry.field(
        description="The counties that whereabouts lead to; a letter goes to one."
    )
    ignored_columns: list[str] = strawberry.field(description="Titles that mean nothing here.")
    ignored_sheets: list[str] = strawberry.field(description="Sheets that were not read.")
    assist_request: AssistRequest | None = strawberry.field(
        description="The letter with the people who were accepted; null: the list was only checked."
    )
    pending: bool = strawberry.field(
        description="Whether the receiver has not answered yet: as with any change of a letter."
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


ImportAssistPeopleResult = Annotated[
    ImportAssistPeoplePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem
    | RegionUnavailableProblem,
    strawberry.union(
        "ImportAssistPeopleResult",
        description="What became of the rows, or why none was looked at.",
    ),
]

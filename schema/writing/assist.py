"""The mutations of assist requests: what they take and give."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.assist import AssistRequest, AssistTask
from schema.enum_values import value
from schema.enums import (
    CaseClassification,
    ContactLevel,
    ContactManner,
    ContactOutcome,
    ObservationMode,
)
from schema.people import PersonInput
from schema.privacy import PrivateItem
from schema.scalars import AreaCode, Date, DateTime, PrivateInt, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = [
    "AmendAssistRequestInput",
    "AskMoreOfAssistRequestInput",
    "AssignAssistRequestInput",
    "AssistCaseInput",
    "AssistFinding",
    "AssistPersonChangeInput",
    "AssistPersonInput",
    "AssistRefusalReason",
    "AssistRequestActionInput",
    "AssistRequestPayload",
    "AssistRequestResult",
    "AttachToAssistRequestInput",
    "CreateAssistRequestInput",
    "DecideAssistExclusionInput",
    "FeedBackAssistRequestInput",
    "ForwardAssistRequestInput",
    "RefuseAssistRequestInput",
    "ReportAssistPersonInput",
]

_KEY = "1 to 200 printable characters, new for every action: a UUID, say."
_REQUEST = "The letter: the copy of the side that acts."
_REASON = "Why: a code word, `WRONG_PERSON`; no sentence, since it is not private."


@strawberry.enum(description="Why a letter is refused (C).")
class AssistRefusalReason(Enum):
    """Why a letter is refused."""

    WRONG_REGION = value("WRONG_REGION", "The people are not there (非本辖区).")
    DUPLICATE = value("DUPLICATE", "There is such a letter already (重复协查).")
    INSUFFICIENT = value("INSUFFICIENT", "Too little is known to find them (信息不足).")


@strawberry.enum(description="What became of a person who was looked for.")
class AssistFinding(Enum):
    """What became of a person who was looked for."""

    CONTROLLED = value("CONTROLLED", "Found and under control: when, where and how.")
    LEFT = value("LEFT", "Left for a known destination: another letter carries the person on.")
    UNTRACED = value("UNTRACED", "Not found, or left for an unknown place.")
    NOT_A_CONTACT = value("NOT_A_CONTACT", "No contact after all; the issuer decides.")
    POSITIVE = value("POSITIVE", "Tested positive; the result is on record.")


@strawberry.input(description="The index case of a letter: on record, or a stub of what is known.")
class AssistCaseInput:
    """The index case of a letter."""

    disease: strawberry.ID | None = strawberry.field(
        default=None, description="Key of the disease; that of `caseId` unless given."
    )
    case_id: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The case, where it is on record in the issuer's region. Its name and telephone are "
            "not copied: give below what the receiver must know."
        ),
    )
    classification: CaseClassification | None = strawberry.field(
        default=None, description="How certain."
    )
    onset_on: Date | None = strawberry.field(default=None, description="Onset.")
    name: str | None = strawberry.field(default=None, description="Name.")
    sex: str | None = strawberry.field(default=None, description="`M` or `F`.")
    age: PrivateInt | None = strawberry.field(default=None, description="Age in years.")
    phone: str | None = strawberry.field(default=None, description="Telephone.")


@strawberry.input(description="A person to look for. Give `person`, or `contact` on record.")
class AssistPersonInput:
    """A person to look for."""

    person: PersonInput | None = strawberry.field(default=None, description="Who.")
    contact: strawberry.ID | None = strawberry.field(
        default=None,
        description="Who, if on record in the issuer's region as a contact; its data go along.",
    )
    level: ContactLevel | None = strawberry.field(
        default=None, description="How near; `CLOSE`, or that of the contact, unless given."
    )
    manner: list[ContactManner] | None = strawberry.field(default=None, description="How they met.")
    last_contact_on: Date | None = strawberry.field(default=None, description="Last contact.")
    whereabouts_code: AreaCode | None = strawberry.field(
        default=None, description="Where the person is, as far as known: it leads to the county."
    )
    place: str | None = strawberry.field(default=None, description="Where they met.")
    seat: str | None = strawberry.field(default=None, description="Vehicle number and seat.")
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="A letter to write; it is sent by `submitAssistRequest`.")
class CreateAssistRequestInput:
    """A letter to write."""

    idempotency_key: str = strawberry.field(description=_KEY)
    to_code: AreaCode | None = strawberry.field(
        default=None,
        description=(
            "Where the people are: a code that leads to one county, through the table of changed "
            "codes if it is out of use. Unless given, that of the people's whereabouts."
        ),
    )
    through_province: bool = strawberry.field(
        default=False, description="To the CDC of the receiving province, which hands it down."
    )
    case: AssistCaseInput = strawberry.field(description="The index case, a stub if need be.")
    asked: list[AssistTask] = strawberry.field(description="What is asked; at least one.")
    people: list[AssistPersonInput] = strawberry.field(description="1 to 2,000 people.")
    shared_items: list[PrivateItem] | None = strawberry.field(
        default=None,
        description=(
            "What the receiving unit may see in clear while the request is open; unless given, "
            "the items of the privacy role for assist letters. None: everything is masked."
        ),
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="An action on a letter that needs no more than a reason, if any.")
class AssistRequestActionInput:
    """An action on a letter."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    reason_code: str | None = strawberry.field(
        default=None, description=f"{_REASON} Withdrawing needs one."
    )


@strawberry.input(description="A refusal.")
class RefuseAssistRequestInput:
    """A refusal."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    reason: AssistRefusalReason = strawberry.field(description="Why.")


@strawberry.input(description="Where a letter is forwarded to.")
class ForwardAssistRequestInput:
    """Where a letter is forwarded to."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    to_code: AreaCode = strawberry.field(description="Where the people are.")
    through_province: bool = strawberry.field(
        default=False, description="To the CDC of the receiving province."
    )
    reason_code: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="Who works on a letter.")
class AssignAssistRequestInput:
    """Who works on a letter."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    officer: str | None = strawberry.field(
        default=None, description="An account of the receiving unit; the viewer's unless given."
    )


@strawberry.input(description="What became of some people of a letter.")
class ReportAssistPersonInput:
    """What became of some people of a letter (C4)."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    people: list[int] = strawberry.field(
        description="Of whom, by `position`: 1 to 1,000; `contact` and `case` need one alone."
    )
    finding: AssistFinding = strawberry.field(description="What became of them.")
    found_at: DateTime | None = strawberry.field(
        default=None, description="When found; when controlled, unless given."
    )
    found_code: RegionCode | None = strawberry.field(default=None, description="Where found.")
    controlled_at: DateTime | None = strawberry.field(
        default=None,
        description="Since when under control; CONTROLLED needs it, with `mode` and `place`.",
    )
    mode: ObservationMode | None = strawberry.field(default=None, description="How controlled.")
    place: str | None = strawberry.field(default=None, description="Where under control.")
    outcome: ContactOutcome | None = strawberry.field(
        default=None, description="Of the observation so far; `CONTINUING` unless given."
    )
    destination_code: AreaCode | None = strawberry.field(
        default=None,
        description="Where the person went, a code that leads to one county; LEFT needs it.",
    )
    destination: str | None = strawberry.field(
        default=None, description="Where the person went, in words."
    )
    reason_code: str | None = strawberry.field(
        default=None, description=f"{_REASON} UNTRACED and NOT_A_CONTACT need one."
    )
    contact: strawberry.ID | None = strawberry.field(
        default=None,
        description="The record of the person as a contact of the receiver's; the issuer may "
        "then follow tests and visits.",
    )
    case: strawberry.ID | None = strawberry.field(
        default=None, description="The case that was registered of the person, with POSITIVE."
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="The answer to a letter: what was reported of its people.")
class FeedBackAssistRequestInput:
    """The answer to a letter."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)


@strawberry.input(description="What the issuer still wants to know.")
class AskMoreOfAssistRequestInput:
    """What the issuer still wants to know."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    reason_code: str = strawberry.field(description=_REASON)
    people: list[int] | None = strawberry.field(
        default=None, description="Of whom, by `position`; of all unless given."
    )


@strawberry.input(description="Whether people are no contacts after all, as the receiver says.")
class DecideAssistExclusionInput:
    """Whether people are no contacts after all."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    people: list[int] = strawberry.field(description="Of whom, by `position`: 1 to 1,000.")
    agree: bool = strawberry.field(description="Whether the issuer agrees.")
    reason_code: str | None = strawberry.field(
        default=None, description=f"{_REASON} Disagreeing needs one."
    )


@strawberry.input(description="A change of one person of a letter. What is left out stays.")
class AssistPersonChangeInput:
    """A change of one person of a letter."""

    position: int = strawberry.field(description="Whose, by `position`.")
    person: PersonInput | None = strawberry.field(
        default=None, description="Data of the person that changed; `*` never overwrites."
    )
    level: ContactLevel | None = strawberry.field(default=None, description="How near.")
    manner: list[ContactManner] | None = strawberry.field(default=None, description="How they met.")
    last_contact_on: Date | None = strawberry.field(default=None, description="Last contact.")
    whereabouts_code: AreaCode | None = strawberry.field(
        default=None, description="Where the person is, as far as known: it leads to the county."
    )
    place: str | None = strawberry.field(default=None, description="Where they met.")
    seat: str | None = strawberry.field(default=None, description="Vehicle number and seat.")
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="Changes of a letter. What is left out stays as it is.")
class AmendAssistRequestInput:
    """Changes of a letter."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    to_code: AreaCode | None = strawberry.field(
        default=None, description="Another receiver: of a draft or a refused letter alone."
    )
    through_province: bool | None = strawberry.field(
        default=None, description="With `toCode`: to the CDC of the receiving province."
    )
    case: AssistCaseInput | None = strawberry.field(default=None, description="The index case.")
    asked: list[AssistTask] | None = strawberry.field(default=None, description="What is asked.")
    shared_items: list[PrivateItem] | None = strawberry.field(
        default=None, description="What the receiving unit may see in clear."
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")
    people: list[AssistPersonChangeInput] | None = strawberry.field(
        default=None, description="People of the letter who change."
    )
    more: list[AssistPersonInput] | None = strawberry.field(
        default=None, description="People who are added."
    )


@strawberry.input(
    description=(
        "A file for a letter: a PDF, a PNG or JPEG picture, an XLSX or a DOCX, by its content; at "
        "most 2 MB, without scripts, macros and embedded files."
    )
)
class AttachToAssistRequestInput:
    """A file for a letter."""

    idempotency_key: str = strawberry.field(description=_KEY)
    request: strawberry.ID = strawberry.field(description=_REQUEST)
    file_name: str = strawberry.field(
        description="Its name. The ending is set to that of what it is."
    )
    content: str = strawberry.field(description="The file in base64.")
    person: int | None = strawberry.field(
        default=None, description="Whom alone it is about, by `position`; unless given, the letter."
    )


@strawberry.type(description="A letter after an action.")
class AssistRequestPayload:
    """A letter after an action."""

    assist_request: AssistRequest = strawberry.field(description="The copy of the side that acted.")
    pending: bool = strawberry.field(
        description=(
            "Whether the other side has not answered yet: it will be told as soon as it can be "
            "reached, and decides then."
        )
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


AssistRequestResult = Annotated[
    AssistRequestPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem
    | RegionUnavailableProblem,
    strawberry.union("AssistRequestResult", description="The letter, or why nothing was done."),
]

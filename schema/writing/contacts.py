"""`registerContacts`."""

from typing import Annotated

import strawberry

from schema.contacts import Contact
from schema.enums import (
    ContactFrequency,
    ContactLevel,
    ContactManner,
    ContactOutcome,
    ContactRoute,
    ObservationMode,
    RelationToCase,
    Symptom,
    Traced,
)
from schema.people import PersonInput
from schema.scalars import Date, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotCustodianProblem,
    NotFoundProblem,
    Problem,
    RegionUnavailableProblem,
)

__all__ = [
    "ContactInput",
    "ContactRow",
    "ObservationInput",
    "RegisterContactsInput",
    "RegisterContactsPayload",
    "RegisterContactsResult",
]


@strawberry.input(description="The medical observation of a contact (医学观察).")
class ObservationInput:
    """The medical observation of a contact."""

    mode: ObservationMode | None = strawberry.field(default=None, description="Where.")
    place: str | None = strawberry.field(default=None, description="The place.")
    started_on: Date | None = strawberry.field(default=None, description="First day.")
    due_on: Date | None = strawberry.field(
        default=None, description="Day of release by the rules; at most 400 days ahead."
    )
    released_on: Date | None = strawberry.field(default=None, description="Actual day of release.")


@strawberry.input(
    description="A contact to register. Give `person`, or `personId` of one on record there."
)
class ContactInput:
    """A contact to register."""

    level: ContactLevel = strawberry.field(description="How near.")
    code: RegionCode = strawberry.field(
        description="County responsible, in the viewer's jurisdiction; its region keeps the record."
    )
    person: PersonInput | None = strawberry.field(default=None, description="Who.")
    person_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who, if on record in the region already."
    )
    route: ContactRoute = strawberry.field(
        default=ContactRoute.OWN_SCREENING, description="How the contact came to be known here."
    )
    source_case: strawberry.ID | None = strawberry.field(
        default=None, description="The case, in whatever region."
    )
    parent_contact: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The contact through whom this one is a contact, in whatever region. A secondary "
            "contact needs this or the case."
        ),
    )
    disease: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The disease the contact is observed for, by key. By default that of the case, or else "
            "of the contact that is named, where that is a record of the viewer's jurisdiction."
        ),
    )
    relation_to_case: RelationToCase | None = strawberry.field(
        default=None, description="What the contact is to the case."
    )
    manner: list[ContactManner] | None = strawberry.field(default=None, description="How they met.")
    frequency: ContactFrequency | None = strawberry.field(
        default=None, description="How often they met."
    )
    first_contact_on: Date | None = strawberry.field(default=None, description="First contact.")
    last_contact_on: Date | None = strawberry.field(default=None, description="Last contact.")
    place: str | None = strawberry.field(default=None, description="Where they met.")
    seat: str | None = strawberry.field(default=None, description="Vehicle number and seat.")
    observation: ObservationInput | None = strawberry.field(
        default=None, description="The medical observation."
    )
    symptom_onset_on: Date | None = strawberry.field(default=None, description="First symptoms.")
    symptoms: list[Symptom] | None = strawberry.field(default=None, description="Symptoms.")
    traced: Traced = strawberry.field(default=Traced.YES, description="Whether found.")
    destination: str | None = strawberry.field(default=None, description="Where the contact went.")
    outcome: ContactOutcome = strawberry.field(
        default=ContactOutcome.CONTINUING, description="How the observation ended."
    )
    exclusion_reason: str | None = strawberry.field(
        default=None,
        description="Why the person is no contact after all: a code word, `NEVER_MET`.",
    )
    rule_pack: strawberry.ID = strawberry.field(
        default=strawberry.ID("9TH_EDITION"),
        description="The rules by which the level was judged.",
    )
    begin_pathway: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether the contact's pathway begins now, with its tests and days by `rulePack`, from "
            "`observation.startedOn` or from now. Unless given: where `disease` is that of "
            "these rules and the contact is found, and neither released nor excluded."
        ),
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")


@strawberry.input(description="Contacts to register, each in the region of its `code`.")
class RegisterContactsInput:
    """Contacts to register."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every list: a UUID, say."
    )
    rows: list[ContactInput] = strawberry.field(description="1 to 1,000 contacts.")


@strawberry.type(description="What became of one row.")
class ContactRow:
    """What became of one row."""

    index: int = strawberry.field(description="The row's number in the input, from 0.")
    contact: Contact | None = strawberry.field(
        description="The contact, as the viewer may see it; null where there is a problem."
    )
    duplicate: bool | None = strawberry.field(
        description=(
            "Whether the person was on record in any region, or in an earlier row, before (查重): "
            "by ID number, phone, or name and birth date. Flagged, never refused. Null where it "
            "was not found but a region did not answer, and for a row that was not registered."
        )
    )
    links_checked: bool = strawberry.field(
        description=(
            "False where the region that would hold `sourceCase` or `parentContact` did not "
            "answer: the link was then taken as given."
        )
    )
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )
    problem: Problem | None = strawberry.field(description="Why the row was not registered.")


@strawberry.type(description="What became of each row.")
class RegisterContactsPayload:
    """What became of each row."""

    rows: list[ContactRow] = strawberry.field(description="Every row, in the order of the input.")
    registered: int = strawberry.field(
        description="Rows whose contact is on record now, by this request or an earlier one."
    )
    rejected: int = strawberry.field(description="The other rows.")
    repeated: bool = strawberry.field(
        description=(
            "Whether all of it is the result of an earlier request with the same key. False where "
            "this one registered rows, such as those of a region that was down before."
        )
    )


RegisterContactsResult = Annotated[
    RegisterContactsPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | NotCustodianProblem
    | RegionUnavailableProblem,
    strawberry.union(
        "RegisterContactsResult", description="What became of the rows, or why none was looked at."
    ),
]

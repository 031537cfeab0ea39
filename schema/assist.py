"""Assist requests (协查): letters, the people they name, what happened to both (C1 to C4)."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.assist_notices import AssistNotice
from schema.enum_values import value
from schema.enums import (
    CaseClassification,
    ContactLevel,
    ContactManner,
    ContactOutcome,
    ObservationMode,
)
from schema.fields import column, constant, gathered, identity, many, one, private
from schema.nodes import Node
from schema.privacy import PrivateItem
from schema.scalars import (
    Date,
    DateTime,
    PrivateDate,
    PrivateInt,
    PrivateString,
    RegionCode,
)
from schema.statistics import Disease

if TYPE_CHECKING:
    from schema.cases import Case
    from schema.contacts import Contact

__all__ = [
    "AssistAttachment",
    "AssistEscalation",
    "AssistEvent",
    "AssistEventKind",
    "AssistPerson",
    "AssistPhase",
    "AssistRequest",
    "AssistSide",
    "AssistState",
    "AssistTask",
]


@strawberry.enum(description="The state of a letter, or of one person of it.")
class AssistState(Enum):
    """The state of a letter, or of one person of it (requirements, table C)."""

    DRAFT = value("DRAFT", "Being written (草稿).")
    SENT = value("SENT", "Sent, not yet acknowledged (已发出).")
    RECEIVED = value("RECEIVED", "Acknowledged by the receiver's duty person (已签收).")
    IN_PROGRESS = value("IN_PROGRESS", "Assigned to an officer of the receiver (办理中).")
    CONTROLLED = value("CONTROLLED", "Found and under control (已管控).")
    FEEDBACK_GIVEN = value("FEEDBACK_GIVEN", "Answered, waiting for the issuer (已反馈).")
    CLOSED = value("CLOSED", "The answer was accepted (已办结).")
    REFUSED = value("REFUSED", "Refused by the receiver, back with the issuer (已退回).")
    WITHDRAWN = value("WITHDRAWN", "Withdrawn by the issuer (已撤回).")
    FORWARDED = value("FORWARDED", "Carried on by another letter (已转办).")
    UNTRACED = value("UNTRACED", "Not found, or left for an unknown place (未追踪到).")
    EXCLUDED = value("EXCLUDED", "No contact after all, as the issuer confirmed (已排除).")
    CASE_RAISED = value("CASE_RAISED", "Tested positive: a case, registered or to be (转为病例).")


@strawberry.enum(description="Whose copy of a letter: each region keeps its own.")
class AssistSide(Enum):
    """Whose copy of a letter."""

    SENT = value("SENT", "The issuer's.")
    RECEIVED = value("RECEIVED", "The receiver's.")


@strawberry.enum(description="What is asked of the receiver (C1).")
class AssistTask(Enum):
    """What is asked of the receiver."""

    FIND = value("FIND", "Find the people (追踪).")
    ISOLATE = value("ISOLATE", "Isolate them (隔离管控).")
    TEST = value("TEST", "Test them (检测).")
    INVESTIGATE = value("INVESTIGATE", "Investigate (流行病学调查).")


@strawberry.enum(description="Who was told that a letter was not acknowledged in time.")
class AssistEscalation(Enum):
    """Who was told that a letter was not acknowledged in time."""

    CITY = value("CITY", "The duty person of the city (or, without one, of the province).")
    PROVINCE = value("PROVINCE", "The duty person of the province, too.")


@strawberry.enum(description="What happened to a letter or to one of its people.")
class AssistEventKind(Enum):
    """What happened to a letter or to one of its people."""

    CREATE = value("CREATE", "A draft was written.")
    SUBMIT = value("SUBMIT", "Sent, for the first time or again.")
    DELIVER = value("DELIVER", "Arrived in the receiver's store.")
    WITHDRAW = value("WITHDRAW", "Withdrawn.")
    ACKNOWLEDGE = value("ACKNOWLEDGE", "Acknowledged.")
    REFUSE = value("REFUSE", "Refused.")
    FORWARD = value("FORWARD", "Forwarded to another unit.")
    ASSIGN = value("ASSIGN", "Assigned to an officer.")
    CONTROL = value("CONTROL", "Found and controlled.")
    LEAVE = value("LEAVE", "Left for a known destination.")
    LOSE = value("LOSE", "Not found, or left for an unknown place.")
    EXCLUDE = value("EXCLUDE", "Not a contact, says the receiver.")
    CONFIRM_EXCLUSION = value("CONFIRM_EXCLUSION", "Not a contact, the issuer agrees.")
    DISPUTE_EXCLUSION = value("DISPUTE_EXCLUSION", "A contact all the same, says the issuer.")
    POSITIVE = value("POSITIVE", "Tested positive; a case.")
    FEED_BACK = value("FEED_BACK", "Answered.")
    ACCEPT = value("ACCEPT", "The answer was accepted.")
    ASK_MORE = value("ASK_MORE", "The issuer asks for more.")
    AMEND = value("AMEND", "The issuer changed the letter, or wrote more of its people.")
    READ = value("READ", "The receiver saw the letter, or read the amended version.")
    ATTACH = value("ATTACH", "A file was attached, by either side.")
    CARE = value("CARE", "The receiver recorded a sample, visit or case of the person.")
    ESCALATE = value("ESCALATE", "Nobody acknowledged in time: the level above was told.")


@strawberry.enum(description="Whether an event was asked for, decided, refused or only noted.")
class AssistPhase(Enum):
    """Whether an event was asked for, decided, refused or only noted."""

    REQUESTED = value("REQUESTED", "The issuer asked for it; the receiver's region decides.")
    DECIDED = value("DECIDED", "It took effect.")
    REFUSED = value("REFUSED", "It did not: `reasonCode` says why.")
    NOTED = value("NOTED", "It was noted.")


@strawberry.type(description="One event of a letter, on whichever side it happened (C3).")
class AssistEvent:
    """One event of a letter."""

    at: DateTime = strawberry.field(description="When it happened.")
    event: AssistEventKind = strawberry.field(description="What happened.")
    phase: AssistPhase = strawberry.field(description="Asked for, decided, refused or noted.")
    number: str = strawberry.field(
        description="The letter it is of: another's number for what a forwarded letter tells."
    )
    person: int | None = strawberry.field(
        description="The person's place in the letter; null: it is of the letter."
    )
    state: AssistState | None = strawberry.field(
        description="The letter's state after it, or the person's where it is of one."
    )
    version: int = strawberry.field(description="The version of the letter at that time.")
    region: RegionCode = strawberry.field(description="The region in which it happened.")
    actor: str | None = strawberry.field(description="The account; null: the system.")
    unit_id: strawberry.ID | None = strawberry.field(description="The account's unit.")
    reason_code: str | None = strawberry.field(description="Why: a code word.")
    detail: str = strawberry.field(
        description="More of it as JSON: names of changed fields, codes, numbers of letters."
    )
    known_at: DateTime = strawberry.field(description="When this side's store learned of it.")


@strawberry.type(description="One person of a letter: who, what is asked for, what became of it.")
class AssistPerson(Node):
    """One person of a letter."""

    id: strawberry.ID = identity()
    position: int = column("The person's place in the letter, from 1, the same on both sides.")
    level: ContactLevel = column("How near the contact was.")
    manner: list[ContactManner] = column("How they met.")
    last_contact_on: Date | None = column("Last contact.")
    whereabouts_code: RegionCode | None = column("Where the person is, as far as known.")
    state: AssistState = column("How far it is with this person.")
    proposed: AssistState | None = column(
        "`EXCLUDED` where the receiver says so and the issuer has not decided."
    )
    reason_code: str | None = column("Why excluded or not found: a code word.")
    found_at: DateTime | None = column("When found.")
    found_code: RegionCode | None = column("Where found.")
    controlled_at: DateTime | None = column("Since when under control.")
    control_mode: ObservationMode | None = column("How.")
    outcome: ContactOutcome | None = column("What became of the observation so far.")
    destination_code: RegionCode | None = column("Where the person went.")
    forwarded_to: str | None = column("Number of the letter that carries the person on.")
    contact: Annotated["Contact", strawberry.lazy("schema.contacts")] | None = gathered(
        "The person's record as a contact, from the region that manages the person now, with "
        "tests and visits; null where there is none yet, or none that the viewer may open."
    )
    issuer_contact: Annotated["Contact", strawberry.lazy("schema.contacts")] | None = gathered(
        "The issuer's record of the person as a contact; null where there is none."
    )
    positive_at: DateTime | None = column("When a positive test was reported.")
    case_due: DateTime | None = column(
        "By when a case is registered: two hours after a positive test was reported."
    )
    case_at: DateTime | None = column("When the case was linked to the letter.")
    raised_case: Annotated["Case", strawberry.lazy("schema.cases")] | None = gathered(
        "The case that was registered of the person, from whatever region."
    )
    name: PrivateString | None = private(PrivateItem.NAME, "Name.", name="name", of="")
    sex: PrivateString | None = private(PrivateItem.SEX, "Sex.", name="sex", of="")
    age: PrivateInt | None = private(PrivateItem.AGE, "Age.", name="age", of="")
    birth_date: PrivateDate | None = private(
        PrivateItem.BIRTH_DATE, "Date of birth.", name="birth_date", of=""
    )
    id_type: PrivateString | None = private(
        PrivateItem.ID_NUMBER, "Kind of the identity document.", name="id_type", of=""
    )
    id_number: PrivateString | None = private(
        PrivateItem.ID_NUMBER, "Number of the identity document.", name="id_number", of=""
    )
    phone: PrivateString | None = private(PrivateItem.PHONE, "Telephone.", name="phone", of="")
    employer: PrivateString | None = private(
        PrivateItem.EMPLOYER, "Employer or school.", name="employer", of=""
    )
    employer_location: PrivateString | None = private(
        PrivateItem.EMPLOYER_LOCATION, "Place of the employer.", name="employer_location", of=""
    )
    residence: PrivateString | None = private(
        PrivateItem.RESIDENCE, "Address of residence.", name="residence", of=""
    )
    whereabouts: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where the person is said to be.", name="whereabouts", of=""
    )
    guardian: PrivateString | None = private(
        PrivateItem.GUARDIAN, "Guardian of a minor.", name="guardian", of=""
    )
    place: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where they met.", name="place", of=""
    )
    seat: PrivateString | None = private(
        PrivateItem.SEAT, "Vehicle number and seat.", name="seat", of=""
    )
    control_place: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where under control.", name="control_place", of=""
    )
    destination: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where the person went.", name="destination", of=""
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text of the issuer.", name="remarks", of=""
    )
    answer: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text of the receiver.", name="answer", of=""
    )


@strawberry.type(
    description=(
        "A file that goes with a letter. What is in it is fetched by whoever may see `fileName` in "
        "clear, with `GET /assist-requests/attachments/<number of the id>`."
    )
)
class AssistAttachment(Node):
    """A file that goes with a letter."""

    id: strawberry.ID = identity()
    number: str = column("Number of the letter.")
    position: int | None = column(
        "The place in the letter of the person whom alone it is about; null: it is of the letter."
    )
    unit_id: strawberry.ID | None = column("Id of the unit that attached it.")
    media_type: str = column("What it is, by its content.")
    size: int = column("Its size in bytes.")
    created_at: DateTime = column("Since when this copy of the letter has it.")
    file_name: PrivateString | None = private(
        PrivateItem.REMARKS, "Name of the file.", name="file_name", of=""
    )


@strawberry.type(description="A letter by which a unit asks another to find people (协查函).")
class AssistRequest(Node):
    """A letter as one side's store has it."""

    id: strawberry.ID = identity()
    number: str = column(
        "The letter's number, the same on both sides. `GET /assist-requests/<number>.pdf` is the "
        "letter to print."
    )
    side: AssistSide = column("Whose copy this is.")
    state: AssistState = column("Its state, by this copy; once it arrived the receiver's decides.")
    version: int = column("Its version, from 1: every amendment is a version.")
    read_version: int = column("The last version that the receiver has read; 0: none.")
    pending: AssistEventKind | None = column(
        "What the issuer asked for and the receiver's region has not decided yet."
    )
    from_unit: strawberry.ID = column("Id of the issuing unit.")
    from_code: RegionCode = column("Code of the issuing unit.")
    from_region: RegionCode = column("The issuing region.")
    to_unit: strawberry.ID | None = column("Id of the receiving unit.")
    to_code: RegionCode = column("The county in which the people are looked for.")
    to_region: RegionCode = column("The receiving region.")
    parent_number: str | None = column("Number of the letter that was forwarded by this one.")
    root_number: str = column("Number of the first letter of the chain; its own, if it is it.")
    hops: list[strawberry.ID] = column("Units that issued or held it before, in order.")
    disease: Disease = constant("The index case's disease.", by="disease")
    case: Annotated["Case", strawberry.lazy("schema.cases")] | None = one(
        "The index case, where it is on record and the viewer may open it.",
        "Case",
        by="case_id",
    )
    case_classification: CaseClassification | None = column("How certain the index case is.")
    case_onset_on: Date | None = column("The index case's onset.")
    case_name: PrivateString | None = private(
        PrivateItem.NAME, "The index case's name.", name="case_name", of=""
    )
    case_sex: PrivateString | None = private(
        PrivateItem.SEX, "The index case's sex.", name="case_sex", of=""
    )
    case_age: PrivateInt | None = private(
        PrivateItem.AGE, "The index case's age.", name="case_age", of=""
    )
    case_phone: PrivateString | None = private(
        PrivateItem.PHONE, "The index case's telephone.", name="case_phone", of=""
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )
    asked: list[AssistTask] = column("What is asked.")
    shared_items: list[PrivateItem] = column(
        "The private items that the receiving unit sees in clear while the request is open."
    )
    people_count: int = column("How many people it names.")
    sent_at: DateTime | None = column(
        "When first sent: the start of its clock, kept when forwarded."
    )
    acknowledge_due: DateTime | None = column("By when to acknowledge.")
    control_due: DateTime | None = column("By when to find and control.")
    feedback_due: DateTime | None = column("By when to answer.")
    acknowledged_at: DateTime | None = column("When acknowledged.")
    assigned_at: DateTime | None = column("When assigned.")
    assigned_to: str | None = column("The officer's account.")
    controlled_at: DateTime | None = column("When the last person was controlled.")
    feedback_at: DateTime | None = column("When answered.")
    ended_at: DateTime | None = column("When it ended.")
    reason_code: str | None = column("Why refused, withdrawn or sent back: a code word.")
    forwarded_to: str | None = column("Number of the letter that carries it on.")
    escalated_to: AssistEscalation | None = column("Who was told that nobody acknowledged.")
    code: RegionCode = column("County of this side.")
    created_at: DateTime = column("When this copy was made.")
    updated_at: DateTime = column("When this copy last changed.")
    people: list[AssistPerson] = many("The people.", "AssistPerson", by="request_id")
    attachments: list[AssistAttachment] = many(
        "The files that go with it.", "AssistAttachment", by="request_id"
    )
    events: list[AssistEvent] = gathered("What happened on both sides, in order.")
    notices: list[AssistNotice] = gathered(
        "Who was told of this copy by messages, and what came of it."
    )
    copied_to: list[strawberry.ID] = gathered("Ids of the units above that got a copy.")

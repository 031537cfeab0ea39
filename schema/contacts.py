"""Contacts (B1 to B3, B12) and the questions about them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.care import Sample, Visit
from schema.enums import (
    ContactFrequency,
    ContactLevel,
    ContactManner,
    ContactOutcome,
    ContactRoute,
    Direction,
    ObservationMode,
    RelationToCase,
    Symptom,
    Traced,
)
from schema.fields import column, constant, gathered, group, identity, many, one, private
from schema.nodes import Node, PageInfo, RegionAnswer
from schema.people import Correction, Person
from schema.privacy import PrivateItem
from schema.ranges import DateRange, DateTimeRange
from schema.scalars import Date, DateTime, PrivateInt, PrivateString, RegionCode
from schema.statistics import Disease

if TYPE_CHECKING:
    from schema.assist import AssistRequest
    from schema.cases import Case
    from schema.pathway import Pathway
    from schema.transfers import Transfer

__all__ = [
    "Contact",
    "ContactConnection",
    "ContactEdge",
    "ContactFilter",
    "ContactOrder",
    "ContactOrderField",
    "Observation",
    "RulePack",
]

_Case = Annotated["Case", strawberry.lazy("schema.cases")]


@strawberry.type(description="The rules in force when a contact was judged (防控方案).")
class RulePack:
    """The rules in force when a contact was judged (B10)."""

    id: strawberry.ID = strawberry.field(description="Its id, `9TH_EDITION`.")
    name_zh: str = strawberry.field(description="Chinese name.")
    name_en: str = strawberry.field(description="English name.")
    unverified: list[str] = strawberry.field(
        description=(
            "Parts of these rules (`hours`, `carrier`, `close`, `secondary`) whose values nobody "
            "has compared with the document: do so before you rely on them (未与原文核对)."
        )
    )


@strawberry.type(description="The medical observation of a contact (医学观察).")
class Observation:
    """The medical observation of a contact."""

    mode: ObservationMode | None = column("Where; null before it begins.")
    place: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "The place.", name="observation_place", of=""
    )
    started_on: Date | None = column("First day.")
    due_on: Date | None = column("Day of release by the rules.")
    released_on: Date | None = column("Actual day of release.")


@strawberry.type(description="A contact: someone who met a case or another contact (密接).")
class Contact(Node):
    """A contact: someone who met a case or another contact."""

    id: strawberry.ID = identity()
    person: Person = one("Who.", "Person", by="person_id", local=True)
    disease: Disease | None = constant(
        "The disease the contact is observed for; null where nobody has said.", by="disease"
    )
    level: ContactLevel = column("How near.")
    route: ContactRoute = column("How the contact came to be known here.")
    source_case: _Case | None = one(
        "The case, in whatever region; null where unknown or not visible.",
        "Case",
        by="source_case_id",
    )
    parent_contact: Annotated["Contact", strawberry.lazy("schema.contacts")] | None = one(
        "The contact through whom this one is a contact, in whatever region.",
        "Contact",
        by="parent_contact_id",
    )
    secondary_contacts: list[Annotated["Contact", strawberry.lazy("schema.contacts")]] = many(
        "Contacts of this contact, in every region.",
        "Contact",
        by="parent_contact_id",
        everywhere=True,
    )
    relation_to_case: RelationToCase | None = column("What the contact is to the case.")
    manner: list[ContactManner] = column("How they met.")
    frequency: ContactFrequency | None = column("How often they met.")
    first_contact_on: Date | None = column("First contact.")
    last_contact_on: Date | None = column("Last contact.")
    observation: Observation | None = group("The medical observation.", prefix="observation_")
    symptom_onset_on: Date | None = column("First symptoms.")
    symptoms: list[Symptom] | None = column("Symptoms; null where nobody has asked.")
    traced: Traced = column("Whether found.")
    outcome: ContactOutcome = column("How the observation ended.")
    exclusion_reason: str | None = column("Why the person is no contact after all.")
    code: RegionCode = column("County responsible.")
    visits: list[Visit] = many("Visits.", "Visit", by="contact_id")
    samples: list[Sample] = many("Samples.", "Sample", by="contact_id")
    rule_pack: RulePack = constant("The rules by which the level was judged.", by="rule_pack")
    pathway: Annotated["Pathway", strawberry.lazy("schema.pathway")] | None = gathered(
        "The pathway; null where none has begun."
    )
    transfers: list[Annotated["Transfer", strawberry.lazy("schema.transfers")]] = gathered(
        "Transfers of the person that the viewer may see, the newest first."
    )
    assist_requests: list[Annotated["AssistRequest", strawberry.lazy("schema.assist")]] = gathered(
        "Letters about the person, issued or received, that the viewer may open."
    )
    created_at: DateTime = column("When the record was made.")
    updated_at: DateTime = column("When it was last changed.")
    history: list[Correction] = many(
        "Corrections of this record.",
        "Correction",
        by="record_id",
        where={"record_type": "CONTACT"},
    )
    name: PrivateString | None = private(PrivateItem.NAME, "The person's name.", name="name")
    sex: PrivateString | None = private(PrivateItem.SEX, "The person's sex.", name="sex")
    age: PrivateInt | None = private(PrivateItem.AGE, "The person's age.", name="age")
    id_number: PrivateString | None = private(
        PrivateItem.ID_NUMBER, "The person's ID number.", name="id_number"
    )
    phone: PrivateString | None = private(PrivateItem.PHONE, "The person's phone.", name="phone")
    employer: PrivateString | None = private(
        PrivateItem.EMPLOYER, "The person's employer.", name="employer"
    )
    residence: PrivateString | None = private(
        PrivateItem.RESIDENCE, "The person's address.", name="residence"
    )
    whereabouts: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "The person's whereabouts.", name="whereabouts"
    )
    place: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where they met.", name="place", of=""
    )
    seat: PrivateString | None = private(
        PrivateItem.SEAT, "Vehicle number and seat.", name="seat", of=""
    )
    destination: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Where the contact went.", name="destination", of=""
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )


@strawberry.enum(description="What contacts can be ordered by.")
class ContactOrderField(Enum):
    """What contacts can be ordered by."""

    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When the record was made.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When it was last changed.")
    FIRST_CONTACT_ON = strawberry.enum_value(
        "FIRST_CONTACT_ON", description="First contact; unknown is earliest."
    )
    LAST_CONTACT_ON = strawberry.enum_value(
        "LAST_CONTACT_ON", description="Last contact; unknown is earliest."
    )
    OBSERVATION_DUE_ON = strawberry.enum_value(
        "OBSERVATION_DUE_ON", description="Day of release; unknown is earliest."
    )
    CODE = strawberry.enum_value("CODE", description="County responsible.")
    LEVEL = strawberry.enum_value("LEVEL", description="Level, by name.")


@strawberry.input(description="One key of an order; several are applied in turn.")
class ContactOrder:
    """One key of an order."""

    field: ContactOrderField = strawberry.field(description="The key.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="Its direction.")


@strawberry.input(
    description="Which contacts. Several fields together must all hold; lists mean any of them."
)
class ContactFilter:
    """Which contacts."""

    all_of: "list[ContactFilter] | None" = strawberry.field(
        name="and", default=None, description="All of these hold."
    )
    any_of: "list[ContactFilter] | None" = strawberry.field(
        name="or", default=None, description="One of these holds."
    )
    none_of: "ContactFilter | None" = strawberry.field(
        name="not", default=None, description="This does not hold."
    )
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="County responsible: these codes and all below."
    )
    disease: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Disease observed for, by key."
    )
    level: list[ContactLevel] | None = strawberry.field(default=None, description="Level.")
    route: list[ContactRoute] | None = strawberry.field(default=None, description="Route.")
    traced: list[Traced] | None = strawberry.field(default=None, description="Whether found.")
    outcome: list[ContactOutcome] | None = strawberry.field(default=None, description="Outcome.")
    observation_mode: list[ObservationMode] | None = strawberry.field(
        default=None, description="Where observed."
    )
    relation_to_case: list[RelationToCase] | None = strawberry.field(
        default=None, description="What the contact is to the case."
    )
    rule_pack: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Rules by which the level was judged."
    )
    source_case: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Contacts of these cases."
    )
    parent_contact: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Contacts of these contacts."
    )
    first_contact_on: DateRange | None = strawberry.field(
        default=None, description="First contact."
    )
    last_contact_on: DateRange | None = strawberry.field(default=None, description="Last contact.")
    observation_due_on: DateRange | None = strawberry.field(
        default=None, description="Day of release by the rules."
    )
    created_at: DateTimeRange | None = strawberry.field(default=None, description="Made.")
    updated_at: DateTimeRange | None = strawberry.field(default=None, description="Changed.")


@strawberry.type(description="A contact in a list.")
class ContactEdge:
    """A contact in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Contact = strawberry.field(description="The contact.")


@strawberry.type(description="A page of contacts, merged over regions.")
class ContactConnection:
    """A page of contacts, merged over regions."""

    edges: list[ContactEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )

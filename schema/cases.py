"""Cases (B4, B6, B8) and the questions about them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.enums import (
    CaseClassification,
    CaseOrigin,
    CaseOutcome,
    Direction,
    ExposureKind,
    FoundBy,
)
from schema.fields import column, constant, gathered, identity, many, one, private
from schema.nodes import Node, PageInfo, RegionAnswer
from schema.people import Correction, Person
from schema.privacy import PrivateItem
from schema.ranges import DateRange, DateTimeRange
from schema.scalars import Date, DateTime, PrivateInt, PrivateString, RegionCode
from schema.statistics import Disease
from schema.users import Unit

if TYPE_CHECKING:
    from schema.care import Sample, Visit
    from schema.contacts import Contact
    from schema.pathway import Pathway
    from schema.transfers import Transfer

__all__ = [
    "Case",
    "CaseConnection",
    "CaseEdge",
    "CaseFilter",
    "CaseOrder",
    "CaseOrderField",
    "Exposure",
]

_Contact = Annotated["Contact", strawberry.lazy("schema.contacts")]
_Visit = Annotated["Visit", strawberry.lazy("schema.care")]
_Sample = Annotated["Sample", strawberry.lazy("schema.care")]


@strawberry.type(description="How a case was exposed (暴露).")
class Exposure:
    """How a case was exposed."""

    id: strawberry.ID = identity()
    kind: ExposureKind | None = column("Setting.")
    code: RegionCode | None = column("County where it happened.")
    started_on: Date | None = column("First day.")
    ended_on: Date | None = column("Last day.")
    place: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Place, in words.", name="place", of=""
    )
    source_case: Annotated["Case", strawberry.lazy("schema.cases")] | None = one(
        "The case who exposed this one, if known and visible.", "Case", by="source_case_id"
    )


@strawberry.type(description="A case or carrier (病例, 无症状感染者).")
class Case(Node):
    """A case or carrier."""

    id: strawberry.ID = identity()
    person: Person = one("Who.", "Person", by="person_id", local=True)
    disease: Disease = constant("The disease.", by="disease")
    classification: CaseClassification = column("How certain.")
    origin: CaseOrigin = column("Infected here or elsewhere.")
    found_by: FoundBy | None = column("How a carrier was found.")
    code: RegionCode = column("County responsible.")
    onset_on: Date | None = column("First symptoms.")
    diagnosed_at: DateTime | None = column("When diagnosed.")
    reported_at: DateTime = column("When the card was reported.")
    reported_by: Unit = one(
        "The institution that first reported the card.", "Unit", by="unit_id", local=True
    )
    outcome: CaseOutcome | None = column("How it ended.")
    outcome_on: Date | None = column("When it ended.")
    died_on: Date | None = column("Day of death.")
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )
    contacts: list[_Contact] = many(
        "Contacts of the case, in every region.", "Contact", by="source_case_id", everywhere=True
    )
    exposures: list[Exposure] = many("How it was exposed.", "Exposure", by="case_id")
    visits: list[_Visit] = many("Visits.", "Visit", by="case_id")
    samples: list[_Sample] = many("Samples.", "Sample", by="case_id")
    transfers: list[Annotated["Transfer", strawberry.lazy("schema.transfers")]] = gathered(
        "Transfers of the person that the viewer may see, the newest first."
    )
    pathway: Annotated["Pathway", strawberry.lazy("schema.pathway")] | None = gathered(
        "Its pathway, as a carrier's; null where none has begun."
    )
    history: list[Correction] = many(
        "Corrections of this record.", "Correction", by="record_id", where={"record_type": "CASE"}
    )
    created_at: DateTime = column("When the record was made.")
    updated_at: DateTime = column("When it was last changed.")
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


@strawberry.enum(description="What cases can be ordered by.")
class CaseOrderField(Enum):
    """What cases can be ordered by."""

    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When the record was made.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When it was last changed.")
    REPORTED_AT = strawberry.enum_value("REPORTED_AT", description="When reported.")
    ONSET_ON = strawberry.enum_value("ONSET_ON", description="First symptoms; unknown is earliest.")
    CODE = strawberry.enum_value("CODE", description="County responsible.")
    DISEASE = strawberry.enum_value("DISEASE", description="Disease key.")


@strawberry.input(description="One key of an order; several are applied in turn.")
class CaseOrder:
    """One key of an order."""

    field: CaseOrderField = strawberry.field(description="The key.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="Its direction.")


@strawberry.input(
    description="Which cases. Several fields together must all hold; lists mean any of them."
)
class CaseFilter:
    """Which cases."""

    all_of: "list[CaseFilter] | None" = strawberry.field(
        name="and", default=None, description="All of these hold."
    )
    any_of: "list[CaseFilter] | None" = strawberry.field(
        name="or", default=None, description="One of these holds."
    )
    none_of: "CaseFilter | None" = strawberry.field(
        name="not", default=None, description="This does not hold."
    )
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="County responsible: these codes and all below."
    )
    disease: list[strawberry.ID] | None = strawberry.field(default=None, description="Diseases.")
    classification: list[CaseClassification] | None = strawberry.field(
        default=None, description="How certain."
    )
    origin: list[CaseOrigin] | None = strawberry.field(default=None, description="Origin.")
    outcome: list[CaseOutcome] | None = strawberry.field(default=None, description="Outcome.")
    found_by: list[FoundBy] | None = strawberry.field(default=None, description="How found.")
    reported_by: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Reporting units."
    )
    onset_on: DateRange | None = strawberry.field(default=None, description="First symptoms.")
    died_on: DateRange | None = strawberry.field(default=None, description="Day of death.")
    reported_at: DateTimeRange | None = strawberry.field(default=None, description="Reported.")
    created_at: DateTimeRange | None = strawberry.field(default=None, description="Made.")
    updated_at: DateTimeRange | None = strawberry.field(default=None, description="Changed.")


@strawberry.type(description="A case in a list.")
class CaseEdge:
    """A case in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Case = strawberry.field(description="The case.")


@strawberry.type(description="A page of cases, merged over regions.")
class CaseConnection:
    """A page of cases, merged over regions."""

    edges: list[CaseEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )

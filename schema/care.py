"""What is done for contacts and cases: visits and samples (B2, B5)."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.enums import SampleResult, SampleTest, Specimen, Symptom, VisitKind
from schema.fields import column, identity, many, one, private
from schema.nodes import Node
from schema.people import Correction, Person
from schema.privacy import PrivateItem
from schema.scalars import DateTime, PrivateString, RegionCode

if TYPE_CHECKING:
    from schema.cases import Case
    from schema.contacts import Contact

__all__ = ["Sample", "Visit"]

_Contact = Annotated["Contact", strawberry.lazy("schema.contacts")]
_Case = Annotated["Case", strawberry.lazy("schema.cases")]


@strawberry.type(description="A visit or health check (随访, 健康监测).")
class Visit(Node):
    """A visit or health check."""

    id: strawberry.ID = identity()
    person: Person = one("Who.", "Person", by="person_id", local=True)
    contact: _Contact | None = one("As a contact.", "Contact", by="contact_id")
    case: _Case | None = one("As a case.", "Case", by="case_id")
    visited_at: DateTime = column("When.")
    kind: VisitKind = column("Kind.")
    temperature_tenths: int | None = column("Temperature in tenths of a degree Celsius.")
    symptoms: list[Symptom] = column("Symptoms found.")
    co_residents: int | None = column(
        "How many who live with the person were asked after (共同居住人员)."
    )
    co_residents_ill: int | None = column("How many of them have symptoms.")
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )
    code: RegionCode = column("County responsible.")
    created_at: DateTime = column("When the record was made.")
    history: list[Correction] = many(
        "Corrections of this record.", "Correction", by="record_id", where={"record_type": "VISIT"}
    )


@strawberry.type(description="A sample and its test (采样, 检测).")
class Sample(Node):
    """A sample and its test."""

    id: strawberry.ID = identity()
    person: Person = one("Who.", "Person", by="person_id", local=True)
    contact: _Contact | None = one("As a contact.", "Contact", by="contact_id")
    case: _Case | None = one("As a case.", "Case", by="case_id")
    taken_at: DateTime = column("When taken.")
    specimen: Specimen = column("What it was taken of.")
    test: SampleTest = column("How it was tested.")
    result: SampleResult = column("What was found.")
    result_at: DateTime | None = column("When it was known.")
    laboratory: str | None = column("Id of the laboratory's unit.")
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )
    code: RegionCode = column("County responsible.")
    created_at: DateTime = column("When the record was made.")
    history: list[Correction] = many(
        "Corrections of this record.", "Correction", by="record_id", where={"record_type": "SAMPLE"}
    )

"""People, and finding them (B11, B13)."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.enums import MedicalWorker
from schema.fields import column, constant, gathered, identity, many, private, same_person
from schema.nodes import Node, Region, RegionAnswer
from schema.privacy import PrivateItem
from schema.scalars import (
    Date,
    DateTime,
    PrivateDate,
    PrivateInt,
    PrivateString,
    RegionCode,
)

if TYPE_CHECKING:
    from schema.cases import Case
    from schema.contacts import Contact
    from schema.transfers import Custody

__all__ = [
    "Correction",
    "DuplicateCheck",
    "Person",
    "PersonInput",
    "PersonMatches",
    "PersonSearch",
]


@strawberry.type(description="One correction of one field (更正记录, B14).")
class Correction:
    """One correction of one field."""

    id: strawberry.ID = identity()
    field: str = column("The field that was corrected.")
    old: PrivateString | None = private(
        PrivateItem.REMARKS,
        "The value before, as JSON, where the field is private.",
        name="old",
        of="",
    )
    new: PrivateString | None = private(
        PrivateItem.REMARKS,
        "The value after, as JSON, where the field is private.",
        name="new",
        of="",
    )
    old_value: str | None = column("The value before, as JSON, where the field is not private.")
    new_value: str | None = column("The value after, as JSON, where the field is not private.")
    reason: PrivateString | None = private(PrivateItem.REMARKS, "Why.", name="reason", of="")
    corrected_by: str = column("The account that corrected it.")
    corrected_at: DateTime = column("When.")


@strawberry.type(description="A person as one region knows them (人员).")
class Person(Node):
    """A person as one region knows them."""

    id: strawberry.ID = identity()
    region: Region = constant("The region whose record this is.", by="")
    code: RegionCode = column("County responsible for the person.")
    name: PrivateString | None = private(PrivateItem.NAME, "Name.", name="name", of="")
    sex: PrivateString | None = private(
        PrivateItem.SEX, "Sex: `M`, `F` or null.", name="sex", of=""
    )
    age: PrivateInt | None = private(
        PrivateItem.AGE, "Age in years when recorded.", name="age", of=""
    )
    birth_date: PrivateDate | None = private(
        PrivateItem.BIRTH_DATE, "Date of birth.", name="birth_date", of=""
    )
    id_type: PrivateString | None = private(
        PrivateItem.ID_NUMBER, "Kind of the identity document.", name="id_type", of=""
    )
    id_number: PrivateString | None = private(
        PrivateItem.ID_NUMBER, "Number of the identity document.", name="id_number", of=""
    )
    phone: PrivateString | None = private(
        PrivateItem.PHONE, "Telephone number.", name="phone", of=""
    )
    employer: PrivateString | None = private(
        PrivateItem.EMPLOYER, "Employer or school.", name="employer", of=""
    )
    employer_location: PrivateString | None = private(
        PrivateItem.EMPLOYER_LOCATION,
        "Place of the employer.",
        name="employer_location",
        of="",
    )
    residence: PrivateString | None = private(
        PrivateItem.RESIDENCE, "Address of residence.", name="residence", of=""
    )
    whereabouts: PrivateString | None = private(
        PrivateItem.WHEREABOUTS, "Current whereabouts.", name="whereabouts", of=""
    )
    guardian: PrivateString | None = private(
        PrivateItem.GUARDIAN, "Guardian of a minor.", name="guardian", of=""
    )
    residence_area: PrivateString | None = private(
        PrivateItem.RESIDENCE,
        "Code of the town (9 digits) or village (12 digits) of residence.",
        name="residence_area",
        of="",
    )
    residence_code: RegionCode | None = column("County of residence.")
    nationality: str | None = column("Nationality.")
    occupation: str | None = column("Occupation.")
    medical_worker: MedicalWorker | None = column("Whether the person works in health care.")
    created_at: DateTime = column("When the record was made.")
    updated_at: DateTime = column("When it was last changed.")
    elsewhere: "list[Person]" = same_person(
        "The same person's records in other regions, by ID number or by name and birth date: "
        "those where the viewer sees these in clear, here and there."
    )
    custody: Annotated["Custody", strawberry.lazy("schema.transfers")] = gathered(
        "Who answers for the person now, and how that came about."
    )
    cases: list[Annotated["Case", strawberry.lazy("schema.cases")]] = many(
        "The person's cases in this region.", "Case", by="person_id"
    )
    contacts: list[Annotated["Contact", strawberry.lazy("schema.contacts")]] = many(
        "The person's records as a contact in this region.", "Contact", by="person_id"
    )
    history: list[Correction] = many(
        "Corrections of this record.", "Correction", by="record_id", where={"record_type": "PERSON"}
    )


@strawberry.input(
    description="Who to look for, exactly: an ID number, a phone, or name and birth date."
)
class PersonSearch:
    """Who to look for, exactly."""

    id_number: str | None = strawberry.field(
        default=None, description="Number of the identity document; 15 digits find 18."
    )
    phone: str | None = strawberry.field(default=None, description="Telephone number.")
    name: str | None = strawberry.field(
        default=None, description="Name; only together with the birth date."
    )
    birth_date: Date | None = strawberry.field(
        default=None, description="Date of birth; only together with the name."
    )


@strawberry.type(description="People found, and what became of each region.")
class PersonMatches:
    """People found, and what became of each region."""

    matches: list[Person] = strawberry.field(
        description="Records of the person that the viewer may search for; at most 100."
    )
    more: bool = strawberry.field(
        description="Whether there are more than these 100: search by another item."
    )
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")


@strawberry.type(description="Whether a person is on record anywhere (查重, L503 2.1).")
class DuplicateCheck:
    """Whether a person is on record anywhere. Says only whether: not where, not how often."""

    exists: bool | None = strawberry.field(
        description="True when found; null when not found but a region did not answer."
    )
    complete: bool = strawberry.field(description="Whether every region answered.")


@strawberry.input(
    description="A person's data. In a correction leave out what shall stay; `*` never overwrites."
)
class PersonInput:
    """A person's data for registration (B11)."""

    name: str | None = strawberry.field(default=None, description="Name.")
    sex: str | None = strawberry.field(default=None, description="`M` or `F`.")
    age: PrivateInt | None = strawberry.field(
        default=None, description="Age in years; taken from the birth date where that is given."
    )
    birth_date: PrivateDate | None = strawberry.field(
        default=None, description="Date of birth; taken from a resident's ID number if not given."
    )
    id_type: str | None = strawberry.field(
        default=None, description="Kind of the identity document; `RESIDENT_ID` unless given."
    )
    id_number: str | None = strawberry.field(
        default=None, description="Number of the identity document; a resident's is checked."
    )
    phone: str | None = strawberry.field(default=None, description="Telephone number.")
    employer: str | None = strawberry.field(default=None, description="Employer or school.")
    employer_location: str | None = strawberry.field(
        default=None, description="Place of the employer."
    )
    residence: str | None = strawberry.field(default=None, description="Address of residence.")
    residence_code: RegionCode | None = strawberry.field(
        default=None, description="County of residence; taken from `residenceArea` if not given."
    )
    residence_area: str | None = strawberry.field(
        default=None,
        description="Code of the town (9 digits) or village (12 digits) of residence.",
    )
    whereabouts: str | None = strawberry.field(default=None, description="Current whereabouts.")
    guardian: str | None = strawberry.field(default=None, description="Guardian of a minor.")
    nationality: str | None = strawberry.field(default=None, description="Nationality.")
    occupation: str | None = strawberry.field(default=None, description="Occupation.")
    medical_worker: MedicalWorker | None = strawberry.field(
        default=None, description="Whether the person works in health care."
    )

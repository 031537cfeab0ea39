"""Private items and the directive that marks them (F3)."""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location

__all__ = ["MASK", "Private", "PrivateItem", "RecordType"]

MASK = "*"
"""What stands in place of a private value, whatever its type, length or absence."""


@strawberry.enum(description="Private items of individual records (L503 2.2).")
class PrivateItem(Enum):
    """Private items of individual records (L503 2.2)."""

    NAME = strawberry.enum_value("NAME", description="Name (姓名).")
    SEX = strawberry.enum_value("SEX", description="Sex (性别).")
    AGE = strawberry.enum_value("AGE", description="Age (年龄).")
    BIRTH_DATE = strawberry.enum_value("BIRTH_DATE", description="Date of birth (出生日期).")
    ID_NUMBER = strawberry.enum_value(
        "ID_NUMBER", description="Type and number of the identity document (身份证号)."
    )
    PHONE = strawberry.enum_value("PHONE", description="Telephone number (电话).")
    EMPLOYER = strawberry.enum_value("EMPLOYER", description="Employer or school (用人单位).")
    EMPLOYER_LOCATION = strawberry.enum_value(
        "EMPLOYER_LOCATION", description="Place of the employer (用人单位地址)."
    )
    RESIDENCE = strawberry.enum_value("RESIDENCE", description="Address of residence (住址).")
    WHEREABOUTS = strawberry.enum_value(
        "WHEREABOUTS", description="Where the person is, was or went (去向)."
    )
    GUARDIAN = strawberry.enum_value("GUARDIAN", description="Guardian (监护人).")
    SEAT = strawberry.enum_value("SEAT", description="Vehicle and seat (车次座位).")
    COORDINATES = strawberry.enum_value("COORDINATES", description="Coordinates (坐标).")
    REMARKS = strawberry.enum_value("REMARKS", description="Free text (备注).")


@strawberry.enum(
    description="Kinds of individual record that privacy rights are given for (L503 3.3)."
)
class RecordType(Enum):
    """Kinds of individual record that privacy rights are given for (L503 3.3)."""

    CASE = strawberry.enum_value("CASE", description="Case (病例).")
    CONTACT = strawberry.enum_value("CONTACT", description="Contact (密接).")
    ASSIST_REQUEST = strawberry.enum_value("ASSIST_REQUEST", description="Assist letter (协查函).")
    VISIT = strawberry.enum_value("VISIT", description="Health visit (随访).")
    SAMPLE = strawberry.enum_value("SAMPLE", description="Laboratory result (检测).")
    TRANSFER = strawberry.enum_value("TRANSFER", description="Transfer (转运).")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="private",
    description=(
        "A private item of a record. It is shown in clear to the direct reporter of the record, to "
        "holders of an approved, current right to this item (see `privacyRoles`; the description "
        "of each private field names the roles), and in an emergency (`breakGlass`); everyone else "
        "sees `*`."
    ),
)
class Private:
    """The directive `@private(item:)`."""

    item: PrivateItem

"""Scalars: dates, instants, codes, and the three that may be `*`."""

import re
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

__all__ = [
    "SCALARS",
    "AreaCode",
    "Date",
    "DateTime",
    "PrivateDate",
    "PrivateInt",
    "PrivateString",
    "RegionCode",
]

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
RegionCode = NewType("RegionCode", str)
AreaCode = NewType("AreaCode", str)
PrivateString = NewType("PrivateString", str)
PrivateInt = NewType("PrivateInt", str)
PrivateDate = NewType("PrivateDate", str)


def parse_date(value: object) -> str:
    """An ISO day. Raises GraphQLError; never echoes the value."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise GraphQLError("A Date is an existing day written YYYY-MM-DD.")


def parse_instant(value: object) -> str:
    """An instant with offset, brought to UTC and whole seconds. Raises GraphQLError."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            try:
                return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
            except OverflowError:
                pass
    raise GraphQLError("A DateTime is an ISO 8601 instant with offset, 2026-11-22T08:30:00+08:00.")


def parse_code(value: object) -> str:
    """A code of six digits. Raises GraphQLError."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{6}", value):
        return value
    raise GraphQLError("A RegionCode is a GB/T 2260 code of six digits, 320102.")


def parse_area(value: object) -> str:
    """A code of 6 to 12 digits. Raises GraphQLError."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{6,12}", value):
        return value
    raise GraphQLError("An AreaCode is a code of 6 to 12 digits: county, township, village.")


def parse_text(value: object) -> str:
    """A private text. Raises GraphQLError; never echoes the value."""
    if isinstance(value, str):
        return value
    raise GraphQLError("A private value is a string.")


def parse_whole(value: object) -> int | str:
    """A private whole number, or the mask. Raises GraphQLError."""
    if value == "*" or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise GraphQLError("A PrivateInt is a whole number.")


def parse_private_date(value: object) -> str:
    """A private day, or the mask. Raises GraphQLError."""
    return "*" if value == "*" else parse_date(value)


SCALARS: dict[object, ScalarDefinition] = {
    Date: strawberry.scalar(
        name="Date", description="A day, `2026-11-22`.", serialize=str, parse_value=parse_date
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant with offset; answered in UTC, `2026-11-22T00:30:00Z`.",
        serialize=str,
        parse_value=parse_instant,
    ),
    RegionCode: strawberry.scalar(
        name="RegionCode",
        description="A GB/T 2260 code, six digits; in a filter itself and all below it.",
        serialize=str,
        parse_value=parse_code,
    ),
    AreaCode: strawberry.scalar(
        name="AreaCode",
        description=(
            "Where somebody is: a GB/T 2260 code of six digits, or one of up to twelve of a "
            "township or village, which leads to its county."
        ),
        serialize=str,
        parse_value=parse_area,
    ),
    PrivateString: strawberry.scalar(
        name="PrivateString", description="A text, or `*`.", parse_value=parse_text
    ),
    PrivateInt: strawberry.scalar(
        name="PrivateInt", description="A whole number, or `*`.", parse_value=parse_whole
    ),
    PrivateDate: strawberry.scalar(
        name="PrivateDate", description="A day, or `*`.", parse_value=parse_private_date
    ),
}

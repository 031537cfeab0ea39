"""The question every server is asked, and the statement that stock and floor answer it with."""

from __future__ import annotations

import math

import orjson

__all__ = ["FIELDS", "PRIVATE", "QUESTION", "SQL", "body", "share"]

FIELDS = (
    "id",
    "level",
    "code",
    "name",
    "sex",
    "age",
    "idNumber",
    "phone",
    "traced",
    "outcome",
    "firstContactOn",
    "lastContactOn",
)
"""The twelve fields, in the order of the answer."""

PRIVATE = ("name", "sex", "age", "idNumber", "phone")
"""Those of them that a masked viewer sees as `*`."""

QUESTION = f"query($first:Int){{contacts(first:$first){{edges{{node{{{' '.join(FIELDS)}}}}}}}}}"

SQL = (
    "SELECT created_at, id, level, code, traced, outcome, first_contact_on, last_contact_on"
    " FROM contacts ORDER BY created_at DESC, id DESC LIMIT ?"
)
"""Only the columns needed, newest first by an index; the sort key leads each row."""


def body(first: int) -> bytes:
    """The request body for a page of `first` contacts."""
    return orjson.dumps({"query": QUESTION, "variables": {"first": first}})


def share(first: int, regions: int) -> int:
    """How many rows to ask one of `regions` for: as `resolvers.questions.listing.quota`.

    Not imported from there, so that the floor's memory is its own; a test holds them together.
    """
    expected = first / regions
    return min(first, math.ceil(expected + 3 * math.sqrt(expected)) + 1)

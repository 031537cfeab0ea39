"""An export for somebody outside: confined to what the approved request for data names (F9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from graphql import GraphQLSchema, get_named_type

from resolvers.catalog import RECORDS, private_fields
from resolvers.exports.columns import Column
from resolvers.exports.kinds import Kind
from resolvers.privacy.data_requests import ApprovedRequest
from resolvers.writing.refusing import Mistakes

__all__ = ["check_columns", "confined"]

_CHINA = timezone(timedelta(hours=8))  # days are local days
_RECORDS = {"CASE": "Case", "CONTACT": "Contact"}


def check_columns(
    request: ApprovedRequest,
    schema: GraphQLSchema,
    kind: Kind,
    columns: Sequence[Column],
    mistakes: Mistakes,
) -> None:
    """Adds a mistake where the export is of other records than were approved, by its kind or by a
    column, or has a private item that was not.
    """
    if _RECORDS[request.record_type] != kind.record:
        mistakes.add(
            ["kind"],
            f"the request was approved for {request.record_type}",
            f"该申请仅批准 {request.record_type}",
        )
        return
    for place, column in enumerate(columns):
        if _leads_elsewhere(schema, kind.record, column):
            mistakes.add(
                ["columns", str(place)],
                "the field is of another record, and the request was approved for these",
                "该字段属于其他记录，不在批准范围内",
            )
            continue
        item = _item(schema, kind.record, column)
        if item is not None and item not in request.items:
            mistakes.add(
                ["columns", str(place)],
                f"the request was not approved for {item}",
                f"该申请未批准隐私项 {item}",
            )


def confined(request: ApprovedRequest, wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """The filter, within the place and days the request was approved for."""
    days = {"from": _start(request.start, 0), "to": _start(request.end, 1)}
    approved = {"code": [request.code], "createdAt": days}
    return {"and": [dict(wanted or {}), approved]}


def _start(day: str, later: int) -> str:
    """The first instant of a day in China, or of one later."""
    found = datetime.combine(
        date.fromisoformat(day) + timedelta(days=later), datetime.min.time(), _CHINA
    )
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _leads_elsewhere(schema: GraphQLSchema, type_name: str, column: Column) -> bool:
    """Whether a column is of another record than the row's own, or of the person it is about: of
    the source case of a contact, say, which may lie outside of what was approved.
    """
    kind: Any = schema.type_map[type_name]
    for name in column.path:
        kind = get_named_type(kind.fields[name].type)
        if kind.name in RECORDS and kind.name != "Person":
            return True
    return False


def _item(schema: GraphQLSchema, type_name: str, column: Column) -> str | None:
    """The private item a column shows, if any."""
    kind: Any = schema.type_map[type_name]
    item = None
    for name in column.path:
        item = private_fields().get((kind.name, name))
        kind = get_named_type(kind.fields[name].type)
    return item

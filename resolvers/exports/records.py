"""Exports as they stand in the gateway's own store, and as their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from regions.exports import export_downloads, exports
from regions.users import accounts
from resolvers.exports.deciding import Officer, state_at
from resolvers.users import Role
from schema.exports import Export, ExportDownload, ExportFormat, ExportKind, ExportState

__all__ = [
    "Row",
    "begin_download",
    "end_download",
    "export_of",
    "officer",
    "read_rows",
    "rows_since",
]


@dataclass(frozen=True, slots=True)
class Row:
    """An export with who asked for it and every download."""

    export: Mapping[str, Any]
    name: str
    downloads: Sequence[Mapping[str, Any]]


def read_rows(
    connection: Connection, where: ColumnElement[bool], limit: int | None = None
) -> list[Row]:
    """Exports of which a condition holds, newest first."""
    asked = (
        select(exports, accounts.c.name.label("requester"))
        .join(accounts, accounts.c.account == exports.c.account, isouter=True)
        .where(where)
        .order_by(exports.c.requested_at.desc(), exports.c.id.desc())
    )
    found = connection.execute(asked.limit(limit) if limit is not None else asked).mappings().all()
    downloads: dict[str, list[Mapping[str, Any]]] = {}
    ids = [row["id"] for row in found]
    table = export_downloads
    for one in connection.execute(
        select(table).where(table.c.export.in_(ids)).order_by(table.c.number)
    ).mappings():
        downloads.setdefault(one["export"], []).append(dict(one))
    return [Row(dict(r), r["requester"] or "", downloads.get(r["id"], [])) for r in found]


def officer(connection: Connection, account: str) -> Officer | None:
    """An account as somebody who asks or decides."""
    table = accounts.c
    found = connection.execute(
        select(
            table.account, table.unit_id, table.name, table.role, table.head, table.person_index
        ).where(table.account == account)
    ).first()
    if found is None:
        return None
    decides = bool(found.head) or found.role == Role.BUSINESS_ADMINISTRATOR.name
    return Officer(found.account, found.unit_id, found.name, found.person_index, decides)


def rows_since(connection: Connection, account: str, since: str) -> int:
    """Rows of an account's exports since an instant that nobody approved."""
    table = exports.c
    found = connection.execute(
        select(func.coalesce(func.sum(table.rows), 0)).where(
            table.account == account,
            table.requested_at >= since,
            table.decided_by.is_(None),
            table.data_request.is_(None),
            table.state.in_(("READY", "DELIVERED")),
        )
    ).scalar_one()
    return int(found)


def begin_download(connection: Connection, export: str, at: str) -> int:
    """Notes that a file begins; its number."""
    table = export_downloads
    last = connection.execute(
        select(func.coalesce(func.max(table.c.number), 0)).where(table.c.export == export)
    ).scalar_one()
    connection.execute(
        insert(table).values(export=export, number=last + 1, started_at=at, missing="[]")
    )
    return int(last) + 1


def end_download(
    connection: Connection, export: str, number: int, *, whole: bool, **values: Any
) -> None:
    """Notes how a file ended; a whole one uses the link up."""
    table = export_downloads
    connection.execute(
        update(table).where(table.c.export == export, table.c.number == number).values(values)
    )
    if whole:
        connection.execute(update(exports).where(exports.c.id == export).values(state="DELIVERED"))


def export_of(row: Row, viewer: str, now: str) -> Export:
    """An export as its type, for the account that looks at it."""
    values = row.export
    state = state_at(values["state"], values["expires_at"], now)
    fetchable = state == "READY" and values["account"] == viewer
    return Export(
        id=values["id"],
        kind=ExportKind[values["kind"]],
        format=ExportFormat[values["format"]],
        columns=orjson.loads(values["columns"]),
        purpose=values["purpose"],
        recipient=values["recipient"],
        state=ExportState[state],
        rows=values["rows"],
        missing=orjson.loads(values["missing"]),
        url=f"/exports/{values['id']}" if fetchable else None,
        requested_at=values["requested_at"],
        expires_at=values["expires_at"],
        requested_by=values["account"],
        requester_name=row.name,
        decided_by=values["decided_by"],
        decided_at=values["decided_at"],
        reason=values["reason"],
        downloads=[
            ExportDownload(
                started_at=one["started_at"],
                ended_at=one["ended_at"],
                ending=one["ending"],
                rows=one["rows"],
                missing=orjson.loads(one["missing"]),
                sha256=one["content_sha256"],
            )
            for one in row.downloads
        ],
    )

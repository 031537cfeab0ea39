"""Exports as a list: one's own, and those of one's unit for whoever decides about them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, false, or_, tuple_

from regions.errors import TooLarge
from regions.exports import exports
from regions.instants import now
from resolvers.context import Context
from resolvers.exports.records import Row, export_of, officer, read_rows
from resolvers.filters import in_texts
from resolvers.questions.plans import page_size
from resolvers.rights import require
from schema.exports import ExportConnection, ExportEdge, ExportFilter, ExportState
from schema.nodes import PageInfo

__all__ = ["list_exports"]

_BOUND_TO = b"Export|requested_at"
_MOST_VALUES = 1_000


async def list_exports(
    context: Context, wanted: ExportFilter | None, first: int | None, after: str | None
) -> ExportConnection:
    """Exports, newest first."""
    viewer = context.signed_in()
    require(viewer, "exports")
    answering, at = context.answering, now()
    size = page_size(answering, first)
    place = answering.cursors.open(after, _BOUND_TO, 2) if after is not None else None
    matches = _condition(wanted, at)
    if place is not None:
        matches = and_(matches, tuple_(exports.c.requested_at, exports.c.id) < tuple_(*place))

    def work(connection: Connection) -> list[Row]:
        mine: ColumnElement[bool] = exports.c.account == viewer.account
        known = officer(connection, viewer.account)
        if known is not None and known.decides:
            mine = or_(mine, exports.c.unit_id == known.unit_id)
        return read_rows(connection, and_(mine, matches), size + 1)

    found = await context.central.do(work)
    context.question.trail.saw("export", [row.export["id"] for row in found[:size]])
    edges = [
        ExportEdge(
            cursor=answering.cursors.seal(
                [row.export["requested_at"], row.export["id"]], _BOUND_TO
            ),
            node=export_of(row, viewer.account, at),
        )
        for row in found[:size]
    ]
    return ExportConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > size,
            has_previous_page=place is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _condition(wanted: ExportFilter | None, at: str) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [exports.c.id != ""]
    if wanted is not None and wanted.ids is not None:
        if len(wanted.ids) > _MOST_VALUES:
            raise TooLarge(
                f"a filter has at most {_MOST_VALUES} values",
                argument="filter",
                hint="ask in parts",
            )
        parts.append(in_texts(exports.c.id, wanted.ids))
    if wanted is not None and wanted.state is not None:
        parts.append(or_(false(), *(_stands(state, at) for state in wanted.state)))
    return and_(*parts)


def _stands(state: ExportState, at: str) -> ColumnElement[bool]:
    table = exports.c
    if state is ExportState.EXPIRED:
        return and_(table.state.in_(("WAITING", "READY")), table.expires_at <= at)
    if state in (ExportState.WAITING, ExportState.READY):
        return and_(table.state == state.name, table.expires_at > at)
    return table.state == state.name

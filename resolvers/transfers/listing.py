"""`transfers`: those the viewer may see, over all regions, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select, tuple_

from regions.errors import InvalidInput, TooLarge
from regions.instants import now
from regions.reading import Read
from regions.statements import Statement, number, text_value
from regions.transfers import transfers
from resolvers.context import Context, region_answers
from resolvers.counting import ask_and_count, count_of
from resolvers.federation import Report
from resolvers.filters import in_texts, plain
from resolvers.nodes import parse_id
from resolvers.questions.plans import page_size
from resolvers.questions.question import Question
from resolvers.transfers.reading import COLUMNS, VIEWER_UNIT, of_person, transfer_of, visible
from schema.nodes import PageInfo
from schema.transfers import TransferConnection, TransferEdge, TransferFilter

__all__ = ["list_transfers"]

_BOUND_TO = b"Transfer|created_at"
_MOST_IDS = 1000
_CREATED, _ID, _SIDE = (COLUMNS.index(transfers.c[name]) for name in ("created_at", "id", "side"))


async def list_transfers(
    context: Context,
    wanted: TransferFilter | None,
    first: int | None,
    after: str | None,
    path: str,
    *,
    count: bool = False,
) -> TransferConnection:
    """Transfers, the newest first; all of them counted with `count`. Of one that the viewer may see
    on both sides in whole regions the sender's record is told, unless the filter asks for a side.
    Raises InvalidInput, TooLarge.
    """
    question, answering = context.opens_records(), context.answering
    federation = question.federation
    size = page_size(answering, first)
    place = answering.cursors.open(after, _BOUND_TO, 3) if after is not None else None
    chosen = plain(wanted) if wanted is not None else {}
    where, values = _chosen(chosen)
    values |= {VIEWER_UNIT: question.viewer.unit_id, "row_limit": size + 1}
    behind = [_behind()] if place is not None else []
    if place is not None:
        values |= {"created": place[0], "transfer": place[1], "side": place[2]}
    reads, counts = [], []
    for region in federation.concerned([question.scope.prefix]):
        conditions = [*where, *visible(question, region)]
        if "side" not in chosen:
            conditions += _once(question)
        dialect = federation.dialects[region]
        statement = Statement(
            select(*COLUMNS)
            .where(*conditions, *behind)
            .order_by(transfers.c.created_at.desc(), transfers.c.id.desc(), transfers.c.side.desc())
            .limit(number("row_limit")),
            dialect,
        )
        reads.append(Read(region, statement.sql, statement.bind(values)))
        if count:
            statement = count_of(transfers, conditions, dialect)
            counts.append(Read(region, statement.sql, statement.bind(values)))
    report, as_of = Report(len(federation.regions)), now()
    found: list[tuple[Sequence[Any], int]] = []
    answered, total = await ask_and_count(question, report, reads, counts, as_of)
    for read, answer in answered:
        found += [(row, read.region) for row in answer.rows]
    question.note_regions(report, path)
    found.sort(key=lambda one: _keys(one[0]), reverse=True)
    page = found[:size]
    question.spend(len(page))
    question.hold(len(page))
    for _, region in page:
        outcome = report.at(region)
        outcome.records = (outcome.records or 0) + 1
    question.trail.saw("transfer", list(dict.fromkeys(row[_ID] for row, _ in page)))
    edges = [
        TransferEdge(
            cursor=answering.cursors.seal(list(_keys(row)), _BOUND_TO),
            node=transfer_of(row, region, path),
        )
        for row, region in page
    ]
    return TransferConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > size,
            has_previous_page=place is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, report),
        total_count=total,
    )


def _keys(row: Sequence[Any]) -> tuple[str, str, str]:
    return row[_CREATED], row[_ID], row[_SIDE]


def _behind() -> ColumnElement[bool]:
    keys = tuple_(transfers.c.created_at, transfers.c.id, transfers.c.side)
    return keys < tuple_(text_value("created"), text_value("transfer"), text_value("side"))


def _once(question: Question) -> list[ColumnElement[bool]]:
    """Leaves out the receiver's record where the sender's is in sight, too."""
    federation, scope = question.federation, question.scope
    if scope.unit is not None:
        return []
    whole = [
        region.code
        for region in federation.regions
        if all(prefix.startswith(scope.prefix) for prefix in region.prefixes)
    ]
    if not whole:
        return []
    return [or_(transfers.c.side == "SENT", ~in_texts(transfers.c.from_region, whole))]


def _chosen(wanted: Mapping[str, Any]) -> tuple[list[ColumnElement[bool]], dict[str, Any]]:
    """The conditions of a filter, and values they are given."""
    found: list[ColumnElement[bool]] = []
    values: dict[str, Any] = {}
    if len(ids := wanted.get("ids") or ()) > _MOST_IDS:
        raise TooLarge(f"at most {_MOST_IDS} ids", argument="filter.ids", hint="ask in parts")
    for name, column in (("ids", transfers.c.id), ("state", transfers.c.state)):
        if name in wanted:
            found.append(in_texts(column, ids if name == "ids" else wanted[name]))
    for name, column in (
        ("side", transfers.c.side),
        ("fromUnit", transfers.c.from_unit),
        ("toUnit", transfers.c.to_unit),
    ):
        if name in wanted:
            found.append(column == wanted[name])
    if "updatedAfter" in wanted:
        found.append(transfers.c.updated_at >= wanted["updatedAfter"])
    if "person" in wanted:
        record, person = parse_id(wanted["person"])
        if record is None or record.name != "Person":
            raise InvalidInput("this is not the id of a person", argument="filter.person")
        found.append(of_person())
        values["person"] = person
    return found, values

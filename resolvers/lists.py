"""Lists of records in the ordinary way (plans answer most of them before this)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField

from resolvers.catalog import RECORDS, Field
from resolvers.context import Context, context_of, region_answers
from resolvers.filters import orders, plain
from resolvers.questions.listing import ListPlan
from resolvers.questions.ordinary import every_shaper
from resolvers.questions.plans import page_size
from schema.fields import One
from schema.nodes import PageInfo

__all__ = ["asks_for", "connection"]


async def connection(
    info: strawberry.Info,
    name: str,
    types: tuple[type[Any], type[Any]],
    wanted: Any,
    order_by: Any,
    first: int | None,
    after: str | None,
) -> Any:
    """A page of records of type `name` as its connection; `types` are connection and edge."""
    context: Context = context_of(info)
    question = context.opens_records()
    answering = context.answering
    record = RECORDS[name]
    size = page_size(answering, first)
    shaper, selected = every_shaper(answering, question.viewer, record)
    plan = ListPlan(
        question,
        shaper,
        record,
        selected,
        plain(wanted),
        orders(plain(order_by), record),
        count=asks_for(info.selected_fields, "totalCount"),
        edges=False,
    )
    width = len(plan.order) + 1
    place = answering.cursors.open(after, plan.bound_to, width) if after is not None else None
    page = await plan.page(question, size, place)
    path = str(info.path.key)
    question.note_regions(page.report, path)
    nodes = await context.records.objects(plan.shapes, page.rows, path)
    must = [one.python_name for one in record.fields.values() if _must_be(info, one)]
    asked = [(node, name) for node in nodes for name in must]
    if asked and (lost := await context.records.lost(asked)):
        nodes = [node for node in nodes if node._row[2] not in lost]
        page.amend([node._row for node in nodes], question.failures(path))
    connection_type, edge_type = types
    edges = [
        edge_type(cursor=answering.cursors.seal(row[0][:width], plan.bound_to), node=node)
        for row, node in zip(page.rows, nodes, strict=True)
    ]
    return connection_type(
        edges=edges,
        page_info=PageInfo(
            has_next_page=page.more,
            has_previous_page=place is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, page.report),
        total_count=page.total,
    )


def _must_be(info: strawberry.Info, field: Field) -> bool:
    """Whether a field asked for is a record of the same store, without which a row is none."""
    return (
        isinstance(field.source, One)
        and field.source.local
        and asks_for(info.selected_fields, field.name)
    )


def asks_for(
    selections: Iterable[SelectedField | FragmentSpread | InlineFragment], name: str
) -> bool:
    """Whether a field is asked for anywhere in a selection."""
    return any(
        (isinstance(one, SelectedField) and one.name == name) or asks_for(one.selections, name)
        for one in selections
    )

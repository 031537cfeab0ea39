"""Units of all regions as one list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select, true

from regions.errors import TooLarge
from regions.instants import now
from regions.reading import Read
from regions.reference import units
from regions.statements import Statement
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.filters import in_codes, in_texts, plain
from resolvers.questions.plans import page_size
from schema.enums import UnitLevel
from schema.nodes import PageInfo
from schema.users import Unit, UnitConnection, UnitEdge, UnitFilter

__all__ = ["list_units"]

_BOUND_TO = b"Unit|id"
_MOST_VALUES = 1000  # of all lists of a filter


async def list_units(
    context: Context, wanted: UnitFilter | None, first: int | None, after: str | None, path: str
) -> UnitConnection:
    """Units by id. A unit above the regions is in several stores and once in the list."""
    context.signed_in()
    question, answering = context.question, context.answering
    federation = question.federation
    size = page_size(answering, first)
    place = answering.cursors.open(after, _BOUND_TO, 1)[0] if after is not None else None
    chosen = plain(wanted) if wanted is not None else {}
    matches = _condition(chosen)
    statement = select(
        units.c.id, units.c.code, units.c.level, units.c.name_zh, units.c.name_en
    ).where(matches)
    reads = []
    for region in federation.everyone:
        compiled = Statement(statement, federation.dialects[region])
        reads.append(Read(region, compiled.sql, compiled.bind({})))
    report = Report(len(federation.regions))
    as_of = now()
    found: dict[str, Any] = {}
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        report.add(read.region, answer, as_of)
        if answer.failure is None:
            report.at(read.region).records = len(answer.rows)
            found.update((row[0], row) for row in answer.rows)
    question.note_regions(report, path)
    later = [found[key] for key in sorted(found) if place is None or key > place]
    edges = [
        UnitEdge(
            cursor=answering.cursors.seal([row[0]], _BOUND_TO),
            node=Unit(
                id=row[0], code=row[1], level=UnitLevel[row[2]], name_zh=row[3], name_en=row[4]
            ),
        )
        for row in later[:size]
    ]
    return UnitConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(later) > size,
            has_previous_page=place is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, report),
        total_count=len(found),
    )


def _condition(wanted: dict[str, Any]) -> ColumnElement[bool]:
    if sum(len(values) for values in wanted.values()) > _MOST_VALUES:
        raise TooLarge(
            f"a filter has at most {_MOST_VALUES} values", argument="filter", hint="ask in parts"
        )
    parts: ColumnElement[bool] = true()
    if "ids" in wanted:
        parts &= in_texts(units.c.id, wanted["ids"])
    if "level" in wanted:
        parts &= in_texts(units.c.level, wanted["level"])
    if "code" in wanted:
        parts &= in_codes(units.c.code, wanted["code"])
    return parts

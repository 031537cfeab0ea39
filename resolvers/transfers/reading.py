"""Reading transfers: which a viewer may see, their people and events, those of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import ColumnElement, and_, exists, literal_column, or_, select, tuple_

from regions.reading import Read
from regions.statements import Statement, number, text_value
from regions.text import Text, among, among_texts, quoted, under, written
from regions.transfers import transfer_events, transfer_people, transfers
from resolvers.federation import state_of
from resolvers.questions.question import Question
from resolvers.questions.rows import reaches_beyond, rows_of, select_rows
from resolvers.questions.shapes import ShapeSet
from resolvers.questions.sharing import sharing_regions
from resolvers.questions.views import SHARE_UNIT
from schema.transfers import (
    CustodyEvent,
    Transfer,
    TransferReason,
    TransferSide,
    TransferState,
)

if TYPE_CHECKING:
    from resolvers.context import Context

__all__ = [
    "COLUMNS",
    "VIEWER_UNIT",
    "event_of",
    "events_of",
    "people_of",
    "read_transfer",
    "rows_in",
    "transfer_of",
    "transfers_of",
    "visible",
]

VIEWER_UNIT = "viewer_unit"
_KEYS = "keys"

COLUMNS = tuple(
    transfers.c[name]
    for name in (
        "id",
        "side",
        "state",
        "from_region",
        "to_region",
        "from_unit",
        "to_unit",
        "reason",
        "planned_at",
        "departed_at",
        "arrived_at",
        "code",
        "created_at",
        "updated_at",
    )
)
"""What is read of a transfer, in this order (`transfer_of`)."""

_EVENT = tuple(
    transfer_events.c[name]
    for name in ("transfer_id", "at", "region", "event", "actor", "unit_id", "epoch", "id")
)


def visible(question: Question, region: int) -> list[ColumnElement[bool]]:
    """The condition that the viewer may see a side of a transfer in a region: that of a county of
    the jurisdiction, or one that the viewer's unit offers or decides on. Empty where all are.
    """
    own = or_(
        and_(transfers.c.side == "SENT", transfers.c.from_unit == text_value(VIEWER_UNIT)),
        and_(transfers.c.side == "RECEIVED", transfers.c.to_unit == text_value(VIEWER_UNIT)),
    )
    if question.scope.unit is not None:
        return [own]
    if reaches_beyond(question, region):
        return [or_(own, under(transfers.c.code, question.scope.prefix))]
    return []


def transfer_of(row: Sequence[Any], region: int, path: str) -> Transfer:
    """A row of `COLUMNS` as its type."""
    made = Transfer(
        id=row[0],
        side=TransferSide[row[1]],
        state=TransferState[row[2]],
        from_region=row[3],
        to_region=row[4],
        from_unit=row[5],
        to_unit=row[6],
        reason=TransferReason[row[7]],
        planned_at=row[8],
        departed_at=row[9],
        arrived_at=row[10],
        code=row[11],
        created_at=row[12],
        updated_at=row[13],
    )
    private: Any = made
    private._place, private._path = (region, row[1], row[0]), path
    return made


async def read_transfer(
    context: Context, region: int, transfer: str, side: str, path: str
) -> Transfer | None:
    """One side of a transfer from its store, None where the viewer may not see it (any more)."""
    question = context.question
    statement = Statement(
        select(*COLUMNS).where(
            transfers.c.id == text_value("transfer"),
            transfers.c.side == text_value("side"),
            *visible(question, region),
        ),
        question.federation.dialects[region],
    )
    values = {"transfer": transfer, "side": side, VIEWER_UNIT: question.viewer.unit_id}
    for _, row in await rows_in(
        question, [Read(region, statement.sql, statement.bind(values))], path
    ):
        question.spend(1)
        question.trail.saw("transfer", [transfer])
        return transfer_of(row, region, path)
    return None


def event_of(row: Sequence[Any]) -> CustodyEvent:
    """A row of `_EVENT` as its type."""
    return CustodyEvent(
        transfer_id=row[0],
        at=row[1],
        region=row[2],
        event=row[3],
        actor=row[4],
        unit_id=row[5],
        epoch=row[6],
    )


async def rows_in(
    question: Question, reads: Sequence[Read], path: str
) -> list[tuple[int, Sequence[Any]]]:
    """The rows of some reads with their regions; a region that does not answer is named."""
    found: list[tuple[int, Sequence[Any]]] = []
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        else:
            question.region_answered(read.region, path)
            found += [(read.region, row) for row in answer.rows]
    return found


def _by_region(of: Sequence[Transfer]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    for one in of:
        found.setdefault(one._place[0], []).append(one.id)  # type: ignore[attr-defined]  # set where the rows were read
    return found


async def people_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The people of some transfers, by each one's own record; where anything is shared with the
    viewer's unit, with what the sender lets it see.
    """
    question, path = context.question, of[0]._path
    wanted = _by_region(of)
    sharing = await sharing_regions(question, list(wanted), path)
    found: dict[Any, list[Any]] = {}
    for shared in (False, True):
        some = {region: ids for region, ids in wanted.items() if (region in sharing) is shared}
        if some:
            shapes = context.records.shapes("TransferPerson", shared=shared)
            await _people(context, shapes, some, path, found)
    return [found.get(one._place, []) for one in of]


async def _people(
    context: Context,
    shapes: ShapeSet,
    wanted: Mapping[int, list[str]],
    path: str,
    found: dict[Any, list[Any]],
) -> None:
    """Puts the people of transfers into `found`, by region, side and transfer."""
    question = context.question
    reads = []
    for region, ids in wanted.items():
        shape = shapes.of(region)
        known = shape.statements.get("of transfers")
        if known is None:
            transfer = shape.key(_text(transfer_people.c.transfer_id))
            shape.back = (transfer, shape.key(_text(transfer_people.c.side)))
            known = shape.statements["of transfers"] = Statement(
                select_rows(
                    shape,
                    [among_texts(transfer_people.c.transfer_id, text_value(_KEYS))],
                    [transfer_people.c.id],
                ),
                question.federation.dialects[region],
            )
        limit = question.answering.records_max - question.spent + 1
        values = {
            _KEYS: orjson.dumps(ids).decode(),
            "row_limit": limit,
            SHARE_UNIT: question.viewer.unit_id,
        }
        reads.append(Read(region, known.sql, known.bind(values)))
    rows = []
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        else:
            rows += rows_of(answer, shapes.of(read.region), read.region)
    records = await context.records.objects(shapes, rows, path)
    for row, record in zip(rows, records, strict=True):
        transfer, side = (row[0][at] for at in shapes.of(row[2]).back)
        found.setdefault((row[2], side, transfer), []).append(record)


def _text(column: ColumnElement[Any]) -> Text:
    return written(quoted(column))


async def events_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The events of some transfers, by each one's own record."""
    question = context.question
    reads = []
    for region, ids in _by_region(of).items():
        statement = _events(question.federation.dialects[region])
        values = {_KEYS: orjson.dumps(ids).decode()}
        reads.append(Read(region, statement.sql, statement.bind(values)))
    found: dict[tuple[int, str], list[CustodyEvent]] = {}
    for region, row in await rows_in(question, reads, of[0]._path):
        found.setdefault((region, row[0]), []).append(event_of(row))
    return [found.get((one._place[0], one.id), []) for one in of]


@cache
def _events(dialect: str) -> Statement:
    chosen = among_texts(transfer_events.c.transfer_id, text_value(_KEYS))
    order = (transfer_events.c.at, transfer_events.c.id)
    return Statement(select(*_EVENT).where(chosen).order_by(*order), dialect)


async def transfers_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The transfers of the persons of some contacts or cases, in the records' own store."""
    question = context.question
    table = of[0]._shapes.record.table
    keys: dict[int, list[int]] = {}
    for one in of:
        keys.setdefault(one._row[2], []).append(int(one.id.partition(":")[2]))
    reads = []
    for region, ids in keys.items():
        statement = Statement(
            select(*COLUMNS, table.c.id)
            .join(
                transfer_people,
                and_(
                    tuple_(transfer_people.c.transfer_id, transfer_people.c.side)
                    == tuple_(transfers.c.id, transfers.c.side)
                ),
            )
            .join(table, table.c.person_id == transfer_people.c.person_id)
            .where(among(table.c.id, text_value(_KEYS)), *visible(question, region))
            .order_by(transfers.c.created_at.desc(), transfers.c.id, transfers.c.side)
            .limit(number("row_limit")),
            question.federation.dialects[region],
        )
        values = {
            _KEYS: orjson.dumps(ids).decode(),
            VIEWER_UNIT: question.viewer.unit_id,
            "row_limit": question.answering.records_max - question.spent + 1,
        }
        reads.append(Read(region, statement.sql, statement.bind(values)))
    path = of[0]._path
    found: dict[tuple[int, int], list[Transfer]] = {}
    rows = await rows_in(question, reads, path)
    question.spend(len(rows))
    for region, row in rows:
        question.trail.saw("transfer", [row[0]])
        found.setdefault((region, row[-1]), []).append(transfer_of(row, region, path))
    return [found.get((one._row[2], int(one.id.partition(":")[2])), []) for one in of]


def of_person() -> ColumnElement[bool]:
    """Whether a transfer has the person given as `person`."""
    part = and_(
        transfer_people.c.transfer_id == transfers.c.id,
        transfer_people.c.side == transfers.c.side,
        transfer_people.c.person_id == number("person"),
    )
    return exists(select(literal_column("1")).where(part).correlate(transfers))

"""`recordVisit` and `recordSample`: what is done for a contact or a case (B2, B5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert, select

from regions.contacts import samples, visits
from regions.person_sealing import PeopleSealers
from resolvers.assist.following import tell_care
from resolvers.assist.rows import Who as Corresponding
from resolvers.catalog import RECORDS, Record
from resolvers.context import Context
from resolvers.nodes import parse_id
from resolvers.pathway.following import follow_sample, follow_visit
from resolvers.pathway.storing import Who
from resolvers.questions.rows import scope_condition
from resolvers.transfers.custodians import guard
from resolvers.writing.refusing import Mistakes, not_found
from resolvers.writing.rules import apply_rules
from resolvers.writing.stores import Store
from resolvers.writing.values import item, word
from resolvers.writing.writing import Writing, Wrote
from schema.writing.care import (
    RecordSampleInput,
    RecordSamplePayload,
    RecordVisitInput,
    RecordVisitPayload,
)

__all__ = ["record_sample", "record_visit"]

_REMARKS = 2000
_PATHS: Mapping[str, list[str]] = {
    "visited_at": ["visitedAt"],
    "temperature_tenths": ["temperatureTenths"],
    "co_residents": ["coResidents"],
    "co_residents_ill": ["coResidentsIll"],
    "taken_at": ["takenAt"],
    "result": ["result"],
    "result_at": ["resultAt"],
}


async def record_visit(context: Context, given: RecordVisitInput, path: str) -> RecordVisitPayload:
    """Records a visit. Raises Refusal."""
    writing = Writing(context, "recordVisit", given, path)
    mistakes = Mistakes()
    columns = {
        "visited_at": given.visited_at or writing.moment.now,
        "kind": given.kind.name,
        "temperature_tenths": given.temperature_tenths,
        "co_residents": given.co_residents,
        "co_residents_ill": given.co_residents_ill,
        "symptoms": orjson.dumps(
            [one.name for one in dict.fromkeys(given.symptoms or ())]
        ).decode(),
    }
    remarks = item(given.remarks, mistakes, ["remarks"], _REMARKS)
    number, repeated = await _record(writing, visits, given.record, columns, remarks, mistakes)
    return RecordVisitPayload(visit=await writing.read_one("Visit", number), repeated=repeated)


async def record_sample(
    context: Context, given: RecordSampleInput, path: str
) -> RecordSamplePayload:
    """Records a sample. Raises Refusal."""
    writing = Writing(context, "recordSample", given, path)
    mistakes = Mistakes()
    columns = {
        "taken_at": given.taken_at or writing.moment.now,
        "specimen": given.specimen.name,
        "test": given.test.name,
        "result": given.result.name,
        "result_at": given.result_at,
        "laboratory": word(given.laboratory, mistakes, ["laboratory"]),
    }
    remarks = item(given.remarks, mistakes, ["remarks"], _REMARKS)
    number, repeated = await _record(writing, samples, given.record, columns, remarks, mistakes)
    return RecordSamplePayload(sample=await writing.read_one("Sample", number), repeated=repeated)


async def _record(
    writing: Writing,
    table: Table,
    of: str,
    columns: Mapping[str, Any],
    remarks: str | None,
    mistakes: Mistakes,
) -> tuple[int, bool]:
    """Writes a row about a contact or a case; returns its number and whether it was there."""
    apply_rules(table.name, columns, mistakes, _PATHS, writing.moment)
    record, number = parse_id(of)
    if record is None or record.name not in ("Case", "Contact"):
        mistakes.add(
            ["record"], "this is not the id of a contact or a case", "这不是密接或病例的编号"
        )
    mistakes.stop()
    assert record is not None
    store, _ = await writing.locate(record.table, number, "record")
    kind = table.name.removesuffix("s")

    def work(connection: Connection, first: int, wrote: Wrote) -> dict[str, Any]:
        about = _about(connection, writing, store, record, number)
        guard(connection, store.settings.code, [about.person_id], adding=True)
        sealed = None
        if remarks:
            sealers = PeopleSealers(connection, store.sealer)
            sealed = sealers.seal(about.person_id, table.name, first, {"remarks": remarks})
        row = dict(columns) | {
            "id": first,
            "person_id": about.person_id,
            f"{record.kind}_id": number,
            "code": about.code,
            "sealed": sealed,
            "reporter": writing.viewer.account,
            "reporter_unit": writing.viewer.unit_id,
            "created_at": writing.moment.now,
        }
        connection.execute(insert(table).values(row))
        wrote[kind] = [first]
        who = Who(*writing.reporter, writing.moment.now)
        (follow_sample if table is samples else follow_visit)(connection, number, row, who)
        if record.kind == "contact":
            told = Corresponding(*writing.reporter, writing.moment.now, writing.trace)
            tell_care(connection, store, number, kind, first, told)
        return {kind: first}

    kept, repeated = await writing.once(store, 1, work)
    return kept[kind], repeated


def _about(
    connection: Connection, writing: Writing, store: Store, record: Record, number: int
) -> Any:
    """Person and county of the contact or case. Raises Refusal where the viewer may not open it."""
    table = RECORDS[record.name].table
    region = writing.region(store)
    found = connection.execute(
        select(table.c.person_id, table.c.code).where(
            table.c.id == number, *scope_condition(writing.question, table, region)
        )
    ).first()
    if found is None:
        raise not_found("record")
    return found

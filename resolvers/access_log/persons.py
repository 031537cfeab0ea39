"""Whatever the log can say of a person: the commitments of every record of theirs, anywhere (G7).

The same person has a record in each region that knows them; they are found by the blind indexes of
ID number, and of name and birth date. Nothing of that leaves the gateway but entries of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson
from sqlalchemy import Select, Table, or_, select

from regions.cases import cases
from regions.contacts import contacts, samples, visits
from regions.errors import InvalidInput
from regions.ids import region_of
from regions.instants import now
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among, among_texts
from resolvers.federation import Report
from resolvers.nodes import parse_id
from resolvers.questions.question import Question

__all__ = ["person_number", "records_of"]

_LINKED: Mapping[str, Table] = {
    "case": cases,
    "contact": contacts,
    "visit": visits,
    "sample": samples,
}
_SAME = ("id_number_index", "name_birth_index", "id_number_index_2", "name_birth_index_2")
_KEYS = "keys"


def person_number(given: str) -> int:
    """The number of a person's id. Raises InvalidInput."""
    record, number = parse_id(given)
    if record is None or record.name != "Person":
        raise InvalidInput("this is not the id of a person", hint="`person:` and a number")
    return number


async def records_of(
    question: Question, person: int, path: str, report: Report | None = None
) -> dict[str, list[int]]:
    """Ids of every record of a person, by kind, in all regions; what became of these goes into
    `report`.

    A region that did not answer is an error at the path: what it knows is missing.
    """
    federation = question.federation
    home = federation.index_of.get(region_of(person))
    report = report or Report(len(federation.regions))
    known: set[int] = {person}
    indexes: dict[str, str] = {}
    if home is not None:
        columns = [people.c[name] for name in _SAME]
        query = select(*columns).where(among(people.c.id, text_value(_KEYS)))
        for row in await _ask(question, report, [home], query, {_KEYS: _json([person])}):
            indexes |= {n: str(value) for n, value in zip(_SAME, row, strict=True) if value}
    if indexes:
        same = or_(*(among_texts(people.c[name], text_value(name)) for name in indexes))
        given = {name: _json([value]) for name, value in indexes.items()}
        rows = await _ask(
            question, report, federation.everyone, select(people.c.id).where(same), given
        )
        known |= {row[0] for row in rows}
    found: dict[str, list[int]] = {"person": sorted(known)}
    for kind, table in _LINKED.items():
        query = select(table.c.id).where(among(table.c.person_id, text_value(_KEYS)))
        given = {_KEYS: _json(known)}
        rows = await _ask(question, report, federation.everyone, query, given)
        found[kind] = sorted(row[0] for row in rows)
    question.note_regions(report, path)
    return found


async def _ask(
    question: Question,
    report: Report,
    regions: Iterable[int],
    query: Select[tuple[int]] | Select[tuple[str]],
    values: Mapping[str, str],
) -> list[Sequence[int]]:
    reads = []
    for region in regions:
        statement = Statement(query, question.federation.dialects[region])
        reads.append(Read(region, statement.sql, statement.bind(values)))
    rows = []
    as_of = now()
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        report.add(read.region, answer, as_of)
        if answer.failure is None:
            rows += list(answer.rows)
    return rows


def _json(values: Iterable[object]) -> str:
    return orjson.dumps(sorted(values, key=str)).decode()

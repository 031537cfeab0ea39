"""Finding people: the exact search of those with the right, the duplicate check for all (B13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, and_, exists, false, literal, or_, select, true

from regions.blind_index import BlindIndexer
from regions.errors import Forbidden, InvalidInput, TooManyCandidates
from regions.instants import now
from regions.people import INDEX_SETS
from regions.people import people as people_table
from regions.reading import Read
from regions.statements import Statement, text_value
from resolvers.catalog import RECORDS
from resolvers.context import Context, region_answers
from resolvers.duplicates import Candidate
from resolvers.federation import Report
from resolvers.questions.filling import Row
from resolvers.questions.question import Question, rules_in
from resolvers.questions.rows import living, rows_of, scope_condition, select_rows
from resolvers.questions.shapes import Shape
from resolvers.questions.views import covered
from schema.people import DuplicateCheck, PersonMatches, PersonSearch

__all__ = ["check_duplicate", "search_people"]

_MOST = 100
_ITEMS = {
    "id_number_index": frozenset({"ID_NUMBER"}),
    "phone_index": frozenset({"PHONE"}),
    "name_birth_index": frozenset({"NAME", "BIRTH_DATE"}),
}


@dataclass(frozen=True, slots=True)
class _Sought:
    """Blind indexes to look for, and the private items they stand for."""

    indexes: dict[str, str]  # by name of a column, and of the key they are under
    items: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """What is looked for: statements are the same for all who look for the same."""
        return tuple(self.indexes)


def _sought(indexer: BlindIndexer, search: PersonSearch) -> _Sought:
    if (search.name is None) != (search.birth_date is None):
        raise InvalidInput(
            "a name is searched together with a birth date", hint="give both, or an ID number"
        )
    given = {
        "id_number": search.id_number,
        "phone": search.phone,
        "name": search.name,
        "birth_date": search.birth_date,
    }
    found = {
        f"{column}__{number}": index
        for number, one in enumerate(indexer.every())
        for column, index in zip(INDEX_SETS[0], one.person(given), strict=True)
    }
    indexes = {name: index for name, index in found.items() if index is not None}
    if not indexes:
        raise InvalidInput(
            "nothing to look for", hint="give an ID number, a phone, or name and birth date"
        )
    items = frozenset().union(*(_ITEMS[name.partition("__")[0]] for name in indexes))
    return _Sought(indexes, items)


async def search_people(
    context: Context, indexer: BlindIndexer, search: PersonSearch, path: str
) -> PersonMatches:
    """People who match, among records of which the viewer sees the searched items in clear.

    A search by a masked item would tell what the mask hides, so it needs the right to the item.
    Raises Forbidden where the viewer has that right nowhere, InvalidInput.
    """
    question = context.opens_records()
    sought = _sought(indexer, search)
    federation = question.federation
    shapes = context.records.shapes("Person")
    reads = []
    for region in federation.concerned([question.scope.prefix]):
        statement = _search(question, shapes.of(region), sought, region)
        if statement is not None:
            values = {**sought.indexes, "row_limit": _MOST + 1}  # one shows that there are more
            reads.append(Read(region, statement.sql, statement.bind(values)))
    if not reads:
        raise Forbidden(
            "a search by a private item needs the right to see it",
            hint="checkDuplicate tells everyone whether a person is on record",
        )
    report = Report(len(federation.regions))
    as_of = now()
    rows: list[Row] = []
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        report.add(read.region, answer, as_of)
        if answer.failure is None:
            found = rows_of(answer, shapes.of(read.region), read.region)
            report.at(read.region).records = min(len(found), max(0, _MOST - len(rows)))
            rows += found
    question.note_regions(report, path)
    return PersonMatches(
        matches=await context.records.objects(shapes, rows[:_MOST], path),
        more=len(rows) > _MOST,
        regions=region_answers(question, report),
    )


def _search(question: Question, shape: Shape, sought: _Sought, region: int) -> Statement | None:
    """The search of one region, kept with the shape; None where the viewer has no right to it."""
    key = ("search", sought.names, region)
    if key in shape.statements:
        return shape.statements[key]
    allowed = _allowed(question, region, sought.items)
    if allowed is None:
        return None
    table = people_table
    where = [
        _matches(sought.names),
        allowed,
        *living(table),
        *scope_condition(question, table, region),
    ]
    statement = shape.statements[key] = Statement(
        select_rows(shape, where, [table.c.created_at, table.c.id]),
        question.federation.dialects[region],
    )
    return statement


def _matches(names: Sequence[str]) -> ColumnElement[bool]:
    """Whether one of the blind indexes of these names is the person's, in either set."""
    parts = []
    for name in names:
        place = INDEX_SETS[0].index(name.partition("__")[0])
        parts += [people_table.c[columns[place]] == text_value(name) for columns in INDEX_SETS]
    return or_(false(), *parts)


def _allowed(question: Question, region: int, items: frozenset[str]) -> ColumnElement[bool] | None:
    """The condition that the items of a record are shown in clear; None where they never are."""
    parts: list[ColumnElement[bool]] = []
    views = rules_in(question.viewer, question.federation, RECORDS["Person"], region)
    for item in sorted(items):  # one right may show one of them, another right another
        showing = [view for view in views if item in view.rule.items]
        if not showing:
            return None
        if not any(view.always for view in showing):
            parts.append(covered(people_table, [view.rule for view in showing]))
    return and_(true(), *parts)


async def check_duplicate(
    context: Context, indexer: BlindIndexer, candidate: PersonSearch, path: str
) -> DuplicateCheck:
    """Whether anybody matches, in any region, for any role that registers people. Raises
    InvalidInput, TooManyCandidates.
    """
    question = context.opens_records()
    sought = _sought(indexer, candidate)
    await _limit(question, candidate)
    federation = question.federation
    reads = []
    for region, dialect in enumerate(federation.dialects):
        statement = _exists(sought.names, dialect)
        reads.append(Read(region, statement.sql, statement.bind(sought.indexes)))
    report = Report(len(federation.regions))
    as_of = now()
    found = False
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        report.add(read.region, answer, as_of)
        found = found or (answer.failure is None and bool(answer.rows[0][0]))
    complete = not report.failed()
    # Which region failed is told; which region knows the person is not.
    question.note_regions(report, path)
    return DuplicateCheck(
        exists=True if found else (False if complete else None), complete=complete
    )


async def _limit(question: Question, candidate: PersonSearch) -> None:
    """Counts a candidate before any region is asked. Raises TooManyCandidates."""
    limit = question.answering.duplicates
    if limit is None:
        return
    tried = Candidate(candidate.id_number, candidate.phone, candidate.name, candidate.birth_date)
    try:
        question.trail.note_probe(await limit.count(question.viewer.account, tried))
    except TooManyCandidates as error:
        question.trail.note_probe(limit.told(int(error.details["limit"]) + 1))
        raise


@cache
def _exists(names: tuple[str, ...], dialect: str) -> Statement:
    found = exists(select(literal(1)).select_from(people_table).where(_matches(names)))
    return Statement(select(found), dialect)

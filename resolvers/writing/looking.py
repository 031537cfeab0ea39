"""What must be known of all regions before a write: one batch of reads, at most one a question.

Is the idempotency key used elsewhere, do the records exist that the new ones are linked to, is a
person on record already? A region that does not answer leaves its part open; nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from typing import Any

import orjson
from sqlalchemy import Select, Table, select, union

from regions.cases import cases
from regions.contacts import contacts
from regions.idempotency import idempotency
from regions.ids import region_of
from regions.people import INDEX_SETS, people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.statements import number as number_value
from regions.tables import regional
from regions.text import among, among_texts
from resolvers.federation import state_of
from resolvers.questions.question import Question

__all__ = ["Indexes", "Links", "Seen", "Sought", "look"]

Indexes = tuple[str | None, ...]
"""Blind indexes of ID number, phone, and name with birth date, under each key in turn."""

Links = Iterable[tuple[str, int]]
"""Records that are linked to: `case` or `contact`, and the id."""

_LINKED: Mapping[str, Table] = {"case": cases, "contact": contacts}


@dataclass(frozen=True, slots=True)
class Sought:
    """A record of which the living row is looked for, in some regions.

    `own`: by the row itself; else by that of its person, who may be handed over without it.
    """

    table: Table
    number: int
    own: bool
    regions: tuple[int, ...]


@dataclass(slots=True)
class Seen:
    """What was found. `used`: fingerprints of what the key was used for, by region."""

    used: dict[str, str] = field(default_factory=dict)
    there: set[tuple[str, int]] = field(default_factory=set)  # links that lead somewhere
    unknown: set[tuple[str, int]] = field(default_factory=set)  # links that do not
    diseases: dict[tuple[str, int], str] = field(default_factory=dict)
    """Diseases of records linked to, of those within the viewer's scope alone."""
    known: set[str] = field(default_factory=set)  # blind indexes on record
    complete: bool = True  # every region that was asked answered
    late: set[str] = field(default_factory=set)  # regions that did not answer within their deadline
    kept: dict[str, str | None] = field(default_factory=dict)
    """Regions with a row of the record sought: where its living row is, None for there itself."""
    silent: set[str] = field(default_factory=set)  # regions that could not say of the record sought

    def duplicate(self, indexes: Indexes) -> bool | None:
        """Whether somebody with one of the indexes is on record; None where that is not known."""
        wanted = {index for index in indexes if index is not None}
        if wanted & self.known:
            return True
        return False if self.complete or not wanted else None


async def look(
    question: Question,
    *,
    account: str,
    key: str,
    people_indexes: Sequence[Indexes] = (),
    links: Links = (),
    sought: Sought | None = None,
) -> Seen:
    """Asks every region that can know. `key` is the fingerprint of the idempotency key."""
    federation = question.federation
    seen = Seen()
    reads: list[Read] = []
    takers: list[Callable[[int, Sequence[Any]], None]] = []

    def ask(region: int, statement: Statement, values: Mapping[str, Any], taker: Any) -> None:
        reads.append(Read(region, statement.sql, statement.bind(values)))
        takers.append(taker)

    # An account writes in its jurisdiction alone: its keys are nowhere else.
    for region in federation.concerned([question.scope.prefix]):
        statement = _used(federation.dialects[region])
        ask(region, statement, {"of_account": account, "of_key": key}, _take_used(question, seen))

    by_kind = _sets(people_indexes)
    if any(by_kind.values()):
        values = {name: _array(found) for name, found in by_kind.items()}
        for region in federation.everyone:
            ask(region, _on_record(federation.dialects[region]), values, _take_known(seen))

    for (kind, region), ids in _by_region(question, links, seen).items():
        statement = _existing(kind, federation.dialects[region])
        ask(region, statement, {"ids": _array(ids)}, _take_links(question, seen, kind, ids))

    for region in sought.regions if sought is not None else ():
        assert sought is not None
        statement = _kept(sought.table.name, sought.own, federation.dialects[region])
        ask(region, statement, {"sought": sought.number}, _take_kept(question, seen))

    if reads:
        for read, taker, answer in zip(reads, takers, await federation.ask(reads), strict=True):
            code = federation.regions[read.region].code
            if answer.failure is None:
                question.trail.regions.setdefault(code, "ANSWERED")
                taker(read.region, answer.rows)
            else:
                question.trail.regions[code] = state_of(answer.failure)
                seen.complete = False
                if sought is not None and read.region in sought.regions:
                    seen.silent.add(code)
                if answer.failure.timed_out:
                    seen.late.add(code)
    return seen


def _array(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def _sets(people_indexes: Sequence[Indexes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"id_numbers": set(), "phones": set(), "names": set()}
    for indexes in people_indexes:
        for name, index in zip(cycle(found), indexes, strict=False):
            if index is not None:
                found[name].add(index)
    return found


def _by_region(question: Question, links: Links, seen: Seen) -> dict[tuple[str, int], list[int]]:
    """Ids of links by kind and region; those of regions that are not configured are unknown."""
    found: dict[tuple[str, int], list[int]] = {}
    for kind, number in dict.fromkeys(links):
        region = question.federation.index_of.get(region_of(number))
        if region is None:
            seen.unknown.add((kind, number))
        else:
            found.setdefault((kind, region), []).append(number)
    return found


def _take_used(question: Question, seen: Seen) -> Callable[[int, Sequence[Any]], None]:
    def take(region: int, rows: Sequence[Any]) -> None:
        for row in rows:
            seen.used[question.federation.regions[region].code] = row[0]

    return take


def _take_known(seen: Seen) -> Callable[[int, Sequence[Any]], None]:
    def take(_: int, rows: Sequence[Any]) -> None:
        seen.known.update(row[0] for row in rows)

    return take


def _take_links(
    question: Question, seen: Seen, kind: str, ids: Sequence[int]
) -> Callable[[int, Sequence[Any]], None]:
    where = question.scope

    def take(_: int, rows: Sequence[Any]) -> None:
        there = {row[0] for row in rows}
        for number in ids:
            (seen.there if number in there else seen.unknown).add((kind, number))
        for number, disease, code, unit in rows:
            within = code.startswith(where.prefix) and where.unit in (None, unit)
            if disease is not None and within:
                seen.diseases[kind, number] = disease

    return take


def _take_kept(question: Question, seen: Seen) -> Callable[[int, Sequence[Any]], None]:
    def take(region: int, rows: Sequence[Any]) -> None:
        for row in rows:
            seen.kept[question.federation.regions[region].code] = row[0]

    return take


@cache
def _used(dialect: str) -> Statement:
    return Statement(
        select(idempotency.c.payload_hash).where(
            idempotency.c.account == text_value("of_account"),
            idempotency.c.key == text_value("of_key"),
        ),
        dialect,
    )


@cache
def _existing(kind: str, dialect: str) -> Statement:
    table = _LINKED[kind]
    columns = (table.c[name] for name in ("id", "disease", "code", "reporter_unit"))
    return Statement(select(*columns).where(among(table.c.id, text_value("ids"))), dialect)


@cache
def _kept(name: str, own: bool, dialect: str) -> Statement:
    table = regional.tables[name]
    wanted = table.c.id == number_value("sought")
    if own or table is people:
        return Statement(select(table.c.kept_in).where(wanted), dialect)
    of_person = people.c.id == table.c.person_id
    return Statement(select(people.c.kept_in).join(table, of_person).where(wanted), dialect)


@cache
def _on_record(dialect: str) -> Statement:
    parts: list[Select[Any]] = [
        select(people.c[column].label("index")).where(
            among_texts(people.c[column], text_value(name))
        )
        for columns in INDEX_SETS
        for column, name in zip(columns, ("id_numbers", "phones", "names"), strict=True)
    ]
    return Statement(select(union(*parts).subquery().c.index), dialect)

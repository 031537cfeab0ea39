"""The records of each region as of the last midnight, counted and grouped once a day, kept in
memory.

Made of the records there were at midnight in China, so that workers and gateways make the same, and
the same question gives the same answer all day. A region that does not answer has none.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from regions.instants import instant, now, seconds_of
from regions.reading import Read
from regions.statements import Statement, text_value
from resolvers.aggregates.grouping import Grouping, group
from resolvers.aggregates.subjects import SUBJECTS, Line, Subject
from resolvers.federation import Report
from resolvers.questions.question import Question

__all__ = ["GroupTables", "RegionTable", "last_midnight"]

_DAY, _CHINA = 86_400, 28_800  # seconds


@dataclass(slots=True)
class RegionTable:
    """One region's records of a subject, counted as finely as can be, and the groups made of them.

    `diseases` are the names of the positions along their axis.
    """

    subject: Subject
    atoms: Mapping[tuple[int, ...], int]
    diseases: tuple[str, ...]
    key: bytes
    groupings: dict[tuple[str, ...], Grouping] = field(default_factory=dict)

    def grouping(self, lines: Sequence[Line]) -> Grouping:
        """The groups over some axes."""
        names = tuple(line.name for line in lines)
        found = self.groupings.get(names)
        if found is None:
            found = self.groupings[names] = self._grouped(lines, names)
        return found

    def _grouped(self, lines: Sequence[Line], names: tuple[str, ...]) -> Grouping:
        places = [self.subject.lines.index(line) for line in lines]
        atoms: dict[tuple[int, ...], int] = {}
        for point, number in self.atoms.items():
            seen = tuple([point[place] for place in places])
            atoms[seen] = atoms.get(seen, 0) + number
        key = hmac.digest(self.key, "|".join(names).encode(), "sha256")
        return group([line.axis(self.diseases) for line in lines], atoms.items(), key)


def last_midnight(at: str) -> str:
    """The instant at which the day began in China."""
    seconds = int(seconds_of(at)) + _CHINA
    return instant(seconds - seconds % _DAY - _CHINA)


class GroupTables:
    """The tables of one worker. A secret is derived from `key`."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"epigate aggregates", "sha256")
        self._kept: dict[tuple[str, int], RegionTable] = {}
        self._as_of = ""
        self._turn = asyncio.Lock()

    async def of(
        self, question: Question, subject: str, regions: Iterable[int]
    ) -> tuple[dict[int, RegionTable], Report, str]:
        """The tables of regions, what became of each, and the instant they are of."""
        async with self._turn:
            at = now()
            as_of = last_midnight(at)
            if as_of != self._as_of:
                self._kept.clear()
                self._as_of = as_of
            report = Report(len(question.federation.regions))
            wanted = list(regions)
            await self._make(question, subject, wanted, as_of, report, at)
            found = {}
            for region in wanted:
                if (table := self._kept.get((subject, region))) is not None:
                    found[region] = table
                    report.at(region).state = "ANSWERED"
                    report.at(region).as_of = as_of
            return found, report, as_of

    async def grouped(self, table: RegionTable, lines: Sequence[Line]) -> Grouping:
        """The groups of a table over some axes; made beside the event loop."""
        async with self._turn:
            return await asyncio.to_thread(table.grouping, lines)

    async def _make(
        self,
        question: Question,
        subject: str,
        regions: Sequence[int],
        as_of: str,
        report: Report,
        at: str,
    ) -> None:
        federation = question.federation
        reads = []
        for region in regions:
            if (subject, region) not in self._kept:
                statement = Statement(
                    _statement(SUBJECTS[subject]), federation.regions[region].dialect
                )
                reads.append(Read(region, statement.sql, statement.bind({"as_of": as_of})))
        known = question.answering.reference.disease_keys()
        for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
            report.add(read.region, answer, at)
            if answer.failure is None:
                self._kept[(subject, read.region)] = await asyncio.to_thread(
                    _counted, SUBJECTS[subject], answer.rows, known, self._key
                )


def _statement(subject: Subject) -> Any:
    columns = [line.column.label(f"c{place}") for place, line in enumerate(subject.lines)]
    return (
        select(*columns, func.count())
        .where(subject.table.c.created_at < text_value("as_of"))
        .group_by(*columns)
    )


def _counted(
    subject: Subject, rows: Sequence[Sequence[Any]], known: Iterable[str], key: bytes
) -> RegionTable:
    place = next((i for i, line in enumerate(subject.lines) if line.name == "disease"), None)
    there = {row[place] for row in rows} if place is not None else set()
    diseases = tuple(sorted(there.union(known)))
    index = {disease: number for number, disease in enumerate(diseases)}
    atoms: dict[tuple[int, ...], int] = {}
    for *values, number in rows:
        point = tuple(
            line.position(value, index) for line, value in zip(subject.lines, values, strict=True)
        )
        atoms[point] = atoms.get(point, 0) + int(number)
    return RegionTable(subject, atoms, diseases, key)

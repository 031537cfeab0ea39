"""Counts of the regions concerned, for what is computed again: replays, what-ifs, the tuner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from regions.instants import now
from regions.reading import Read
from regions.statements import Statement
from resolvers.alerts.counts import (
    Counted,
    Row,
    called_now,
    counts_of,
    first_counted,
    select_counts,
)
from resolvers.context import region_answers
from resolvers.federation import Report
from resolvers.questions.question import Question
from schema.nodes import RegionAnswer

__all__ = ["CountsAsked", "RegionCounts", "counts_asked"]


@dataclass(frozen=True, slots=True)
class RegionCounts:
    """Counts of one region (its number, its code), and since which day its record is complete, as
    its nights take them.
    """

    region: int
    code: str
    rows: Sequence[Row]
    since: str | None


@dataclass(frozen=True, slots=True)
class CountsAsked:
    """Counts of the regions that answered, and what became of each region."""

    parts: list[RegionCounts]
    answers: list[RegionAnswer]

    def together(self, prefix: str, regions: Collection[int], first: str, last: str) -> Counted:
        """The one series of all that is called by a prefix now, over the regions that hold it; its
        days are known since all of these have a record.
        """
        parts = [part for part in self.parts if part.region in regions]
        rows = [
            (row[0], prefix, *row[2:])
            for part in parts
            for row in part.rows
            if called_now(row[1]).startswith(prefix)
        ]
        since = max((part.since for part in parts if part.since is not None), default=None)
        return counts_of(rows, first, last, since, [prefix])


async def counts_asked(
    question: Question,
    prefixes: Sequence[str],
    diseases: Sequence[str],
    first: str,
    last: str,
    path: str,
) -> CountsAsked:
    """Asks the regions concerned for counts of some diseases and days, of what is called by some
    prefixes now.
    """
    federation, history_from = question.federation, question.answering.nights.history_from
    report, as_of = Report(len(federation.regions)), now()
    reads = []
    for region in federation.concerned(prefixes):
        dialect = federation.dialects[region]
        for statement in (select_counts(diseases, first, last, prefixes), first_counted()):
            compiled = Statement(statement, dialect)
            reads.append(Read(region, compiled.sql, compiled.bind({})))
    parts = []
    answers = await question.ask(reads) if reads else []
    for read, counted, begun in zip(reads[::2], answers[::2], answers[1::2], strict=True):
        failed = counted if counted.failure is not None else begun
        report.add(read.region, failed, as_of)
        if failed.failure is None:
            report.at(read.region).records = 0
            since = history_from or begun.rows[0][0]
            code = federation.regions[read.region].code
            parts.append(RegionCounts(read.region, code, counted.rows, since))
    question.note_regions(report, path)
    return CountsAsked(parts, region_answers(question, report))

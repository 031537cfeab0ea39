"""The published tables of each region, made once a day of the records there were at midnight.

Midnight is China's, so that workers and gateways make the same table, and the same question gives
the same answer all day. A region that does not answer has none.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from regions.instants import instant, now, seconds_of
from regions.reading import Read
from regions.settings import RegionSettings
from regions.statements import Statement, text_value
from resolvers.aggregates.publishing import CITY, COUNTY, PROVINCE, Published, publish
from resolvers.aggregates.subjects import SUBJECTS, Subject
from resolvers.federation import Report
from resolvers.questions.question import Question
from resolvers.questions.rows import living

__all__ = ["PublishedTables", "last_midnight", "published"]

_DAY, _CHINA = 86_400, 28_800  # seconds


def last_midnight(at: str) -> str:
    """The instant at which the day began in China."""
    seconds = int(seconds_of(at)) + _CHINA
    return instant(seconds - seconds % _DAY - _CHINA)


def published(
    subject: Subject, rows: Iterable[Sequence[Any]], region: RegionSettings, key: bytes
) -> Published:
    """The table of a region's records, counted by the subject's columns.

    Its secret is of the region and the subject: no two tables are rounded alike.
    """
    names = [one.name for one in subject.attributes]
    own = hmac.digest(key, f"{region.code}|{subject.table.name}".encode(), "sha256")
    return publish(map(subject.counted, rows), names, _digits(region), own)


def _digits(region: RegionSettings) -> int:
    """Digits of the place at the top of its table."""
    shortest = min(map(len, region.prefixes), default=0)
    return max((one for one in (PROVINCE, CITY, COUNTY) if one <= shortest), default=PROVINCE)


class PublishedTables:
    """The tables of one worker. A secret is derived from `key`."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"epigate aggregates", "sha256")
        self._kept: dict[tuple[str, int], Published] = {}
        self._as_of = ""
        self._turn = asyncio.Lock()

    async def of(
        self, question: Question, subject: str, regions: Iterable[int]
    ) -> tuple[dict[int, Published], Report, str]:
        """The tables of regions, what became of each, and the instant they are of."""
        async with self._turn:
            at = now()
            as_of = last_midnight(at)
            if as_of != self._as_of:
                self._kept.clear()
                self._as_of = as_of
            report = Report(len(question.federation.regions))
            wanted = list(regions)
            await self._make(question, subject, wanted, report, at)
            found = {}
            for region in wanted:
                if (table := self._kept.get((subject, region))) is not None:
                    found[region] = table
                    report.at(region).state = "ANSWERED"
                    report.at(region).as_of = as_of
            return found, report, as_of

    async def _make(
        self, question: Question, subject: str, regions: Sequence[int], report: Report, at: str
    ) -> None:
        federation = question.federation
        reads = []
        for region in regions:
            if (subject, region) not in self._kept:
                statement = Statement(
                    _statement(SUBJECTS[subject]), federation.regions[region].dialect
                )
                reads.append(Read(region, statement.sql, statement.bind({"as_of": self._as_of})))
        for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
            report.add(read.region, answer, at)
            if answer.failure is None:
                self._kept[(subject, read.region)] = await asyncio.to_thread(
                    published,
                    SUBJECTS[subject],
                    answer.rows,
                    federation.regions[read.region],
                    self._key,
                )


def _statement(subject: Subject) -> Any:
    columns = [column.label(f"c{place}") for place, column in enumerate(subject.columns)]
    return (
        select(*columns, func.count())
        .where(subject.table.c.created_at < text_value("as_of"), *living(subject.table))
        .group_by(*columns)
    )

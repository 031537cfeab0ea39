"""Lists: a page merged over the regions, each asked for its share and again only if that ran out.

A page of `first` records over n regions does not need `first` of each. Each is asked for what it is
expected to give (its share of the last pages of this plan, equal shares at first) and a margin of
three standard deviations; if a region's share ends before the page does, it is asked once more. A
first page that was given before is given again but for what came meanwhile: there each is asked for
what it gave, and hardly more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, tuple_

from regions.alerts import cluster_regions
from regions.errors import Forbidden, InvalidInput
from regions.instants import now
from regions.reading import Answer, Read
from regions.statements import Statement, number, text_value
from regions.text import text_aggregate, under
from resolvers.catalog import Record
from resolvers.diseases import require_diseases
from resolvers.federation import Report
from resolvers.filters import Order, code_prefixes, condition, named_diseases
from resolvers.questions.filling import Row
from resolvers.questions.question import Question
from resolvers.questions.rows import living, reaches_beyond, rows_of, scope_condition, select_rows
from resolvers.questions.selection import Selected
from resolvers.questions.shapes import ShapeSet
from resolvers.questions.shaping import Shaper

__all__ = ["ListPlan", "Page", "quota"]

_MARGIN = 3.0  # standard deviations
_MEMORY = 0.8  # weight of what was known of a region's share before
_LEARN_EVERY = 32  # pages
_LEARN_FROM = 10  # records of a page
_SIZES_KEPT = 32
_BEHIND = 2  # records of a region beyond what it gave of a first page: one shows that it went on
_NEWER = 32  # one more for so many that it gave


def quota(wanted: int, share: float) -> int:
    """How many of `wanted` records to ask of a region expected to hold this share of them."""
    expected = wanted * share
    return min(wanted, math.ceil(expected + _MARGIN * math.sqrt(expected)) + 1)


@dataclass(slots=True)
class Page:
    """A page: its rows in order, whether more follow, what became of the regions.

    `totals` are the numbers of records by region, empty where nobody asked for them.
    """

    rows: list[Row]
    more: bool
    report: Report
    totals: dict[int, int]

    @property
    def total(self) -> int:
        """How many records there are in the regions that answered."""
        return sum(self.totals.values())

    def amend(self, rows: list[Row], failures: Mapping[int, tuple[str, str]]) -> None:
        """Leaves `rows` after what belongs to them was read; `failures` happened in between."""
        gone = {row[2] for row in self.rows}.difference(row[2] for row in rows)
        self.rows, self.report = rows, self.report.copy()
        for region, (state, reason) in failures.items():
            outcome = self.report.at(region)
            outcome.state, outcome.reason = state, reason
            if region in gone:
                outcome.records = None
                self.totals.pop(region, None)


class ListPlan:
    """One list of one operation and viewer: shapes, statements, and where to ask."""

    def __init__(
        self,
        question: Question,
        shaper: Shaper,
        record: Record,
        selected: Sequence[Selected],
        wanted: Mapping[str, Any] | None,
        order: Sequence[Order],
        *,
        count: bool,
        edges: bool = True,
        reports: bool = True,
    ) -> None:
        self.record = record
        self.order = tuple(order)
        self._filter = wanted
        self._count = count
        self.reports = reports  # whether `regions` are asked for, with their records
        self.shown = any(one.name == "node" for one in selected)  # not their places alone
        self._where = condition(record, wanted)
        self.shapes = ShapeSet(
            shaper, record, selected, edges=edges, order=[one.key(record) for one in order]
        )
        self._diseases = tuple(named_diseases(wanted))
        asked = code_prefixes(wanted)
        within = _within(asked, question.scope.prefix)
        self.regions = question.federation.concerned(within)
        codes = bool((wanted or {}).get("code"))
        self._elsewhere = _elsewhere(record, within)
        self._outside = codes and not within
        self._nowhere = codes and not question.federation.concerned(asked)
        self._statements: dict[tuple[int, bool], Statement] = {}
        self._alike: dict[tuple[Any, ...], Statement] = {}
        self._all_well = Report(len(question.federation.regions))
        for region in self.regions:
            self._all_well.at(region).state = "ANSWERED"
        self._first_reads: dict[int, Sequence[Read]] = {}
        self._pages = 0
        self._shares = dict.fromkeys(self.regions, 1.0 / max(1, len(self.regions)))
        self.bound_to = "|".join(
            [record.name, *(f"{one.column} {one.descending}" for one in self.order)]
        ).encode()

    async def page(self, question: Question, first: int, after: Sequence[Any] | None) -> Page:
        """The page of `first` records after the given keys. Raises Forbidden, InvalidInput."""
        federation = question.federation
        self._require_reach()
        if self._diseases:
            await require_diseases(question, self._diseases, "filter.disease")
        wanted = first + 1
        as_of = now()
        reads = self._reads(question, wanted, after)
        rows: list[Row] = []
        open_regions: dict[int, None] = {}
        totals = {}
        answers = await question.ask(reads)
        if self._elsewhere is not None and (more := self._told_of(question, reads, answers)):
            further = [self._read(question, region, wanted, after) for region in more]
            answers = [*answers, *await question.ask(further)]
            reads = [*reads, *further]
        report = self._all_well
        beyond = len(reads) > len(self.regions)
        if self.reports or beyond or any(answer.failure for answer in answers):
            report = Report(len(federation.regions))
            for read, answer in zip(reads, answers, strict=True):
                report.add(read.region, answer, as_of)
        for read, answer in zip(reads, answers, strict=True):
            region = read.region
            if answer.failure is None:
                found = rows_of(answer, self.shapes.of(region), region)
                rows += found
                if len(found) == read.limit:
                    open_regions[region] = None
                if self._count:
                    totals[region] = answer.rows[0][2]
        self._sort(rows)
        ran_out = False
        while again := self._run_out(rows, open_regions, wanted):
            ran_out = True
            report = report.copy()
            rows = await self._ask_again(question, report, rows, open_regions, again, as_of)
            totals = {i: n for i, n in totals.items() if report.outcomes[i].state == "ANSWERED"}
        page = rows[:first]
        self._pages += 1
        now_and_then = self._pages % _LEARN_EVERY == 1
        if after is None and (ran_out or now_and_then or wanted not in self._first_reads):
            self._learn_first(question, rows, wanted, report)
        if self.reports or ran_out or now_and_then:
            self._learn(page, report, ran_out)
        return Page(page, len(rows) > first, report, totals)

    def _told_of(
        self, question: Question, reads: Sequence[Read], answers: Sequence[Answer]
    ) -> list[int]:
        """Regions that were not asked and keep clusters of places asked for, as others tell."""
        found: set[int] = set()
        for answer in answers:
            if answer.failure is None and (told := answer.rows[0][2 + self._count]):
                index_of = question.federation.index_of
                found.update(index_of[code] for code in told.split(",") if code in index_of)
        return sorted(found.difference(read.region for read in reads))

    def _require_reach(self) -> None:
        """Codes that cannot match anything are named: "no records" would be no answer to them."""
        if self._outside:
            text = "every code asked for is outside of your jurisdiction"
            raise Forbidden(text, argument="code")
        if self._nowhere:
            raise InvalidInput(
                "no region of this gateway holds a code asked for",
                argument="code",
                hint="the field regions lists them with their prefixes",
            )

    async def _ask_again(
        self,
        question: Question,
        report: Report,
        rows: list[Row],
        open_regions: dict[int, None],
        again: dict[int, tuple[int, Row]],
        as_of: str,
    ) -> list[Row]:
        """Rows with more from the regions that ran out; those of a region lost now are dropped."""
        width = len(self.order) + 1
        reads = [
            self._read(question, region, need, last[0][:width])
            for region, (need, last) in again.items()
        ]
        lost = set()
        for read, answer in zip(reads, await question.ask(reads), strict=True):
            report.add(read.region, answer, as_of)
            shape = self.shapes.of(read.region)
            found = rows_of(answer, shape, read.region) if answer.failure is None else []
            rows += found
            if answer.failure is not None:
                lost.add(read.region)  # half a region is no honest answer
            if len(found) < read.limit:
                del open_regions[read.region]
        if lost:
            rows = [row for row in rows if row[2] not in lost]
        self._sort(rows)
        return rows

    def _reads(
        self, question: Question, wanted: int, after: Sequence[Any] | None
    ) -> Sequence[Read]:
        """What to ask each region for; kept for first pages until others are learnt."""
        if after is None:
            known = self._first_reads.get(wanted)
            if known is not None:
                return known
        shares = self._shares
        return [
            self._read(question, region, quota(wanted, shares[region]), after)
            for region in self.regions
        ]

    def _learn_first(
        self, question: Question, rows: Sequence[Row], wanted: int, report: Report
    ) -> None:
        """Notes how many of a first page's records, and the one behind it, each region gave."""
        if report.failed():
            return
        given = Counter(map(itemgetter(2), rows[:wanted]))
        if len(self._first_reads) >= _SIZES_KEPT:
            self._first_reads.clear()
        self._first_reads[wanted] = [
            self._read(
                question,
                region,
                min(wanted, given[region] + _BEHIND + given[region] // _NEWER),
                None,
            )
            for region in self.regions
        ]

    def _read(
        self, question: Question, region: int, limit: int, after: Sequence[Any] | None
    ) -> Read:
        statement = self._statements.get((region, after is not None))
        if statement is None:
            statement = self._statement(question, region, after is not None)
        values: dict[str, Any] = {"row_limit": limit}
        if after is not None:
            for place, value in enumerate(after):
                values[f"after_{place}"] = value
        return Read(region, statement.sql, statement.bind(values), limit)

    def _statement(self, question: Question, region: int, after: bool) -> Statement:
        shape, dialect = self.shapes.of(region), question.federation.dialects[region]
        # Regions that are asked alike share a statement: compiling one takes milliseconds.
        alike = (id(shape), dialect, reaches_beyond(question, region), after)
        statement = self._alike.get(alike)
        if statement is None:
            statement = self._alike[alike] = self._compiled(question, region, after)
        self._statements[(region, after)] = statement
        return statement

    def _compiled(self, question: Question, region: int, after: bool) -> Statement:
        table = self.record.table
        where = [self._where, *living(table), *scope_condition(question, table, region)]
        more: list[ColumnElement[Any]] = []
        if self._count:
            more.append(select(func.count()).select_from(table).where(*where).scalar_subquery())
        if self._elsewhere is not None:
            more.append(self._elsewhere)
        if after:
            where.append(self._after())
        last = self.order[-1].descending
        order = [
            *((e.desc() if o.descending else e.asc()) for o, e in self._expressions()),
            table.c.id.desc() if last else table.c.id.asc(),
        ]
        return Statement(
            select_rows(self.shapes.of(region), where, order, *more),
            question.federation.dialects[region],
        )

    def _expressions(self) -> list[tuple[Order, ColumnElement[Any]]]:
        return [(one, one.expression(self.record)) for one in self.order]

    def _after(self) -> ColumnElement[bool]:
        """Records behind the keys `after_0` … in the order."""
        table = self.record.table
        pairs = [
            *self._expressions(),
            (Order("id", self.order[-1].descending), table.c.id),
        ]
        places: list[Any] = [text_value(f"after_{i}") for i in range(len(self.order))]
        places.append(number(f"after_{len(self.order)}"))
        if len({one.descending for one, _ in pairs}) == 1:
            left = tuple_(*(expression for _, expression in pairs))
            right = tuple_(*places)
            return left < right if pairs[0][0].descending else left > right
        found = []
        for i, (one, expression) in enumerate(pairs):
            beyond = expression < places[i] if one.descending else expression > places[i]
            equal = [pairs[j][1] == places[j] for j in range(i)]
            found.append(and_(*equal, beyond))
        return or_(*found)

    def _sort(self, rows: list[Row]) -> None:
        directions = {one.descending for one in self.order}
        if len(directions) == 1:
            rows.sort(reverse=directions.pop())
            return
        keyed = [(row[0], row) for row in rows]
        keyed.sort(key=lambda pair: pair[0][len(self.order)], reverse=self.order[-1].descending)
        for place in reversed(range(len(self.order))):
            keyed.sort(
                key=lambda pair, place=place: pair[0][place],  # type: ignore[misc]  # a default binds the loop's variable
                reverse=self.order[place].descending,
            )
        rows[:] = [row for _, row in keyed]

    def _run_out(
        self, rows: list[Row], open_regions: Collection[int], wanted: int
    ) -> dict[int, tuple[int, Row]]:
        """Regions whose share ended before the page did.

        For each how many more may be needed, and its last row.
        """
        if not open_regions:
            return {}
        waiting = set(open_regions)
        found: dict[int, tuple[int, Row]] = {}
        for place in range(len(rows) - 1, -1, -1):
            region = rows[place][2]
            if region in waiting:
                waiting.discard(region)
                if place < wanted - 1:
                    found[region] = (wanted - 1 - place, rows[place])
                if not waiting:
                    break
        return found

    def _learn(self, page: Sequence[Row], report: Report, ran_out: bool) -> None:
        """Notes which region gave how much of a page; remembers it for the next ones."""
        given = Counter(map(itemgetter(2), page))
        if report is not self._all_well:
            for region, outcome in enumerate(report.outcomes):
                if outcome.state == "ANSWERED":
                    outcome.records = given[region]
        if len(page) < _LEARN_FROM or not (ran_out or self._pages % _LEARN_EVERY == 1):
            return
        for region in self.regions:
            seen = given[region] / len(page)
            self._shares[region] = _MEMORY * self._shares[region] + (1 - _MEMORY) * seen


def _within(prefixes: Sequence[str], scope: str) -> list[str]:
    """Prefixes cut down to those of a jurisdiction."""
    found = []
    for prefix in prefixes:
        if prefix.startswith(scope):
            found.append(prefix)
        elif scope.startswith(prefix):
            found.append(scope)
    return found


def _elsewhere(record: Record, within: Sequence[str]) -> ColumnElement[Any] | None:
    """The regions that keep clusters of counties in some places, as a region knows of them; None
    where the records are no signals, or every region is asked anyway.
    """
    if record.name != "Signal" or not within or "" in within:
        return None
    places = or_(*(under(cluster_regions.c.code, prefix) for prefix in within))
    regions = select(cluster_regions.c.region).where(places).distinct().subquery()
    return select(text_aggregate(regions.c.region, literal_column("','"))).scalar_subquery()

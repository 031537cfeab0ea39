"""Counts by day of report, summed over the regions that hold a part of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import func, literal, literal_column, select, union_all

from regions.errors import Forbidden, InvalidInput, TooLarge
from regions.instants import now
from regions.reading import Read
from regions.statements import Statement
from regions.statistics import daily_counts
from regions.text import under
from resolvers.context import Context, region_answers
from resolvers.diseases import require_diseases
from resolvers.federation import Report
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from schema.enums import CountSource, Step
from schema.statistics import Count, CountSeries

__all__ = ["count_series"]

_MOST_SERIES = 500
_MOST_POINTS = 200_000


async def count_series(
    context: Context,
    keys: Sequence[str],
    codes: Sequence[str],
    start: str,
    end: str,
    step: Step,
    source: CountSource | None,
    path: str,
) -> list[CountSeries]:
    """A series for each disease, code and source: the source asked for, or each that has any counts
    of them (one of no cases where none has). Raises InvalidInput, Forbidden, TooLarge.
    """
    question = context.opens_records()
    diseases_wanted, codes_wanted = list(dict.fromkeys(keys)), list(dict.fromkeys(codes))
    prefixes = {code: code_prefix(code) for code in codes_wanted}
    _check(question.scope.prefix, diseases_wanted, codes_wanted, start, end)
    federation, reference = question.federation, context.answering.reference
    await require_diseases(question, diseases_wanted, "diseases")
    report = Report(len(federation.regions))
    as_of = now()
    reads = []
    for region in federation.concerned(prefixes.values()):
        settings = federation.regions[region]
        here = [
            code
            for code, prefix in prefixes.items()
            if any(p.startswith(prefix) or prefix.startswith(p) for p in settings.prefixes)
        ]
        asked = {code: prefixes[code] for code in here}
        statement = _statement(diseases_wanted, asked, start, end, source)
        compiled = Statement(statement, settings.dialect)
        reads.append(Read(region, compiled.sql, compiled.bind({})))
    found: dict[tuple[str, str, CountSource], dict[str, list[int]]] = {}
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, as_of)
        if answer.failure is not None:
            continue
        report.at(read.region).records = len(answer.rows)
        for disease, code, day, kept, cases, deaths in answer.rows:
            series = found.setdefault((disease, code, CountSource[kept]), {})
            cell = series.setdefault(first_day(day, step), [0, 0])
            cell[0] += int(cases)
            cell[1] += int(deaths)
    question.note_regions(report, path)
    steps = list(_steps(start, end, step))
    answers = region_answers(question, report)
    return [
        CountSeries(
            disease=disease_of(reference, disease),
            code=code,  # type: ignore[arg-type]  # scalars are text
            source=told,
            step=step,
            counts=[
                Count(start=day, cases=cell[0], deaths=cell[1])  # type: ignore[arg-type]  # scalars are text
                for day in steps
                for cell in (found.get((disease, code, told), {}).get(day, (0, 0)),)
            ],
            regions=answers,
        )
        for disease in diseases_wanted
        for code in codes_wanted
        for told in _sources(source, {one for one in CountSource if (disease, code, one) in found})
    ]


def _sources(wanted: CountSource | None, there: Collection[CountSource]) -> list[CountSource]:
    if wanted is not None:
        return [wanted]
    return [one for one in CountSource if one in there] or [CountSource.CASES]


def _check(scope: str, keys: Sequence[str], codes: Sequence[str], start: str, end: str) -> None:
    if start > end:
        raise InvalidInput("from is after to", argument="from")
    outside = [code for code in codes if not code_prefix(code).startswith(scope)]
    if outside:
        raise Forbidden(f"the code {outside[0]} is outside of your jurisdiction", argument="codes")
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days + 1
    series = len(keys) * len(codes)
    if series > _MOST_SERIES or series * days > _MOST_POINTS:
        raise TooLarge(
            f"{series} series of {days} days are more than {_MOST_SERIES} series or "
            f"{_MOST_POINTS} days at once",
            hint="ask for fewer diseases, codes or days",
        )


def _statement(  # type: ignore[no-untyped-def]  # SQLAlchemy's own type is three lines long
    keys: Sequence[str],
    prefixes: dict[str, str],
    start: str,
    end: str,
    source: CountSource | None,
):
    table = daily_counts.c
    parts = []
    for code, prefix in prefixes.items():
        where = [table.disease.in_(keys), table.day >= start, table.day <= end]
        if prefix:
            where.append(under(table.code, prefix))
        if source is not None:
            where.append(table.source == source.name)
        parts.append(
            select(
                table.disease,
                literal(code).label("asked"),
                table.day,
                table.source,
                func.sum(table.cases).label("cases"),
                func.sum(table.deaths).label("deaths"),
            )
            .where(*where)
            .group_by(table.disease, table.day, table.source)
        )
    whole = union_all(*parts).subquery()
    return select(whole).order_by(literal_column("1"))


def first_day(day: str, step: Step) -> str:
    """The first day of the step a day belongs to."""
    if step is Step.DAY:
        return day
    if step is Step.MONTH:
        return day[:8] + "01"
    one = date.fromisoformat(day)
    return (one - timedelta(days=one.weekday())).isoformat()


def _steps(start: str, end: str, step: Step) -> Iterable[str]:
    last = ""
    days = range(date.fromisoformat(start).toordinal(), date.fromisoformat(end).toordinal() + 1)
    for day in days:
        first = first_day(date.fromordinal(day).isoformat(), step)
        if first != last:
            yield first
            last = first

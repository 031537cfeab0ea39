"""`Signal.analysis`: the cards behind signals and the counts around them, read and put together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import String, case, cast, column, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB

from regions.instants import now
from regions.reading import Read
from regions.reference import diseases
from regions.statements import Statement, text_value
from regions.statistics import daily_counts
from regions.text import among_texts
from resolvers.alerts.analysing import (
    AGE_GROUPS,
    MASK,
    Card,
    CountyCounts,
    Curve,
    Grouping,
    Numbers,
    adjoining,
    age_group,
    curve,
    grouped,
    household,
    incubation,
    numbers,
    same,
    village,
    years_before,
)
from resolvers.alerts.behind import WINDOW_DAYS
from resolvers.alerts.counts import called_now, once_called
from resolvers.alerts.grounds import Findings, suggest
from resolvers.context import region_answers
from resolvers.federation import Report
from resolvers.filters import code_prefix
from schema.alerts import Signal, SignalKind
from schema.alerts_analysis import (
    SignalAnalysis,
    SignalCounty,
    SignalGroup,
    SignalGrouping,
    SignalOnsets,
    SignalPeople,
    SignalPlace,
    SignalRarity,
    SignalSuggestion,
    SignalTime,
)
from schema.alerts_forms import AgeGroupCases

if TYPE_CHECKING:
    from resolvers.context import Context

__all__ = ["analyses_of"]

_USED = frozenset({"employer", "residence", "age", "sex"})
_NUMBERS, _SINCE = "NUMBERS", "SINCE"  # what a row of the counts tells


async def analyses_of(context: Context, signals: Sequence[Any]) -> list[SignalAnalysis]:
    """The analyses of signals, one for each. Raises TooLarge."""
    counts, cards = await asyncio.gather(
        _read_counts(context, signals),
        asyncio.gather(*(context.gathered(one, "cases_behind") for one in signals)),
    )
    # Of all signals at once: a statement for each relation and region, whatever their number.
    people, units = await asyncio.gather(
        *(
            asyncio.gather(*(context.related(one, name) for cases in cards for one in cases))
            for name in ("person", "reported_by")
        )
    )
    beside = zip(people, units, strict=True)
    made = []
    for signal, around, cases in zip(signals, counts, cards, strict=True):
        facts = [_card(one, *next(beside)) for one in cases]
        made.append(_analysis(context, signal, around, cases, facts))
    return made


class _Counts:
    """The counts around one signal, and what became of the regions that were asked for them."""

    def __init__(self, signal: Any, regions: int, within: str, history_from: str | None) -> None:
        day = date.fromisoformat(signal.day)
        first = day - timedelta(days=WINDOW_DAYS - 1)
        self.first = first.isoformat()
        self.own = _counties(signal, within)
        self.beside = adjoining(self.own)
        self.values = {
            "disease": str(signal.disease.id),
            "codes": _json([*self.own, *self.beside]),
            "own": _json(self.own),
            "day": signal.day,
            "first": self.first,
            "before": (first - timedelta(days=WINDOW_DAYS)).isoformat(),
            "years": years_before(self.first),
        }
        self.report = Report(regions)
        self._found: dict[str, Numbers] = {}
        self._since: dict[str, str] = {}
        self._history_from = history_from

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """Adds a region's rows: one a county, and of the signal's own one more with the first day
        on record. What was counted by a code that died is the living one's.
        """
        for what, code, week, before, years, last in rows:
            place = called_now(code)
            if what == _SINCE:
                if last is not None:
                    self._since[place] = min(last, self._since.get(place, last))
                continue
            numbers = Numbers(int(week), int(before), int(years), last)
            self._found[place] = self._found.get(place, Numbers()) + numbers

    @property
    def since(self) -> str | None:
        """The first day of which the record of all the signal's counties tells."""
        return self._history_from or max(self._since.values(), default=None)

    def counties(self) -> list[CountyCounts]:
        """The signal's counties, then those that adjoin."""
        return [
            CountyCounts(code, own, self._found.get(called_now(code), Numbers()))
            for codes, own in ((self.own, True), (self.beside, False))
            for code in codes
        ]


def _json(codes: Sequence[str]) -> str:
    """Codes and what was counted by them before, as the statement takes them."""
    living = tuple({called_now(one): None for one in codes})
    return orjson.dumps([*living, *once_called(living)]).decode()


def _counties(signal: Any, within: str) -> tuple[str, ...]:
    """The counties of a signal; to whom a cluster is open by its other counties, those."""
    members = signal.members if signal.kind is SignalKind.CLUSTER else None
    found = tuple(members or (str(signal.code),))
    if code_prefix(signal.code).startswith(within):
        return found
    return tuple(code for code in found if code_prefix(code).startswith(within))


async def _read_counts(context: Context, signals: Sequence[Any]) -> list[_Counts]:
    """The counts around each signal, of every region that holds one of the counties: those that
    adjoin may lie beyond the viewer's jurisdiction, and are told as numbers alone.
    """
    question = context.question
    federation = question.federation
    since = context.answering.nights.history_from
    count, within = len(federation.regions), question.scope.prefix
    made = [_Counts(signal, count, within, since) for signal in signals]
    reads: list[tuple[_Counts, Read]] = []
    for one in made:
        prefixes = [code_prefix(code) for code in (*one.own, *one.beside)]
        for region in federation.concerned(prefixes):
            statement = _statement(federation.dialects[region])
            reads.append((one, Read(region, statement.sql, statement.bind(one.values))))
    as_of = now()
    answers = await question.ask([read for _, read in reads]) if reads else []
    for (one, read), answer in zip(reads, answers, strict=True):
        one.report.add(read.region, answer, as_of)
        if answer.failure is None:
            told = sum(row[0] == _NUMBERS for row in answer.rows)
            one.report.at(read.region).records = told
            one.take(answer.rows)
    for one, signal in zip(made, signals, strict=True):
        question.note_regions(one.report, signal._path)
    return made


@cache
def _statement(dialect: str) -> Statement:
    kept, zero = daily_counts.c, 0
    larger = (  # of a day with counts of two sources, as nights judge it
        select(kept.code, kept.day, func.max(kept.cases).label("cases"))
        .where(
            kept.disease == text_value("disease"),
            among_texts(kept.code, text_value("codes")),
            kept.day <= text_value("day"),
            kept.cases > zero,
        )
        .group_by(kept.code, kept.day)
        .subquery()
    )
    c = larger.c

    def summed(start: str, end: str, *, closed: bool = False) -> Any:
        until = c.day <= text_value(end) if closed else c.day < text_value(end)
        inside = (c.day >= text_value(start)) & until
        return func.coalesce(func.sum(case((inside, c.cases), else_=zero)), zero)

    counted = select(
        literal_column(f"'{_NUMBERS}'"),
        c.code,
        summed("first", "day", closed=True),
        summed("before", "first"),
        summed("years", "first"),
        func.max(case((c.day < text_value("first"), c.day))),
    ).group_by(c.code)
    # A look at the first row of each disease in the county, where the whole record would be read.
    own: Any
    if dialect == "sqlite":
        own = func.json_each(text_value("own")).table_valued("value").alias("own")
    else:
        listed = func.jsonb_array_elements_text(cast(text_value("own"), JSONB))
        own = listed.table_valued(column("value", String)).render_derived("own")
    first = select(func.min(kept.day)).where(
        kept.disease == diseases.c.key, kept.code == own.c.value
    )
    begins = (
        select(
            literal_column(f"'{_SINCE}'"),
            own.c.value,
            *(func.coalesce(zero, zero) for _ in range(3)),
            func.min(first.scalar_subquery()),
        )
        .select_from(own.join(diseases, true()))
        .group_by(own.c.value)
    )
    return Statement(counted.union_all(begins), dialect)


def _analysis(
    context: Context, signal: Signal, around: _Counts, cases: Sequence[Any], cards: Sequence[Card]
) -> SignalAnalysis:
    for one in cases:
        context.records.show(one, "Case", _USED)
    disease = str(signal.disease.id)
    seen = Findings(
        single_case=signal.kind is SignalKind.SINGLE_CASE,
        first=around.first,
        cards=cards,
        households=grouped((one.residence for one in cards), household),
        employers=grouped((one.employer for one in cards), same),
        villages=grouped((one.residence for one in cards), village),
        occupations=grouped(one.occupation for one in cards),
        curve=curve([one.onset_on for one in cards], incubation(disease)),
        counties=around.counties(),
        since=around.since,
        missing=bool(around.report.failed()),
    )
    found = numbers(one for one in seen.counties if one.own)
    return SignalAnalysis(
        cases=len(cases),
        place=_place(context, seen, grouped(one.unit for one in cards), cases),
        time=_time(seen.curve, disease),
        people=_people(seen, context, cases),
        rarity=SignalRarity(
            last_on=found.last,  # type: ignore[arg-type]  # scalars are text
            five_years=found.five_years,
            since=around.since,  # type: ignore[arg-type]  # scalars are text
        ),
        suggestions=[
            SignalSuggestion(
                ground=one.ground, holds=one.holds, reason=one.reason, reason_zh=one.reason_zh
            )
            for one in suggest(seen)
        ],
        regions=region_answers(context.question, around.report),
    )


def _card(case: Any, person: Any, unit: Any) -> Card:
    return Card(
        onset_on=case.onset_on,
        unit=unit.id if unit is not None else None,
        occupation=person.occupation if person is not None else None,
        employer=case.employer,
        residence=case.residence,
        age=case.age,
        sex=case.sex,
    )


def _groups(
    context: Context, found: Grouping, cases: Sequence[Any], *, public: bool
) -> SignalGrouping:
    context.question.hold(sum(len(places) for _, places in found.groups))
    return SignalGrouping(
        groups=[
            SignalGroup(
                value=key if public else None,
                cases=len(places),
                members=[cases[place] for place in places],
            )
            for key, places in found.groups
        ],
        unknown=found.unknown,
        hidden=found.hidden,
    )


def _place(context: Context, seen: Findings, units: Grouping, cases: Sequence[Any]) -> SignalPlace:
    return SignalPlace(
        households=_groups(context, seen.households, cases, public=False),
        employers=_groups(context, seen.employers, cases, public=False),
        villages=_groups(context, seen.villages, cases, public=False),
        units=_groups(context, units, cases, public=True),
        counties=[
            SignalCounty(
                code=one.code,  # type: ignore[arg-type]  # scalars are text
                own=one.own,
                cases=one.numbers.week,
                before=one.numbers.before,
                rising=one.numbers.rises,
            )
            for one in seen.counties
        ],
    )


def _time(found: Curve, disease: str) -> SignalTime:
    usual = incubation(disease)
    return SignalTime(
        onsets=[SignalOnsets(on=day, cases=cases) for day, cases in found.onsets],  # type: ignore[arg-type]  # scalars are text
        unknown=found.unknown,
        incubation_from=usual.shortest if usual is not None else None,
        incubation_to=usual.longest if usual is not None else None,
        within_days=found.days,
        together=found.together,
        followers=found.followers,
    )


def _people(seen: Findings, context: Context, cases: Sequence[Any]) -> SignalPeople:
    ages, ages_unknown, ages_hidden = _seen(seen.cards, lambda one: one.age)
    sexes, sexes_unknown, sexes_hidden = _seen(seen.cards, lambda one: one.sex)
    by_age = Counter(age_group(int(one)) for one in ages)
    by_sex = Counter(sexes)
    return SignalPeople(
        ages=AgeGroupCases(**{f"from_{first}": by_age[first] for first in AGE_GROUPS})
        if ages
        else None,
        ages_unknown=ages_unknown,
        ages_hidden=ages_hidden,
        males=by_sex["M"] if sexes else None,
        females=by_sex["F"] if sexes else None,
        sexes_unknown=sexes_unknown,
        sexes_hidden=sexes_hidden,
        occupations=_groups(context, seen.occupations, cases, public=True),
    )


def _seen(cards: Sequence[Card], of: Callable[[Card], Any]) -> tuple[list[Any], int, int]:
    """The values that are known and may be seen; how many are not known, how many hidden."""
    values = [of(card) for card in cards]
    shown = [one for one in values if one is not None and one != MASK]
    unknown = sum(one is None for one in values)
    return shown, unknown, len(values) - len(shown) - unknown

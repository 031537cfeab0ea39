"""`detect` by a scan: which clusters a county is in, day by day; stores nothing.

A scan looks at the counties of the viewer's jurisdiction alone: what is counted beyond it is not
told, so that for a county or a city it is not the scan of the night.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from regions.errors import InvalidInput, TooLarge
from resolvers.alerts.cluster_scans import RegionRead, RuleScan, first_day, scan_rule
from resolvers.alerts.clustering import counties
from resolvers.alerts.counts import called_now
from resolvers.alerts.parameters import checked
from resolvers.alerts.region_counts import CountsAsked, counts_asked
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.context import Context
from resolvers.questions.ordinary import disease_of
from schema.alerts import (
    DetectedDay,
    DetectedSeries,
    DetectInput,
    DetectionMethod,
    RuleOrigin,
)

__all__ = ["detect_clusters"]

_MOST_SCANS = 31  # diseases x days

_Way = tuple[Rule | None, Mapping[str, Any]]


async def detect_clusters(
    context: Context,
    given: DetectInput,
    book: RuleBook,
    whatif: tuple[DetectionMethod, Mapping[str, Any]] | None,
    path: str,
) -> list[DetectedSeries]:
    """A series for each disease and county. Raises InvalidInput, TooLarge, AlertRuleInvalid."""
    question = context.opens_records()
    diseases, codes = list(dict.fromkeys(given.diseases)), list(dict.fromkeys(given.codes))
    _check(given, diseases, codes)
    scope = question.scope.prefix
    ways = {
        (disease, code): _way(book, str(disease), called_now(code), given.end, whatif)
        for disease in diseases
        for code in codes
    }
    rules = {rule.id: (rule, values) for rule, values in ways.values() if rule is not None}
    first = min((first_day(*one, given.start) for one in rules.values()), default=given.start)
    asked = await counts_asked(question, [scope], diseases, first, given.end, path)
    own = {one.code: one.prefixes for one in question.federation.regions}
    reference = context.answering.reference

    def compute() -> list[DetectedSeries]:
        scans = {
            name: _scans(None if whatif else book, *one, given, asked, own, scope)
            for name, one in rules.items()
        }
        return [
            DetectedSeries(
                disease=disease_of(reference, str(disease)),
                code=code,
                method=DetectionMethod.NONE if rule is None else rule.method,
                rule_id=None if rule is None or whatif else rule.id,  # type: ignore[arg-type]  # scalars are text
                days=[] if rule is None else _days(scans[rule.id], rule, values, called_now(code)),
                regions=asked.answers,
            )
            for (disease, code), (rule, values) in ways.items()
        ]

    return await asyncio.to_thread(compute)


def _check(given: DetectInput, diseases: Sequence[Any], codes: Sequence[str]) -> None:
    known = frozenset(counties())
    others = [code for code in codes if called_now(code) not in known]
    if others:
        raise InvalidInput(
            f"a scan tells of counties, and {others[0]} is none",
            argument="input.codes",
            hint="ask for counties by codes of six digits",
        )
    days = (date.fromisoformat(given.end) - date.fromisoformat(given.start)).days + 1
    if len(diseases) * days > _MOST_SCANS:
        raise TooLarge(
            f"{len(diseases)} diseases on {days} days are more than {_MOST_SCANS} scans at once",
            hint="ask for fewer diseases or days",
        )


def _way(
    book: RuleBook,
    disease: str,
    code: str,
    day: str,
    whatif: tuple[DetectionMethod, Mapping[str, Any]] | None,
) -> _Way:
    """The rule of the county on the last day, or one that is tried, with every parameter."""
    if whatif is not None:
        method, values = whatif
        tried = Rule(
            f"tried {disease}", 1, "", disease, method, values, "", None, RuleOrigin.NATIONAL
        )
        return tried, values
    rule = book.effective(disease, code, day, clusters=True)
    return rule, {} if rule is None else checked(rule.method, rule.parameters, rule=rule.id)


def _scans(
    book: RuleBook | None,
    rule: Rule,
    values: Mapping[str, Any],
    given: DetectInput,
    asked: CountsAsked,
    own: Mapping[str, Sequence[str]],
    scope: str,
) -> dict[str, RuleScan]:
    """The scan of each day asked for."""
    regions = [
        RegionRead(one.code, own[one.code], one.rows, one.since)
        for one in sorted(asked.parts, key=lambda one: one.code)
    ]
    begin, end = (date.fromisoformat(day).toordinal() for day in (given.start, given.end))
    days = [date.fromordinal(ordinal).isoformat() for ordinal in range(begin, end + 1)]
    return {
        day: scan_rule(book, rule, values, day, regions, within=scope, every=True) for day in days
    }


def _days(
    scans: Mapping[str, RuleScan], rule: Rule, values: Mapping[str, Any], code: str
) -> list[DetectedDay]:
    return [_day(day, one, rule.disease, values, code) for day, one in scans.items()]


def _day(
    day: str, scan: RuleScan, disease: str, values: Mapping[str, Any], code: str
) -> DetectedDay:
    told = next((one for one in scan.clusters if code in one.members), None)
    today, lately = _own(scan, disease, day, code, values["window"])
    return DetectedDay(
        day=day,  # type: ignore[arg-type]  # scalars are text
        cases=today,
        observed=lately if told is None else float(told.observed),
        expected=None if told is None else told.expected,
        bound=None,
        score=None if told is None else told.score,
        alarm=told is not None and told.recurrence >= values["recurrence"],
        enough=code in scan.places.codes,
        members=None if told is None else list(told.members),  # type: ignore[arg-type]  # scalars are text
        recurrence_days=None if told is None else told.recurrence,
    )


def _own(scan: RuleScan, disease: str, day: str, code: str, width: int) -> tuple[int, float | None]:
    """The county's own cases of the day, and of the longest window."""
    counted = next((part.counted for part in scan.parts if code in part.codes), None)
    if counted is None:
        return 0, None
    if disease not in counted.cases or code not in counted.codes:
        return 0, 0.0
    at = counted.position(day)
    row = counted.cases[disease][counted.codes.index(code)]
    lately = float(np.nansum(row[max(0, at - width + 1) : at + 1]))
    return int(np.nan_to_num(row[at])), lately

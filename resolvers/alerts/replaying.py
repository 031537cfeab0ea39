"""`detect`: what a method says of series, day by day; a replay or a what-if that stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import orjson

from regions.errors import AlertRuleInvalid, Forbidden, InvalidInput, TooLarge
from resolvers.alerts.counts import Counted, called_now
from resolvers.alerts.detecting import WINDOW
from resolvers.alerts.judging import SERIES_METHODS, history_days, judge
from resolvers.alerts.parameters import checked
from resolvers.alerts.region_counts import counts_asked
from resolvers.alerts.replaying_clusters import detect_clusters
from resolvers.alerts.rules import CLUSTER_METHODS, Rule, RuleBook, read_rules
from resolvers.context import Context
from resolvers.diseases import require_diseases
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from schema.alerts import (
    DetectedDay,
    DetectedSeries,
    DetectInput,
    DetectionMethod,
    DetectionParameterInput,
)

__all__ = ["detect_series", "tried"]

_MOST_SERIES = 200
_MOST_DAYS = 400
_MOST_POINTS = 20_000


async def detect_series(context: Context, given: DetectInput, path: str) -> list[DetectedSeries]:
    """A series for each disease and code; the counts of a code are those of all below it, so a
    split region tells the same. Raises InvalidInput, Forbidden, TooLarge, AlertRuleInvalid.
    """
    question = context.opens_records()
    federation, reference = question.federation, context.answering.reference
    diseases, codes = list(dict.fromkeys(given.diseases)), list(dict.fromkeys(given.codes))
    _check(question.scope.prefix, diseases, codes, given.start, given.end)
    await require_diseases(question, diseases, "input.diseases")
    book = await context.central.do(read_rules)
    whatif = _whatif(given)
    if given.clusters or (whatif is not None and whatif[0] in CLUSTER_METHODS):
        way = None if whatif is None or whatif[1] is None else (whatif[0], whatif[1])
        return await detect_clusters(context, given, book, way, path)
    rules = {
        (disease, code): whatif or _rule(book, disease, code, given.end)
        for disease in diseases
        for code in codes
    }
    history = max(
        (history_days(method, values) for method, values, _ in rules.values() if values),
        default=WINDOW,
    )
    first = date.fromordinal(
        max(1, date.fromisoformat(given.start).toordinal() - history)
    ).isoformat()
    prefixes = {code: code_prefix(called_now(code)) for code in codes}
    asked = await counts_asked(question, list(prefixes.values()), diseases, first, given.end, path)
    held = {code: federation.concerned([prefix]) for code, prefix in prefixes.items()}

    def compute() -> list[DetectedSeries]:
        found = []
        for code, prefix in prefixes.items():
            counted = asked.together(prefix, held[code], first, given.end)
            for disease in diseases:
                method, values, rule = rules[(disease, code)]
                found.append(
                    DetectedSeries(
                        disease=disease_of(reference, disease),
                        code=code,
                        method=method,
                        rule_id=rule.id if rule is not None else None,  # type: ignore[arg-type]  # scalars are text
                        days=_days(counted, disease, method, values, given),
                        regions=asked.answers,
                    )
                )
        return found

    return await asyncio.to_thread(compute)


def _check(scope: str, diseases: Sequence[str], codes: Sequence[str], start: str, end: str) -> None:
    if start > end:
        raise InvalidInput("from is after to", argument="input.from")
    outside = [code for code in codes if not code_prefix(code).startswith(scope)]
    if outside:
        raise Forbidden(
            f"the code {outside[0]} is outside of your jurisdiction", argument="input.codes"
        )
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days + 1
    series = len(diseases) * len(codes)
    if series > _MOST_SERIES or days > _MOST_DAYS or series * days > _MOST_POINTS:
        raise TooLarge(
            f"{series} series of {days} days are more than {_MOST_SERIES} series, {_MOST_DAYS} "
            f"days or {_MOST_POINTS} answers at once",
            hint="ask for fewer diseases, codes or days",
        )


_Way = tuple[DetectionMethod, dict[str, Any] | None, Rule | None]
"""Method, its parameters (None: it judges no series), the rule that says so."""


def _whatif(given: DetectInput) -> _Way | None:
    if given.method is None:
        if given.parameters:
            raise InvalidInput("parameters are of a method", argument="input.method")
        return None
    which = CLUSTER_METHODS if given.clusters else SERIES_METHODS | CLUSTER_METHODS
    values, _ = tried(given.method, given.parameters or (), which)
    return given.method, values, None


def tried(
    method: DetectionMethod,
    parameters: Iterable[DetectionParameterInput],
    methods: Collection[DetectionMethod] = SERIES_METHODS,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every parameter of a method that is tried, one of `methods`, and those that were given.
    Raises InvalidInput.
    """
    if method not in methods:
        raise InvalidInput(
            "this method cannot be tried here",
            argument="input.method",
            hint=f"one of {', '.join(sorted(one.name for one in methods))}",
        )
    told: dict[str, Any] = {}
    for one in parameters:
        try:
            told[one.name] = orjson.loads(one.value)
        except orjson.JSONDecodeError:
            raise InvalidInput(
                "the value of a parameter is no JSON", argument="input.parameters"
            ) from None
    try:
        return checked(method, told), told
    except AlertRuleInvalid as error:
        raise InvalidInput(error.message, argument="input.parameters", hint=error.hint) from None


def _rule(book: RuleBook, disease: str, code: str, day: str) -> _Way:
    """The way that holds for the code on the last day asked for."""
    rule = book.effective(disease, code_prefix(called_now(code)), day)
    if rule is None or rule.method not in SERIES_METHODS:
        return (DetectionMethod.NONE if rule is None else rule.method), None, rule
    return rule.method, checked(rule.method, rule.parameters, rule=rule.id), rule


def _days(
    counted: Counted,
    disease: str,
    method: DetectionMethod,
    values: dict[str, Any] | None,
    given: DetectInput,
) -> list[DetectedDay]:
    begin = counted.position(given.start)
    at = list(range(begin, counted.days))
    if values is None:
        return []
    cases = counted.cases.get(disease, np.zeros((1, counted.days)))
    judged = judge(method, values, cases, counted.first, at)

    def number(value: Any) -> float | None:
        return float(value) if np.isfinite(value) else None

    return [
        DetectedDay(
            day=counted.day(position),  # type: ignore[arg-type]  # scalars are text
            cases=int(np.nan_to_num(cases[0, position])),
            observed=number(judged.observed[0, i]),
            expected=number(judged.expected[0, i]),
            bound=number(judged.bound[0, i]),
            score=number(judged.score[0, i]),
            alarm=bool(judged.alarm[0, i]),
            enough=bool(judged.enough[0, i]),
        )
        for i, position in enumerate(at)
    ]

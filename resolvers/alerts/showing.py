"""The rules as they are told: `detectionRules`, and the rule that came of an application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from regions.ids import padded
from resolvers.alerts.rules import Rule, read_rules
from resolvers.context import Context
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from resolvers.reference import Reference
from schema.alerts import DetectionParameter, DetectionRule

__all__ = ["list_rules", "parameters_of", "rule_told"]


async def list_rules(context: Context, code: str | None, day: str) -> list[DetectionRule]:
    """Every rule that is run; of a code those that hold there on the day. Raises StoreError."""
    context.signed_in()
    book = await context.central.do(read_rules)
    reference, nights = context.answering.reference, context.answering.nights
    found = book.rules if code is None else book.of(code_prefix(code), day)
    run = (rule for rule in found if not rule.clusters or nights.runs(rule))
    return [rule_told(rule, reference) for rule in sorted(run, key=_key)]


def _key(rule: Rule) -> tuple[Any, ...]:
    return rule.disease, rule.prefix, rule.effective_from, rule.id


def rule_told(rule: Rule, reference: Reference) -> DetectionRule:
    """A rule as its type."""
    return DetectionRule(
        id=rule.id,  # type: ignore[arg-type]  # scalars are text
        version=rule.version,
        code=padded(rule.prefix),  # type: ignore[arg-type]  # scalars are text
        disease=disease_of(reference, rule.disease),
        method=rule.method,
        parameters=parameters_of(rule.parameters),
        effective_from=rule.effective_from,  # type: ignore[arg-type]  # scalars are text
        effective_to=rule.effective_to,  # type: ignore[arg-type]  # scalars are text
        origin=rule.origin,
    )


def parameters_of(values: Mapping[str, Any]) -> list[DetectionParameter]:
    """The parameters of a rule as their type, by name."""
    return [
        DetectionParameter(name=name, value=orjson.dumps(value).decode())
        for name, value in sorted(values.items())
    ]

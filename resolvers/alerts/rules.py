"""Rules as data: which method watches a disease in a county on a day (E4, E5, E7).

Of the rules for a disease those of the longest prefix hold, among them the one that came into
effect last. Cards and series are one question, clusters another: a rule of either kind never hides
one of the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, select

from regions.alerts import detection_rules
from schema.alerts import DetectionMethod, RuleOrigin

__all__ = [
    "CLUSTER_METHODS",
    "Rule",
    "RuleBook",
    "read_rules",
    "rule_from_text",
    "rule_text",
    "rules_from",
]

CLUSTER_METHODS = frozenset(
    {DetectionMethod.SPACE_TIME_PERMUTATION, DetectionMethod.SPACE_TIME_POISSON}
)
"""Methods that look at the counts of all counties together."""

_NEVER_ENDS = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `prefix` is its area (`""` the country), days are included both."""

    id: str
    version: int
    prefix: str
    disease: str
    method: DetectionMethod
    parameters: Mapping[str, Any]
    effective_from: str
    effective_to: str | None
    origin: RuleOrigin

    @property
    def clusters(self) -> bool:
        """Whether it looks for clusters of counties."""
        return self.method in CLUSTER_METHODS

    def holds(self, code: str, day: str) -> bool:
        """Whether it is about a county on a day."""
        return self.on(day) and code.startswith(self.prefix)

    def on(self, day: str) -> bool:
        """Whether it is in effect on a day."""
        return self.effective_from <= day <= (self.effective_to or _NEVER_ENDS)


@dataclass(frozen=True)
class RuleBook:
    """All rules; which of them holds is found by disease."""

    rules: tuple[Rule, ...] = ()
    singly: frozenset[str] = field(init=False, repr=False, compare=False)
    """Diseases that some rule watches by single cases: no other card needs a second look."""
    _by_disease: dict[str, list[Rule]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sorts the rules so that the first that holds is the one."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.disease, []).append(rule)
        for those in found.values():
            those.sort(
                key=lambda one: (len(one.prefix), one.effective_from, one.version, one.id),
                reverse=True,
            )
        object.__setattr__(self, "_by_disease", found)
        single = (one.disease for one in self.rules if one.method is DetectionMethod.SINGLE_CASE)
        object.__setattr__(self, "singly", frozenset(single))

    def effective(
        self, disease: str, code: str, day: str, *, clusters: bool = False
    ) -> Rule | None:
        """The rule for a disease in a county (or an area) on a day, None where there is none.

        One that says NONE is an answer, too: nobody watches.
        """
        for rule in self._by_disease.get(disease, ()):
            if rule.clusters == clusters and rule.holds(code, day):
                return rule
        return None

    def single_case(self, disease: str, code: str, day: str) -> Rule | None:
        """The rule by which each card of the disease signals in the county on the day, or None."""
        rule = self.effective(disease, code, day)
        return rule if rule is not None and rule.method is DetectionMethod.SINGLE_CASE else None

    def of(self, code: str, day: str) -> list[Rule]:
        """The rules that hold for a county or area on a day, by disease."""
        found = []
        for disease in self._by_disease:
            for clusters in (False, True):
                rule = self.effective(disease, code, day, clusters=clusters)
                if rule is not None:
                    found.append(rule)
        return found

    def on(self, day: str, prefixes: Sequence[str] = ("",)) -> list[Rule]:
        """The rules in effect on a day for any place under, or around, one of the prefixes."""
        return [
            rule
            for rule in self.rules
            if rule.on(day)
            and any(rule.prefix.startswith(p) or p.startswith(rule.prefix) for p in prefixes)
        ]

    def digest(self, day: str, prefixes: Sequence[str] = ("",)) -> str:
        """What names the rules of a day there: SHA-256, in hexadecimal."""
        told = sorted(
            [rule.id, rule.version, rule.prefix, rule.disease, rule.method.name, rule.parameters]
            for rule in self.on(day, prefixes)
        )
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_rules(connection: Connection) -> RuleBook:
    """The rules of the gateway's own store."""
    return RuleBook(tuple(rules_from(connection.execute(select(detection_rules)).mappings())))


def rules_from(rows: Iterable[Mapping[Any, Any]]) -> Iterable[Rule]:
    """Rules of rows of `detection_rules`."""
    for row in rows:
        yield Rule(
            id=row["id"],
            version=row["version"],
            prefix=row["prefix"],
            disease=row["disease"],
            method=DetectionMethod[row["method"]],
            parameters=orjson.loads(row["parameters"]),
            effective_from=row["effective_from"],
            effective_to=row["effective_to"],
            origin=RuleOrigin[row["origin"]],
        )


def rule_text(rule: Rule) -> str:
    """A rule as JSON, to be kept with what it found."""
    kept = {
        "id": rule.id,
        "version": rule.version,
        "prefix": rule.prefix,
        "disease": rule.disease,
        "method": rule.method.name,
        "parameters": orjson.dumps(dict(rule.parameters)).decode(),
        "effective_from": rule.effective_from,
        "effective_to": rule.effective_to,
        "origin": rule.origin.name,
    }
    return orjson.dumps(kept).decode()


def rule_from_text(text: str) -> Rule:
    """The rule that `rule_text` wrote."""
    (rule,) = rules_from([orjson.loads(text)])
    return rule

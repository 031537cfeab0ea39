"""What must hold of an application for a rule: who applies for what, who decides, and what the
rules of the area say (requirements E7). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from regions.errors import AlertRuleInvalid
from regions.ids import padded
from resolvers.alerts.change_table import Guard
from resolvers.alerts.parameters import checked
from resolvers.alerts.rules import RuleBook
from resolvers.users import prefix_of
from resolvers.users.levels import NATIONAL, cdc_of
from schema.alerts import DetectionMethod as Method
from schema.alerts import RuleOrigin
from schema.alerts_changes import RuleChangeKind as Kind

__all__ = ["ORIGINS", "Wanted", "applicants", "deciding_unit", "may_apply"]

_PROVINCE, _CITY, _COUNTY = 2, 4, 6  # digits of their prefixes
_LEVELS: Mapping[Kind, tuple[int, ...]] = {
    Kind.NEW_DISEASE: (_PROVINCE,),
    Kind.SINGLE_CASE: (_CITY, _COUNTY),
    Kind.OWN_METHOD: (_PROVINCE,),
}

ORIGINS: Mapping[Kind, RuleOrigin] = {
    Kind.NEW_DISEASE: RuleOrigin.APPLICATION,
    Kind.SINGLE_CASE: RuleOrigin.APPLICATION,
    Kind.OWN_METHOD: RuleOrigin.PROVINCE,
}
"""What the rule of an application says of its origin."""


def may_apply(kind: Kind, unit_id: str, code: str) -> bool:
    """Whether officers of a unit apply for such a change: of the CDC of a level that does."""
    return unit_id == cdc_of(code) and len(prefix_of(code)) in _LEVELS[kind]


def applicants(kind: Kind) -> tuple[str, str]:
    """Who applies for such a change, in English and Chinese."""
    if kind is Kind.SINGLE_CASE:
        return "the CDC of a city or county", "市级或县级疾控机构"
    return "the CDC of a province", "省级疾控机构"


def deciding_unit(kind: Kind, code: str) -> str:
    """The unit that approves and sets: the country's for a disease more, else the province's."""
    return NATIONAL if kind is Kind.NEW_DISEASE else cdc_of(padded(code[:_PROVINCE]))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rule an application is for; days are included both."""

    kind: Kind
    prefix: str
    disease: str
    method: Method
    parameters: Mapping[str, Any]
    effective_from: str
    effective_to: str | None

    def begins(self, today: str) -> str:
        """The first day it holds if it is set today: what is past, and today, stays as it was."""
        return max(self.effective_from, (date.fromisoformat(today) + timedelta(days=1)).isoformat())

    def failing(self, book: RuleBook, today: str) -> set[Guard]:
        """The guards that fail by the rules of its first day and by the calendar."""
        day = self.begins(today)
        found = self._by_rules(book, day)
        if self.effective_to is not None and self.effective_to < day:
            found.add(Guard.OVER)
        try:
            checked(self.method, self.parameters)
        except AlertRuleInvalid:
            found.add(Guard.PARAMETERS)
        return found

    def _by_rules(self, book: RuleBook, day: str) -> set[Guard]:
        there = book.effective(self.disease, self.prefix, day)
        method = Method.NONE if there is None else there.method
        if self.kind is Kind.NEW_DISEASE:
            return set() if method is Method.NONE else {Guard.WATCHED}
        if self.kind is Kind.SINGLE_CASE:
            return set() if method is Method.MOVING_PERCENTILE else {Guard.NOT_PERCENTILE}
        if method is Method.NONE:
            return {Guard.NOT_WATCHED}
        country = book.effective(self.disease, "", day)  # only rules of the country have it
        if country is None or country.method is Method.NONE:
            return set()
        if country.method is Method.SINGLE_CASE and self.method is not Method.SINGLE_CASE:
            return {Guard.SINGLE_CASE_STAYS}
        return {Guard.NATIONAL_STAYS} if self.method is Method.NONE else set()

"""Rules between the values of one record, as data: what they look at and what must hold.

A rule is asked when a record is registered, and in a correction of one of the fields it looks at:
what was loaded from a real list may break some of them, and a correction of another field must not
fail on it. `row` has the values of the record's columns; a missing value is None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import FIRST_DAY, Moment, day_of

__all__ = ["RULES", "Rule", "apply_rules"]

Row = Mapping[str, Any]
_DUE_AHEAD = 400  # days
_HOUSEHOLD = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `columns`: what it looks at, the one to blame first. `first`: when new only."""

    columns: tuple[str, ...]
    holds: Callable[[Row, Moment], bool]
    message: str
    message_zh: str
    first: bool = False


def apply_rules(
    table: str,
    row: Row,
    mistakes: Mistakes,
    paths: Mapping[str, Sequence[str]],
    moment: Moment,
    changed: Collection[str] | None = None,
) -> None:
    """Adds a mistake for each rule that does not hold.

    `paths`: where each column stands in the input. `changed`: in a correction, the columns changed.
    A value with a mistake already gets no second one.
    """
    for rule in RULES[table]:
        if changed is not None and (rule.first or not set(changed) & set(rule.columns)):
            continue
        if not rule.holds(row, moment):
            blamed = next(one for one in rule.columns if changed is None or one in changed)
            if not mistakes.has(paths[blamed]):
                mistakes.add(paths[blamed], rule.message, rule.message_zh)


def _not_future(column: str) -> Rule:
    def holds(row: Row, moment: Moment) -> bool:
        value = row[column]
        if value is None:
            return True
        return bool(FIRST_DAY <= value <= (moment.latest if "T" in value else moment.today))

    return Rule(
        (column,), holds, "it lies in the future, or before 1900", "日期在将来或早于 1900 年"
    )


def _planned(column: str) -> Rule:
    def holds(row: Row, moment: Moment) -> bool:
        return row[column] is None or FIRST_DAY <= row[column] <= moment.ahead(_DUE_AHEAD)

    return Rule(
        (column,),
        holds,
        f"it lies more than {_DUE_AHEAD} days ahead, or before 1900",
        f"日期超过今后 {_DUE_AHEAD} 天或早于 1900 年",
    )


def _in_order(earlier: str, later: str, message: str, message_zh: str) -> Rule:
    def holds(row: Row, _: Moment) -> bool:
        first, last = row[earlier], row[later]
        if first is None or last is None:
            return True
        return bool(_day(first, last) <= _day(last, first))

    return Rule((later, earlier), holds, message, message_zh)


def _day(value: str, other: str) -> str:
    """The value as it compares with another: an instant as its day where the other is a day."""
    return day_of(value) if "T" in value and "T" not in other else value


def _needs(column: str, *others: str, message: str, message_zh: str) -> Rule:
    def holds(row: Row, _: Moment) -> bool:
        return row[column] is None or any(row[other] is not None for other in others)

    return Rule((column, *others), holds, message, message_zh)


RULES: Mapping[str, tuple[Rule, ...]] = {
    "people": (),
    "cases": (
        *map(_not_future, ("onset_on", "diagnosed_at", "reported_at", "outcome_on", "died_on")),
        Rule(
            ("onset_on", "reported_at"),
            lambda row, _: row["onset_on"] is None or row["onset_on"] <= day_of(row["reported_at"]),
            "the first symptoms lie after the report",
            "发病日期晚于报告日期",
            first=True,  # a carrier who was reported may fall ill later
        ),
        _in_order(
            "onset_on",
            "outcome_on",
            "the outcome lies before the first symptoms",
            "转归日期早于发病日期",
        ),
        _in_order(
            "onset_on",
            "died_on",
            "the death lies before the first symptoms",
            "死亡日期早于发病日期",
        ),
        _needs(
            "outcome_on",
            "outcome",
            message="a day of the outcome needs the outcome",
            message_zh="填写转归日期须填写转归",
        ),
        Rule(
            ("died_on", "outcome"),
            lambda row, _: row["died_on"] is None or row["outcome"] == "DIED",
            "a day of death needs the outcome DIED",
            "填写死亡日期时转归须为死亡（DIED）",
        ),
    ),
    "exposures": (
        *map(_not_future, ("started_on", "ended_on")),
        _in_order("started_on", "ended_on", "the last day lies before the first", "结束早于开始"),
    ),
    "contacts": (
        *map(
            _not_future,
            (
                "first_contact_on",
                "last_contact_on",
                "observation_released_on",
                "symptom_onset_on",
            ),
        ),
        *map(_planned, ("observation_started_on", "observation_due_on")),
        _in_order(
            "first_contact_on",
            "last_contact_on",
            "the last contact lies before the first",
            "末次接触早于首次接触",
        ),
        _in_order(
            "observation_started_on",
            "observation_due_on",
            "the release is due before the observation begins",
            "应解除日期早于观察开始日期",
        ),
        _in_order(
            "observation_started_on",
            "observation_released_on",
            "the release lies before the observation begins",
            "解除日期早于观察开始日期",
        ),
        Rule(
            ("level", "parent_contact_id", "source_case_id"),
            lambda row, _: (
                row["level"] != "SECONDARY"
                or row["parent_contact_id"] is not None
                or row["source_case_id"] is not None
            ),
            "a secondary contact needs the contact (parentContact) or the case (sourceCase)",
            "密接的密接须填写所关联的密接（parentContact）或病例（sourceCase）",
        ),
    ),
    "visits": (
        _not_future("visited_at"),
        Rule(
            ("temperature_tenths",),
            lambda row, _: (
                row["temperature_tenths"] is None or 300 <= row["temperature_tenths"] <= 450
            ),
            "a temperature is 300 to 450 tenths of a degree Celsius",
            "体温为 300 至 450（0.1 摄氏度）",
        ),
        Rule(
            ("co_residents",),
            lambda row, _: row["co_residents"] is None or 0 <= row["co_residents"] <= _HOUSEHOLD,
            f"0 to {_HOUSEHOLD} people who live with the person",
            f"共同居住人员为 0 至 {_HOUSEHOLD} 人",
        ),
        Rule(
            ("co_residents_ill", "co_residents"),
            lambda row, _: (
                row["co_residents_ill"] is None
                or 0 <= row["co_residents_ill"] <= (row["co_residents"] or 0)
            ),
            "of those who were asked after (coResidents)",
            "不得多于共同居住人员人数（coResidents）",
        ),
    ),
    "samples": (
        *map(_not_future, ("taken_at", "result_at")),
        _in_order("taken_at", "result_at", "the result is older than the sample", "结果早于采样"),
        Rule(
            ("result_at", "result"),
            lambda row, _: row["result_at"] is None or row["result"] != "PENDING",
            "a time of the result needs a result",
            "填写结果时间须填写结果",
        ),
    ),
}
"""The rules of each table."""

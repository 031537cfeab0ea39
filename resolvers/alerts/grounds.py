"""Which of the grounds of E9 what was found speaks for: a suggestion, pure.

A ground holds, does not, or cannot be told (None), since too much is hidden or unknown. Reasons
are numbers, never values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.alerts.analysing import (
    MASK,
    Card,
    CountyCounts,
    Curve,
    Grouping,
    age_group,
    grouped,
    numbers,
    years_before,
)
from schema.alerts_forms import InvestigationGround as Ground

__all__ = ["Findings", "Suggestion", "suggest"]

_FAMILY = 2  # cases of one household
_PLACE = 3  # cases of one school, employer, village or reporting unit
_TOGETHER = 3  # onsets
_PEOPLE = 3  # cases of one age group or occupation, which must be two thirds of those known
_SHARE = 2 / 3
_SEX = 6  # cases, all of one sex: one time in 32 by chance


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found of a signal. `since` is the first day its county has any count of, or
    since when the record is told to be complete; `missing`:
    a region that holds an adjoining county did not answer.
    """

    single_case: bool
    first: str
    cards: Sequence[Card]
    households: Grouping
    employers: Grouping
    villages: Grouping
    occupations: Grouping
    curve: Curve
    counties: Sequence[CountyCounts]
    since: str | None
    missing: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A ground, whether it holds (None: that cannot be told), and why, in English and Chinese."""

    ground: Ground
    holds: bool | None
    reason: str
    reason_zh: str


def suggest(found: Findings) -> list[Suggestion]:
    """The six grounds of annex 1, in its order."""
    return [
        _place(found),
        _time(found),
        _people(found),
        _rare(found),
        _single_case(found),
        _spreading(found),
    ]


def _place(found: Findings) -> Suggestion:
    ground = Ground.PLACE
    for grouping, enough, what, zh in (
        (found.households, _FAMILY, "household", "同一家庭"),
        (found.employers, _PLACE, "school or employer", "同一学校或单位"),
        (found.villages, _PLACE, "village or community", "同一村或社区"),
    ):
        if grouping.largest >= enough:
            return Suggestion(
                ground,
                True,
                f"{grouping.largest} cases of one {what}",
                f"{zh} {grouping.largest} 例",
            )
    reported = grouped(card.unit for card in found.cards).largest
    if reported >= _PLACE:  # PLAN 4.2 asks to look closer: a county's only hospital has them all
        return Suggestion(
            ground,
            None,
            f"{reported} cases were reported by one unit: look where they live, study and work",
            f"{reported} 例由同一医疗卫生单位报告，请结合住址和单位深入分析",
        )
    hidden = max(found.households.hidden, found.employers.hidden, found.villages.hidden)
    if hidden and len(found.cards) >= _FAMILY:
        return _hidden(ground, hidden, "employer or residence", "单位或住址")
    return Suggestion(
        ground,
        False,
        "no group of one household, school or village",
        "未见家庭、单位或村（社区）聚集",
    )


def _time(found: Findings) -> Suggestion:
    seen, ground = found.curve, Ground.TIME
    if seen.together is None:
        return Suggestion(ground, None, "no usual incubation period", "该病无明确的常见潜伏期")
    known = sum(cases for _, cases in seen.onsets)
    en = f"{seen.together} of {known} known onsets within {seen.days} days, as of one exposure"
    zh = f"已知发病日期的 {known} 例中 {seen.together} 例在 {seen.days} 天内发病"
    if seen.together >= _TOGETHER:
        return Suggestion(ground, True, en, zh)
    if seen.together + seen.unknown >= _TOGETHER:
        return Suggestion(
            ground,
            None,
            f"{en}; {seen.unknown} without a day of onset",
            f"{zh}；{seen.unknown} 例发病日期不详",
        )
    return Suggestion(ground, False, en, zh)


def _people(found: Findings) -> Suggestion:
    ground = Ground.PEOPLE
    ages = [str(age_group(int(c.age))) for c in found.cards if c.age is not None and c.age != MASK]
    sexes = [card.sex for card in found.cards if card.sex is not None and card.sex != MASK]
    known = len(found.cards) - found.occupations.unknown
    for largest, of, what, zh in (
        (grouped(ages).largest, len(ages), "age group", "同一年龄组"),
        (found.occupations.largest, known, "occupation", "同一职业"),
    ):
        if largest >= _PEOPLE and largest >= _SHARE * of:
            en = f"{largest} of {of} cases whose {what} is known are of one {what}"
            return Suggestion(ground, True, en, f"已知的 {of} 例中{zh} {largest} 例")
    if len(sexes) >= _SEX and len(set(sexes)) == 1:
        return Suggestion(
            ground,
            True,
            f"all {len(sexes)} cases whose sex is known are of one sex",
            f"已知性别的 {len(sexes)} 例均为同一性别",
        )
    hidden = sum(MASK in (card.age, card.sex) for card in found.cards)
    if hidden and len(found.cards) >= _PEOPLE:
        return _hidden(ground, hidden, "age or sex", "年龄或性别")
    return Suggestion(ground, False, "no age group, occupation or sex stands out", "未见人群聚集")


def _rare(found: Findings) -> Suggestion:
    ground = Ground.RARE
    counted = numbers(one for one in found.counties if one.own)
    if counted.five_years:
        return Suggestion(
            ground,
            False,
            f"{counted.five_years} cases in the five years before, the last on {counted.last}",
            f"此前五年 {counted.five_years} 例，最近一例 {counted.last}",
        )
    long_enough = found.since is not None and found.since <= years_before(found.first)
    if counted.last is not None:
        return Suggestion(
            ground,
            True,
            f"none in the five years before; the last on {counted.last}",
            f"此前五年无病例，最近一例 {counted.last}",
        )
    if long_enough:
        return Suggestion(
            ground,
            True,
            f"none on record before, which begins on {found.since}",
            f"自 {found.since} 有记录以来无病例",
        )
    since = found.since or found.first
    return Suggestion(
        ground,
        None,
        f"none on record before, but the record begins only on {since}",
        f"此前无记录病例，但记录自 {since} 起，不足五年",
    )


def _single_case(found: Findings) -> Suggestion:
    if found.single_case:
        return Suggestion(Ground.SINGLE_CASE, True, "raised by one card", "单病例预警")
    return Suggestion(Ground.SINGLE_CASE, False, "raised by counts", "非单病例预警")


def _spreading(found: Findings) -> Suggestion:
    ground = Ground.SPREADING
    own = [one for one in found.counties if one.own and one.numbers.week]
    rising = [one for one in found.counties if not one.own and one.numbers.rises]
    risen = [one for one in own if one.numbers.rises]
    if own and rising:
        return Suggestion(
            ground,
            True,
            f"it rises in {len(rising)} adjoining counties, too",
            f"{len(rising)} 个相邻县（区）病例数同时上升",
        )
    if len(own) > 1 and risen:
        return Suggestion(
            ground,
            True,
            f"cases in {len(own)} counties of the cluster, rising in {len(risen)}",
            f"聚集区内 {len(own)} 个县（区）有病例，其中 {len(risen)} 个上升",
        )
    if found.missing:
        return Suggestion(
            ground,
            None,
            "a region with adjoining counties did not answer",
            "相邻地区的数据中心未应答",
        )
    return Suggestion(ground, False, "no rise in adjoining counties", "相邻县（区）病例数未见上升")


def _hidden(ground: Ground, cases: int, what: str, zh: str) -> Suggestion:
    return Suggestion(
        ground,
        None,
        f"the {what} of {cases} cases is not shown to you",
        f"您无权查看 {cases} 例的{zh}",
    )

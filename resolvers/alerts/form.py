"""An investigation form as it is filled in: read, checked, nothing written (E11, annex 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from resolvers.alerts.words import Filled, Filling, flag
from resolvers.reference import Reference
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import FIRST_DAY, NO_DISEASE, Moment, day_of
from schema.alerts_forms import InvestigationConclusion, InvestigationGround
from schema.enums import UnitLevel
from schema.writing.alerts import InvestigationFormInput

__all__ = ["AGES", "read_form"]

AGES = ("from_0", "from_7", "from_12", "from_18", "from_60")
"""The age groups of the form."""

_TOWNSHIPS = ("first", "second", "third")
_LEVELS = (UnitLevel.PROVINCE, UnitLevel.CITY, UnitLevel.COUNTY)
_OUTBREAK = InvestigationConclusion.OUTBREAK
_GROUNDS_TEXT = ("give the grounds in words", "请填写判断依据")


def read_form(
    given: InvestigationFormInput,
    *,
    kinds: frozenset[str],
    before: Mapping[str, Any],
    viewer_name: str,
    moment: Moment,
    reference: Reference,
    mistakes: Mistakes,
) -> Filled:
    """The form of an event with signals of some kinds. What is wrong is added to the mistakes."""
    filling = Filling(before, mistakes)
    _disease(given, filling, reference)
    filling.filled.columns["laboratory_positive"] = flag(given.laboratory_positive)
    _figures(given, filling)
    _townships(given, filling)
    _people(given, filling)
    _conclusion(given, filling, kinds)
    _when(given, filling, moment)
    levels = list(dict.fromkeys(given.units))
    if not levels or any(one not in _LEVELS for one in levels):
        mistakes.add(
            ["units"],
            "say which levels took part: PROVINCE, CITY, COUNTY",
            "请选择参与判断单位：省级、地（市）级、县（区）级",
        )
    ordered = [one.name for one in _LEVELS if one in levels]
    filling.filled.columns["units"] = orjson.dumps(ordered).decode()
    filling.words("remarks", given.remarks, ["remarks"])
    filling.filler(given.filled_by, given.phone, viewer_name)
    return filling.filled


def _disease(given: InvestigationFormInput, filling: Filling, reference: Reference) -> None:
    mistakes, key = filling.mistakes, given.verified_disease
    typed = filling.words(
        "verified_disease_text", given.verified_disease_text, ["verifiedDiseaseText"]
    )
    filling.filled.columns["verified_disease"] = None if key is None else str(key)
    if key is not None and not reference.knows(str(key)):
        mistakes.add(["verifiedDisease"], *NO_DISEASE)
    if key is not None and typed is not None:
        mistakes.add(
            ["verifiedDiseaseText"],
            "choose the disease or type it, not both",
            "核实后病种请选择或输入，不能同时填写",
        )
    if key is None and typed is None and given.conclusion is _OUTBREAK:
        mistakes.add(
            ["verifiedDisease"],
            "give the disease after verification",
            "请填写核实后病种",
        )


def _figures(given: InvestigationFormInput, filling: Filling) -> None:
    least = 1 if given.conclusion is _OUTBREAK else 0
    cases = filling.count("cases", given.cases, ["cases"], least=least)
    deaths = filling.count("deaths", given.deaths, ["deaths"])
    filling.count("townships", given.townships, ["townships"], least=1 if cases > 0 else 0)
    schools = filling.count("schools", given.schools, ["schools"])
    pupils = filling.count("school_cases", given.school_cases, ["schoolCases"])
    if deaths > cases:
        _more(filling.mistakes, "deaths")
    if pupils > cases:
        _more(filling.mistakes, "schoolCases")
    if (schools == 0) != (pupils == 0):
        filling.mistakes.add(
            ["schools"],
            "schools or kindergartens with cases have at least one case, and cases there a school",
            "波及学校或托幼机构的所数与病例数须同时填写",
        )


def _more(mistakes: Mistakes, *path: str) -> None:
    mistakes.add(path, "these are more than the cases of the event", "该数大于累计病例数")


def _townships(given: InvestigationFormInput, filling: Filling) -> None:
    mistakes, rows = filling.mistakes, given.top_townships
    named = min(len(_TOWNSHIPS), max(0, given.townships))
    if len(rows) != named:
        mistakes.add(
            ["topTownships"],
            f"name the {named} townships with most cases",
            f"请填写病例数居前 {named} 位的乡镇",
        )
    names = []
    for place, word in enumerate(_TOWNSHIPS):
        row = rows[place] if place < len(rows) else None
        path = ["topTownships", str(place)]
        column = f"{word}_township"
        if row is None:
            filling.filled.columns[f"{column}_cases"] = filling.filled.items[column] = None
            continue
        filling.count(f"{column}_cases", row.cases, [*path, "cases"], least=1)
        need = ("give the name of the township", "请填写乡（镇、街道）名称")
        names.append(filling.words(column, row.name, [*path, "name"], need=need))
    counts = [row.cases for row in rows]
    if counts != sorted(counts, reverse=True):
        mistakes.add(
            ["topTownships"], "put the township with most cases first", "请按病例数由多到少填写乡镇"
        )
    given_names = [name for name in names if name is not None]
    if len(set(given_names)) < len(given_names):
        mistakes.add(["topTownships"], "the same township stands twice", "乡镇重复")
    total = sum(counts)
    if len(rows) > len(_TOWNSHIPS):
        return
    if total > given.cases or (given.townships == len(rows) and total != given.cases):
        mistakes.add(
            ["topTownships"],
            "the cases of the townships do not add up to those of the event",
            "各乡镇病例数之和与累计病例数不符",
        )


def _people(given: InvestigationFormInput, filling: Filling) -> None:
    total = sum(
        filling.count(f"age_{name}", getattr(given.ages, name), ["ages", name.replace("_", "")])
        for name in AGES
    )
    if total > given.cases:
        _more(filling.mistakes, "ages")
    rows = given.occupations or []
    for place, row in enumerate(rows):
        if not 1 <= row.cases <= given.cases:
            path = ["occupations", str(place), "cases"]
            filling.mistakes.add(
                path,
                "give the cases: from 1 to those of the event",
                "病例数须在 1 至累计病例数之间",
            )
    if len({row.occupation for row in rows}) < len(rows):
        filling.mistakes.add(["occupations"], "the same occupation stands twice", "职业重复")
    if sum(row.cases for row in rows) > given.cases:
        _more(filling.mistakes, "occupations")


def _conclusion(given: InvestigationFormInput, filling: Filling, kinds: frozenset[str]) -> None:
    mistakes, columns = filling.mistakes, filling.filled.columns
    columns["conclusion"] = given.conclusion.name
    grounds = list(dict.fromkeys(given.grounds or []))
    columns["grounds"] = orjson.dumps([one.name for one in grounds]).decode()
    outbreak = given.conclusion is _OUTBREAK
    if outbreak and not grounds:
        mistakes.add(["grounds"], "an outbreak has at least one ground", "暴发或流行须选择判断依据")
    if grounds and not outbreak:
        mistakes.add(
            ["grounds"],
            "these are grounds of an outbreak: give those of this conclusion in words",
            "该项为暴发或流行的判断依据，其他结论请以文字填写依据",
        )
    if InvestigationGround.SINGLE_CASE in grounds and "SINGLE_CASE" not in kinds:
        mistakes.add(
            ["grounds"],
            "no signal of the event was raised by a single case",
            "该事件没有单病例预警信号",
        )
    needed = not outbreak or InvestigationGround.OTHER in grounds
    filling.words(
        "grounds_text", given.grounds_text, ["groundsText"], need=_GROUNDS_TEXT if needed else None
    )


def _when(given: InvestigationFormInput, filling: Filling, moment: Moment) -> None:
    mistakes, columns = filling.mistakes, filling.filled.columns
    start, end, onset = given.investigated_from, given.investigated_to, given.first_onset_on
    columns |= {"investigated_from": start, "investigated_to": end, "first_onset_on": onset}
    if not FIRST_DAY <= start <= end:
        mistakes.add(
            ["investigatedTo"], "the investigation ends before it begins", "现场调查止早于起"
        )
    if end > moment.latest:
        mistakes.add(
            ["investigatedTo"], "the investigation has not ended yet", "现场调查结束时间晚于当前"
        )
    if onset is None:
        if given.conclusion is _OUTBREAK:
            mistakes.add(
                ["firstOnsetOn"], "give the onset of the first case", "请填写首发病例发病时间"
            )
    elif not FIRST_DAY <= onset <= day_of(moment.latest):
        mistakes.add(
            ["firstOnsetOn"], "the onset lies in the future, or too far back", "发病日期不合理"
        )

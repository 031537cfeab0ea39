"""Where an assist letter goes: from a code of whereabouts to the county that receives it (C2).

A code of 6 to 12 digits (county, then township, then village) leads to its county, through the
table of changed codes where the county's code died. What does not lead to exactly one county asks,
with the counties it might be: a letter that is sent to a guess is a person nobody looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from regions.areas import Area, AreaChange, Areas, reference_areas
from regions.settings import RegionSettings

__all__ = ["PROBLEMS", "Asked", "Route", "county_of", "levels_above", "route"]

_CODE = re.compile(r"[0-9]{6,12}")
_COUNTRY = "000000"
_ABOLISHED = "撤销"

PROBLEMS = {
    "UNREADABLE": (
        "a code of whereabouts has 6 to 12 digits: county, township, village",
        "所在地代码须为 6 至 12 位数字（县、乡、村）",
    ),
    "UNKNOWN": (
        "there is no such code in GB/T 2260, now or before: choose the county",
        "行政区划代码中没有也未曾有过该代码，请选择县（区）",
    ),
    "SPLIT": (
        "this code is no longer in use and its area went to several counties: choose one",
        "该代码已停用，其区域划归多个县（区），请选择",
    ),
    "DOUBTFUL": (
        "this code is no longer in use and the table of changes names a successor of another "
        "prefecture, though the prefecture it lay in still exists: choose the county",
        "该代码已停用，变更表所列后继代码属于其他地市，而原地市仍存在，请选择县（区）",
    ),
    "NOT_A_COUNTY": (
        "this code is of a province or city, and a letter goes to one county: choose it",
        "该代码为省级或市级，协查函须发往一个县（区），请选择",
    ),
    "NO_REGION": (
        "no configured region is responsible for this county: send the letter by another way",
        "没有配置负责该县（区）的地区，请以其他方式发函",
    ),
}
"""Why a code does not lead to a county, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way of a letter.

    `code` is the living code of the county that looks for the person, `unit` its CDC or, through
    the province, the province's; `region` the six digits of the region whose store takes the
    letter. `copies` are the units that get a copy, nearest first, the receiver's levels before the
    sender's.
    `changes` are the steps by which a dead code led here.
    """

    code: str
    unit: str
    region: str
    copies: tuple[str, ...]
    changes: tuple[AreaChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """No way without an answer. `problem` is a key of PROBLEMS, `candidates` counties to choose of,
    in the order of their codes; none where every county of the country is one.
    """

    problem: str
    code: str
    candidates: tuple[Area, ...] = field(default=())

    @property
    def message(self) -> str:
        """What is asked, in English."""
        return self._with_candidates(PROBLEMS[self.problem][0], ": ", ", ")

    @property
    def message_zh(self) -> str:
        """What is asked, in Chinese."""
        return self._with_candidates(PROBLEMS[self.problem][1], "：", "、")

    def _with_candidates(self, text: str, colon: str, comma: str) -> str:
        few = [f"{one.code} {one.name}" for one in self.candidates[:_SHOWN]]
        more = len(self.candidates) - len(few)
        return text + (colon + comma.join(few) + (" …" if more else "") if few else "")


_SHOWN = 12


def route(
    code: str,
    regions: Iterable[RegionSettings],
    *,
    sender: str,
    through_province: bool = False,
    areas: Areas | None = None,
) -> Route | Asked:
    """The way of a letter to a code of whereabouts, or what has to be asked first.

    `sender` is the code of the sending unit, whose levels above get copies too. `through_province`
    gives the letter to the CDC of the receiving province, which hands it down. `areas` are those
    shipped unless a test brings its own.
    """
    areas = areas or reference_areas()
    if not _CODE.fullmatch(code):
        return Asked("UNREADABLE", code)
    found = _county(code[:6], areas)
    if isinstance(found, Asked):
        return found
    county, changes = found
    region = next((one.code for one in regions if one.covers(county)), None)
    if region is None:
        return Asked("NO_REGION", code, _living(areas, [county]))
    province = areas.ancestors(county)[-1:] or (county,)
    receiver = province[0] if through_province else county
    copies = [one for one in levels_above(county, areas) if one != receiver]
    copies += [one for one in levels_above(sender, areas) if one not in (*copies, receiver)]
    mine = _unit(sender)
    return Route(
        county,
        _unit(receiver),
        region,
        tuple(_unit(one) for one in copies if _unit(one) != mine),
        changes,
    )


def county_of(way: Route | Asked) -> str | None:
    """The county that a code leads to, be there a region for it or not; None where it asks."""
    if isinstance(way, Route):
        return way.code
    return way.candidates[0].code if way.problem == "NO_REGION" else None


def levels_above(code: str, areas: Areas | None = None) -> tuple[str, ...]:
    """The codes of city and province above a living code, the nearest first; never the country."""
    areas = areas or reference_areas()
    return tuple(one for one in areas.ancestors(code) if one != _COUNTRY)


def _county(code: str, areas: Areas) -> tuple[str, tuple[AreaChange, ...]] | Asked:
    """The one living county a code stands for, and the changes that led to it."""
    if areas.is_known(code):
        return _leaf(code, code, (), areas)
    ends, changes = areas.followed(code)
    if not ends:
        return Asked("UNKNOWN", code, _living(areas, _near(code, areas)))
    if len(ends) > 1:
        return Asked("SPLIT", code, _living(areas, ends))
    if any(_doubtful(one, areas) for one in changes):
        return Asked("DOUBTFUL", code, _living(areas, [*_near(code, areas), *ends]))
    return _leaf(ends[0], code, changes, areas)


def _leaf(
    code: str, asked: str, changes: tuple[AreaChange, ...], areas: Areas
) -> tuple[str, tuple[AreaChange, ...]] | Asked:
    below = _leaves(code, areas)
    return (
        (code, changes) if below == [code] else Asked("NOT_A_COUNTY", asked, _living(areas, below))
    )


def _leaves(code: str, areas: Areas) -> list[str]:
    """The codes with none below: counties, and cities and provinces without any (东莞)."""
    below = areas.children(code)
    return [leaf for one in below for leaf in _leaves(one, areas)] if below else [code]


def _doubtful(change: AreaChange, areas: Areas) -> bool:
    """Whether a change cannot be what happened: a county that was abolished goes to its neighbours,
    and not to a county of the same name under another city while its own city lives on.
    """
    city = change.old_code[:4] + "00"
    return (
        change.kind == _ABOLISHED
        and not change.new_code.startswith(change.old_code[:4])
        and areas.is_known(city)
    )


def _near(code: str, areas: Areas) -> list[str]:
    """The counties of the city a code would lie in, else of the province; none if there is none."""
    for above in (code[:4] + "00", code[:2] + "0000"):
        if areas.is_known(above):
            return _leaves(above, areas)
    return []


def _living(areas: Areas, codes: Sequence[str]) -> tuple[Area, ...]:
    found = (areas.get(code) for code in sorted(set(codes)))
    return tuple(one for one in found if one is not None)


def _unit(code: str) -> str:
    """The CDC of a code (`seeding.cdc_units`)."""
    return f"cdc-{code}"

"""Where a row belongs: its place as a code of GB/T 2260, and the region that covers it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from regions.areas import Area, reference_areas
from regions.ids import padded
from regions.settings import RegionSettings

__all__ = ["OUTSIDE", "RegionFinder", "code_by_name", "living_code", "names_of"]

OUTSIDE = -1
"""In place of a region's number: no configured region covers the code."""

_SUFFIX = re.compile(
    r"(?:壮族|回族|维吾尔)?(?:特别行政区|自治区|自治州|自治县|自治旗|新区|矿区|林区|省|市|县|区|旗|盟|地区)$"
)
_SUFFIX_EN = re.compile(r"\s+(?:province|city|municipality|district|county|prefecture)$")
_ORDER = ("PROVINCE", "PREFECTURE", "COUNTY")


class RegionFinder:
    """Finds the region of a code: the one with the longest prefix that fits."""

    def __init__(self, regions: Sequence[RegionSettings]) -> None:
        prefixes = [(prefix, n) for n, region in enumerate(regions) for prefix in region.prefixes]
        self._prefixes = sorted(prefixes, key=lambda pair: -len(pair[0]))
        self._known: dict[str, int] = {}

    def __call__(self, code: str) -> int:
        """The region's number in the configuration, or OUTSIDE."""
        number = self._known.get(code)
        if number is None:
            number = next((n for p, n in self._prefixes if code.startswith(p)), OUTSIDE)
            self._known[code] = number
        return number


def living_code(text: str) -> str | None:
    """The living code of six digits that a code of 2, 4, 6 or 12 digits leads to, else None."""
    if not (text.isascii() and text.isdigit() and len(text) in (2, 4, 6, 9, 12)):
        return None
    return reference_areas().successor(padded(text)[:6])


def code_by_name(name: str, within: str | None) -> tuple[str, ...]:
    """The codes of the places of a name, Chinese or English, of the highest level that has any.

    With `within` only those below that code. More than one: the name is ambiguous.
    """
    wanted = _normal(name)
    areas = names_of().get(wanted) or names_of().get(_SUFFIX_EN.sub("", wanted), ())
    found = [
        area
        for area in areas
        if within is None or area.code == within or within in reference_areas().ancestors(area.code)
    ]
    for level in _ORDER:
        codes = tuple(area.code for area in found if area.level == level)
        if codes:
            return codes
    return ()


@cache
def names_of() -> dict[str, tuple[Area, ...]]:
    """Every area by each of its names: whole (江苏省), short (江苏) and English (Jiangsu)."""
    known: dict[str, tuple[Area, ...]] = {}
    for area in reference_areas():
        name, name_en = _normal(area.name), _normal(area.name_en)
        short = _SUFFIX.sub("", name)
        names = {name, short if len(short) > 1 else name, name_en, _SUFFIX_EN.sub("", name_en)}
        for each in names:
            known[each] = (*known.get(each, ()), area)
    return known


def _normal(name: str) -> str:
    return " ".join(name.split()).casefold()

"""Where a row belongs: its place as a code of GB/T 2260, and the region that covers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from regions.areas import Area, reference_areas
from regions.ids import padded
from regions.settings import RegionSettings
from resolvers.loading.cells import Cells, Header, Wrong
from resolvers.loading.mapping import ANYTHING_ELSE, Mapping, PlaceChoice, fold
from resolvers.loading.notices import Notices

__all__ = ["OUTSIDE", "PlaceFinder", "RegionFinder", "code_by_name", "living_code", "names_of"]

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


class PlaceFinder:
    """Finds the code of a row's place by the choices of a mapping, in their order."""

    def __init__(self, mapping: Mapping, header: Header, notices: Notices) -> None:
        self._missing, self._header, self._notices = mapping.missing, header, notices
        self._columns = tuple(dict.fromkeys(place.column for place in mapping.places))
        self._finders = [self._finder(place) for place in mapping.places]

    def __call__(self, cells: Cells) -> str:
        """The code, of six digits. Raises Wrong where there is none or a name has several."""
        ambiguous = False
        for find in self._finders:
            code = find(cells)
            if code:
                return code
            ambiguous = ambiguous or code is None
        reason = "AMBIGUOUS_PLACE" if ambiguous else "UNKNOWN_PLACE"
        raise Wrong(*self.named(cells), reason)

    def named(self, cells: Cells) -> tuple[str, str]:
        """The columns that name a row's place, and what stands in them."""
        values = [cells[self._header[column]].strip() for column in self._columns]
        return ", ".join(self._columns), " | ".join(values)

    def _finder(self, place: PlaceChoice) -> Callable[[Cells], str | None]:
        """What finds a code; "" where it finds none, None where it finds several."""
        at = self._header[place.column]
        above = self._header[place.within] if place.within else None
        known: dict[tuple[str, str], tuple[str | None, str]] = {}

        def find(cells: Cells) -> str | None:
            raw = cells[at], cells[above] if above is not None else ""
            found = known.get(raw)
            if found is None:
                found = known[raw] = self._found(place, raw[0].strip(), raw[1].strip())
            code, notice = found
            if notice:
                self._notices.add(notice, place.column, raw[0], self._header.line, code or "")
            return code

        return find

    def _found(self, place: PlaceChoice, text: str, above: str) -> tuple[str | None, str]:
        """The code of a place, and the notice due to it."""
        coarse = "COARSE_PLACE" if place.coarser else ""
        if fold(text) in self._missing:
            return "", ""
        if place.table is not None:
            code = place.table.get(fold(text), place.table.get(ANYTHING_ELSE, ""))
            return (living_code(code) or "" if code else ""), coarse if code else ""
        if place.lookup == "code":
            code = living_code(text) or ""
            changed = bool(code) and not code.startswith(text[:6])
            return code, "CODE_CHANGED" if changed else coarse if code else ""
        within = None
        if above:
            codes = (living_code(above),) if above.isdigit() else code_by_name(above, None)
            within = codes[0] if len(codes) == 1 else None
        found = code_by_name(text, within)
        if len(found) > 1:
            return None, ""
        return (found[0], coarse) if found else ("", "")


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

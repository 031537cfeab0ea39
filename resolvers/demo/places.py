"""Where people live, work and are cared for: the counties of a region, their units and streets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple
from zlib import crc32

from regions.areas import Area, reference_areas, reference_rows
from regions.errors import InvalidInput
from regions.settings import RegionSettings

__all__ = [
    "HOSPITALS",
    "UNIT_COLUMNS",
    "County",
    "address",
    "coined_word",
    "counties_of",
    "nearness",
    "units_of",
]

HOSPITALS = 3
"""Reporting hospitals in every county."""

UNIT_COLUMNS = ("id", "code", "level", "name_zh", "name_en", "parent")
"""Of the rows of `units_of`."""

_INSTITUTIONS = (
    *[("hospital", "HOSPITAL", "医院", "Hospital")] * HOSPITALS,
    ("site", "ISOLATION_SITE", "集中隔离点", "Isolation Site"),
    ("centre", "HEALTH_CENTRE", "社区卫生服务中心", "Community Health Centre"),
)
"""Of every county: kind (the id begins with it), level, what it is called."""

_SIZES = {"市辖区": 1.3, "县级市": 1.3, "县": 0.8, "地级市": 2.0}
_OTHER_SIZE = 0.5
_ADJOINING, _SAME_PROVINCE, _FAR = 6.0, 2.0, 0.5

# Two of these make a word that names nothing: streets, firms and hospitals are called so.
_SYLLABLES = "澜砚樟衡沐岑黛栖霁泠蓁珩璟翊槿皓岚葭漪筠"
_PINYIN = "Lan Yan Zhang Heng Mu Cen Dai Qi Ji Ling Zhen Heng Jing Yi Jin Hao Lan Jia Yi Yun"
_SYLLABLES_EN = tuple(_PINYIN.split())
_STREETS = "路街巷道"


class County(NamedTuple):
    """A county or a prefecture without counties; `weight` is its people against the others."""

    code: str
    name: str
    name_en: str
    city: str  # with its province, as an address begins
    weight: float


@cache
def counties_of(region: RegionSettings) -> tuple[County, ...]:
    """The counties a region is responsible for, in the order of their codes.

    Raises InvalidInput where GB/T 2260 knows none.
    """
    areas = reference_areas()
    leaves = [area for area in areas.under(region.prefixes) if not areas.children(area.code)]
    if not leaves:
        raise InvalidInput(f"no county of GB/T 2260 begins with {' or '.join(region.prefixes)}")
    return tuple(
        County(
            area.code,
            area.name,
            area.name_en,
            "".join(areas.name(above) for above in reversed(areas.ancestors(area.code))),
            _size(area),
        )
        for area in leaves
    )


def _size(area: Area) -> float:
    """By its kind, and a factor from 0.6 to 1.6 that is always the same for a code."""
    return _SIZES.get(area.kind or "", _OTHER_SIZE) * (0.6 + crc32(area.code.encode()) % 101 / 100)


def nearness(regions: tuple[RegionSettings, ...]) -> list[list[float]]:
    """How much people travel between regions: a weight for each pair, 0 within a region."""
    region_of = {
        county.code: number
        for number, region in enumerate(regions)
        for county in counties_of(region)
    }
    adjoining = set()
    for row in reference_rows("county_adjacency.csv"):
        a, b = region_of.get(row["a"]), region_of.get(row["b"])
        if a is not None and b is not None and a != b:
            adjoining |= {(a, b), (b, a)}

    def weight(a: int, b: int) -> float:
        if a == b:
            return 0.0
        if (a, b) in adjoining:
            return _ADJOINING
        return _SAME_PROVINCE if regions[a].code[:2] == regions[b].code[:2] else _FAR

    every = range(len(regions))
    return [[weight(a, b) for b in every] for a in every]


def units_of(region: RegionSettings) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Rows (UNIT_COLUMNS) of the institutions of a region's counties; the CDCs are seeded."""
    for county in counties_of(region):
        numbers = dict.fromkeys((kind for kind, _, _, _ in _INSTITUTIONS), 0)
        for kind, level, zh, en in _INSTITUTIONS:
            numbers[kind] += 1
            unit = f"{kind}-{county.code}-{numbers[kind]}"
            word, word_en = _coined(crc32(unit.encode()))
            yield (
                unit,
                county.code,
                level,
                f"{county.name}{word}{zh}",
                f"{word_en} {en}, {county.name_en}",
                f"cdc-{county.code}",
            )


def coined_word(random: Random) -> str:
    """A word of two characters that names nothing."""
    return _coined(random.getrandbits(24))[0]


def address(random: Random, county: County) -> str:
    """An invented street and number in a county, as one writes them."""
    return (
        f"{county.city}{county.name}{coined_word(random)}{_STREETS[random.getrandbits(2)]}"
        f"{1 + random.getrandbits(8)}号"
    )


def _coined(number: int) -> tuple[str, str]:
    size = len(_SYLLABLES)
    a, b = number % size, number // size % (size - 1)
    b += b >= a  # never the same syllable twice
    return _SYLLABLES[a] + _SYLLABLES[b], _SYLLABLES_EN[a] + _SYLLABLES_EN[b].lower()

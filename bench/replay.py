"""`python -m bench replay`: COVID-19 in the cities of China, 2020, day by day through the methods.

The published counts are loaded by the shipped mapping into the stores of the 31 provinces, as an
operator would, and read from there as a night reads them. Each day is judged by what lies before
it. The disease was new: that there was none of it before the list begins is known, and told to the
methods as days of zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report import DOCUMENT, Sheet
from gateway.config import load_config
from regions.areas import reference_areas
from regions.engines import make_engine
from regions.keys import create_keys, load_keys
from regions.migrating import migrate
from regions.settings import RegionSettings
from resolvers.alerts.counts import Counted, counts_of, select_counts
from resolvers.alerts.judging import judge
from resolvers.alerts.parameters import checked
from resolvers.alerts.tuning import new_spells
from resolvers.loading.load import load
from resolvers.loading.mapping_file import read_mapping
from schema.alerts import DetectionMethod as Method

__all__ = [
    "DISEASE",
    "FIRST",
    "METHODS",
    "PAGE",
    "Replayed",
    "counted_in",
    "provinces",
    "replayed",
    "sheet",
    "stores_of_the_country",
]

_ROOT = Path(__file__).resolve().parent.parent
_LIST = _ROOT / "examples" / "lists" / "covid19_china_cities_2020.csv.gz"
PAGE = DOCUMENT.with_name("detection-evaluation.md")
_COUNTRY = _ROOT / "examples" / "national.toml"
_OUTSIDE = ("710000", "810000", "820000")  # each one place in the list, where others are cities
DISEASE = "covid19"
_MAPPING = "covid19-china-cities-2020"
_SINCE = "2016-01-01"  # from here on none was reported: the methods look back four years
FIRST, _LAST = "2020-01-10", "2020-05-31"
_ABSORB_DAYS = 7  # as `[detection] absorb_days` is shipped

METHODS: Mapping[str, tuple[Method, Mapping[str, Any]]] = {
    "moving percentile": (Method.MOVING_PERCENTILE, {}),
    "EARS C1": (Method.EARS_C1, {}),
    "EARS C2": (Method.EARS_C2, {}),
    "EARS C3": (Method.EARS_C3, {}),
    "Bayes": (Method.BAYES, {}),
    "OutbreakP": (Method.OUTBREAK_P, {"step": "DAY"}),
    "GLR": (Method.GLR, {}),
}
"""The methods that are shown: each as a rule has it that names no parameter, but for the step."""

_PLACES = {"420100": "武汉", "231000": "牡丹江", "220200": "吉林"}
_AGAIN = "2020-04-01"  # from here on a signal of the second and third is of their own outbreaks


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one method does: `signals` (places, days of the list) that would stand for themselves,
    an open one absorbing what follows within seven days of an alarm; all `alarms`.
    """

    signals: NDArray[np.bool_]
    alarms: NDArray[np.bool_]


def stores_of_the_country(folder: Path) -> list[RegionSettings]:
    """The 31 provinces whose cities the list has, with stores in a folder, migrated."""
    found = [
        replace(one, path=folder / "regions" / f"{one.code}.db", deadline=60.0)
        for one in load_config(_COUNTRY).regions
        if one.code not in _OUTSIDE
    ]
    asyncio.run(_migrated(found))
    return found


async def _migrated(regions: Sequence[RegionSettings]) -> None:
    for settings in regions:
        await migrate(settings)


def counted_in(regions: Sequence[RegionSettings], folder: Path) -> Counted:
    """The counts of all stores after the list was loaded into them. `folder` holds keys and what
    the load writes.
    """
    create_keys(folder / "keys")

    async def run() -> list[Any]:
        await load(
            _LIST,
            read_mapping(_MAPPING),
            regions,
            load_keys(folder / "keys"),
            folder,
            rejects=folder / "rejects.csv",
        )
        rows: list[Any] = []
        for settings in regions:
            engine = make_engine(settings, pool_size=1)
            try:
                async with engine.connect() as connection:
                    found = await connection.execute(select_counts([DISEASE], FIRST, _LAST))
                    rows += found.all()
            finally:
                await engine.dispose()
        return rows

    return counts_of(asyncio.run(run()), _SINCE, _LAST, _SINCE)


def replayed(counted: Counted) -> Iterator[tuple[str, Replayed]]:
    """What each method says, day by day."""
    cases = counted.cases[DISEASE]
    begin = counted.position(FIRST)
    for name, (method, parameters) in METHODS.items():
        values = checked(method, parameters)
        alarms = np.zeros((len(cases), counted.days - begin), dtype=bool)
        for day in range(begin, counted.days):  # as the night of that day: no later one is seen
            found = judge(method, values, cases[:, : day + 1], counted.first, [day])
            alarms[:, day - begin] = found.alarm[:, 0]
        yield name, Replayed(new_spells(alarms, _ABSORB_DAYS), alarms)


def sheet(counted: Counted, results: Mapping[str, Replayed]) -> Sheet:
    """How many places each method signalled, how soon, and when it did some that are known."""
    cases = np.nan_to_num(counted.cases[DISEASE][:, counted.position(FIRST) :])
    affected = cases.any(axis=1)
    first_case = cases.astype(bool).argmax(axis=1)
    table = Sheet(
        "replay",
        "COVID-19, cities of China 2020, day by day",
        (
            "method",
            "places signalled",
            "on the day of the first case",
            "days from the first case, mean",
            "signals",
            "alarms",
            *(f"{name} {code}" for code, name in _PLACES.items()),
        ),
    )
    for name, found in results.items():
        seen = found.signals.any(axis=1) & affected
        delay = (found.signals.argmax(axis=1) - first_case)[seen]
        table.rows.append(
            (
                name,
                f"{seen.sum()} of {affected.sum()}",
                f"{(delay <= 0).sum()}",
                f"{delay.mean():.1f}" if len(delay) else "–",
                f"{found.signals.sum():,}",
                f"{found.alarms.sum():,}",
                *(_when(counted, found, code) for code in _PLACES),
            )
        )
    table.notes.append(
        f"{affected.sum()} cities and districts with cases, {FIRST} to {_LAST}; "
        f"{int(cases.sum()):,} cases"
    )
    return table


def _when(counted: Counted, found: Replayed, code: str) -> str:
    """The first signal of a place; of the later outbreaks the first one from April on."""
    if code not in counted.codes:
        return "–"
    since = 0 if code == next(iter(_PLACES)) else _day_number(_AGAIN)
    days = np.nonzero(found.signals[counted.codes.index(code), since:])[0]
    if not len(days):
        return "–"
    return (date.fromisoformat(FIRST) + timedelta(days=int(days[0]) + since)).isoformat()[5:]


def _day_number(day: str) -> int:
    return (date.fromisoformat(day) - date.fromisoformat(FIRST)).days


def provinces(counted: Counted) -> list[tuple[str, list[int]]]:
    """Provinces with cases and the places of each, by the day of the first case."""
    cases = np.nan_to_num(counted.cases[DISEASE][:, counted.position(FIRST) :])
    places: dict[str, list[int]] = {}
    for number, code in enumerate(counted.codes):
        if cases[number].any():
            places.setdefault(code[:2], []).append(number)

    def first(prefix: str) -> tuple[int, str]:
        return int(cases[places[prefix]].any(axis=0).argmax()), prefix

    areas = reference_areas()
    return [(areas.name_en(f"{one}0000"), places[one]) for one in sorted(places, key=first)]

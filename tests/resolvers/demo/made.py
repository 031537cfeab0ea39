"""What the tests of the demo share: parameters of the eight regions, and a population once made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from regions.keys import Keys, load_keys
from regions.sealing import Sealer
from resolvers.demo.parameters import Parameters
from resolvers.demo.plan import Plan
from tests.stores import region_settings

__all__ = ["CODES", "UNTIL", "Demo", "parameters"]

CODES = ("3201", "3202", "3204", "3211", "3305", "3405", "3418", "5001")
UNTIL = date(2026, 11, 22)


def parameters(
    folder: Path = Path("/nowhere"),
    *,
    people: int = 6_000,
    seed: int = 7,
    years: int = 3,
    codes: tuple[str, ...] = CODES,
) -> Parameters:
    """Parameters of regions whose SQLite stores lie in a folder."""
    regions = tuple(region_settings(code, path=folder / f"{code}.db") for code in codes)
    return Parameters(people, seed, years, UNTIL, regions)


@dataclass(frozen=True)
class Demo:
    """A population that was made: its plan, its stores, the keys they are sealed with."""

    plan: Plan
    folder: Path

    @cached_property
    def keys(self) -> Keys:
        return load_keys(self.folder / "keys")

    @cached_property
    def _sealers(self) -> list[Sealer]:
        return [Sealer(self.keys.sealing, region.code) for region in self.plan.regions]

    @cached_property
    def _salts(self) -> list[dict[int, bytes]]:
        """The salt of everybody's key, by region and person."""
        asked = "SELECT person_id, salt FROM person_keys"
        regions = range(len(self.plan.regions))
        return [{one[0]: one[1] for one in self.rows(region, asked)} for region in regions]

    def path(self, region: int) -> Path:
        path = self.plan.parameters.regions[region].path
        assert path is not None
        return path

    @contextmanager
    def store(self, region: int) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path(region))) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def rows(self, region: int, statement: str, *values: Any) -> list[sqlite3.Row]:
        """What one region answers."""
        with self.store(region) as connection:
            return connection.execute(statement, values).fetchall()

    def every(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """What all regions answer, one after the other."""
        regions = range(len(self.plan.regions))
        return [row for region in regions for row in self.rows(region, statement, *values)]

    def opened(self, region: int, table: str, row: sqlite3.Row) -> dict[str, Any]:
        """The sealed items of a row that has `id`, `sealed` and, but for people, `person_id`."""
        person = row["id" if table == "people" else "person_id"]
        salt = self._salts[region][person]
        return self._sealers[region].open(table, row["id"], row["sealed"], salt)

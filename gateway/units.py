"""Units as the regions' stores know them: CDCs, hospitals, isolation sites, health centres."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.config import Config
from regions.engines import make_engine
from regions.reference import units
from regions.settings import RegionSettings
from resolvers.users import prefix_of

__all__ = ["FoundUnits", "Unit", "find_units"]

_COLUMNS = (units.c.id, units.c.code, units.c.level, units.c.name_zh, units.c.name_en)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. `code` is its place (six digits), and of a CDC its jurisdiction."""

    id: str
    code: str
    level: str  # one of gateway.accounts.UNIT_LEVELS
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class FoundUnits:
    """The units found, by id, and the regions (codes) whose stores gave no answer."""

    units: tuple[Unit, ...]
    away: tuple[str, ...]


async def find_units(config: Config, *, unit: str | None = None, code: str = "") -> FoundUnits:
    """The units of every region's store: that of an id, or those of a code and all below it.

    Stores that do not answer within their deadline are left out and named, never raised.
    """
    query = select(*_COLUMNS).order_by(units.c.id)
    if unit is not None:
        query = query.where(units.c.id == unit)
    if code:
        query = query.where(units.c.code.startswith(prefix_of(code), autoescape=True))
    answers = await asyncio.gather(*(_ask(region, query) for region in config.regions))
    found: dict[str, Unit] = {}
    away = []
    for region, rows in zip(config.regions, answers, strict=True):
        if rows is None:
            away.append(region.code)
        else:
            found |= {row.id: row for row in rows}
    return FoundUnits(tuple(found[one] for one in sorted(found)), tuple(away))


async def _ask(region: RegionSettings, query: Select[Any]) -> list[Unit] | None:
    """A region's units, or None where its store gives no answer."""
    if region.path is not None and not region.path.exists():
        return None
    engine = make_engine(region, pool_size=1)
    try:
        async with asyncio.timeout(region.deadline), engine.connect() as connection:
            return [Unit(*row) for row in await connection.execute(query)]
    except (OSError, SQLAlchemyError):  # TimeoutError is an OSError
        return None
    finally:
        await engine.dispose()

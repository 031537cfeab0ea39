"""What is alike in cards and forms: the reporting unit, the version before, the row with its words
sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, insert, select

from regions.areas import reference_areas
from regions.ids import take_ids
from regions.person_sealing import PeopleSealers
from resolvers.alerts.acting import Held
from resolvers.alerts.words import Filled
from resolvers.writing.envelopes import opened, sealed_items

__all__ = ["enter", "reporting_unit", "version_before"]

_LEVELS = {"province": "PROVINCE", "city": "PREFECTURE"}


def reporting_unit(code: str) -> dict[str, str | None]:
    """The names of the province, city and county of a code, as of now."""
    areas = reference_areas()
    above = {areas.level(one): areas.name(one) for one in areas.ancestors(code)}
    named = {column: above.get(level) for column, level in _LEVELS.items()}
    return named | {"county": areas.name(code)}


def version_before(
    held: Held, table: Table, column: str, number: int
) -> tuple[int, Mapping[str, Any]]:
    """The latest version of a card or form, and its words in clear; 0 and none before the first."""
    asked = select(table).where(table.c[column] == number).order_by(table.c.version.desc()).limit(1)
    found = held.connection.execute(asked).first()
    if found is None:
        return 0, {}
    row = dict(found._mapping)
    (items,) = opened(held.connection, held.store, table, [row])
    return row["version"], items


def enter(
    held: Held, table: Table, kind: str, filled: Filled, person: int | None, **columns: Any
) -> int:
    """Writes a row with what was filled in; its id. `kind` is that of its ids in the access log."""
    number = take_ids(held.connection, held.region, 1)
    row = {
        "id": number,
        "code": held.row["code"],
        "person_id": person,
        "reporter": held.who.account,
        "reporter_unit": held.who.unit_id,
        **columns,
        **filled.columns,
    }
    sealers = PeopleSealers(held.connection, held.store.sealer)
    sealed = sealed_items(sealers, held.store, table, row, filled.items)
    held.connection.execute(insert(table).values(row | {"sealed": sealed}))
    held.wrote.setdefault(kind, []).append(number)
    return number

"""Contacts whose pathway begins as they are registered (D: registered, isolated and tested)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.instants import instant
from regions.pathways import pathway_clocks, pathways
from resolvers.pathway.engine import begin_contact
from resolvers.pathway.moves import again
from resolvers.pathway.packs import packs
from resolvers.pathway.states import CHINA, Clock, ClockKind, Refused, Standing, local_day
from resolvers.pathway.storing import Who, pathway_columns

__all__ = ["begin_contacts", "begun", "is_for", "is_isolated"]

_PATHWAYS = tuple(column.name for column in pathways.columns)
_CLOCKS = tuple(column.name for column in pathway_clocks.columns)
_BEFORE = (ClockKind.CONTACT_TEST, ClockKind.DAILY_VISIT)
_NOT_ISOLATED = ("observation_released_on", "exclusion_reason")


def is_isolated(row: Mapping[str, Any]) -> bool:
    """Whether a contact (columns of `contacts`) is, or is to be, isolated by its rule pack: found,
    under observation, a contact still, and of a level that the pack isolates.
    """
    pack = packs().get(row["rule_pack"])
    return (
        pack is not None
        and pack.isolation(row["level"]) is not None
        and row["outcome"] == "CONTINUING"
        and row["traced"] == "YES"
        and all(row[name] is None for name in _NOT_ISOLATED)
    )


def is_for(row: Mapping[str, Any]) -> bool:
    """Whether a contact's rule pack is for the disease that the contact is observed for."""
    pack = packs().get(row["rule_pack"])
    return pack is not None and row["disease"] == pack.disease


def begin_contacts(connection: Connection, rows: Iterable[Mapping[str, Any]], who: Who) -> None:
    """Writes the pathways of contacts that are registered now: of each `is_isolated` row, from the
    first day of its observation, else from now.
    """
    started, clocks = [], []
    for row in rows:
        standing = begun(row, who.now)
        made = {
            "id": row["id"],
            "record": "contact",
            "person_id": row["person_id"],
            "code": row["code"],
            "unit_id": who.unit_id,
            "started_as": row["level"],
            "started_at": _since(row, who.now),
            "pack": row["rule_pack"],
            "reporter_unit": row["reporter_unit"] or who.unit_id,
            "updated_at": who.now,
        } | pathway_columns(standing)
        started.append(tuple(made[name] for name in _PATHWAYS))
        for place, one in enumerate(standing.clocks):
            due = {name: made[name] for name in ("code", "unit_id", "reporter_unit")} | {
                "pathway_id": row["id"],
                "kind": one.kind.name,
                "number": one.number,
                "place": place,
                "opened_at": one.opened_at,
                "due_at": one.due_at,
                "met_at": one.met_at,
                "missed_at": one.missed_at,
                "dropped_at": one.dropped_at,
                "noted_at": None,
            }
            clocks.append(tuple(due[name] for name in _CLOCKS))
    insert_rows(connection, pathways, _PATHWAYS, started)
    insert_rows(connection, pathway_clocks, _CLOCKS, clocks)


def begun(row: Mapping[str, Any], now: str) -> Standing:
    """Where a contact stands who is registered now. Tests and visits of days before are dropped:
    whoever registers the contact did not have it then, and has not missed them.
    """
    standing = begin_contact(row["level"], _since(row, now), packs()[row["rule_pack"]])
    assert not isinstance(standing, Refused)  # `is_isolated`
    found = replace(standing, clocks=tuple(_before(one, now) for one in standing.clocks))
    visits = [one for one in found.clocks if one.kind is ClockKind.DAILY_VISIT]
    if visits and not any(one.running for one in visits):
        found = again(found, ClockKind.DAILY_VISIT, now, now)
    return found


def _before(clock: Clock, now: str) -> Clock:
    late = clock.kind in _BEFORE and clock.due_at < now
    return replace(clock, dropped_at=clock.opened_at) if late else clock


def _since(row: Mapping[str, Any], now: str) -> str:
    """When isolation began, or is to begin: the first instant of that day in China, if not now."""
    day = row["observation_started_on"]
    if day is None or day == local_day(now).isoformat():
        return now
    return instant(datetime.fromisoformat(day).replace(tzinfo=CHINA).timestamp())

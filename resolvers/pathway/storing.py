"""Pathways in a store: read, written, swept for what ran out, and as the rows of a handoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from regions.cases import cases
from regions.pathways import pathway_clocks, pathway_events, pathways
from regions.people import people
from resolvers.pathway.engine import advance, expired
from resolvers.pathway.packs import RulePack, packs
from resolvers.pathway.states import (
    Clock,
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
)

__all__ = [
    "SWEPT",
    "Known",
    "Who",
    "accept_transfer",
    "clocks_of",
    "forget",
    "load",
    "pack_of",
    "pathway_columns",
    "responsible",
    "save",
    "standing_of",
    "start",
    "step",
    "store_pathway",
    "sweep",
]

_OF_THE_CARD = frozenset({ClockKind.DISCHARGE_DATE, ClockKind.CARD_CORRECTION})
_STAYS = tuple(kind.name for kind in (*sorted(_OF_THE_CARD, key=str), ClockKind.INVESTIGATION))
"""Clocks that remain whose they are when the person goes elsewhere."""

SWEPT = 200  # pathways in one transaction


@dataclass(frozen=True, slots=True)
class Who:
    """Who records something, and when."""

    account: str
    unit_id: str
    now: str


@dataclass(frozen=True, slots=True)
class Known:
    """A pathway as it stands in the store."""

    row: Mapping[str, Any]
    standing: Standing
    pack: RulePack


def pack_of(key: str) -> RulePack:
    """The pack of an id; of one that is no more, the latest."""
    known = packs()
    return known.get(key) or list(known.values())[-1]


def standing_of(row: Mapping[str, Any], clocks: Iterable[Mapping[str, Any]]) -> Standing:
    """What the rows of a pathway say."""
    back = row["returns_to"]
    return Standing(
        level=row["level"],
        state=PathwayState[row["state"]],
        entered_at=row["entered_at"],
        day_one=row["day_one"],
        second_at=row["second_at"],
        released_at=row["released_at"],
        revisits=row["revisits"],
        returns_to=PathwayState[back] if back else None,
        clocks=clocks_of(clocks),
    )


def clocks_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Clock, ...]:
    """Clocks of their rows, in the order they were opened."""
    return tuple(
        Clock(
            ClockKind[one["kind"]],
            one["number"],
            one["opened_at"],
            one["due_at"],
            one["met_at"],
            one["missed_at"],
            one["dropped_at"],
        )
        for one in sorted(rows, key=lambda one: int(one["place"]))
    )


def load(connection: Connection, number: int) -> Known | None:
    """The pathway of a case or contact, locked for this transaction; None where there is none."""
    found = connection.execute(
        select(pathways).where(pathways.c.id == number).with_for_update()
    ).first()
    if found is None:
        return None
    row = found._asdict()
    clocks = connection.execute(select(pathway_clocks).where(pathway_clocks.c.pathway_id == number))
    standing = standing_of(row, [one._asdict() for one in clocks])
    return Known(row, standing, pack_of(row["pack"]))


def forget(connection: Connection, number: int) -> None:
    """Deletes a pathway on which nothing has happened, so that it begins anew."""
    connection.execute(delete(pathway_clocks).where(pathway_clocks.c.pathway_id == number))
    connection.execute(delete(pathways).where(pathways.c.id == number))


def start(
    connection: Connection,
    about: Mapping[str, Any],
    standing: Standing,
    pack: RulePack,
    who: Who,
    *,
    how: str,
) -> Known:
    """Writes a pathway that begins. `about` has id, record, person_id, code, reporter_unit; `how`
    it started is what `resolvers.pathway.engine.started` begins it by.
    """
    row = dict(about) | {
        "unit_id": who.unit_id,
        "started_as": how,
        "started_at": standing.entered_at,
        "pack": pack.id,
        **pathway_columns(standing),
        "updated_at": who.now,
    }
    connection.execute(insert(pathways).values(row))
    known = Known(row, standing, pack)
    _save_clocks(connection, known, (), standing.clocks, who.now)
    return known


def step(connection: Connection, known: Known, event: Event, who: Who) -> Known | Refused:
    """Writes an event and where it leads, or says why it leads nowhere. What ran out before the
    event is written too; what ran out since is left to the sweep, since the next event to be
    recorded may have happened in time.
    """
    following = advance(expired(known.standing, event.at), event, known.pack)
    if isinstance(following, Refused):
        return following
    number = connection.execute(
        select(func.count()).where(pathway_events.c.pathway_id == known.row["id"])
    ).scalar_one()
    connection.execute(
        insert(pathway_events).values(
            pathway_id=known.row["id"],
            number=number + 1,
            kind=event.kind.name,
            at=event.at,
            state=following.state.name,
            unit_id=who.unit_id,
            account=who.account,
            recorded_at=who.now,
        )
    )
    return save(connection, known, following, who.now)


def save(connection: Connection, known: Known, standing: Standing, now: str) -> Known:
    """Writes what a pathway has become."""
    number = known.row["id"]
    changed = pathway_columns(standing) | {"unit_id": known.row["unit_id"], "updated_at": now}
    connection.execute(update(pathways).where(pathways.c.id == number).values(changed))
    _save_clocks(connection, known, known.standing.clocks, standing.clocks, now)
    return Known(dict(known.row) | changed, standing, known.pack)


def sweep(connection: Connection, now: str) -> int:
    """Writes the lapses of up to 200 pathways, once each; returns how many pathways had some.

    Who was responsible and since when it is late stand in the row of the clock.
    """
    clocks = pathway_clocks.c
    late = connection.execute(
        select(clocks.pathway_id)
        .join(pathways, pathways.c.id == clocks.pathway_id)
        .join(people, people.c.id == pathways.c.person_id)
        .where(
            people.c.kept_in.is_(None),  # else the clocks run where the person is now
            clocks.met_at.is_(None),
            clocks.dropped_at.is_(None),
            clocks.missed_at.is_(None),
            clocks.due_at < now,
        )
        .distinct()
        .order_by(clocks.pathway_id)
        .limit(SWEPT)
    ).scalars()
    found = list(late)
    for number in found:
        known = load(connection, number)
        if known is not None:
            save(connection, known, expired(known.standing, now), now)
    return len(found)


def accept_transfer(connection: Connection, person: int, at: str, who: Who) -> list[int]:
    """Moves the pathways of a person on whose transfer was accepted: those released from hospital
    begin their isolation, and whatever is due from now on is `who.unit_id`'s. Returns their ids.
    """
    moved = []
    numbers = connection.execute(
        select(pathways.c.id).where(pathways.c.person_id == person).order_by(pathways.c.id)
    ).scalars()
    for number in list(numbers):
        known = load(connection, number)
        if known is None:
            continue
        theirs = Known(dict(known.row) | {"unit_id": who.unit_id}, known.standing, known.pack)
        following = step(connection, theirs, Event(PathwayEvent.TRANSFER_ACCEPTED, at), who)
        if isinstance(following, Refused):
            save(connection, theirs, theirs.standing, who.now)
        connection.execute(
            update(pathway_clocks)
            .where(
                pathway_clocks.c.pathway_id == number,
                pathway_clocks.c.met_at.is_(None),
                pathway_clocks.c.dropped_at.is_(None),
                pathway_clocks.c.missed_at.is_(None),
                pathway_clocks.c.kind.not_in(_STAYS),
            )
            .values(unit_id=who.unit_id)
        )
        moved.append(number)
    return moved


_PARTS: tuple[tuple[Table, str], ...] = (
    (pathways, "id"),
    (pathway_events, "pathway_id"),
    (pathway_clocks, "pathway_id"),
)


def store_pathway(
    connection: Connection,
    given: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    code: str,
    unit_id: str,
) -> None:
    """Takes the rows of pathways in, by table, with the same ids, in the place of what is here.

    `code` and `unit_id` are the county and unit responsible from now on. Lapses stay whose they
    were. A second time changes nothing.
    """
    rows = {table.name: [dict(row) for row in given.get(table.name, ())] for table, _ in _PARTS}
    numbers = [row["id"] for row in rows["pathways"]]
    for row in rows["pathways"]:
        row |= {"code": code, "unit_id": unit_id, "reporter_unit": unit_id}
    for row in rows["pathway_clocks"]:
        row |= {"code": code, "reporter_unit": unit_id}
        done = row["met_at"] or row["dropped_at"] or row["missed_at"]
        if not done and row["kind"] not in _STAYS:
            row["unit_id"] = unit_id
    for table, key in _PARTS:
        connection.execute(delete(table).where(table.c[key].in_(numbers)))
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])


def pathway_columns(standing: Standing) -> dict[str, Any]:
    """What of a standing stands in the row of its pathway."""
    back = standing.returns_to
    return {
        "level": standing.level,
        "state": standing.state.name,
        "entered_at": standing.entered_at,
        "day_one": standing.day_one,
        "second_at": standing.second_at,
        "released_at": standing.released_at,
        "revisits": standing.revisits,
        "returns_to": back.name if back is not None else None,
    }


def _save_clocks(
    connection: Connection,
    known: Known,
    before: tuple[Clock, ...],
    after: tuple[Clock, ...],
    now: str,
) -> None:
    row, clocks = known.row, pathway_clocks.c
    for place, one in enumerate(after):
        ends = {"met_at": one.met_at, "missed_at": one.missed_at, "dropped_at": one.dropped_at}
        old = before[place] if place < len(before) else None
        if one.missed_at and (old is None or not old.missed_at):
            ends["noted_at"] = now
        if old is None:
            connection.execute(
                insert(pathway_clocks).values(
                    pathway_id=row["id"],
                    kind=one.kind.name,
                    number=one.number,
                    place=place,
                    code=row["code"],
                    unit_id=responsible(connection, row, one.kind),
                    reporter_unit=row["reporter_unit"],
                    opened_at=one.opened_at,
                    due_at=one.due_at,
                    **ends,
                )
            )
        elif one != old:
            connection.execute(
                update(pathway_clocks)
                .where(
                    clocks.pathway_id == row["id"],
                    clocks.kind == one.kind.name,
                    clocks.number == one.number,
                )
                .values(**ends)
            )


def responsible(connection: Connection, row: Mapping[str, Any], kind: ClockKind) -> str:
    """Whose a clock is: of the card whoever first reported it (B8), of the investigation the
    county's CDC (N113 1.3), else the unit responsible for the person.
    """
    if kind is ClockKind.INVESTIGATION:
        return f"cdc-{row['code']}"
    if kind in _OF_THE_CARD and row["record"] == "case":
        card = select(cases.c.unit_id).where(cases.c.id == row["id"])
        return connection.execute(card).scalar() or str(row["unit_id"])
    return str(row["unit_id"])

"""Handing a person over by hand, for the tests of reading: rows as a handoff leaves them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, update

from regions.contacts import contacts, samples, visits
from regions.ids import first_id, region_of
from regions.people import people
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.transfers import custody, transfer_events, transfer_people, transfers
from tests.records import Population, Row
from tests.stores import in_store

__all__ = ["AT", "COUNTY", "FROM", "TO", "Moved", "copied", "hand_over"]

FROM, TO = "320100", "500100"
COUNTY = "500101"
AT = "2026-11-28T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Moved:
    """Who was handed over, with the contacts that went along."""

    person: int
    contacts: list[Row]
    transfer: str = "t-1"


def copied(filled: Sequence[RegionSettings], folder: Path) -> tuple[RegionSettings, ...]:
    """Copies of stores that may be written."""
    made = []
    for one in filled:
        assert one.path is not None
        path = folder / one.path.name
        shutil.copyfile(one.path, path)
        made.append(replace(one, path=path))
    return tuple(made)


def hand_over(settings: Sequence[RegionSettings], population: Population, person: int) -> Moved:
    """Hands a person of 南京 over to a county of 重庆, with contacts, visits and samples."""
    given = next(one for one in settings if one.code == FROM)
    taken = next(one for one in settings if one.code == TO)
    assert region_of(person) == FROM
    (row,) = [one for one in population.of(people) if one["id"] == person]
    mine = [one for one in population.of(contacts) if one["person_id"] == person]
    sealer = Sealer(population.keys.sealing, TO)

    def sealed(table: str, one: Row, **more: Any) -> Row:
        items = population.items.get((table, one["id"]))
        return one | {"sealed": items and sealer.seal(table, one["id"], items)} | more

    def receive(connection: Connection) -> None:
        here = {"code": COUNTY, "reporter": "officer-b", "reporter_unit": "cdc-500101"}
        connection.execute(insert(people), [sealed("people", row, **here)])
        if mine:
            connection.execute(insert(contacts), [sealed("contacts", c, **here) for c in mine])
        for table in (visits, samples):
            rows = [one for one in population.of(table) if one["person_id"] == person]
            if rows:
                made = [sealed(table.name, one, code=COUNTY) for one in rows]
                connection.execute(insert(table), made)
        _note(connection, person, "RECEIVED", "OWNED", FROM, sealer)

    def release(connection: Connection) -> None:
        for table, column in ((people, people.c.id), (contacts, contacts.c.person_id)):
            connection.execute(update(table).where(column == person).values(kept_in=TO))
        _note(connection, person, "SENT", "HANDED", TO, None)

    in_store(taken, receive)
    in_store(given, release)
    return Moved(person, mine)


def _note(
    connection: Connection, person: int, side: str, state: str, peer: str, sealer: Sealer | None
) -> None:
    here = FROM if side == "SENT" else TO
    unit = "cdc-320104" if side == "SENT" else "cdc-500101"
    number = first_id(here) + 900_000
    connection.execute(
        insert(custody).values(
            person_id=person,
            state=state,
            epoch=1,
            peer=peer,
            transfer_id="t-1",
            unit_id=unit,
            since=AT,
        )
    )
    connection.execute(
        insert(transfers).values(
            id="t-1",
            side=side,
            state="COMMITTED",
            from_region=FROM,
            to_region=TO,
            from_unit="cdc-320104",
            to_unit="cdc-500101",
            reason="JURISDICTION",
            offer_hash="0",
            created_at=AT,
            updated_at=AT,
            reporter="officer-a" if side == "SENT" else "officer-b",
            reporter_unit=unit,
            code="320104" if side == "SENT" else COUNTY,
        )
    )
    items = {"escort": "护送人", "remarks": "坐轮椅"}
    connection.execute(
        insert(transfer_people).values(
            id=number,
            transfer_id="t-1",
            side=side,
            person_id=person,
            epoch=1,
            outcome="HANDED",
            decided_at=AT,
            sealed=None if sealer is None else sealer.seal("transfer_people", number, items),
        )
    )
    steps = (("OFFERED", FROM), ("ACCEPTED", TO), ("HANDED", FROM))
    for place, (event, region) in enumerate(steps):
        connection.execute(
            insert(transfer_events).values(
                id=number + 1 + place,
                transfer_id="t-1",
                person_id=person,
                at=f"2026-11-28T00:0{place}:00Z",
                region=region,
                event=event,
                epoch=1,
            )
        )

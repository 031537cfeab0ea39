"""Who is on duty at an instant: by shift, else the standing one, of those who may sign in (A10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.instants import instant
from regions.offices import duty_persons, duty_shifts
from regions.sealing import Sealer
from regions.users import accounts
from resolvers.users import Role
from resolvers.users.rosters import (
    Shift,
    contact_of,
    current_record,
    duty_rows,
    end_duty,
    on_duty,
    open_shifts,
    put_duty,
    put_shifts,
    put_watches,
    units_watching,
    watched,
)
from tests.resolvers.users.central_store import COUNTY, store

UNIT = COUNTY[0]
DAY = 86_400
SEALER = Sealer(bytes(32), "000000")


def at(days: float) -> str:
    """An instant so many days after the first of November 2026, noon."""
    return instant(1_793_534_400 + days * DAY)


def account(connection: Connection, name: str, number: int) -> None:
    connection.execute(
        insert(accounts).values(
            id=number,
            account=name,
            name=name,
            role=Role.DUTY_PERSON.name,
            unit_id=UNIT,
            unit_name=COUNTY[1],
            unit_level=COUNTY[2],
            code=COUNTY[3],
            password_hash="x",
            state="ACTIVE",
            created_at=at(-9),
            valid_until=at(300),
            renewed_at=at(-9),
            renew_by=at(300),
        )
    )


def put(connection: Connection, name: str, day: float, **more: Any) -> None:
    standing = more.pop("standing", None)
    who = {"account": name, "code": COUNTY[3]}
    items = {"mobile": "15400000001"} | more
    put_duty(connection, SEALER, UNIT, who, items, "admin", at(day), standing=standing)


def told(connection: Connection, day: float) -> list[str]:
    return [one.account for one in on_duty(connection, UNIT, at(day))]


def done(folder: Path, work: Callable[[Connection], None]) -> None:
    def run(connection: Connection) -> None:
        for number, name in enumerate(("ding", "li", "zhao"), 1):
            account(connection, name, number)
        work(connection)

    async def main() -> None:
        async with store(folder) as central:
            await central.do(run)

    asyncio.run(main())


def test_the_shift_decides_and_else_the_standing_one(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        assert told(connection, 0) == []
        put(connection, "ding", 0)
        put(connection, "li", 0, standing=False)
        put(connection, "zhao", 0, standing=False)
        assert told(connection, 1) == ["ding"]
        shifts = [Shift("li", at(2), at(3)), Shift("zhao", at(2.5), at(3.5))]
        put_shifts(connection, UNIT, (at(1), at(5)), shifts, "admin", at(1))
        days = (1.9, 2, 2.5, 3, 3.5)
        assert [told(connection, day) for day in days] == [
            ["ding"],
            ["li"],
            ["li", "zhao"],
            ["zhao"],
            ["ding"],
        ]
        gone = update(accounts).where(accounts.c.account == "li")
        connection.execute(gone.values(state="DISABLED"))
        assert told(connection, 2) == ["ding"]
        assert told(connection, 2.5) == ["zhao"]

    done(tmp_path, work)


def test_numbers_are_kept_current_and_every_earlier_one_stays(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        put(connection, "ding", 0, email="ding@example.org")
        put(connection, "ding", 1, mobile="15400000002")
        (one,) = on_duty(connection, UNIT, at(2))
        found = contact_of(connection, SEALER, one.record)
        assert (found["mobile"], found["email"]) == ("15400000002", "ding@example.org")
        put(connection, "ding", 3, email=None)
        (one,) = on_duty(connection, UNIT, at(4))
        assert contact_of(connection, SEALER, one.record)["email"] is None
        rows = duty_rows(connection, UNIT, all_ever=True)
        assert [(row.since, row.until) for row in rows] == [
            (at(3), None),
            (at(1), at(3)),
            (at(0), at(1)),
        ]
        assert not any(b"154" in row.sealed or b"example" in row.sealed for row in rows)

    done(tmp_path, work)


def test_one_is_standing_and_the_others_stay_or_go(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        put(connection, "ding", 0)
        put(connection, "zhao", 0, standing=False)
        put(connection, "li", 1)  # in place of ding, as ever
        assert [row.account for row in duty_rows(connection, UNIT)] == ["li", "zhao"]
        put(connection, "zhao", 2, mobile="15400000003")  # a number alone changes nobody's turn
        assert told(connection, 3) == ["li"]
        put(connection, "zhao", 3, standing=True)
        assert told(connection, 4) == ["zhao"]
        assert [row.account for row in duty_rows(connection, UNIT)] == ["zhao"]

    done(tmp_path, work)


def test_who_is_replaced_keeps_the_shifts(tmp_path: Path) -> None:
    """Another is standing from then on; what is planned stays planned."""

    def work(connection: Connection) -> None:
        put(connection, "ding", 0, email="ding@example.org")
        shifts = [Shift("ding", at(2), at(3)), Shift("ding", at(6), at(7))]
        put_shifts(connection, UNIT, (at(1), at(9)), shifts, "admin", at(0.5))
        put(connection, "li", 1)
        assert [told(connection, day) for day in (1.5, 2.5, 3.5)] == [["li"], ["ding"], ["li"]]
        (one,) = on_duty(connection, UNIT, at(2.5))
        assert contact_of(connection, SEALER, one.record) == {
            "mobile": "15400000001",
            "email": "ding@example.org",
        }
        rows = {row.account: row for row in duty_rows(connection, UNIT)}
        assert {name: row.standing for name, row in rows.items()} == {"ding": 0, "li": 1}
        assert (rows["ding"].since, rows["ding"].code) == (at(1), COUNTY[3])
        put(connection, "zhao", 8)  # all have ended
        assert [row.account for row in duty_rows(connection, UNIT)] == ["ding", "zhao"]
        put(connection, "ding", 9, standing=True)
        put(connection, "li", 10)
        assert [row.account for row in duty_rows(connection, UNIT)] == ["li"]

    done(tmp_path, work)


def test_the_number_of_today_by_a_row_of_before(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        put(connection, "li", 0, standing=False)
        put(connection, "ding", 0)
        (first,) = on_duty(connection, UNIT, at(0))
        assert current_record(connection, first.record) == first.record
        put(connection, "ding", 1, mobile="15400000002")
        put(connection, "ding", 2, mobile="15400000003")
        current = current_record(connection, first.record)
        assert contact_of(connection, SEALER, current)["mobile"] == "15400000003"
        assert end_duty(connection, UNIT, "ding", "head", at(3))
        assert current_record(connection, first.record) == first.record

    done(tmp_path, work)


def test_a_roster_is_planned_anew_and_its_history_stays(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        put(connection, "ding", 0)
        put(connection, "li", 0, standing=False)
        first = [Shift("li", at(day), at(day + 1)) for day in range(1, 5)]
        put_shifts(connection, UNIT, (at(1), at(5)), first, "admin", at(0))
        again = [Shift("ding", at(3), at(4))]
        put_shifts(connection, UNIT, (at(0), at(9)), again, "head", at(2.5))
        found = [(one.account, one.begins) for one in open_shifts(connection, UNIT, at(2.5))]
        assert found == [("ding", at(3))]
        rows = connection.execute(select(duty_shifts).order_by(duty_shifts.c.id)).all()
        assert [(one.account, one.withdrawn_at) for one in rows] == [
            ("li", None),  # it had ended: what was is not planned anew
            ("li", at(2.5)),
            ("li", at(2.5)),
            ("li", at(2.5)),
            ("ding", None),
        ]
        assert end_duty(connection, UNIT, "ding", "head", at(3.5))
        assert not end_duty(connection, UNIT, "ding", "head", at(3.6))
        assert open_shifts(connection, UNIT, at(3.5)) == []
        assert told(connection, 3.6) == []
        query = select(duty_persons.c.until).where(duty_persons.c.account == "ding")
        assert list(connection.execute(query).scalars()) == [at(3.5)]

    done(tmp_path, work)


def test_diseases_a_unit_watches(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        put_watches(connection, "cdc-320100", "320100", ["plague", "sars"], "admin", at(0))
        put_watches(connection, "cdc-320000", "320000", ["plague"], "admin", at(0))
        above = ["cdc-320100", "cdc-320000", "cdc-000000"]
        assert units_watching(connection, "plague", above) == above[:2]
        assert units_watching(connection, "sars", above) == above[:1]
        put_watches(connection, "cdc-320100", "320100", ["sars", "polio"], "admin", at(1))
        assert watched(connection, "cdc-320100") == ["polio", "sars"]
        assert units_watching(connection, "plague", above) == ["cdc-320000"]
        put_watches(connection, "cdc-320100", "320100", [], "admin", at(2))
        assert watched(connection, "cdc-320100") == []

    done(tmp_path, work)

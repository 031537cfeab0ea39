"""The filing chain under concurrent attempts: two on file, one active, each decided once."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from regions.errors import Forbidden, InvalidInput, NotFound
from regions.offices import administrator_filings as filings
from regions.users import accounts, sessions
from resolvers.users import Viewer
from resolvers.users.accounts import find_account, is_usable
from resolvers.users.authority import require_above
from resolvers.users.filings import (
    Form,
    accept,
    activate,
    deregister,
    file,
    refuse,
    withdraw,
)
from resolvers.users.levels import unit_above
from resolvers.users.on_file import active_of, find_filing
from tests.resolvers.users.central_store import CITY, COUNTY, NATIONAL, PROVINCE, Store, store

UNITS = {unit[0]: unit for unit in (NATIONAL, PROVINCE, CITY, COUNTY)}
SYSTEM = "sysadmin"


def form(unit: tuple[str, ...], person: int, reason: str | None = "much work") -> Form:
    unit_id, unit_name, unit_level, code = unit
    return Form(
        unit_id=unit_id,
        unit_name=unit_name,
        unit_level=unit_level,
        code=code,
        department="信息管理科",
        account=f"admin-{unit[3]}-{person}",
        name=f"管理员{person}",
        signed_on="2026-11-01",
        head_name="领导",
        head_signed_on="2026-11-02",
        committed=True,
        password_hash="hash",
        person_index=f"person-{person}",
        second_reason=reason,
    )


def viewer_of(connection: Connection, account: str) -> Viewer | None:
    """Who asks, as a session opened now would say; None where nobody could sign in."""
    found = find_account(connection, account)
    if found is None or not is_usable(connection, account):
        return None
    unit = (found.unit_id, found.unit_name, found.unit_level, found.code)
    return Viewer(account, found.name, found.role, *unit)


@dataclass
class World:
    """What was done, as those who did it were told."""

    store: Store
    decided: Counter[int] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    wrong_level: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        """The country's system administrator and administrators of the country and a province."""

        def work(connection: Connection) -> None:
            row = {"account": SYSTEM, "id": 900, "name": "系统", "role": "SYSTEM_ADMINISTRATOR"}
            row |= dict(zip(("unit_id", "unit_name", "unit_level", "code"), NATIONAL, strict=True))
            more = {"password_hash": "hash", "created_at": "2026-01-01T00:00:00Z"}
            connection.execute(insert(accounts).values(row | more))
            for unit in (NATIONAL, PROVINCE):
                accept(connection, file(connection, form(unit, 0), SYSTEM), SYSTEM)

        await self.store.do(work)

    async def attempt(self, step: Step) -> None:
        """One attempt on a connection of its own; then the invariants, on another."""
        with suppress(Forbidden, InvalidInput, NotFound):
            await self.store.do(lambda connection: self._done(connection, step))
        await self.store.do(invariants)

    def _done(self, connection: Connection, step: Step) -> None:
        if step.event == "file":
            file(connection, form(UNITS[step.unit], step.person), "anybody")
            return
        known = connection.execute(
            select(filings.c.id).where(filings.c.unit_id == step.unit).order_by(filings.c.id.desc())
        ).scalars()
        numbers = list(known)
        if not numbers:
            return
        number = numbers[step.which % len(numbers)]
        found = find_filing(connection, number)
        above = unit_above(found.unit_id, found.unit_level, found.code)
        right = active_of(connection, above) if above else SYSTEM
        by = step.by or right or SYSTEM
        viewer = viewer_of(connection, by)
        if viewer is None:
            raise Forbidden("nobody can sign in as this")
        if step.event in ("accept", "refuse", "deregister", "activate"):
            require_above(connection, viewer, found.unit_id, found.unit_level, found.code)
        EVENTS[step.event](connection, number, by)
        self.done[step.event] += 1
        if step.event in ("accept", "refuse", "withdraw"):
            self.decided[number] += 1
        if step.event != "withdraw" and by != right:
            self.wrong_level.append(f"{by} {step.event} {found}")


EVENTS: dict[str, Callable[[Connection, int, str], Any]] = {
    "accept": lambda c, number, by: accept(c, number, by),
    "refuse": lambda c, number, by: refuse(c, number, by, "no"),
    "withdraw": lambda c, number, by: withdraw(c, number, by, "no"),
    "activate": lambda c, number, by: activate(c, number, by),
    "deregister": lambda c, number, by: deregister(c, number, by, "left"),
}


@dataclass(frozen=True)
class Step:
    """What somebody attempts."""

    event: str
    unit: str
    person: int
    which: int  # of the unit's filings, the newest first
    by: str | None  # None is whoever has the right


def invariants(connection: Connection) -> None:
    """What holds after each transaction, as the store has it."""

    def rows(query: str) -> list[Any]:
        return list(connection.execute(text(query)))

    on_file = "state IN ('FILED', 'ON_FILE', 'ACTIVE')"
    assert not rows(
        f"SELECT unit_id FROM administrator_filings WHERE {on_file} "
        "GROUP BY unit_id HAVING count(*) > 2"
    ), "more than two on file"
    assert not rows(
        "SELECT unit_id FROM administrator_filings WHERE state = 'ACTIVE' "
        "GROUP BY unit_id HAVING count(*) > 1"
    ), "more than one active"
    assert not rows(f"SELECT id FROM administrator_filings WHERE (slot IS NULL) = ({on_file})")
    assert not rows(
        "SELECT f.id FROM administrator_filings f LEFT JOIN accounts a ON a.account = f.account "
        "WHERE f.state IN ('ON_FILE', 'ACTIVE') AND a.account IS NULL"
    ), "accepted without an account"
    assert not rows(
        "SELECT f.id FROM administrator_filings f JOIN accounts a ON a.account = f.account "
        "WHERE f.state = 'DEREGISTERED' AND a.state <> 'DISABLED' AND NOT EXISTS (SELECT 1 FROM "
        f"administrator_filings g WHERE g.account = f.account AND g.{on_file})"
    ), "deregistered and not disabled"
    assert not rows(
        "SELECT a.account FROM accounts a WHERE a.role = 'BUSINESS_ADMINISTRATOR' AND NOT EXISTS "
        "(SELECT 1 FROM administrator_filings f WHERE f.account = a.account AND f.decided_at "
        "IS NOT NULL)"
    ), "an administrator whom nobody accepted"


DONE = Counter[str]()
"""How often each event was done in all examples."""

STEPS = st.builds(
    Step,
    event=st.sampled_from(["file", "file", "accept", "accept", *EVENTS]),
    unit=st.sampled_from(list(UNITS)),
    person=st.integers(0, 3),
    which=st.integers(0, 2),
    by=st.sampled_from([SYSTEM, None, None, None])
    | st.builds(
        lambda unit, person: f"admin-{unit[3]}-{person}",
        st.sampled_from(list(UNITS.values())),
        st.integers(0, 3),
    ),
)


EVERYTHING = [  # so that each event is done in one example at least
    [Step("file", CITY[0], 1, 0, None)],  # alone, with an administrator above: no race decides
    [Step("refuse", CITY[0], 0, 0, None)],
    [Step("file", CITY[0], 1, 0, None)],
    [Step("accept", CITY[0], 0, 0, None), Step("accept", CITY[0], 0, 0, None)],
    [Step("file", CITY[0], 2, 0, None), Step("file", CITY[0], 3, 0, None)],
    [Step("accept", CITY[0], 0, 0, None), Step("withdraw", COUNTY[0], 0, 0, None)],
    [Step("activate", CITY[0], 0, 0, None), Step("activate", CITY[0], 0, 1, None)],
    [Step("activate", CITY[0], 0, 0, None)],
    [Step("deregister", CITY[0], 0, 0, None), Step("deregister", CITY[0], 0, 0, None)],
    [Step("file", COUNTY[0], 1, 0, None), Step("file", COUNTY[0], 2, 0, None)],
    [Step("withdraw", COUNTY[0], 0, 0, None), Step("refuse", COUNTY[0], 0, 1, None)],
    [Step("refuse", COUNTY[0], 0, 0, None), Step("refuse", COUNTY[0], 0, 1, None)],
]


@pytest.mark.no_cover  # the lines of the tests below, again and again
@example(rounds=EVERYTHING)
@given(rounds=st.lists(st.lists(STEPS, min_size=2, max_size=5), min_size=3, max_size=12))
@settings(max_examples=25)
def test_the_chain_holds_under_concurrent_attempts(rounds: list[list[Step]]) -> None:
    """Each round is tried at once, every attempt over a connection of its own."""

    counted = Counter[str]()

    async def main(folder: Path) -> None:
        async with store(folder) as one:
            world = World(one)
            await world.begin()
            for steps in rounds:
                await asyncio.gather(*(world.attempt(step) for step in steps))
            counted.update(world.done)
            assert all(times == 1 for times in world.decided.values()), world.decided
            assert world.wrong_level == []

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
    DONE.update(counted)


def test_the_attempts_above_were_not_in_vain() -> None:
    if not DONE:
        pytest.skip("only after the test above")
    assert set(DONE) == set(EVENTS), DONE


def run(tmp_path: Path, work: Callable[[Connection], None]) -> None:
    async def main() -> None:
        async with store(tmp_path) as one:
            await World(one).begin()
            await one.do(work)

    asyncio.run(main())


def test_ten_who_file_at_once_are_two_on_file(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with store(tmp_path) as one:
            await World(one).begin()

            def one_of(person: int) -> Callable[[Connection], int]:
                return lambda connection: file(connection, form(CITY, person), "x")

            return await asyncio.gather(
                *(one.do(one_of(person)) for person in range(10)), return_exceptions=True
            )

    told = asyncio.run(main())
    assert sorted(one for one in told if isinstance(one, int)) == [3, 4]
    assert sum(isinstance(one, InvalidInput) for one in told) == 8


def test_the_life_of_two_administrators(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        first = file(connection, form(CITY, 1, None), "x")
        with pytest.raises(InvalidInput, match="a second one needs a reason"):
            file(connection, form(CITY, 2, None), "x")
        second = file(connection, form(CITY, 2), "x")
        with pytest.raises(InvalidInput, match="2 administrators"):
            file(connection, form(CITY, 3), "x")
        assert not is_usable(connection, "admin-320100-1")
        accept(connection, first, "up")
        accept(connection, second, "up")
        assert is_usable(connection, "admin-320100-1")
        assert not is_usable(connection, "admin-320100-2")
        with pytest.raises(InvalidInput, match="active already"):
            accept(connection, first, "up")

        token = {"token_hash": "t", "account": "admin-320100-1", "created_at": "x"}
        times = {"expires_at": "9", "last_seen_at": "x"}
        connection.execute(insert(sessions).values(token | times))
        activate(connection, second, "up", "holidays")
        assert connection.scalar(select(sessions.c.revoked_at)) is not None
        assert not is_usable(connection, "admin-320100-1")
        assert is_usable(connection, "admin-320100-2")

        deregister(connection, second, "up", "left")
        assert active_of(connection, CITY[0]) is None
        assert not is_usable(connection, "admin-320100-2")
        with pytest.raises(InvalidInput, match="is deregistered"):
            activate(connection, second, "up")
        with pytest.raises(InvalidInput, match="there is an account admin-320100-2"):
            file(connection, form(CITY, 2), "x")
        third = file(connection, form(CITY, 3), "x")
        refuse(connection, third, "up", "no signature")
        withdraw(connection, file(connection, form(CITY, 3), "x"), "x", "a mistake")
        row = connection.execute(select(filings).where(filings.c.id == third)).one()
        assert (row.slot, row.password_hash, row.reason) == (None, None, "no signature")
        assert find_account(connection, "admin-320100-3") is None

    run(tmp_path, work)


def test_one_person_is_not_filed_twice_in_a_unit_and_may_be_elsewhere(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        accept(connection, file(connection, form(CITY, 1), "x"), "up")
        again = replace(form(CITY, 9), person_index="person-1")
        with pytest.raises(InvalidInput, match="the same person has the account"):
            file(connection, again, "x")
        filed = file(connection, form(COUNTY, 2), "x")
        again = replace(form(COUNTY, 9), person_index="person-2")
        with pytest.raises(InvalidInput, match="on file here already"):
            file(connection, again, "x")
        assert accept(connection, filed, "up").state.name == "ACTIVE"

    run(tmp_path, work)


def test_the_store_itself_holds_two_slots_and_one_active(tmp_path: Path) -> None:
    """Whatever else goes wrong."""

    def work(connection: Connection) -> None:
        for person in (1, 2):
            accept(connection, file(connection, form(CITY, person), "x"), "up")
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("UPDATE administrator_filings SET state = 'ACTIVE'"))
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("UPDATE administrator_filings SET slot = 1"))

    run(tmp_path, work)

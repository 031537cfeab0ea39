"""`python -m bench handoffs`: whole handoffs between two regions, on either kind of store.

A handoff is whole when its receiver owns the person and the sender's copy says so: offered,
previewed, accepted, committed with its dossier, each answer taken home; every message of it is
answered, and custody is read back before a number counts.

Goals: 200 handoffs/s between two SQLite regions, 1,000/s on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from sqlalchemy import Connection, func, select

from bench.breaking.world import register
from bench.machine import Others
from bench.report import Sheet, judged
from regions.instants import now
from regions.keys import Keys, create_keys, load_keys
from regions.migrating import migrate
from regions.settings import RegionSettings
from regions.transfers import custody
from resolvers.post.pump import Pump
from resolvers.transfers.applying import ids_for
from resolvers.transfers.delivering import TRANSFER_HANDLERS
from resolvers.transfers.many import Deciding, Offering, decide_many, offer_many
from resolvers.transfers.offers import offer_transfer
from resolvers.transfers.steps import decide_transfer
from resolvers.transfers.terms import Offer, OfferedPerson, Outcome, Who
from resolvers.writing.stores import Store, Stores

__all__ = ["GOALS", "Rate", "measure", "sheet"]

GOALS = {"sqlite": 200, "postgresql": 1_000}
"""People a second."""

_AT_ONCE = 64
_REGISTERED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Rate:
    """People handed over a second, `each` in one transfer.

    `live`: 64 callers, each of whom offers, waits until it is delivered, accepts, and waits until
    all is done; else all are offered first, and then all accepted.
    """

    stores: str
    each: int
    live: bool
    people: int
    rate: float
    cpu: float  # seconds of processor a person, of this process and its threads
    durable: str = ""  # what PostgreSQL says of its commits


def measure(
    folder: Path, plan: Sequence[tuple[int, bool]], people: int, *, urls: Sequence[str] = ()
) -> list[Rate]:
    """Measures between two SQLite files of a folder, or two empty databases of PostgreSQL.

    `plan` has, for each figure, people of a transfer and whether it is live.
    """
    folder.mkdir(parents=True, exist_ok=True)
    create_keys(folder / "keys")
    settings = [
        RegionSettings(
            code=code,
            name_zh=code,
            name_en=code,
            prefixes=(code[:4],),
            path=None if urls else folder / f"{code}.db",
            url=urls[number] if urls else None,
            deadline=30.0,
        )
        for number, code in enumerate(("320100", "330200"))
    ]
    # As a worker of the gateway runs.
    return uvloop.run(_measure(settings, load_keys(folder / "keys"), plan, people))


async def _measure(
    settings: Sequence[RegionSettings], keys: Keys, plan: Sequence[tuple[int, bool]], people: int
) -> list[Rate]:
    for one in settings:
        await migrate(one)
    stores = Stores(settings, keys)
    pump = Pump(stores, TRANSFER_HANDLERS)
    found = []
    try:
        durable = await stores.regions[0].look(_durable) if settings[0].path is None else ""
        warming = _Run(stores, pump, "warming", 1)  # connections, statements, files
        await warming.live(await warming.prepare(2 * _AT_ONCE))
        for number, (each, live) in enumerate(plan):
            run = _Run(stores, pump, f"run-{number}", each)
            transfers = await run.prepare(people)
            begun, spent = time.perf_counter(), time.process_time()
            await (run.live(transfers) if live else run.backlog(transfers))
            seconds = time.perf_counter() - begun
            cpu = (time.process_time() - spent) / people
            await run.check(transfers)
            rate = people / seconds
            found.append(Rate(settings[0].dialect, each, live, people, rate, cpu, durable))
    finally:
        await pump.close()
        await stores.close()
    return found


def _durable(connection: Connection) -> str:
    names = ("fsync", "synchronous_commit")
    shown = [(one, connection.exec_driver_sql(f"SHOW {one}").scalar()) for one in names]
    return ", ".join(f"{name}={value}" for name, value in shown)


class _Run:
    """Handoffs from the first store to the second."""

    def __init__(self, stores: Stores, pump: Pump, name: str, each: int) -> None:
        self._here, self._there = stores.regions
        self._pump, self._name, self._each = pump, name, each

    async def prepare(self, people: int) -> dict[str, list[int]]:
        """The people of each transfer, registered in the first store."""
        persons: list[int] = []

        def work(connection: Connection, _: int) -> None:
            wanted = min(_REGISTERED_AT_ONCE, people - len(persons))
            persons.extend([register(connection, self._here, number) for number in range(wanted)])

        while len(persons) < people:
            await self._here.carry(0, work)
        starts = range(0, people, self._each)
        return {f"{self._name}-{one}": persons[one : one + self._each] for one in starts}

    async def backlog(self, transfers: dict[str, list[int]]) -> None:
        """All are offered, then delivered; all accepted, then delivered."""
        await self._callers(transfers, self._offer)
        await self._pump.sweep()
        await self._callers(transfers, self._accept)
        await self._pump.sweep()

    async def live(self, transfers: dict[str, list[int]]) -> None:
        """Each caller sees a transfer through."""

        async def handed(transfer: str, persons: list[int]) -> None:
            await self._offer(transfer, persons)
            await self._pump.nudge(self._here.settings.code, transfer)
            await self._accept(transfer, persons)
            await self._pump.nudge(self._there.settings.code, transfer)

        await self._callers(transfers, handed)

    @staticmethod
    async def _callers(
        transfers: dict[str, list[int]], do: Callable[[str, list[int]], Awaitable[None]]
    ) -> None:
        waiting = iter(transfers.items())

        async def caller() -> None:
            for transfer, persons in waiting:
                await do(transfer, persons)

        await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))

    async def _offer(self, transfer: str, persons: list[int]) -> None:
        code = self._there.settings.code
        offer = Offer(
            transfer,
            code,
            f"unit-{code}",
            f"{code[:4]}02",
            tuple(OfferedPerson(one) for one in persons),
            "CENTRAL_ISOLATION",
            items=("NAME",),
        )

        asked = Offering(offer, _who(self._here), "0" * 32, now())

        def alone(connection: Connection, first: int) -> Outcome:
            return offer_transfer(
                connection, self._here, first, offer, asked.who, trace=asked.trace, at=asked.at
            )

        _taken(await self._here.carry_together(offer_many, asked, ids_for(len(persons)), alone))

    async def _accept(self, transfer: str, persons: list[int]) -> None:
        asked = Deciding(transfer, None, _who(self._there), "0" * 32, now())

        def alone(connection: Connection, first: int) -> Outcome:
            return decide_transfer(
                connection,
                self._there,
                first,
                transfer,
                accept=None,
                refuse={},
                who=asked.who,
                trace=asked.trace,
                at=asked.at,
            )

        _taken(await self._there.carry_together(decide_many, asked, ids_for(len(persons)), alone))

    async def check(self, transfers: dict[str, list[int]]) -> None:
        """Raises RuntimeError where anybody was not handed over."""
        people = sum(map(len, transfers.values()))
        await self._pump.sweep()
        for store, state in ((self._here, "HANDED"), (self._there, "OWNED")):
            query = select(func.count()).where(
                custody.c.state == state, custody.c.transfer_id.like(f"{self._name}-%")
            )
            found = await store.look(lambda connection, query=query: connection.scalar(query))  # type: ignore[misc]  # a default binds the loop's variable
            if found != people:
                raise RuntimeError(f"{found} of {people} are {state}")


def _who(store: Store) -> Who:
    code = store.settings.code
    return Who(f"officer-{code}", f"unit-{code}", f"{code[:4]}02")


def _taken(outcome: Outcome) -> None:
    if outcome.refusal is not None:
        raise RuntimeError(f"{outcome.transfer_id} was refused: {outcome.refusal.name}")


def sheet(rates: Sequence[Rate], others: Others) -> Sheet:
    """The table."""
    made = Sheet(
        "handoffs",
        "Whole handoffs between two regions",
        ("stores", "people a transfer", "how", "people", "people/s", "÷ goal (≥ 1)", "cpu ms"),
    )
    for one in rates:
        how = f"live, {_AT_ONCE} callers" if one.live else "all at each step"
        share = judged(one.rate / GOALS[one.stores], 1, at_least=True)
        made.rows.append(
            (
                *(one.stores, str(one.each), how, f"{one.people:,}", f"{one.rate:,.0f}", share),
                f"{1000 * one.cpu:.2f}",
            )
        )
    made.notes.append("one process, one core for it and its threads; a person with one contact")
    made.notes.append("cpu ms: processor time a person, of the process without that of PostgreSQL")
    made.notes.append("goals: 200/s on SQLite, 1,000/s on PostgreSQL; bold where missed")
    for said in sorted({one.durable for one in rates if one.durable}):
        made.notes.append(f"PostgreSQL on the same machine, with {said}")
    made.notes.append(f"{others}")
    return made

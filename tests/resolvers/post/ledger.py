"""A post for the tests: handlers that keep a ledger in the stores, and stores that die on request.

The ledger is rows of the table `sequences`, whose names are unique: what takes effect twice fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, func, insert, select

from regions.corrections import sequences
from regions.keys import Keys
from regions.post import post_outbox
from regions.settings import RegionSettings
from resolvers.post.messages import Message, put
from resolvers.post.pump import Pump
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores
from tests.loops import end_the_rest

__all__ = [
    "AT",
    "Answers",
    "Clock",
    "Dying",
    "Killed",
    "Ledger",
    "Plan",
    "effects",
    "enter",
    "post",
    "pumped",
    "send",
    "waiting",
]

T = TypeVar("T")

AT = "2026-11-28T08:00:00Z"


def enter(connection: Connection, name: str) -> None:
    """Enters something that may happen once."""
    number = connection.execute(select(func.count()).select_from(sequences)).scalar_one()
    connection.execute(insert(sequences).values(name=name, next=number))


class Ledger:
    """Handles `test.entry`: enters what was delivered there and what was answered here."""

    topic = "test.entry"

    def __init__(self) -> None:
        self.poison: set[str] = set()  # subjects whose delivery fails
        self.unreadable: set[str] = set()  # of which nothing can be gathered
        self.unsettled: set[str] = set()  # whose reply cannot be taken home
        self.seen: list[Any] = []  # parcels, each time something was delivered

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The person it is about."""
        return {"person": [message.body["person"]]}

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """What is in the sender's ledger of it."""
        if message.subject in self.unreadable:
            raise LookupError(message.subject)
        return ("parcel", store.settings.code, message.body["person"])

    def ids(self, message: Message, parcel: Any) -> int:
        """Two records each."""
        return 2

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Enters it."""
        enter(connection, f"got {message.id}")
        if message.subject in self.poison:
            raise KeyError(message.subject)
        self.seen.append(parcel)
        return {"first": first_id, "state": "TAKEN"}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Enters the reply."""
        enter(connection, f"settled {message.id} {reply['state']}")
        if message.subject in self.unsettled:
            raise KeyError(message.subject)


class Answers(Ledger):
    """Handles `test.ask`: answers with messages of its own, back and forth `rounds` times."""

    topic = "test.ask"

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Enters it and asks back."""
        enter(connection, f"got {message.id}")
        left = message.body["rounds"] - 1
        if left:
            put(
                connection,
                store,
                topic=self.topic,
                subject=message.subject,
                to_region=message.from_region,
                body={**message.body, "rounds": left},
                trace=message.trace,
                at=at,
                step=str(left),
            )
        return {"state": "TAKEN"}


class Killed(BaseException):
    """The process dies here."""


class Plan:
    """Dies at one of the borders of the steps, counted from 0; or never, and counts them."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.borders = at, 0

    def border(self) -> None:
        """A border. Raises Killed."""
        here, self.borders = self.borders, self.borders + 1
        if here == self.at:
            raise Killed


class Dying(Store):
    """A store whose process may die before a transaction, before its commit and behind it."""

    plan = Plan()

    async def carry(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """As a store carries."""

        def then_die(connection: Connection, first: int) -> T:
            result = work(connection, first)
            self.plan.border()
            return result

        self.plan.border()
        result = await super().carry(ids, then_die)
        self.plan.border()
        return result

    async def look(self, work: Callable[[Connection], T]) -> T:
        """As a store is looked into."""
        self.plan.border()
        return await super().look(work)


class Down(Store):
    """A store that answers only while `up`."""

    up = True

    async def carry(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """As a store carries, or not."""
        if not self.up:
            raise WriteFailed(self.settings, "UNREACHABLE", "down", False)
        return await super().carry(ids, work)

    async def look(self, work: Callable[[Connection], T]) -> T:
        """As a store is looked into, or not."""
        if not self.up:
            raise WriteFailed(self.settings, "UNREACHABLE", "down", False)
        return await super().look(work)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def post(settings: Sequence[RegionSettings], keys: Keys, kind: type[Store] = Store) -> Stores:
    """The stores of a gateway, of a kind."""
    stores = Stores(settings, keys)
    stores.regions = [kind(one, keys) for one in settings]
    return stores


def pumped(
    settings: Sequence[RegionSettings],
    keys: Keys,
    work: Callable[[Stores, Pump], Awaitable[T]],
    *,
    handlers: Sequence[Any] = (),
    kind: type[Store] = Store,
    **more: Any,
) -> T:
    """What `work` returns of stores and a pump of a process of their own."""

    async def run() -> T:
        stores = post(settings, keys, kind)
        pump = Pump(stores, handlers or [Ledger()], now=lambda: AT, **more)
        try:
            return await work(stores, pump)
        finally:
            await pump.close()
            await end_the_rest()
            await stores.close()

    return asyncio.run(run())


def send(
    stores: Stores, line: tuple[str, str], subject: str, *, topic: str = "test.entry", **more: Any
) -> Coroutine[Any, Any, str]:
    """Puts a message in a transaction of its own."""
    store = stores.of_region(line[0])
    assert store is not None
    step = more.pop("step", "")
    body = {"person": 7, **more}

    def work(connection: Connection, _: int) -> str:
        return put(
            connection,
            store,
            topic=topic,
            subject=subject,
            to_region=line[1],
            body=body,
            trace=f"trace-{subject}",
            at=AT,
            step=step,
        )

    return store.write(0, work)


def effects(connection: Connection, *kinds: str) -> list[str]:
    """What is in a store's ledger, in order: entries beginning with a word of `kinds`."""
    kinds = kinds or ("got", "settled")
    rows = connection.scalars(select(sequences.c.name).order_by(sequences.c.next))
    return [name for name in rows if name.split()[0] in kinds]


def waiting(connection: Connection) -> list[tuple[str, int, str | None]]:
    """What is unanswered in a store's outbox: ids, attempts, errors."""
    rows = connection.execute(
        select(post_outbox.c.id, post_outbox.c.attempts, post_outbox.c.last_error)
        .where(post_outbox.c.answered_at.is_(None))
        .order_by(post_outbox.c.seq)
    )
    return [(row.id, row.attempts, row.last_error) for row in rows]

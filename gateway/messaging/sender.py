"""The sender: addresses what is due in the regions' stores, and sends it (E2, E3, E10).

Every worker has one and one of them looks, as for the other duties; several gateways may look at
the same stores: each delivery is under the lease of one of them. What is under way when a worker
dies is found by its lease, which ends (`resolvers.alerts.deliveries`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection

from gateway.messaging.attempting import LeaseLost, attempt
from gateway.messaging.channels import Channel, Parcel
from regions.errors import EpigateError
from regions.instants import now
from resolvers.alerts.addressing import (
    Addressee,
    Due,
    address,
    addressees,
    due_messages,
    lacks_people,
    put_off,
)
from resolvers.alerts.deliveries import (
    Delivery,
    Next,
    Settled,
    begin_handing,
    lease,
    next_due,
    readdress,
    settle,
)
from resolvers.alerts.messages import PERSONAL, MessageLimits, is_overdue, put_overdue
from resolvers.central import Central
from resolvers.users.rosters import contact_of, current_record
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

_IN_FLIGHT = 8  # deliveries of a region at once
_OVERDUE_SECONDS = 30.0  # between two looks for signals that nobody answered
_ENDING = 15.0  # seconds for what is under way when the worker ends


class Sender:
    """Sends by some channels. `lease` is in seconds."""

    def __init__(
        self,
        stores: Stores,
        central: Central,
        channels: Mapping[str, Channel],
        limits: MessageLimits,
        *,
        lease: float = 120.0,
    ) -> None:
        self._stores, self._central, self._channels = stores, central, channels
        self._limits, self._lease = limits, lease
        self._name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
        self._dropping = frozenset(name for name, one in channels.items() if one.drops_repeats)
        self._flying: dict[
            str, set[asyncio.Task[None]]
        ] = {}  # of each region: `_IN_FLIGHT` at most
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing: set[str] = set()
        self._looked: dict[str, float] = {}  # when for signals that nobody answered, monotonic
        self._quiet: dict[str, tuple[int, str]] = {}  # file's version, and until when
        self._ending = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Sender]:
        """At the end lets what is under way arrive, and closes the channels."""
        try:
            yield self
        finally:
            self._ending = True
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=_ENDING)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
            for channel in self._channels.values():
                await channel.close()

    async def look(self) -> None:
        """Addresses what is due in every store and begins to send it. A region that does not answer
        is looked at the next time. Without a channel what is due is left to other gateways.

        A store is asked one statement; a file nothing, where nobody wrote into it and nothing in it
        has become due since the last time.
        """
        if not self._channels:
            return
        await asyncio.gather(*(self._look(store) for store in self._stores.regions))

    async def drained(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self, store: Store) -> None:
        code = store.settings.code
        try:
            await self._look_at(store)
            self._failing.discard(code)
        except (WriteFailed, EpigateError) as failed:
            if code not in self._failing:
                _log.warning("messages of signals of %s wait: %s", code, failed)
            self._failing.add(code)

    async def _look_at(self, store: Store) -> None:
        at, region = now(), store.settings.code
        begun = time.monotonic()
        further = begun - self._looked.get(region, -_OVERDUE_SECONDS) >= _OVERDUE_SECONDS
        version = store.version()  # before it is read: what is written meanwhile is seen
        was, until = self._quiet.get(region, (None, ""))
        if not further and at < until and version is not None and version == was:
            return
        channels = frozenset(self._channels)

        def seek(connection: Connection) -> tuple[Next, bool]:
            overdue = further and is_overdue(connection, at, self._limits)
            return next_due(connection, at, channels, self._limits), overdue

        def put(connection: Connection, _: int) -> None:
            put_overdue(connection, region, at, self._limits)

        coming, overdue = await store.look(seek)
        if further:
            self._looked[region] = begun
        if overdue:
            await store.write(0, put)
        addressing = overdue or coming.message <= at
        if addressing:
            due = await store.look(lambda connection: due_messages(connection, at))
            await self._address(store, due, at)
        if addressing or coming.delivery <= at:
            await self._send_due(store)
        elif version is not None:
            self._quiet[region] = version, coming.first

    async def _address(self, store: Store, due: Sequence[Due], at: str) -> None:
        """Makes deliveries of messages. Where nobody on duty can be reached so far, those of files
        and webhooks alone, and puts them off.
        """
        region, sealer = store.settings.code, self._central.sealer

        def find(connection: Connection) -> list[list[Addressee]]:
            return [
                addressees(connection, sealer, one, at, self._channels) if one.concerned else []
                for one in due
            ]

        found = await self._central.do(find)
        waiting = []
        for one, to in zip(due, found, strict=True):
            lacking = lacks_people(to, self._channels)

            def write(
                connection: Connection,
                _: int,
                one: Due = one,
                to: list[Addressee] = to,
                wholly: bool = not lacking,
            ) -> None:
                address(connection, region, one, to, at, self._limits, wholly=wholly)

            try:
                if to:
                    await store.write(0, write)
            except ValueError as error:  # nothing but a number, a code and a disease is told
                _log.error("signal %s: there is no text of it: %s", one.signal_id, error)
                lacking = True
            if lacking or not to:
                waiting.append(one)

        def later(connection: Connection, _: int) -> None:
            for one in waiting:
                if put_off(connection, one, at, self._limits) == "NOBODY":
                    _log.error("signal %s: nobody on duty could be reached", one.signal_id)

        if waiting:
            await store.write(0, later)

    async def _send_due(self, store: Store) -> None:
        """Takes deliveries as there is room, and begins to send them."""
        code = store.settings.code
        flying = self._flying.setdefault(code, set())
        room = _IN_FLIGHT - len(flying)
        if room <= 0 or self._ending:
            return
        at = now()

        def take(connection: Connection, _: int) -> list[Delivery]:
            return lease(
                connection,
                self._name,
                at,
                seconds=self._lease,
                most=room,
                dropping=self._dropping,
                channels=frozenset(self._channels),
                limits=self._limits,
            )

        for delivery in await store.write(0, take):
            task = asyncio.create_task(self._deliver(store, delivery))
            for tasks in (flying, self._tasks):
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _deliver(self, store: Store, delivery: Delivery) -> None:
        """One attempt, and then the next delivery that is due."""
        try:
            await self._attempt(store, delivery)
        except Exception:  # the lease ends, and it is found by it
            _log.exception("the delivery %s failed", delivery.key)
        flying = self._flying[store.settings.code]
        task = asyncio.current_task()
        assert task is not None
        flying.discard(task)
        try:
            await self._send_due(store)
        except (WriteFailed, EpigateError):  # they are found at the next look
            return

    async def _attempt(self, store: Store, delivery: Delivery) -> None:
        current = delivery

        async def parcel() -> Parcel:
            nonlocal current
            current, made = await self._parcel(store, delivery)
            return made

        async def mark() -> bool:
            return await store.write(
                0, lambda connection, _: begin_handing(connection, current, self._name, now())
            )

        async def write(settled: Settled) -> None:
            region, hours = store.settings.code, self._limits.resend
            await store.write(
                0,
                lambda connection, _: settle(
                    connection, region, current, self._name, settled, now(), hours
                ),
            )

        await attempt(
            f"delivery {delivery.key} by {delivery.channel}",
            self._channels[delivery.channel],
            parcel,
            mark=mark,
            write=write,
            lease=self._lease,
        )

    async def _parcel(self, store: Store, delivery: Delivery) -> tuple[Delivery, Parcel]:
        """What is handed over, to the number or address of this moment, read from where they are
        sealed. Raises LeaseLost.
        """
        contact: Mapping[str, Any] = {}
        record, sealer = delivery.record, self._central.sealer
        if record is not None:

            def read(connection: Connection) -> tuple[int, Mapping[str, Any], Mapping[str, Any]]:
                current = current_record(connection, record)
                before = contact_of(connection, sealer, record)
                return current, contact_of(connection, sealer, current), before

            current, contact, before = await self._central.do(read)
            item = PERSONAL[delivery.channel]
            if contact.get(item) != before.get(item):
                delivery = await self._readdressed(store, delivery, current)
        parcel = Parcel(
            key=delivery.key,
            text=delivery.text,
            occasion=delivery.occasion,
            number=delivery.number,
            code=delivery.code,
            disease=delivery.disease,
            due_at=delivery.due_at,
            unit_id=delivery.unit_id,
            mobile=str(contact.get("mobile") or ""),
            email=str(contact.get("email") or ""),
        )
        return delivery, parcel

    async def _readdressed(self, store: Store, delivery: Delivery, record: int) -> Delivery:
        def write(connection: Connection, _: int) -> Delivery | None:
            return readdress(connection, delivery, record, self._name, now())

        changed = await store.write(0, write)
        if changed is None:
            raise LeaseLost
        return changed

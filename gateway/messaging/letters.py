"""Sends what duty persons are told of letters, by the channels of signals (C).

Every worker has one and one of them looks, as for the messages of signals; several gateways may
look at the same stores: each delivery is under the lease of one of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from gateway.messaging.attempting import attempt
from gateway.messaging.channels import Channel, Parcel
from regions.errors import EpigateError
from regions.instants import now
from resolvers.alerts.addressing import Addressee, lacks_people
from resolvers.alerts.deliveries import Settled
from resolvers.assist.notices import (
    Notice,
    Waiting,
    address,
    addressees,
    begin_handing,
    lease,
    next_due,
    settle,
    waiting,
)
from resolvers.central import Central
from resolvers.users.rosters import contact_of, current_record
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["LetterSender"]

_log = logging.getLogger(__name__)

_AT_ONCE = 8


class LetterSender:
    """Sends by some channels, which are their owner's to close. `lease` is in seconds."""

    def __init__(
        self,
        stores: Stores,
        central: Central,
        channels: Mapping[str, Channel],
        *,
        lease: float = 120.0,
    ) -> None:
        self._stores, self._central, self._channels = stores, central, channels
        self._lease = lease
        self._name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
        self._quiet: dict[str, tuple[int, str]] = {}  # a file's version, and until when
        self._failing: set[str] = set()

    async def look(self) -> None:
        """Addresses and sends what is due in every store. One that does not answer is looked at the
        next time; a file is asked nothing where nobody wrote into it and nothing has become due.
        """
        if self._channels:
            await asyncio.gather(*(self._look(store) for store in self._stores.regions))

    async def _look(self, store: Store) -> None:
        code = store.settings.code
        try:
            await self._look_at(store)
            self._failing.discard(code)
        except (WriteFailed, EpigateError) as failed:
            if code not in self._failing:
                _log.warning("messages of letters of %s wait: %s", code, failed)
            self._failing.add(code)

    async def _look_at(self, store: Store) -> None:
        at, code = now(), store.settings.code
        version = store.version()  # before it is read: what is written meanwhile is seen
        was, until = self._quiet.get(code, (None, ""))
        if version is not None and version == was and at < until:
            return
        channels = frozenset(self._channels)
        coming = await store.look(lambda connection: next_due(connection, channels, at))
        if coming > at:
            if version is not None:
                self._quiet[code] = version, coming
            return
        for one in await store.look(lambda connection: waiting(connection, at)):
            await self._address(store, one, at)
        await self._send(store)

    async def _address(self, store: Store, one: Waiting, at: str) -> None:
        sealer, channels = self._central.sealer, self._channels

        def find(connection: Connection) -> list[Addressee]:
            return addressees(connection, sealer, one, at, channels) if one.wanted else []

        to = await self._central.do(find)
        wholly = bool(to) and not lacks_people(to, channels)

        def write(connection: Connection, _: int) -> str:
            return address(connection, store.settings.code, one, to, at, wholly=wholly)

        if await store.write(0, write) == "NOBODY":
            _log.error("a letter's notice %s: nobody on duty could be reached", one.id)

    async def _send(self, store: Store) -> None:
        at = now()
        dropping = frozenset(name for name, one in self._channels.items() if one.drops_repeats)

        def take(connection: Connection, _: int) -> list[Notice]:
            return lease(
                connection,
                self._name,
                at,
                seconds=self._lease,
                most=_AT_ONCE,
                dropping=dropping,
                channels=frozenset(self._channels),
            )

        taken = await store.write(0, take)
        await asyncio.gather(*(self._attempt(store, one) for one in taken))

    async def _attempt(self, store: Store, notice: Notice) -> None:
        async def mark() -> bool:
            return await store.write(
                0, lambda connection, _: begin_handing(connection, notice, self._name, now())
            )

        async def write(settled: Settled) -> None:
            await store.write(
                0, lambda connection, _: settle(connection, notice, self._name, settled, now())
            )

        await attempt(
            f"notice {notice.key} by {notice.channel}",
            self._channels[notice.channel],
            lambda: self._parcel(notice),
            mark=mark,
            write=write,
            lease=self._lease,
        )

    async def _parcel(self, notice: Notice) -> Parcel:
        """What is handed over, to the number or address the duty person has now."""
        record, sealer, key = notice.record, self._central.sealer, notice.key
        contact: Mapping[str, Any] = {}
        if record is not None:

            def read(connection: Connection) -> tuple[int, Mapping[str, Any]]:
                current = current_record(connection, record)
                return current, contact_of(connection, sealer, current)

            current, contact = await self._central.do(read)
            if current != record:  # to a receiver it is another message
                key = f"{key}-{current}"
        return Parcel(
            key=key,
            text=notice.text,
            occasion=notice.occasion,
            number=notice.number,
            code=notice.code,
            disease="",
            due_at=notice.due_at,
            unit_id=notice.unit_id,
            mobile=str(contact.get("mobile") or ""),
            email=str(contact.get("email") or ""),
            kind="assist.message",
        )

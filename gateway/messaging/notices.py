"""Sends what the supervisors of an emergency access are told (F11), by the channels of signals.

Every worker has one and one of them looks, as for the messages of signals; what is under way when
a worker dies is found by its lease, which ends (`resolvers.privacy.notices`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from gateway.messaging.attempting import attempt
from gateway.messaging.channels import Channel, Parcel
from regions.instants import now
from resolvers.alerts.deliveries import Settled
from resolvers.central import Central
from resolvers.privacy.notices import Notice, begin_handing, contact_of, lease, next_due, settle

__all__ = ["NoticeSender"]

_log = logging.getLogger(__name__)

_AT_ONCE = 8


class NoticeSender:
    """Sends by some channels, which are their owner's to close. `lease` is in seconds; `version`
    says whether the gateway's own store has changed.
    """

    def __init__(
        self,
        central: Central,
        channels: Mapping[str, Channel],
        version: Callable[[], int],
        *,
        lease: float = 120.0,
    ) -> None:
        self._central, self._channels, self._version = central, channels, version
        self._lease = lease
        self._name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
        self._quiet: tuple[int, str] = (-1, "")  # the store's version, and until when

    async def look(self) -> None:
        """Sends what is due. The store is asked nothing where nobody wrote into it and nothing in
        it has become due since the last time.
        """
        if not self._channels:
            return
        at, version = now(), self._version()
        if version == self._quiet[0] and at < self._quiet[1]:
            return
        channels = frozenset(self._channels)
        dropping = frozenset(name for name, one in self._channels.items() if one.drops_repeats)

        def take(connection: Connection) -> tuple[list[Notice], str]:
            coming = next_due(connection, channels)
            if coming > at:
                return [], coming
            taken = lease(
                connection,
                self._name,
                at,
                seconds=self._lease,
                most=_AT_ONCE,
                dropping=dropping,
                channels=channels,
            )
            return taken, at

        taken, until = await self._central.do(take)
        self._quiet = version, until
        await asyncio.gather(*(self._attempt(one) for one in taken))

    async def _attempt(self, notice: Notice) -> None:
        async def mark() -> bool:
            at = now()
            return await self._central.do(
                lambda connection: begin_handing(connection, notice, self._name, at)
            )

        async def write(settled: Settled) -> None:
            await self._central.do(
                lambda connection: settle(connection, notice, self._name, settled, now())
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
        """What is handed over, to the number or address the account has now."""
        sealer = self._central.sealer
        contact = await self._central.do(
            lambda connection: contact_of(connection, sealer, notice.account)
        )
        return Parcel(
            key=notice.key,
            text=notice.text,
            occasion=notice.occasion,
            number=f"emergency:{notice.emergency_id}",
            code=notice.code,
            disease="",
            due_at=notice.due_at,
            unit_id=notice.unit_id,
            mobile=str(contact.get("mobile") or ""),
            email=str(contact.get("email") or ""),
            kind="emergency.message",
        )

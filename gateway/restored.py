"""Stores that were put back from an older backup are found by the gateway itself, and mended (D).

They are looked for before the gateway serves, and while it does: found, they are fenced, an alarm
is raised, and they are mended as soon as all regions answer (`resolvers.transfers.mending`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from gateway.access_log.system import system_row
from gateway.access_log.writing import AccessLog
from regions.errors import EpigateError
from regions.instants import now
from resolvers.alarms.detecting import Raised
from resolvers.alarms.recording import store_alarms
from resolvers.central import Central
from resolvers.transfers.mending import Mender
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores
from schema.alarms import AlarmRule

__all__ = ["LOOK_SECONDS", "Restored"]

LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Restored:
    """Looks for restored stores; `woken` is called when there is something to deliver again."""

    def __init__(
        self, stores: Stores, central: Central, log: AccessLog, woken: Callable[[], None]
    ) -> None:
        self._mender = Mender(stores)
        self._central, self._access_log, self._woken = central, log, woken
        self._told: set[str] = set()  # fences of which there is an alarm

    async def look(self) -> None:
        """One look, and what follows of it. Whatever fails is tried again with the next one."""
        try:
            found = await self._mender.look(now())
            await self._alarm(
                (region, one.token, one.found_at)
                for region, fences in found.fences.items()
                for one in fences
            )
            for region in sorted(found.behind):
                await self._mend(region)
        except WriteFailed as failed:
            _log.warning("a restored store waits to be mended: %s", failed)
        except EpigateError as error:
            _log.error("restored stores cannot be mended: %s", error)

    async def _mend(self, region: str) -> None:
        done = await self._mender.mend(region, now())
        if done is None:  # another gateway was quicker
            return
        _log.warning(
            "the store %s was put back from an older backup: %d people fenced, %d kept at a higher "
            "epoch, %d messages delivered again, %d lost since they are no longer kept",
            *(region, len(done.fenced), len(done.raised), done.again, done.gone),
        )
        self._woken()
        when, account, operation, result, entry = system_row(
            "custody mend", by="gateway", regions=[region]
        )
        await self._access_log.append(when, account, operation, result, entry.encode())

    async def _alarm(self, fences: Iterable[tuple[str, str, str]]) -> None:
        """One alarm for each fence, in every gateway, whoever put it up or lifted it."""
        position = self._access_log.position
        new = [one for one in fences if one[1] not in self._told]
        raised = [
            Raised(
                rule=AlarmRule.STORE_RESTORED,
                subject=f"region:{region}",
                window=f"{at} {token}",
                account=None,
                unit=None,
                code=None,
                at=at,
                first=position,
                last=position,
                found=1,
                threshold=1,
            )
            for region, token, at in new
        ]
        if not raised:
            return

        def work(connection: Connection) -> None:
            store_alarms(connection, raised)

        await self._central.do(work)
        self._told |= {token for _, token, _ in new}

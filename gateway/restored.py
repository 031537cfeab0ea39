"""Stores that were put back from an older backup are found by the gateway itself, and mended (D).

They are looked for before the gateway serves, and while it does: found, they are fenced, an alarm
is raised, and they are mended as soon as all regions answer (`resolvers.transfers.mending`). So are
people whom two regions answer for since: one of them yields, and an alarm says so.
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
from resolvers.transfers.mending import Look, Mender
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
            if not found.behind:
                await self._settle(found)
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

    async def _settle(self, found: Look) -> None:
        done = await self._mender.settle(found, now())
        if not done.yielded:
            return
        for one in done.yielded:
            _log.warning(
                "person:%d had two custodians since a store was put back: region %s has yielded "
                "to %s",
                *(one.person, one.region, one.to),
            )
        self._woken()
        regions = sorted({region for one in done.yielded for region in (one.region, one.to)})
        persons = sorted({one.person for one in done.yielded})
        when, account, operation, result, entry = system_row(
            "custody settle", by="gateway", regions=regions, person=persons
        )
        await self._access_log.append(when, account, operation, result, entry.encode())
        told = [
            self._raised(
                AlarmRule.TWO_CUSTODIANS, one.region, f"{one.at} person:{one.person}", one.at
            )
            for one in done.yielded
        ]
        await self._central.do(lambda connection: _store(connection, told))

    async def _alarm(self, fences: Iterable[tuple[str, str, str]]) -> None:
        """One alarm for each fence, in every gateway, whoever put it up or lifted it."""
        new = [one for one in fences if one[1] not in self._told]
        if not new:
            return
        raised = [
            self._raised(AlarmRule.STORE_RESTORED, region, f"{at} {token}", at)
            for region, token, at in new
        ]
        await self._central.do(lambda connection: _store(connection, raised))
        self._told |= {token for _, token, _ in new}

    def _raised(self, rule: AlarmRule, region: str, window: str, at: str) -> Raised:
        position = self._access_log.position
        return Raised(
            rule=rule,
            subject=f"region:{region}",
            window=window,
            account=None,
            unit=None,
            code=None,
            at=at,
            first=position,
            last=position,
            found=1,
            threshold=1,
        )


def _store(connection: Connection, raised: Iterable[Raised]) -> None:
    store_alarms(connection, raised)

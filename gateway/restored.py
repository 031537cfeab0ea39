"""Stores that were put back from an older backup are found by the gateway itself, and mended (D).

Found are those whose peers know more of them than they do, and those whose file is another than
before, which may have lost more than the peers' latest messages tell. Mending one that has lost
nothing does nothing. It needs an answer of every region; until then it is tried again, and the
alarm stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection

from gateway.access_log.system import system_row
from gateway.access_log.writing import AccessLog
from regions.errors import EpigateError
from regions.instants import now
from resolvers.alarms.detecting import Raised
from resolvers.alarms.recording import store_alarms
from resolvers.central import Central
from resolvers.transfers.restored import find_restored, reconcile
from resolvers.writing.stores import Stores, WriteFailed
from schema.alarms import AlarmRule

__all__ = ["LOOK_SECONDS", "Restored"]

LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Restored:
    """Looks for restored stores; `woken` is called when there is something to deliver again."""

    def __init__(
        self, stores: Stores, central: Central, log: AccessLog, woken: Callable[[], None]
    ) -> None:
        self._stores, self._central, self._access_log = stores, central, log
        self._woken = woken
        self._files: dict[str, tuple[int, int]] = {}
        self._behind: set[str] = set()  # found and not mended yet
        self._told: set[str] = set()  # those of them of which there is an alarm

    async def look(self) -> None:
        """One look, and what follows of it. Whatever fails is tried again with the next one."""
        self._behind |= self._exchanged()
        try:
            found = await find_restored(self._stores)
            self._behind |= found
            await self._alarm(sorted(found - self._told))
            for region in sorted(self._behind):
                await self._mend(region)
        except WriteFailed as failed:
            _log.debug("restored stores wait to be mended: %s", failed)
        except EpigateError as error:
            _log.error("restored stores cannot be mended: %s", error)

    def _exchanged(self) -> set[str]:
        """Regions whose file is another one than at the last look."""
        found = set()
        for store in self._stores.regions:
            path, code = store.settings.path, store.settings.code
            if path is None:
                continue
            try:
                status = path.stat()
            except OSError:
                continue  # it is away; what comes back is compared with what was
            identity = (status.st_dev, status.st_ino)
            if self._files.setdefault(code, identity) != identity:
                self._files[code] = identity
                found.add(code)
        return found

    async def _mend(self, region: str) -> None:
        at = now()
        done = await reconcile(self._stores, region, at)
        self._behind.discard(region)
        self._told.discard(region)
        if not (done.fenced or done.raised or done.again):
            return
        _log.warning(
            "the store %s was put back from an older backup: %d people fenced, %d kept at a higher "
            "epoch, %d messages delivered again",
            *(region, len(done.fenced), len(done.raised), done.again),
        )
        self._woken()
        when, account, operation, result, entry = system_row(
            "custody mend", by="gateway", regions=[region]
        )
        await self._access_log.append(when, account, operation, result, entry.encode())

    async def _alarm(self, regions: list[str]) -> None:
        position, at = self._access_log.position, now()
        raised = [
            Raised(
                rule=AlarmRule.STORE_RESTORED,
                subject=f"region:{region}",
                window=at,
                account=None,
                unit=None,
                code=None,
                at=at,
                first=position,
                last=position,
                found=1,
                threshold=1,
            )
            for region in regions
        ]
        if not raised:
            return

        def work(connection: Connection) -> None:
            store_alarms(connection, raised)

        await self._central.do(work)
        self._told |= set(regions)

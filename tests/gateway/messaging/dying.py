"""A sender as a process of its own that may be killed at any step, and what it works on.

`Killing` says where: at the n-th transaction on the region's store, before it, in it (all is done,
nothing committed) or after it. Receivers kill it at the moments that are theirs.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.messaging.channels import Channel
from gateway.messaging.folder import Folder
from gateway.messaging.mail import Mail
from gateway.messaging.sender import Sender
from gateway.messaging.sms import Sms
from gateway.messaging.webhook import Webhook
from regions.engines import sqlite_engine
from regions.settings import RegionSettings
from regions.zones import CHINA, zone_of
from resolvers.alerts.messages import MessageLimits
from resolvers.central import Central
from resolvers.writing.stores import Store, Stores
from tests.forking import begin, forks
from tests.keys import same_keys

__all__ = ["MOMENTS", "Killing", "Post", "Way", "send_all", "sending", "started"]

MOMENTS = ("before", "within", "after")
_BODY = '{"to":"{mobile}","content":"{text}"}'
forks(__name__)


@dataclass(frozen=True)
class Way:
    """A channel: its kind, where the receiver is, whether that drops repeats."""

    kind: str
    to: str
    drops: bool = True

    def channel(self) -> Channel:
        """The channel itself."""
        if self.kind == "SMS":
            return Sms(self.to, "json", _BODY, (), "", drops_repeats=self.drops, timeout=5)
        if self.kind == "EMAIL":
            return Mail(
                "127.0.0.1",
                int(self.to),
                "epigate@example.org",
                security="none",
                drops_repeats=self.drops,
                timeout=5,
            )
        if self.kind == "WEBHOOK":
            return Webhook(self.to, b"k" * 32, timeout=5)
        return Folder(Path(self.to), zone_of(CHINA))


@dataclass(frozen=True)
class Killing:
    """At which transaction, counted from 1, and at which moment of it."""

    write: int
    moment: str


@dataclass(frozen=True)
class Post:
    """What a sender works on."""

    region: RegionSettings
    central: Path
    ways: tuple[Way, ...]
    lease: float = 600.0  # none ends by itself, however slow the machine is


@asynccontextmanager
async def sending(post: Post, killing: Killing | None = None) -> AsyncIterator[Sender]:
    """A running sender of this process."""
    keys = same_keys()
    engine = sqlite_engine(str(post.central))
    central, stores = Central(engine, keys), Stores([post.region], keys)
    if killing is not None:
        stores.regions = [_Dying(one.settings, killing) for one in stores.regions]
    channels: Mapping[str, Channel] = {way.kind: way.channel() for way in post.ways}
    sender = Sender(stores, central, channels, MessageLimits(), lease=post.lease)
    try:
        async with sender.running():
            yield sender
    finally:
        await stores.close()
        await central.close()
        await engine.dispose()


async def send_all(post: Post, times: int = 1, killing: Killing | None = None) -> None:
    """Looks so often, and sends what is due, in this process."""
    async with sending(post, killing) as sender:
        for _ in range(times):
            await sender.look()
            await sender.drained()


def started(post: Post, killing: Killing | None = None) -> BaseProcess:
    """A process that looks a few times, and dies where it is told to."""
    return begin(_main, (post, killing))


def _main(post: Post, killing: Killing | None) -> None:
    asyncio.run(send_all(post, 3, killing))


class _Dying(Store):
    """A store whose writer is killed."""

    def __init__(self, settings: RegionSettings, killing: Killing) -> None:
        super().__init__(settings, same_keys())
        self._killing, self._writes = killing, 0

    async def write(self, ids: int, work: Callable[[Connection, int], Any]) -> Any:
        self._writes += 1
        moment = self._killing.moment if self._writes == self._killing.write else ""

        def dying(connection: Connection, first: int) -> Any:
            done = work(connection, first)
            if moment == "within":
                _die()
            return done

        if moment == "before":
            _die()
        done = await super().write(ids, dying)
        if moment == "after":
            _die()
        return done


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

"""The post of one worker: delivers what its own mutations put, and polls while it leads.

Whoever holds a lock beside the gateway's store looks into all outboxes; when that worker dies, the
system gives the lock back and another goes on. What is delivered is in the access log: a row of it
is put in the receiver's transaction, and the entry is made as soon as that is done.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from gateway.access_log.reading import canonical
from gateway.access_log.writing import AccessLog
from gateway.config import Config
from regions.errors import AccessLogError, EpigateError
from regions.instants import now
from resolvers.access_log import Commitments
from resolvers.alarms.detecting import Raised
from resolvers.alarms.recording import store_alarms
from resolvers.assist.clocks import AssistLimits
from resolvers.central import Central
from resolvers.post.handlers import HANDLERS, configured
from resolvers.post.messages import Message
from resolvers.post.pump import Pump
from resolvers.post.rounds import Delivered
from resolvers.writing.outbox import Telling
from resolvers.writing.stores import Stores
from schema.alarms import AlarmRule

__all__ = ["Post"]

_log = logging.getLogger(__name__)


class Post:
    """The post of a worker's stores, told of in its log; conflicts are alarms in `central`."""

    def __init__(
        self,
        config: Config,
        stores: Stores,
        log: AccessLog,
        central: Central,
        commitments: Commitments,
        limits: AssistLimits,
    ) -> None:
        self._lock = Path(f"{config.central_store}-post")
        self._log, self._central, self._commitments = log, central, commitments
        self._run = os.urandom(6).hex()
        self._numbers = itertools.count(1)
        self._alarms: set[asyncio.Task[None]] = set()
        self.pump = Pump(
            stores,
            configured(HANDLERS, limits),
            in_flight=config.post_in_flight,
            poll_seconds=config.post_poll_seconds,
            telling=self._telling,
            told=self._tell,
            alarmed=self._alarm,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Post]:
        """Delivers in the background meanwhile; at the end lets what is under way arrive."""
        stopping = asyncio.Event()
        handle = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        task = asyncio.create_task(self.pump.run(stopping, lambda: _locked(handle)))
        try:
            yield self
        finally:
            stopping.set()
            await task
            if self._alarms:
                await asyncio.wait(self._alarms)
            os.close(handle)

    def _telling(self) -> Telling:
        request = f"post-{self._run}-{next(self._numbers)}"
        return Telling(self._log.origin, request, "", self._commitments, self._log.position)

    def _tell(self, done: Delivered) -> None:
        """Makes the entry. Where that fails the row in the receiver's store is there, and is made
        an entry of later.
        """
        new = [one for one in done.messages if one.id in done.replies]
        new = [one for one in new if one.id not in done.repeated]
        traces = {one.trace for one in new}
        concerned = self._commitments
        entry = {
            "account": None,
            "at": done.at,
            "module": "post",
            "operation": done.operation,
            "request": done.request,
            "result": "OK",
            "trace": traces.pop() if len(traces) == 1 else None,
            "what": {
                "messages": [
                    {"message": _named(one), "topic": one.topic, "trace": one.trace} for one in new
                ],
                "regions": dict.fromkeys(done.line, "ANSWERED"),
                "wrote": {kind: concerned.of(kind, ids) for kind, ids in done.concerned.items()},
            },
        }
        try:
            written = self._log.append_nowait(done.at, "", done.operation, "OK", canonical(entry))
        except AccessLogError:
            return
        written.add_done_callback(lambda one: None if one.cancelled() else one.exception())

    def _alarm(self, message: Message, receiver: str) -> None:
        task = asyncio.create_task(self._raise(message, receiver))
        self._alarms.add(task)
        task.add_done_callback(self._alarms.discard)

    async def _raise(self, message: Message, receiver: str) -> None:
        raised = Raised(
            rule=AlarmRule.POST_CONFLICT,
            subject=f"region:{receiver}",
            window=f"{message.from_region} {message.id}",
            account=None,
            unit=None,
            code=None,
            at=now(),
            first=self._log.position,
            last=self._log.position,
            found=1,
            threshold=1,
        )

        def work(connection: Connection) -> None:
            store_alarms(connection, [raised])

        try:
            await self._central.do(work)
        except EpigateError as error:  # the message is there, and so it is tried again
            _log.error("the alarm of a message that conflicts cannot be kept: %s", error)


def _named(message: Message) -> str:
    """A message's name in the log: its id has the client's own words in it."""
    return sha256(f"{message.from_region}/{message.id}".encode()).hexdigest()[:32]


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no such locks on this file system: every worker polls, which is harmless
        return True
    return True

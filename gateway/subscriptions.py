"""Subscriptions over WebSocket: `graphql-transport-ws` at `/graphql`, and no other protocol.

A connection belongs to the session whose token `connection_init` brought. It is closed at once when
that session ends, however: every connection is looked at several times a second, which costs some
microseconds while the store of sessions has not changed. A connection is no use of a session: one
that nobody asks anything with ends by its idle time. Every event is in the access log, on disk,
before it is sent, with the rights of its moment.

    close code  why
    4400        a message that is none, or comes at the wrong time
    4401        subscribe before connection_init
    4403        no session, or it has ended
    4406        another subprotocol
    4408        no connection_init within 10 s
    4409        an id that is in use
    4429        connection_init twice, or too many connections or subscriptions: of an account, or
                without connection_init of an address or in all
    1011        the access log cannot be written
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from gateway._socket import Receive, Send, Socket
from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Answer
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from gateway.streams import Streams
from gateway.waiting import Waiting
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.traces import Traces
from resolvers.users import Viewer

__all__ = ["PROTOCOL", "Subscriptions"]

PROTOCOL = "graphql-transport-ws"

_LOOK_SECONDS = 0.25


class Subscriptions:
    """Answers WebSocket connections. `sockets` for an account, `each` subscriptions on one.

    `waiting` bounds those that have not said whose they are.
    """

    def __init__(
        self,
        streams: Streams,
        sessions: Sessions,
        log: AccessLog,
        strangers: Strangers,
        *,
        regions: Sequence[RegionSettings] = (),
        sockets: int,
        each: int,
        waiting: Waiting,
    ) -> None:
        self.waiting = waiting
        self.streams, self.sessions, self.log = streams, sessions, log
        self.strangers, self._places, self.traces = strangers, Places(regions), Traces()
        self.sockets, self.each = sockets, each
        self.of_account: Counter[str] = Counter()
        self._open: set[Socket] = set()
        self._numbers = itertools.count(1)
        self._run_id = os.urandom(6).hex()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One connection."""
        await receive()  # websocket.connect
        if scope["path"] != "/graphql":
            await send({"type": "websocket.close"})
            return
        if PROTOCOL not in scope["subprotocols"]:
            # Accepted at first: a refused handshake could not say why.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"only {PROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        client = scope.get("client")
        leave = self.waiting.enter(client[0] if client else "")
        if leave is None:
            reason = "too many connections wait for connection_init: try again in a few seconds"
            await send({"type": "websocket.close", "code": 4429, "reason": reason})
            return
        socket = Socket(self, scope, receive, send, leave)
        self._open.add(socket)
        try:
            await socket.run()
        finally:
            self._open.discard(socket)
            leave()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Subscriptions]:
        """Looks after the sessions of open connections meanwhile."""
        task = asyncio.create_task(self._look_after())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def request_id(self) -> str:
        """A new id, as entries of the access log have it."""
        return f"{self._run_id}-{next(self._numbers)}"

    async def enter(
        self, request: str, trace: str, address: str, viewer: Viewer | None, answer: Answer
    ) -> None:
        """Writes an entry, durably. Raises AccessLogError."""
        at = now()
        result = (answer.code or "PARTIAL") if answer.failed else "OK"
        told = entry(
            at=at,
            request=request,
            viewer=viewer,
            what=answer.what,
            operation=answer.operation,
            result=result,
            address=address,
            trace=trace,
            region=self._places.of(viewer.code) if viewer else None,
        )
        account = viewer.account if viewer else ""
        await self.log.append_nowait(at, account, answer.operation, result, told)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for socket in list(self._open):
                socket.look()

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
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson

from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Answer, Request
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from gateway.streams import Streams, SubscriptionInvalid
from gateway.waiting import Waiting
from regions.errors import (
    AccessLogError,
    EpigateError,
    PasswordGiven,
    QuestionError,
    SecondFactorRequired,
    Unauthenticated,
)
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.traces import Traces
from resolvers.users import Viewer

__all__ = ["PROTOCOL", "Subscriptions"]

PROTOCOL = "graphql-transport-ws"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_INIT_SECONDS = 10.0
_LOOK_SECONDS = 0.25
_LONGEST_ID = 128
_ENDED = (Unauthenticated, SecondFactorRequired, PasswordGiven)
_UNREAD = "question"  # the operation of whom no session was found for

_log = logging.getLogger(__name__)


class _Close(Exception):
    """Ends the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


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
        self._open: set[_Socket] = set()
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
        socket = _Socket(self, scope, receive, send, leave)
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


class _Socket:
    """One connection."""

    def __init__(
        self,
        owner: Subscriptions,
        scope: MutableMapping[str, Any],
        receive: Receive,
        send: Send,
        admitted: Callable[[], None],
    ) -> None:
        client = scope.get("client")
        self._admitted = admitted
        self._owner, self._receive, self._send = owner, receive, send
        self._address = client[0] if client else ""
        self._authorization: bytes | None = None
        self._account = ""
        self._trace = owner.traces.of(dict(scope["headers"]).get(b"traceparent"))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Future[_Close] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until either side closes."""
        reading = asyncio.create_task(self._read())
        try:
            ends: set[asyncio.Future[Any]] = {reading, self._closing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            close: _Close | None = None
            if self._closing.done():
                close = self._closing.result()
            elif isinstance(error := reading.exception(), _Close):
                close = error
            elif error is not None:
                _log.error("a WebSocket connection failed", exc_info=error)
                close = _Close(1011, "the gateway failed; the failure is in its log")
            if close is not None:
                with suppress(Exception):  # the client may be gone already
                    await self._send(
                        {"type": "websocket.close", "code": close.code, "reason": close.reason}
                    )
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reading
            await self._end(*self._tasks)
            if self._account:
                self._owner.of_account[self._account] -= 1

    def look(self) -> None:
        """Closes the connection where its session has ended."""
        if self._authorization is None or self._closing.done():
            return
        try:
            self._viewer()
        except _ENDED:
            self._close(_Close(4403, "the session has ended"))
        except EpigateError:
            self._close(_Close(1011, "the gateway's own store does not answer"))

    def _viewer(self) -> Viewer:
        """Whose connection it is, with the rights of this moment; no use of the session."""
        viewer = self._owner.sessions.viewer(self._authorization, use=False)
        if viewer is None:
            raise Unauthenticated("the connection has no session")
        return viewer

    def _close(self, close: _Close) -> None:
        if not self._closing.done():
            self._closing.set_result(close)

    async def _read(self) -> None:
        """Takes messages until the client is gone. Raises _Close."""
        try:
            async with asyncio.timeout(_INIT_SECONDS) as limit:
                while (message := await self._next()) is not None:
                    await self._take(message)
                    if self._authorization is not None:
                        limit.reschedule(None)  # a ping is no connection_init
        except TimeoutError:
            raise _Close(4408, f"no connection_init within {_INIT_SECONDS:.0f} s") from None

    async def _next(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            return None
        text = received.get("text")
        try:
            message = orjson.loads(text) if text is not None else None
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(4400, "a message is a JSON object with a type")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            await self._begin(message.get("payload"))
        elif kind == "ping":
            await self._say({"type": "pong"})
        elif kind == "pong":
            return
        elif kind == "subscribe":
            await self._subscribe(message)
        elif kind == "complete":
            await self._end(_id(message))
        else:
            raise _Close(4400, "there is no such type of message")

    async def _begin(self, payload: Any) -> None:
        owner = self._owner
        if self._authorization is not None:
            raise _Close(4429, "connection_init twice")
        given = payload.get("authorization") if isinstance(payload, dict) else None
        try:
            if not isinstance(given, str):
                raise Unauthenticated("connection_init has no authorization")
            authorization = given.encode()
            viewer = owner.sessions.viewer(authorization)
        except _ENDED as error:
            try:
                owner.strangers.admit(self._address)  # each may write an entry
            except QuestionError:
                raise _Close(4429, "too many requests without a session") from None
            answer = Answer(b"", 401, None, _UNREAD, True, error.code)
            await self._enter(owner.request_id(), None, answer)
            raise _Close(4403, 'no session: {"authorization": "Bearer <token>"}') from None
        assert viewer is not None
        if owner.of_account[viewer.account] >= owner.sockets:
            raise _Close(4429, f"an account has at most {owner.sockets} connections")
        self._authorization, self._account = authorization, viewer.account
        owner.of_account[viewer.account] += 1
        self._admitted()
        await self._say({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._authorization is None:
            raise _Close(4401, "connection_init comes first")
        name = _id(message)
        if name in self._tasks:
            raise _Close(4409, f"there is a subscription {name} already")
        if len(self._tasks) >= self._owner.each:
            raise _Close(4429, f"a connection has at most {self._owner.each} subscriptions")
        request = _request(message.get("payload"))
        with suppress(*_ENDED):  # what `_run` says of it
            self._owner.sessions.viewer(self._authorization)  # a subscription is a use
        self._tasks[name] = asyncio.create_task(self._run(name, request))

    async def _run(self, name: str, request: Request) -> None:
        """One subscription, to its end."""
        try:
            errors = await self._answer(name, request)
            if errors is None:
                await self._say({"id": name, "type": "complete"})
            else:
                await self._say({"id": name, "type": "error", "payload": errors})
        except _ENDED:
            self._close(_Close(4403, "the session has ended"))
        except AccessLogError:
            self._close(_Close(1011, "the access log cannot be written"))
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("a subscription failed")
            self._close(_Close(1011, "the gateway failed; the failure is in its log"))
        finally:
            self._tasks.pop(name, None)

    async def _answer(self, name: str, request: Request) -> list[dict[str, Any]] | None:
        """Sends the answers of a subscription; the errors it ended with, if it did so."""
        owner, number = self._owner, self._owner.request_id()
        viewer = self._viewer()
        try:
            stream = await owner.streams.open(request, self._viewer)
        except SubscriptionInvalid as error:
            if error.operation:
                answer = Answer(b"", 200, None, error.operation, True, error.code)
                await self._enter(number, viewer, answer)
            return error.errors
        except _ENDED:
            raise
        except QuestionError as error:
            return [{"message": error.message, "extensions": error.extensions()}]
        try:
            await self._enter(number, viewer, Answer(b"", 200, None, stream.name, False))
            async for viewer, answer in stream.answers:
                number = owner.request_id()
                await self._enter(number, viewer, answer)
                head = orjson.dumps({"id": name, "type": "next"})[:-1]
                extensions = orjson.dumps({"request": number})
                body = answer.body[:-1] + b',"extensions":' + extensions + b"}"
                await self._send_text(head + b',"payload":' + body + b"}")
        except _ENDED:
            raise
        except QuestionError as error:  # a right that ended, or events that came too fast
            return [{"message": error.message, "extensions": error.extensions()}]
        finally:
            await stream.answers.aclose()  # type: ignore[attr-defined]  # a generator, which has it
        return None

    async def _enter(self, request: str, viewer: Viewer | None, answer: Answer) -> None:
        await self._owner.enter(request, self._trace, self._address, viewer, answer)

    async def _end(self, *names: str) -> None:
        tasks = [task for name in names if (task := self._tasks.pop(name, None)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, text: bytes) -> None:
        if not self._closing.done():
            await self._send({"type": "websocket.send", "text": text.decode()})


def _id(message: dict[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_ID:
        raise _Close(4400, f"an id is a text of 1 to {_LONGEST_ID} characters")
    return name


def _request(payload: Any) -> Request:
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        raise _Close(4400, "the payload has no query")
    variables, name = payload.get("variables"), payload.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise _Close(4400, "variables is not an object")
    if name is not None and not isinstance(name, str):
        raise _Close(4400, "operationName is not a string")
    return Request(payload["query"], variables or {}, name or None, len(payload["query"]))

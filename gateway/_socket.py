"""One connection of `graphql-transport-ws`: whose it is, its subscriptions, its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from gateway._socket_messages import Close, id_of, message_of, request_of
from gateway.executing import Answer, Request
from gateway.streams import SubscriptionInvalid
from regions.errors import (
    AccessLogError,
    EpigateError,
    PasswordGiven,
    QuestionError,
    SecondFactorRequired,
    Unauthenticated,
)
from resolvers.users import Viewer

if TYPE_CHECKING:
    from gateway.subscriptions import Subscriptions

__all__ = ["Message", "Receive", "Send", "Socket"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_INIT_SECONDS = 10.0
_ENDED = (Unauthenticated, SecondFactorRequired, PasswordGiven)
_UNREAD = "question"  # the operation of whom no session was found for

_log = logging.getLogger(__name__)


class Socket:
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
        self._closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until either side closes."""
        reading = asyncio.create_task(self._read())
        try:
            ends: set[asyncio.Future[Any]] = {reading, self._closing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            close: Close | None = None
            if self._closing.done():
                close = self._closing.result()
            elif isinstance(error := reading.exception(), Close):
                close = error
            elif error is not None:
                _log.error("a WebSocket connection failed", exc_info=error)
                close = Close(1011, "the gateway failed; the failure is in its log")
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
            self._close(Close(4403, "the session has ended"))
        except EpigateError:
            self._close(Close(1011, "the gateway's own store does not answer"))

    def _viewer(self) -> Viewer:
        """Whose connection it is, with the rights of this moment; no use of the session."""
        viewer = self._owner.sessions.viewer(self._authorization, use=False)
        if viewer is None:
            raise Unauthenticated("the connection has no session")
        return viewer

    def _close(self, close: Close) -> None:
        if not self._closing.done():
            self._closing.set_result(close)

    async def _read(self) -> None:
        """Takes messages until the client is gone. Raises Close."""
        try:
            async with asyncio.timeout(_INIT_SECONDS) as limit:
                while (message := await self._next()) is not None:
                    await self._take(message)
                    if self._authorization is not None:
                        limit.reschedule(None)  # a ping is no connection_init
        except TimeoutError:
            raise Close(4408, f"no connection_init within {_INIT_SECONDS:.0f} s") from None

    async def _next(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            return None
        return message_of(received.get("text"))

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
            await self._end(id_of(message))
        else:
            raise Close(4400, "there is no such type of message")

    async def _begin(self, payload: Any) -> None:
        owner = self._owner
        if self._authorization is not None:
            raise Close(4429, "connection_init twice")
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
                raise Close(4429, "too many requests without a session") from None
            answer = Answer(b"", 401, None, _UNREAD, True, error.code)
            await self._enter(owner.request_id(), None, answer)
            raise Close(4403, 'no session: {"authorization": "Bearer <token>"}') from None
        assert viewer is not None
        if owner.of_account[viewer.account] >= owner.sockets:
            raise Close(4429, f"an account has at most {owner.sockets} connections")
        self._authorization, self._account = authorization, viewer.account
        owner.of_account[viewer.account] += 1
        self._admitted()
        await self._say({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._authorization is None:
            raise Close(4401, "connection_init comes first")
        name = id_of(message)
        if name in self._tasks:
            raise Close(4409, f"there is a subscription {name} already")
        if len(self._tasks) >= self._owner.each:
            raise Close(4429, f"a connection has at most {self._owner.each} subscriptions")
        request = request_of(message.get("payload"))
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
            self._close(Close(4403, "the session has ended"))
        except AccessLogError:
            self._close(Close(1011, "the access log cannot be written"))
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("a subscription failed")
            self._close(Close(1011, "the gateway failed; the failure is in its log"))
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

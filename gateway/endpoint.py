"""POST /graphql: the way of a question through HTTP, as a bare ASGI application.

Nothing leaves before the access log holds the entry on disk: if it cannot be written, 503 and no
data.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import orjson

from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Answer, Executor, Request
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from regions.errors import (
    EpigateError,
    PasswordGiven,
    QuestionError,
    SecondFactorRequired,
    TooLarge,
    Unauthenticated,
)
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.purposes import purpose_of
from resolvers.access_log.traces import Traces
from resolvers.users import Viewer

__all__ = ["GraphQLEndpoint"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger(__name__)
_JSON = b"application/json; charset=utf-8"
_RESPONSE_JSON = b"application/graphql-response+json; charset=utf-8"
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
_ALLOW = (b"allow", b"POST")
_BEARER = (b"www-authenticate", b"Bearer")
_CLOSE = (b"connection", b"close")
_UNREAD = "question"  # the operation where nobody looked at it
_PATIENCE = 4  # times the largest body
_BODY_SECONDS = 60  # for the whole body of a request to arrive


class _Gone(Exception):
    """The client left before its request was complete."""


class GraphQLEndpoint:
    """Answers GraphQL over HTTP."""

    def __init__(
        self,
        executor: Executor,
        sessions: Sessions,
        log: AccessLog,
        *,
        body_max_bytes: int,
        strangers: Strangers,
        regions: Sequence[RegionSettings] = (),
    ) -> None:
        self._executor, self._sessions, self._log = executor, sessions, log
        self._body_max, self._strangers = body_max_bytes, strangers
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()
        self._traces = Traces()
        self._places = Places(regions)
        self._answering = 0  # requests whose entries are on their way

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        authorization = content_type = accept = parent = purpose = None
        several = False
        for name, value in scope["headers"]:
            if name == b"authorization":
                several = authorization is not None
                authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"accept":
                accept = value
            elif name == b"traceparent":
                parent = value
            elif name == b"x-purpose":
                purpose = value
        request_id = f"{self._run}-{next(self._numbers)}"
        trace = self._traces.of(parent)
        ids = (b"x-request-id", request_id.encode()), (b"x-trace-id", trace.encode())
        kind = _RESPONSE_JSON if accept and b"graphql-response+json" in accept else _JSON
        try:
            if scope["method"] != "POST":
                text = "Only POST is answered here."
                await _send(send, 405, _error(text), kind, ids, _ALLOW, _CLOSE)
                return
            if (content_type or b"").partition(b";")[0].strip().lower() != b"application/json":
                text = "The body must be application/json."
                await _send(send, 415, _error(text), kind, ids, _CLOSE)
                return
            if several:
                raise QuestionError("there are several Authorization headers")
            stated = purpose_of(purpose)
            body = await self._body(receive)
            request = _parse(body, _address(scope), request_id, trace)
            self._answering += 1
            try:
                answer, viewer = await self._answer(authorization, request)
            finally:
                self._answering -= 1
            if answer.operation:
                await self._enter(scope, viewer, answer, request_id, trace, stated)
            more = (_BEARER,) if answer.status == 401 else ()
            await _send(send, answer.status, answer.body, kind, ids, *more)
        except _Gone:
            return  # nobody reads an answer
        except TimeoutError:
            text = f"The body did not arrive within {_BODY_SECONDS} s."
            await _send(send, 408, _error(text), kind, ids, _CLOSE)
        except QuestionError as error:
            more = (_CLOSE,) if isinstance(error, TooLarge) else ()
            if "retryAfter" in error.details:
                more = (*more, (b"retry-after", str(error.details["retryAfter"]).encode()))
            await _send(send, error.status, _failure(error), kind, ids, *more)
        except EpigateError as error:
            await _send(send, 503, _failure(error), kind, ids)
        except Exception:
            _log.exception("request %s failed", request_id)
            text = "The gateway failed; the failure is in its log."
            await _send(send, 500, _error(text, "INTERNAL"), kind, ids)

    async def _answer(
        self, authorization: bytes | None, request: Request
    ) -> tuple[Answer, Viewer | None]:
        """The answer, and whose it is. Raises QuestionError for what asks nothing yet."""
        address = request.address
        viewer: Viewer | None = None
        try:
            viewer = self._sessions.viewer(authorization)
            if viewer is None:
                self._strangers.admit(address)
            return await self._executor.answer(viewer, request), viewer
        except (Unauthenticated, SecondFactorRequired, PasswordGiven) as error:
            if isinstance(error, Unauthenticated):
                self._strangers.admit(address)
            else:
                found = self._sessions.enrolling(authorization)
                viewer = found.viewer if found is not None else None
            said = _failure(error)
            return Answer(said, error.status, None, _UNREAD, True, error.code), viewer

    async def _body(self, receive: Receive) -> bytes:
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            async with asyncio.timeout(_BODY_SECONDS):
                parts = [body]
                size = len(body)
                # A body over the limit is read on for a while and dropped, since a client that is
                # still sending would not see the answer.
                while message.get("more_body") and size <= _PATIENCE * self._body_max:
                    message = await receive()
                    part = message.get("body", b"")
                    size += len(part)
                    if size <= self._body_max:
                        parts.append(part)
            if size > self._body_max:
                raise self._too_large()
            body = b"".join(parts)
        if message["type"] == "http.disconnect":
            raise _Gone
        if len(body) > self._body_max:
            raise self._too_large()
        return body

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._body_max} bytes", hint="ask in parts")

    async def _enter(
        self,
        scope: MutableMapping[str, Any],
        viewer: Viewer | None,
        answer: Answer,
        request: str,
        trace: str,
        purpose: str | None,
    ) -> None:
        at = now()
        result = "OK"
        if answer.failed:
            result = answer.code or "PARTIAL"
        elif answer.problem:
            result = answer.problem
        told = entry(
            at=at,
            request=request,
            viewer=viewer,
            what=answer.what,
            operation=answer.operation,
            result=result,
            address=_address(scope),
            trace=trace,
            purpose=purpose,
            region=self._places.of(viewer.code) if viewer else None,
        )
        account = viewer.account if viewer else ""
        more = self._answering > 0
        await self._log.append_nowait(at, account, answer.operation, result, told, more=more)


def _address(scope: MutableMapping[str, Any]) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _parse(body: bytes, address: str, number: str, trace: str) -> Request:
    """The request of a body. Raises QuestionError."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise QuestionError("the body is not JSON") from None
    if not isinstance(found, dict):
        raise QuestionError(
            "the body is not a JSON object", hint='send {"query": "…", "variables": {…}}'
        )
    query = found.get("query")
    variables = found.get("variables")
    name = found.get("operationName")
    if not isinstance(query, str):
        raise QuestionError("query is missing or not a string")
    if variables is not None and not isinstance(variables, dict):
        raise QuestionError("variables is not an object")
    if name is not None and not isinstance(name, str):
        raise QuestionError("operationName is not a string")
    return Request(query, variables or {}, name or None, len(body), address, number, trace)


def _error(message: str, code: str = "BAD_REQUEST") -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})


def _failure(error: EpigateError) -> bytes:
    return orjson.dumps({"errors": [{"message": _said(error), "extensions": error.extensions()}]})


def _said(error: EpigateError) -> str:
    """What a client is told; of our own failures not the reason, which names files."""
    if isinstance(error, QuestionError):
        return error.message
    return error.message.partition(":")[0]


async def _send(
    send: Send,
    status: int,
    body: bytes,
    kind: bytes,
    ids: Sequence[tuple[bytes, bytes]],
    *more: tuple[bytes, bytes],
) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        *ids,
        *_HEADERS,
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

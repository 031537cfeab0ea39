"""POST /graphql: the way of a question through HTTP, as a bare ASGI application.

Nothing leaves before the access log holds the entry on disk: if it cannot be written, 503 and no
data.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from gateway.access_log import AccessLog
from gateway.executing import Answer, Executor, Request
from gateway.sessions import Sessions
from regions.errors import EpigateError, QuestionError, TooLarge
from regions.instants import now
from resolvers.access_log import entry
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


class GraphQLEndpoint:
    """Answers GraphQL over HTTP."""

    def __init__(
        self, executor: Executor, sessions: Sessions, log: AccessLog, *, body_max_bytes: int
    ) -> None:
        self._executor, self._sessions, self._log = executor, sessions, log
        self._body_max = body_max_bytes
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        authorization = content_type = accept = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"accept":
                accept = value
        request_id = f"{self._run}-{next(self._numbers)}"
        kind = _RESPONSE_JSON if accept and b"graphql-response+json" in accept else _JSON
        viewer: Viewer | None = None
        try:
            if scope["method"] != "POST":
                await _send(
                    send,
                    405,
                    _error("Only POST is answered here."),
                    kind,
                    request_id,
                    (b"allow", b"POST"),
                )
                return
            if content_type is None or not content_type.lower().startswith(b"application/json"):
                text = "The body must be application/json."
                await _send(send, 415, _error(text), kind, request_id)
                return
            body = await self._body(receive)
            viewer = self._sessions.viewer(authorization)
            request = _parse(body)
            answer = await self._executor.answer(viewer, request)
            if answer.what is not None or answer.unknown:
                await self._enter(scope, viewer, answer, request_id)
            await _send(send, answer.status, answer.body, kind, request_id)
        except EpigateError as error:
            status = error.status if isinstance(error, QuestionError) else 503
            await _send(send, status, _failure(error), kind, request_id)
        except Exception:
            _log.exception("request %s failed", request_id)
            text = "The gateway failed; the failure is in its log."
            await _send(send, 500, _error(text, "INTERNAL"), kind, request_id)

    async def _body(self, receive: Receive) -> bytes:
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts = [body]
            size = len(body)
            while message.get("more_body"):
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > self._body_max:
                    break
            body = b"".join(parts)
        if len(body) > self._body_max:
            raise TooLarge(
                f"the body is larger than {self._body_max} bytes",
                hint="send what repeats as variables, or ask in parts",
            )
        return body

    async def _enter(
        self, scope: MutableMapping[str, Any], viewer: Viewer | None, answer: Answer, request: str
    ) -> None:
        at = now()
        result = "OK"
        if answer.failed:
            result = answer.code or "PARTIAL"
        address = scope.get("client")
        told = entry(
            at=at,
            request=request,
            viewer=viewer,
            what=answer.what,
            operation=answer.operation,
            result=result,
            address=address[0] if address else "",
        )
        account = viewer.account if viewer else ""
        await self._log.append_nowait(at, account, answer.operation, result, told)


def _parse(body: bytes) -> Request:
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
    return Request(query, variables or {}, name or None)


def _error(message: str, code: str = "BAD_REQUEST") -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})


def _failure(error: EpigateError) -> bytes:
    return orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions()}]})


async def _send(
    send: Send,
    status: int,
    body: bytes,
    kind: bytes,
    request_id: str,
    *more: tuple[bytes, bytes],
) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *_HEADERS,
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

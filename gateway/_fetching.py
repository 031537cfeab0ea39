"""What is fetched by GET as a whole: asked for as the viewer, logged, then sent.

Everything is asked by the executor that answers everybody, so that the page has what the viewer may
see and `*` in place of the rest. Its entry is in the access log before the first byte leaves.
Nothing is kept on disk.

`send_file` gives a file that goes with a record to whoever is shown its name in clear by the same
executor, after its entry: to nobody else.
"""

from __future__ import annotations

import base64
import itertools
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

import orjson
from sqlalchemy import Table

from gateway._download import Asked, Receive, Send, fail, failure, headers
from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Answer, Executor, Request
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from regions.errors import (
    EpigateError,
    Forbidden,
    NotFound,
    QuestionError,
    RegionUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from regions.ids import region_of
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.traces import Traces
from resolvers.privacy import require_records
from resolvers.rights import require
from resolvers.users import Viewer
from resolvers.writing.failures import WriteFailed
from resolvers.writing.files import content_of
from resolvers.writing.stores import Stores
from schema.privacy import MASK

__all__ = ["Attached", "Fetching", "send_body"]

_log = logging.getLogger(__name__)
_SANDBOX = (b"content-security-policy", b"default-src 'none'; sandbox")


@dataclass(frozen=True, slots=True)
class Attached:
    """Files of one kind.

    `field` is the root field whose right fetches them, `name` what one is called in the log;
    `query` asks for one by an id that begins with `kind`; `contents` is the table of what is in
    them; `told` is what the entry tells besides: a field of the query, and under which name;
    `hint` is for whoever may not see one.
    """

    field: str
    name: str
    query: str
    kind: str
    contents: Table
    told: tuple[str, str]
    hint: str

    @property
    def operation(self) -> str:
        """What fetching one is called in the log."""
        return f"fetch {self.name}"


class Fetching(ABC):
    """An endpoint of things to fetch; `regions` are named where they did not answer.

    Subclasses answer one request by `fetch` and say by `operation` what it is called in the log.
    """

    prefix = ""

    def __init__(
        self,
        executor: Executor,
        sessions: Sessions,
        log: AccessLog,
        regions: Sequence[RegionSettings],
        strangers: Strangers,
        stores: Stores,
    ) -> None:
        self._executor, self._sessions, self._log = executor, sessions, log
        self._stores = stores
        self._strangers = strangers
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()
        self._traces = Traces()
        self._places = Places(regions)

    @abstractmethod
    def operation(self, name: str) -> str:
        """What fetching something of this name is called in the log."""

    @abstractmethod
    async def fetch(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """Answers a viewer; `told` is what the log is told. Raises EpigateError."""

    async def __call__(self, scope: MutableMapping[str, Any], _: Receive, send: Send) -> None:
        """One request."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        parent = next((v for name, v in scope["headers"] if name == b"traceparent"), None)
        asked = Asked(
            f"{self._run}-l{next(self._numbers)}",
            self._traces.of(parent),
            scope["client"][0] if scope.get("client") else "",
        )
        viewer: Viewer | None = None
        told: dict[str, Any] = {}
        name = scope["path"].removeprefix(self.prefix)
        operation = self.operation(name)
        try:
            if scope["method"] != "GET":
                await fail(send, 405, "BAD_REQUEST", "Only GET is answered here.", asked)
                return
            viewer = self._viewer(given[0] if len(given) == 1 else None, asked)
            await self.fetch(viewer, name, told, asked, send)
        except EpigateError as error:
            await self._stop(viewer, told, operation, error, asked, send)
        except Exception:
            _log.exception("the request %s failed", asked.id)
            text = "The gateway failed; the failure is in its log."
            await fail(send, 500, "INTERNAL", text, asked)

    def _viewer(self, authorization: bytes | None, asked: Asked) -> Viewer:
        """Who asks. Raises Unauthenticated, TooManyRequests."""
        try:
            viewer = self._sessions.viewer(authorization)
            if viewer is None:
                raise Unauthenticated("a file is fetched with the token of a session")
        except Unauthenticated:
            self._strangers.admit(asked.address)
            raise
        return viewer

    async def send_file(
        self,
        viewer: Viewer,
        number: int,
        of: Attached,
        told: dict[str, Any],
        asked: Asked,
        send: Send,
    ) -> None:
        """Sends a file to a viewer who is shown its name; `told` is what the log is told.

        Raises NotFound, Forbidden, RegionUnavailable.
        """
        require(viewer, of.field)
        require_records(viewer)
        store = self._stores.of_region(region_of(number)) if 0 <= number < 1 << 63 else None
        if store is None:
            no_file()
        data, answer = await self.ask(viewer, of.query, {"id": f"{of.kind}:{number}"}, asked)
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= answer.what
        node = data["node"]
        if not node:
            if answer.failed:
                raise RegionUnavailable(f"region {store.settings.code} gave no answer")
            no_file()
        field, name = of.told
        told[name] = node[field]
        if node["fileName"] == MASK:
            raise Forbidden(
                "you may not see this file: whoever sees its name in clear may", hint=of.hint
            )
        try:
            content = await store.look(
                lambda connection: content_of(connection, store, of.contents, number)
            )
        except WriteFailed:
            raise RegionUnavailable(f"region {store.settings.code} gave no answer") from None
        if content is None or node["fileName"] is None:
            no_file()
        body = base64.b64decode(content)
        await self.enter(viewer, told, of.operation, "OK", asked)
        await send_body(send, node["mediaType"].encode(), node["fileName"], body, asked)

    async def ask(
        self, viewer: Viewer, query: str, variables: dict[str, Any], asked: Asked
    ) -> tuple[dict[str, Any], Answer]:
        request = Request(query, variables, None, id=asked.id, trace=asked.trace)
        answer = await self._executor.answer(viewer, request, remember=False)
        body = orjson.loads(answer.body)
        if body.get("data") is None:
            raise failure(body)
        return body["data"], answer

    async def _stop(
        self,
        viewer: Viewer | None,
        told: dict[str, Any],
        operation: str,
        error: EpigateError,
        asked: Asked,
        send: Send,
    ) -> None:
        status = error.status if isinstance(error, QuestionError) else 503
        message = error.message if isinstance(error, QuestionError) else "the gateway failed"
        if not isinstance(error, TooManyRequests):  # strangers do not fill the log
            try:
                await self.enter(viewer, told, operation, error.code, asked)
            except EpigateError as failed:
                status, message = 503, "the access log cannot be written"
                error = failed
        await fail(send, status, error.code, message, asked, error.hint)

    async def enter(
        self,
        viewer: Viewer | None,
        told: dict[str, Any],
        operation: str,
        result: str,
        asked: Asked,
    ) -> None:
        at = now()
        written = entry(
            at=at,
            request=asked.id,
            viewer=viewer,
            what=told or None,
            operation=operation,
            result=result,
            address=asked.address,
            module=operation.partition(" ")[0],
            trace=asked.trace,
            region=self._places.of(viewer.code) if viewer else None,
        )
        account = viewer.account if viewer else ""
        await self._log.append_nowait(at, account, operation, result, written)


def no_file() -> NoReturn:
    """Raises NotFound: no such file, or none that the viewer may see."""
    raise NotFound("there is no such file, or none that you may see")


async def send_body(send: Send, kind: bytes, name: str, body: bytes, asked: Asked) -> None:
    sent = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"content-disposition", _disposition(name)),
        _SANDBOX,
        *headers(asked),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": sent})
    await send({"type": "http.response.body", "body": body})


def _disposition(name: str) -> bytes:
    """To be kept as a file, never shown in place; names beyond ASCII as RFC 6266 has them."""
    if name.isascii():
        return f'attachment; filename="{name}"'.encode()
    ending = name.rpartition(".")[2]
    return f"attachment; filename=\"attachment.{ending}\"; filename*=UTF-8''{quote(name)}".encode()

"""`GET /assist-requests/<number>.pdf`: a letter to print, and the template of its people (C6, C7).

The letter is asked for as the viewer, by the executor that answers everybody, so that the page has
what the viewer may see and `*` in place of the rest. Its entry, each person in it, is in the access
log before the first byte leaves. Nothing is kept on disk.

`GET /assist-requests/attachments/<number>` gives a file that goes with a letter to whoever is shown
its name in clear by the same executor, after its entry: to nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
import os
import re
from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

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
from resolvers.assist.attachments import content_of
from resolvers.assist.letter import Letter, Printer
from resolvers.assist.letter_pdf import letter_pdf
from resolvers.assist.printing import (
    ATTACHMENT,
    COPIES,
    LETTER,
    UNITS,
    choose_copy,
    printed_letter,
    unit_ids,
)
from resolvers.assist.template import template_csv, template_xlsx
from resolvers.privacy import require_records
from resolvers.rights import require
from resolvers.users import Viewer
from resolvers.writing.stores import Stores, WriteFailed
from schema.privacy import MASK

__all__ = ["PREFIX", "LetterEndpoint"]

PREFIX = "/assist-requests/"

_log = logging.getLogger(__name__)
_NUMBER = re.compile(r"([0-9]{6}-[0-9]{4}-[0-9]{6,9})\.pdf")
_PDF = b"application/pdf"
_TEMPLATES = {
    "template.xlsx": (
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        template_xlsx,
    ),
    "template.csv": (b"text/csv; charset=utf-8", template_csv),
}
_FILE = re.compile(r"attachments/([0-9]{1,19})")
_PRINT, _FETCH = "print assistRequests", "fetch assistAttachment"
_SANDBOX = (b"content-security-policy", b"default-src 'none'; sandbox")


class LetterEndpoint:
    """Prints letters. `regions` are named where they did not answer."""

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
        name = scope["path"].removeprefix(PREFIX)
        operation = _FETCH if name.startswith("attachments/") else _PRINT
        try:
            if scope["method"] != "GET":
                await fail(send, 405, "BAD_REQUEST", "Only GET is answered here.", asked)
                return
            viewer = self._viewer(given[0] if len(given) == 1 else None, asked)
            if operation == _FETCH:
                await self._file(viewer, name, told, asked, send)
                return
            if name in _TEMPLATES:
                kind, make = _TEMPLATES[name]
                body = await asyncio.to_thread(make)
                await _send(send, kind, f"epigate-{name}", body, asked)
                return
            letter, result = await self._letter(viewer, name, told, asked)
            printer = Printer(viewer.account, viewer.name, viewer.unit_name, now())
            body = await asyncio.to_thread(letter_pdf, letter, printer)
            await self._enter(viewer, told, _PRINT, result, asked)
            await _send(send, _PDF, f"{letter.number}.pdf", body, asked)
        except EpigateError as error:
            await self._stop(viewer, told, operation, error, asked, send)
        except Exception:
            _log.exception("the letter %s failed", asked.id)
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

    async def _file(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """Sends a file to a viewer who is shown its name; `told` is what the log is told.

        Raises NotFound, Forbidden, RegionUnavailable.
        """
        require(viewer, "assistRequests")
        require_records(viewer)
        found = _FILE.fullmatch(name)
        number = int(found[1]) if found is not None else 1 << 63
        store = self._stores.of_region(region_of(number)) if number < 1 << 63 else None
        if store is None:
            raise _no_file()
        data, answer = await self._ask(
            viewer, ATTACHMENT, {"id": f"assistattachment:{number}"}, asked
        )
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= answer.what
        node = data["node"]
        if not node:
            if answer.failed:
                raise RegionUnavailable(f"region {store.settings.code} gave no answer")
            raise _no_file()
        told["letter"] = node["number"]
        if node["fileName"] == MASK:
            raise Forbidden(
                "you may not see this file: whoever sees its name in clear may",
                hint="ask for the privacy role assist-letter",
            )
        try:
            content = await store.look(lambda connection: content_of(connection, store, number))
        except WriteFailed:
            raise RegionUnavailable(f"region {store.settings.code} gave no answer") from None
        if content is None or node["fileName"] is None:
            raise _no_file()
        body = base64.b64decode(content)
        await self._enter(viewer, told, _FETCH, "OK", asked)
        await _send(send, node["mediaType"].encode(), node["fileName"], body, asked)

    async def _letter(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked
    ) -> tuple[Letter, str]:
        """The letter as the viewer may see it, and the result; `told` is what the log is told.

        Raises NotFound, Forbidden, RegionUnavailable.
        """
        require(viewer, "assistRequests")
        require_records(viewer)
        found = _NUMBER.fullmatch(name)
        if found is None:
            raise _none()
        copies, _ = await self._ask(viewer, COPIES, {"number": found[1]}, asked)
        chosen = choose_copy(copies["assistRequests"]["edges"], viewer.unit_id)
        if chosen is None:
            failed = [
                one["code"]
                for one in copies["assistRequests"]["regions"]
                if one["state"] not in ("ANSWERED", "NOT_ASKED")
            ]
            if failed:
                raise RegionUnavailable(f"region {failed[0]} gave no answer")
            raise _none()
        data, answer = await self._ask(viewer, LETTER, {"id": chosen}, asked)
        node = data["node"]
        if not node:
            raise _none()
        named, _ = await self._ask(viewer, UNITS, {"ids": unit_ids(node)}, asked)
        units = {one["node"]["id"]: one["node"]["nameZh"] for one in named["units"]["edges"]}
        letter = printed_letter(node, units)
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= {**answer.what, "letter": letter.number}
        return letter, "PARTIAL" if answer.failed or letter.missing else "OK"

    async def _ask(
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
                await self._enter(viewer, told, operation, error.code, asked)
            except EpigateError as failed:
                status, message = 503, "the access log cannot be written"
                error = failed
        await fail(send, status, error.code, message, asked, error.hint)

    async def _enter(
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


def _none() -> NotFound:
    return NotFound("there is no such letter, or none that you may see")


def _no_file() -> NotFound:
    return NotFound("there is no such file, or none that you may see")


async def _send(send: Send, kind: bytes, name: str, body: bytes, asked: Asked) -> None:
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

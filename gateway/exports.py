"""`GET /exports/<id>`: an export streamed to whoever asked for it (F2; leak channel 28).

The file is read page by page through the same executor that answers lists, as the viewer of that
moment: who the viewer is, and with which rights, is looked up again for each page. A session that
ended or a right that changed ends the file with a mark and a transfer that is not complete. Each
page's entry is in the access log before the page leaves, and memory holds one page.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Executor, Request
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from regions.errors import (
    AccessLogError,
    EpigateError,
    ExportNotReady,
    ExportStopped,
    Forbidden,
    NotFound,
    QuestionError,
    RegionUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from regions.exports import exports
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.traces import Traces
from resolvers.central import Central
from resolvers.exports.columns import Column, columns_of
from resolvers.exports.csv_file import CsvFile
from resolvers.exports.deciding import state_at
from resolvers.exports.document import PAGE, document, variables
from resolvers.exports.kinds import KINDS, Kind
from resolvers.exports.records import Row, begin_download, end_download, read_rows
from resolvers.exports.watermark import Watermark
from resolvers.exports.xlsx_file import XlsxFile
from resolvers.privacy import require_records
from resolvers.questions.question import viewer_key
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "ExportEndpoint"]

PREFIX = "/exports/"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9a-f]{32}")
_TRIES = 3  # of a page in which a region did not answer
_PAUSE_SECONDS = 0.5
_SEND_SECONDS = 60.0  # for a client to take a page
_JSON = b"application/json; charset=utf-8"


class _Gone(Exception):
    """The client left."""


@dataclass(slots=True)
class _Page:
    """A page of the list, and what the access log says of it."""

    rows: list[list[Any]]
    after: str | None
    failed: dict[str, str]  # region → state, of those that did not answer
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as the access log names it."""

    id: str
    trace: str
    address: str


@dataclass(slots=True)
class _Download:
    """One file on its way."""

    row: Row
    number: int
    rights: Any
    columns: list[Column]
    file: CsvFile | XlsxFile
    asked: _Asked
    rows: int = 0
    chunks: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    hash: Any = field(default_factory=hashlib.sha256)
    started: bool = False  # whether anything was sent

    @property
    def id(self) -> str:
        """The export's id."""
        return str(self.row.export["id"])


class ExportEndpoint:
    """Streams exports. `regions` are named where they did not answer."""

    def __init__(
        self,
        executor: Executor,
        sessions: Sessions,
        central: Central,
        log: AccessLog,
        regions: Sequence[RegionSettings],
        strangers: Strangers,
        *,
        page: int = PAGE,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._executor, self._sessions, self._central = executor, sessions, central
        self._log, self._page, self._pause = log, page, pause_seconds
        self._strangers = strangers
        self._names = {region.code: region.name_zh for region in regions}
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()
        self._traces = Traces()
        self._places = Places(regions)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        authorization = headers[0] if len(headers) == 1 else None
        parent = next((v for name, v in scope["headers"] if name == b"traceparent"), None)
        asked = _Asked(
            f"{self._run}-x{next(self._numbers)}",
            self._traces.of(parent),
            scope["client"][0] if scope.get("client") else "",
        )
        viewer: Viewer | None = None
        download: _Download | None = None
        ending = "INTERNAL"
        try:
            if scope["method"] != "GET":
                await _fail(send, 405, "BAD_REQUEST", "Only GET is answered here.", asked)
                return
            viewer = self._viewer(authorization, asked)
            download = await self._begin(scope["path"], viewer, asked)
            await self._stream(download, viewer, authorization, receive, send)
            ending = "COMPLETE"
        except _Gone:
            ending = "CLIENT_GONE"
        except EpigateError as error:
            ending = error.code
            await self._stop(download, viewer, error, asked, send)
        except Exception:
            _log.exception("the export %s failed", asked.id)
            if download is None or not download.started:
                text = "The gateway failed; the failure is in its log."
                await _fail(send, 500, "INTERNAL", text, asked)
        finally:
            if download is not None:
                await asyncio.shield(self._note_end(download, ending))

    def _viewer(self, authorization: bytes | None, asked: _Asked) -> Viewer:
        """Who asks. Raises Unauthenticated, TooManyRequests."""
        try:
            viewer = self._sessions.viewer(authorization)
            if viewer is None:
                raise Unauthenticated("a file is fetched with the token of a session")
        except Unauthenticated:
            self._strangers.admit(asked.address)
            raise
        return viewer

    async def _begin(self, path: str, viewer: Viewer, asked: _Asked) -> _Download:
        """What is to be streamed. Raises NotFound, ExportNotReady, Forbidden."""
        export = path.removeprefix(PREFIX)
        rows = []
        if _ID.fullmatch(export):
            rows = await self._central.do(lambda one: read_rows(one, exports.c.id == export))
        if not rows or rows[0].export["account"] != viewer.account:
            raise NotFound("there is no such export, or none of yours")
        row = rows[0]
        require(viewer, "exports")
        require_records(viewer)
        at = now()
        state = state_at(row.export["state"], row.export["expires_at"], at)
        if state != "READY":
            raise ExportNotReady(
                f"the export cannot be fetched: it is {state}",
                hint="the question exports says where it stands; ask for a new one if it is over",
                state=state,
            )
        kind = KINDS[row.export["kind"]]
        columns = columns_of(
            self._executor.schema, kind.record, orjson.loads(row.export["columns"])
        )
        mark = Watermark(
            export,
            viewer.account,
            viewer.name,
            viewer.unit_id,
            viewer.unit_name,
            at,
            row.export["purpose"],
            row.export["recipient"],
        )
        file: CsvFile | XlsxFile = (
            CsvFile(columns, mark, bom=bool(row.export["bom"]))
            if row.export["format"] == "CSV"
            else XlsxFile(columns, mark)
        )
        number = await self._central.do(lambda one: begin_download(one, export, at))
        return _Download(row, number, _rights(viewer), columns, file, asked)

    async def _stream(
        self,
        download: _Download,
        viewer: Viewer,
        authorization: bytes | None,
        receive: Receive,
        send: Send,
    ) -> None:
        row, file = download.row.export, download.file
        kind = KINDS[row["kind"]]
        text = document(kind, download.columns)
        wanted, order = orjson.loads(row["filter"]), orjson.loads(row["orders"])
        gone = asyncio.Event()
        watching = asyncio.create_task(_watch(receive, gone))
        after: str | None = None
        try:
            while True:
                if download.chunks:
                    viewer = self._again(download, authorization)
                given = variables(wanted, order, self._page, after)
                asked = Request(text, given, None, id=download.asked.id, trace=download.asked.trace)
                page = await self._read(viewer, kind, asked, download.columns)
                if gone.is_set():
                    raise _Gone
                download.missing |= page.failed
                self._limit(download, len(page.rows))
                piece = b""
                if not download.chunks:
                    piece = file.head(self._named(download.missing))
                piece += file.rows(page.rows)
                download.rows += len(page.rows)
                download.chunks += 1
                page.told |= {"export": download.id, "chunk": download.chunks}
                result = "PARTIAL" if page.failed else "OK"
                await self._enter(download, viewer, kind, page.told, result)
                await self._send(send, download, piece)
                after = page.after
                if after is None:
                    break
            last = file.end(download.rows, self._named(download.missing))
            told = {
                "export": download.id,
                "chunks": download.chunks,
                "count": download.rows,
                "regions": download.missing,
                "sha256": file.content_sha256,
            }
            viewer = self._again(download, authorization)
            result = "PARTIAL" if download.missing else "OK"
            await self._enter(download, viewer, kind, told, result)
            await self._send(send, download, last)
            if gone.is_set():
                raise _Gone
            await send({"type": "http.response.body", "body": b""})
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def _again(self, download: _Download, authorization: bytes | None) -> Viewer:
        """Who asks, now. Raises Unauthenticated, ExportStopped."""
        viewer = self._sessions.viewer(authorization)
        if viewer is None or viewer.account != download.row.export["account"]:
            raise Unauthenticated("the session has ended")
        if _rights(viewer) != download.rights:
            raise ExportStopped("your rights changed while the file was on its way")
        return viewer

    def _limit(self, download: _Download, more: int) -> None:
        most = download.row.export["most"]
        if most is not None and download.rows + more > most:
            raise ExportStopped(
                f"the list has grown past {most} records since the export was asked for",
                hint="ask for a new export",
            )

    async def _read(
        self,
        viewer: Viewer,
        kind: Kind,
        asked: Request,
        columns: Sequence[Column],
    ) -> _Page:
        """A page. One in which a region failed is asked for again some times. Raises EpigateError
        where there are no data at all."""
        found: Any = None
        for attempt in range(_TRIES):
            answer = await self._executor.answer(viewer, asked, remember=False)
            body = orjson.loads(answer.body)
            data = body.get("data") or {}
            if (found := data.get(kind.root)) is None:
                raise _failure(body)
            failed = {
                one["code"]: one["state"]
                for one in found["regions"]
                if one["state"] not in ("ANSWERED", "NOT_ASKED")
            }
            for error in body.get("errors", ()):  # a relation's region, too
                more = error["extensions"]
                if "region" in more:
                    failed.setdefault(more["region"], more["state"])
            if not failed:
                break
            if attempt < _TRIES - 1:
                await asyncio.sleep(self._pause * (attempt + 1))
        answered = any(one["state"] == "ANSWERED" for one in found["regions"])
        if failed and not answered:
            raise RegionUnavailable("no region answered")
        told = answer.what
        assert isinstance(told, dict)
        following = found["pageInfo"]
        return _Page(
            [[column.value(edge["node"]) for column in columns] for edge in found["edges"]],
            following["endCursor"] if following["hasNextPage"] else None,
            failed,
            told,
        )

    async def _send(self, send: Send, download: _Download, piece: bytes) -> None:
        if not download.started:
            download.started = True
            await send(_start(download))
        download.hash.update(piece)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise _Gone from None

    async def _stop(
        self,
        download: _Download | None,
        viewer: Viewer | None,
        error: EpigateError,
        asked: _Asked,
        send: Send,
    ) -> None:
        """Ends an answer that failed: by its status, or by a mark in a file that has begun.

        Returning before the body is complete makes the server break the connection off.
        """
        status = error.status if isinstance(error, QuestionError) else 503
        message = error.message if isinstance(error, QuestionError) else "the gateway failed"
        told: dict[str, Any] = {"export": download.id} if download is not None else {}
        if download is None or not download.started:
            if not isinstance(
                error, TooManyRequests
            ):  # as elsewhere, strangers do not fill the log
                with suppress(EpigateError):
                    await self._write(viewer, "export", told or None, error.code, asked)
            await _fail(send, status, error.code, message, asked, error.hint)
            return
        if not isinstance(error, AccessLogError):
            with suppress(EpigateError):
                await self._write(viewer, "export", told, error.code, asked)
            with suppress(Exception):
                await self._send(send, download, download.file.aborted(f"{error.code}: {message}"))

    async def _enter(
        self, download: _Download, viewer: Viewer, kind: Kind, told: Any, result: str
    ) -> None:
        name = f"export {kind.root}"
        await self._write(viewer, name, told, result, download.asked)

    async def _write(
        self, viewer: Viewer | None, name: str, told: Any, result: str, asked: _Asked
    ) -> None:
        at = now()
        written = entry(
            at=at,
            request=asked.id,
            viewer=viewer,
            what=told,
            operation=name,
            result=result,
            address=asked.address,
            module="export",
            trace=asked.trace,
            region=self._places.of(viewer.code) if viewer else None,
        )
        account = viewer.account if viewer else ""
        await self._log.append_nowait(at, account, name, result, written)

    async def _note_end(self, download: _Download, ending: str) -> None:
        whole = ending == "COMPLETE"
        values = {
            "ended_at": now(),
            "ending": ending,
            "rows": download.rows,
            "missing": orjson.dumps(sorted(download.missing)).decode(),
            "content_sha256": download.file.content_sha256 if whole else None,
            "file_sha256": download.hash.hexdigest() if whole else None,
        }
        try:
            await self._central.do(
                lambda one: end_download(one, download.id, download.number, whole=whole, **values)
            )
        except EpigateError as error:
            _log.error("the end of an export could not be noted: %s", error.code)

    def _named(self, missing: Mapping[str, str]) -> list[str]:
        return [f"{code} {self._names[code]} {state}" for code, state in sorted(missing.items())]


def _rights(viewer: Viewer) -> Any:
    return viewer.account, viewer.role, viewer.unit_id, viewer_key(viewer)


def _failure(body: Mapping[str, Any]) -> EpigateError:
    """The failure of a question without an answer."""
    error = body["errors"][0]
    code, message = error["extensions"]["code"], error["message"]
    for kind in (Forbidden, Unauthenticated, RegionUnavailable):
        if kind.code == code:
            return kind(message)
    return ExportStopped(message)


def _start(download: _Download) -> Message:
    file = download.file
    name = f"epigate-{download.id[:8]}.{file.ending}"
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", file.media_type.encode()),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
            *_headers(download.asked),
        ],
    }


def _headers(asked: _Asked) -> list[tuple[bytes, bytes]]:
    return [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", asked.id.encode()),
        (b"x-trace-id", asked.trace.encode()),
    ]


async def _fail(
    send: Send, status: int, code: str, message: str, asked: _Asked, hint: str = ""
) -> None:
    error = {"code": code, "message": message, **({"hint": hint} if hint else {})}
    body = orjson.dumps({"error": error})
    headers = [
        (b"content-type", _JSON),
        (b"content-length", b"%d" % len(body)),
        *_headers(asked),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    """Sets the event when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()

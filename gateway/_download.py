"""One export on its way: page by page through the executor, as the viewer of that moment.

Each page's entry is in the access log before the page leaves, and memory holds one page.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.executing import Executor, Request
from gateway.sessions import Sessions
from regions.errors import (
    EpigateError,
    ExportStopped,
    Forbidden,
    RegionUnavailable,
    Unauthenticated,
)
from regions.settings import RegionSettings
from resolvers.exports.columns import Column
from resolvers.exports.csv_file import CsvFile
from resolvers.exports.document import document, variables
from resolvers.exports.kinds import KINDS, Kind
from resolvers.exports.records import Row
from resolvers.exports.xlsx_file import XlsxFile
from resolvers.questions.question import viewer_key
from resolvers.users import Viewer

__all__ = [
    "Asked",
    "Download",
    "Gone",
    "Message",
    "Receive",
    "Send",
    "Streamer",
    "fail",
    "failure",
    "headers",
    "rights_of",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TRIES = 3  # of a page in which a region did not answer
_JSON = b"application/json; charset=utf-8"
_SEND_SECONDS = 60.0  # for a client to take a page


class Gone(Exception):
    """The client left."""


@dataclass(slots=True)
class _Page:
    """A page of the list, and what the access log says of it."""

    rows: list[list[Any]]
    after: str | None
    failed: dict[str, str]  # region → state, of those that did not answer
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the access log names it."""

    id: str
    trace: str
    address: str


@dataclass(slots=True)
class Download:
    """One file on its way."""

    row: Row
    number: int
    rights: Any
    columns: list[Column]
    file: CsvFile | XlsxFile
    asked: Asked
    rows: int = 0
    chunks: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    hash: Any = field(default_factory=hashlib.sha256)
    started: bool = False  # whether anything was sent

    @property
    def id(self) -> str:
        """The export's id."""
        return str(self.row.export["id"])


class Streamer:
    """Streams downloads. `write` makes an entry of the access log: viewer, operation, what is told,
    result, request. `regions` are named where they did not answer.
    """

    def __init__(
        self,
        executor: Executor,
        sessions: Sessions,
        regions: Sequence[RegionSettings],
        write: Callable[[Viewer, str, Any, str, Asked], Awaitable[None]],
        *,
        page: int,
        pause_seconds: float,
    ) -> None:
        self._executor, self._sessions, self._write = executor, sessions, write
        self._page, self._pause = page, pause_seconds
        self._names = {region.code: region.name_zh for region in regions}

    async def run(
        self,
        download: Download,
        viewer: Viewer,
        authorization: bytes | None,
        receive: Receive,
        send: Send,
    ) -> None:
        """Sends a file, all but the empty part that ends the body: that is for the caller to send
        once the end is noted. Raises Gone where the client left, EpigateError where it must end."""
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
                    raise Gone
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
                await self.send(send, download, piece)
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
            await self.send(send, download, last)
            if gone.is_set():
                raise Gone
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def _again(self, download: Download, authorization: bytes | None) -> Viewer:
        """Who asks, now. Raises Unauthenticated, ExportStopped."""
        viewer = self._sessions.viewer(authorization)
        if viewer is None or viewer.account != download.row.export["account"]:
            raise Unauthenticated("the session has ended")
        if rights_of(viewer) != download.rights:
            raise ExportStopped("your rights changed while the file was on its way")
        return viewer

    def _limit(self, download: Download, more: int) -> None:
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
                raise failure(body)
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

    async def send(self, send: Send, download: Download, piece: bytes) -> None:
        """Sends a part of the file, after the head of the answer. Raises Gone."""
        if not download.started:
            download.started = True
            await send(_start(download))
        download.hash.update(piece)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise Gone from None

    async def _enter(
        self, download: Download, viewer: Viewer, kind: Kind, told: Any, result: str
    ) -> None:
        name = f"export {kind.root}"
        await self._write(viewer, name, told, result, download.asked)

    def _named(self, missing: Mapping[str, str]) -> list[str]:
        return [f"{code} {self._names[code]} {state}" for code, state in sorted(missing.items())]


def rights_of(viewer: Viewer) -> Any:
    """What of a viewer must stay as it is while a file is on its way."""
    return viewer.account, viewer.role, viewer.unit_id, viewer_key(viewer)


def failure(body: Mapping[str, Any]) -> EpigateError:
    """The failure of a question without an answer."""
    error = body["errors"][0]
    code, message = error["extensions"]["code"], error["message"]
    for kind in (Forbidden, Unauthenticated, RegionUnavailable):
        if kind.code == code:
            return kind(message)
    return ExportStopped(message)


def _start(download: Download) -> Message:
    file = download.file
    name = f"epigate-{download.id[:8]}.{file.ending}"
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", file.media_type.encode()),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
            *headers(download.asked),
        ],
    }


def headers(asked: Asked) -> list[tuple[bytes, bytes]]:
    """The headers of every answer."""
    return [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", asked.id.encode()),
        (b"x-trace-id", asked.trace.encode()),
    ]


async def fail(
    send: Send, status: int, code: str, message: str, asked: Asked, hint: str = ""
) -> None:
    """An answer that is a failure."""
    error = {"code": code, "message": message, **({"hint": hint} if hint else {})}
    body = orjson.dumps({"error": error})
    sent = [
        (b"content-type", _JSON),
        (b"content-length", b"%d" % len(body)),
        *headers(asked),
    ]
    if status == 401:
        sent.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    """Sets the event when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()

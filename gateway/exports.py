"""`GET /exports/<id>`: an export streamed to whoever asked for it (F2; leak channel 28).

The file is read page by page through the same executor that answers lists, as the viewer of that
moment: who the viewer is, and with which rights, is looked up again for each page. A session that
ended or a right that changed ends the file with a mark and a transfer that is not complete. Each
page's entry is in the access log before the page leaves, and memory holds one page.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from gateway._download import Asked, Download, Gone, Receive, Send, Streamer, fail, rights_of
from gateway.access_log import AccessLog
from gateway.access_log.places import Places
from gateway.executing import Executor
from gateway.sessions import Sessions
from gateway.strangers import Strangers
from regions.errors import (
    AccessLogError,
    EpigateError,
    ExportNotReady,
    NotFound,
    QuestionError,
    TooManyRequests,
    Unauthenticated,
)
from regions.exports import exports
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.access_log import entry
from resolvers.access_log.traces import Traces
from resolvers.central import Central
from resolvers.exports.columns import columns_of
from resolvers.exports.csv_file import CsvFile
from resolvers.exports.deciding import state_at
from resolvers.exports.document import PAGE
from resolvers.exports.kinds import KINDS
from resolvers.exports.records import begin_download, end_download, read_rows
from resolvers.exports.watermark import Watermark
from resolvers.exports.xlsx_file import XlsxFile
from resolvers.privacy import require_records
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "ExportEndpoint"]

PREFIX = "/exports/"

_log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9a-f]{32}")
_PAUSE_SECONDS = 0.5


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
        self._log = log
        self._streamer = Streamer(
            executor, sessions, regions, self._write, page=page, pause_seconds=pause_seconds
        )
        self._strangers = strangers
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()
        self._traces = Traces()
        self._places = Places(regions)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        authorization = given[0] if len(given) == 1 else None
        parent = next((v for name, v in scope["headers"] if name == b"traceparent"), None)
        asked = Asked(
            f"{self._run}-x{next(self._numbers)}",
            self._traces.of(parent),
            scope["client"][0] if scope.get("client") else "",
        )
        viewer: Viewer | None = None
        download: Download | None = None
        ending = "INTERNAL"
        try:
            if scope["method"] != "GET":
                await fail(send, 405, "BAD_REQUEST", "Only GET is answered here.", asked)
                return
            viewer = self._viewer(authorization, asked)
            download = await self._begin(scope["path"], viewer, asked)
            await self._streamer.run(download, viewer, authorization, receive, send)
            # Noted before the part that ends the body: who sees the end of the file, and asks
            # again, finds the link used up.
            await asyncio.shield(self._note_end(download, "COMPLETE"))
            ending = "COMPLETE"
            await send({"type": "http.response.body", "body": b""})
        except Gone:
            ending = "CLIENT_GONE"
        except EpigateError as error:
            ending = error.code
            await self._stop(download, viewer, error, asked, send)
        except Exception:
            _log.exception("the export %s failed", asked.id)
            if download is None or not download.started:
                text = "The gateway failed; the failure is in its log."
                await fail(send, 500, "INTERNAL", text, asked)
        finally:
            if download is not None and ending != "COMPLETE":
                await asyncio.shield(self._note_failure(download, ending))

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

    async def _begin(self, path: str, viewer: Viewer, asked: Asked) -> Download:
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
        return Download(row, number, rights_of(viewer), columns, file, asked)

    async def _stop(
        self,
        download: Download | None,
        viewer: Viewer | None,
        error: EpigateError,
        asked: Asked,
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
            await fail(send, status, error.code, message, asked, error.hint)
            return
        if not isinstance(error, AccessLogError):
            with suppress(EpigateError):
                await self._write(viewer, "export", told, error.code, asked)
            with suppress(Exception):
                await self._streamer.send(
                    send, download, download.file.aborted(f"{error.code}: {message}")
                )

    async def _write(
        self, viewer: Viewer | None, name: str, told: Any, result: str, asked: Asked
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

    async def _note_end(self, download: Download, ending: str) -> None:
        """Notes how a file ended. Raises EpigateError where the store takes no note."""
        whole = ending == "COMPLETE"
        values = {
            "ended_at": now(),
            "ending": ending,
            "rows": download.rows,
            "missing": orjson.dumps(sorted(download.missing)).decode(),
            "content_sha256": download.file.content_sha256 if whole else None,
            "file_sha256": download.hash.hexdigest() if whole else None,
        }
        await self._central.do(
            lambda one: end_download(one, download.id, download.number, whole=whole, **values)
        )

    async def _note_failure(self, download: Download, ending: str) -> None:
        try:
            await self._note_end(download, ending)
        except EpigateError as error:
            _log.error("the end of an export could not be noted: %s", error.code)

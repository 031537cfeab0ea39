"""What anybody may fetch of the log: the newest checkpoint and hash tiles, for witnesses.

    GET /access-log/checkpoint          the signed text, with cosignatures of that size
    GET /access-log/key                 the public key (believe only one you were given otherwise)
    GET /access-log/tile/<level>/<tile> hashes, as c2sp.org/tlog-tiles names them

Hashes alone: an entry has a random request id in it, so nobody finds out what it says by trying.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access_log.tree import StoredCheckpoint, StoredTree, checkpoint_in, entry_bytes
from regions.errors import AccessLogError
from resolvers.access_log.tiles import HASH, WIDTH, Edge, parse_path

__all__ = ["Hashes"]

_FRESH_SECONDS = 1.0  # for which tiles are served as of a moment, unless more is asked for
_FEW = 4_096  # entries that came since, rather than the end made anew: some 45 ms, for anybody
_BETWEEN = "SELECT entry FROM entries WHERE number > ? AND number <= ? ORDER BY number"


@dataclass(frozen=True, slots=True)
class _Moment:
    """The log at a moment."""

    taken: float
    size: int
    edge: Edge


class Hashes:
    """Serves the hashes of one log's file."""

    def __init__(self, path: Path, vkey: str) -> None:
        self._path, self._vkey = path, vkey
        self._lock = threading.Lock()
        self._moment: _Moment | None = None

    @property
    def routes(self) -> list[Route]:
        """The routes of the application."""
        return [
            Route("/access-log/checkpoint", self._checkpoint),
            Route("/access-log/key", self._key),
            Route("/access-log/{path:path}", self._tile),
        ]

    async def _key(self, _: Request) -> Response:
        return Response(f"{self._vkey}\n", media_type="text/plain")

    async def _checkpoint(self, _: Request) -> Response:
        try:
            newest = await asyncio.to_thread(self._newest)
        except (AccessLogError, sqlite3.Error):
            return Response("the access log cannot be read\n", 503, media_type="text/plain")
        return Response(newest[1], media_type="text/plain; charset=utf-8")

    async def _tile(self, request: Request) -> Response:
        try:
            tile = parse_path(request.path_params["path"])
            if tile.level < 0:
                raise ValueError("entries are not for everybody")
            found = await asyncio.to_thread(self._read, tile.level, tile.index, tile.width)
        except ValueError:
            found = None
        except (AccessLogError, sqlite3.Error):
            return Response("the access log cannot be read\n", 503, media_type="text/plain")
        if found is None:
            return Response("there is no such tile\n", 404, media_type="text/plain")
        return Response(found, media_type="application/octet-stream")

    def _read(self, level: int, index: int, width: int) -> bytes | None:
        moment = self._now(_FRESH_SECONDS)
        count = moment.size >> 8 * level
        if index * WIDTH + width > count and self._newest()[0] > moment.size:
            moment = self._now(0.0)
            count = moment.size >> 8 * level
        if index * WIDTH + width > count:
            return None
        if index < count // WIDTH:
            with closing(_opened(self._path)) as connection:
                found = StoredTree(connection, moment.size).tile_at(level, index)
        else:
            found = moment.edge.partial(level)
        return found[: width * HASH]

    def _now(self, age: float) -> _Moment:
        with self._lock:
            moment = self._moment
            if moment is None or time.monotonic() - moment.taken > age:
                moment = self._moment = self._take()
        return moment

    def _newest(self) -> tuple[int, str]:
        """The size and text of the newest checkpoint, never one that was served before: to whoever
        asks two workers in turn a log that is a second behind would look cut short.
        """
        with closing(_opened(self._path)) as connection:
            connection.execute("BEGIN")
            newest = _checkpoint(connection)
            lines = connection.execute(
                "SELECT note FROM cosignatures WHERE size = ?", (newest.size,)
            ).fetchall()
        return newest.size, newest.note + "".join(line for (line,) in lines)

    def _take(self) -> _Moment:
        with closing(_opened(self._path)) as connection:
            connection.execute("BEGIN")
            newest = _checkpoint(connection)
            edge = self._grown(connection, newest)
            if edge is None:
                edge = StoredTree(connection, newest.size).edge()
        return _Moment(time.monotonic(), newest.size, edge)

    def _grown(self, connection: sqlite3.Connection, newest: StoredCheckpoint) -> Edge | None:
        """The end of the tree by what came since the last moment; None where that is not it."""
        moment = self._moment
        if moment is None or not 0 <= newest.size - moment.size <= _FEW:
            return None
        edge = moment.edge.copy()
        for (entry,) in connection.execute(_BETWEEN, (moment.size, newest.size)):
            edge.append(entry_bytes(entry))
        return edge if (edge.size, edge.root()) == (newest.size, newest.root) else None


def _checkpoint(connection: sqlite3.Connection) -> StoredCheckpoint:
    newest = checkpoint_in(connection)
    if newest is None:
        raise AccessLogError("the access log has no checkpoint")
    return newest


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)

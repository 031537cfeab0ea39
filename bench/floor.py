"""The floor: the same statements by aiosqlite, rows to dicts to orjson, under the same HTTP server.

No GraphQL, no sign-in, no log, no masking: what no gateway on these parts can undercut by much.
Two variants: `whole` asks every region for the whole page; `share` for its share of it, and again
for the whole page only where a share ran out, as epigate does.

    python -m bench.floor --port 9902 --variant share FILE...
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from typing import Any

import aiosqlite
import orjson

from bench.question import SQL, share
from bench.servers import serve


class Floor:
    """A raw ASGI application over kept connections, one a region."""

    def __init__(self, files: list[str], variant: str) -> None:
        self._files, self._shares = files, variant == "share"
        self._stores: list[aiosqlite.Connection] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers the body's `variables.first`; any path, any method."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["method"] != "POST":
            await _send(send, 405, b"")
            return
        message = await receive()
        body = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        await _send(send, 200, await self.page(orjson.loads(body)["variables"]["first"]))

    async def page(self, first: int) -> bytes:
        """The response body for the newest `first` contacts."""
        stores = self._stores
        limit = share(first, len(stores)) if self._shares else first
        parts = await asyncio.gather(*(_rows(store, limit) for store in stores))
        rows = _newest(parts, first)
        if limit < first:
            # A region whose share lies wholly inside the page may have more that belongs there.
            short = [
                number
                for number, part in enumerate(parts)
                if len(part) == limit and (len(rows) < first or part[-1] >= rows[-1])
            ]
            if short:
                again = await asyncio.gather(*(_rows(stores[number], first) for number in short))
                for number, part in zip(short, again, strict=True):
                    parts[number] = part
                rows = _newest(parts, first)
        edges = [
            {
                "node": {
                    "id": f"contact:{row[1]}",
                    "level": row[2],
                    "code": row[3],
                    "name": "*",
                    "sex": "*",
                    "age": "*",
                    "idNumber": "*",
                    "phone": "*",
                    "traced": row[4],
                    "outcome": row[5],
                    "firstContactOn": row[6],
                    "lastContactOn": row[7],
                }
            }
            for row in rows
        ]
        return orjson.dumps({"data": {"contacts": {"edges": edges}}})

    async def open(self) -> None:
        """Connects to every region."""
        self._stores = [await aiosqlite.connect(file) for file in self._files]

    async def close(self) -> None:
        """Closes the connections."""
        for store in self._stores:
            await store.close()

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _send(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _rows(store: aiosqlite.Connection, limit: int) -> list[Any]:
    rows: Any = await store.execute_fetchall(SQL, (limit,))
    return rows  # type: ignore[no-any-return]  # a list, whatever the annotation says


def _newest(parts: Iterable[list[Any]], first: int) -> list[Any]:
    rows = [row for part in parts for row in part]
    # Rows begin with (created_at, id), and ids differ: no later column is ever compared.
    rows.sort(reverse=True)
    return rows[:first]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", choices=("whole", "share"), required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    serve(Floor(options.files, options.variant), options.port)

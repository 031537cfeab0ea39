"""A small TCP proxy before a gateway: it cuts connections, leaves them half open, and delays."""

from __future__ import annotations

import asyncio
from contextlib import suppress

__all__ = ["Proxy"]

_CHUNK = 65_536


class Proxy:
    """Forwards connections to a port of this machine."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay = 0.0  # seconds by which every piece comes later
        self.port = 0

    async def start(self) -> None:
        """Listens at a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cuts what is open, and listens no more."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def cut(self) -> int:
        """Cuts every open connection in the middle; how many there were."""
        found = list(self._open)
        for one in found:
            one.cut()
        return len(found)

    def half_open(self, *, answers: bool) -> int:
        """Of every open connection one direction carries nothing any more, and neither end is told:
        the answers', or the requests'.
        """
        for one in self._open:
            one.hold(answers=answers)
        return len(self._open)

    def heal(self) -> None:
        """Delays nothing any more; what is half open is cut."""
        self.delay = 0.0
        for one in list(self._open):
            if one.held:
                one.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, to = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            self._tasks.discard(task)
            return
        connection = _Connection(self, (reader, to), (there, writer))
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            self._tasks.discard(task)


_Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One connection: what is read here and written there, and back."""

    def __init__(self, proxy: Proxy, asked: _Way, answered: _Way) -> None:
        self._proxy, self._asked, self._answered = proxy, asked, answered
        self._holds = {True: False, False: False}  # answers, requests

    @property
    def held(self) -> bool:
        """Whether one direction carries nothing."""
        return any(self._holds.values())

    def hold(self, *, answers: bool) -> None:
        """Carries nothing in a direction any more."""
        self._holds[answers] = True

    def cut(self) -> None:
        """Resets both ends."""
        for _, writer in (self._asked, self._answered):
            writer.transport.abort()

    async def run(self) -> None:
        """Until one end closes."""
        ways = [
            asyncio.create_task(self._carry(self._asked, answers=False)),
            asyncio.create_task(self._carry(self._answered, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.cut()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(self, way: _Way, *, answers: bool) -> None:
        reader, writer = way
        with suppress(OSError):
            while piece := await reader.read(_CHUNK):
                await asyncio.sleep(self._proxy.delay)
                if not self._holds[answers]:
                    writer.write(piece)
                    await writer.drain()

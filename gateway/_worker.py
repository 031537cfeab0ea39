"""One worker: an event loop that serves the application on one socket, on one core.

Pinned, since the threads beside the loop (readers, the access log) would otherwise fight it for the
interpreter lock across cores, which costs more than half of the throughput.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway._importing import import_quickly
from gateway.config import Config
from regions.errors import ServeError

__all__ = [
    "GRACE_SECONDS",
    "Factory",
    "collect_seldom",
    "load_factory",
    "pinned",
    "run_worker",
    "watch_parent",
]

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]
Factory = Callable[[Config], App]

GRACE_SECONDS = 5  # for requests under way when the gateway is told to end
_IDLE_SECONDS = 75  # a connection is kept without a request
_BACKLOG = 2_048
_GC_OBJECTS = 50_000
_MESSAGE_MAX = 262_144  # bytes of a WebSocket message
_PING_SECONDS = 20.0  # between two pings, and for the answer to one
_HEAD_MAX = 65_536  # bytes of a request line and its headers
_HEAD_SECONDS = 30.0  # for them to arrive, from the connection or their first byte on


def load_factory(name: str) -> Factory:
    """The function `module:name` that makes an application of a configuration."""
    module, _, attribute = name.partition(":")
    factory: Factory = getattr(import_quickly(module), attribute)
    return factory


def run_worker(
    make: Factory, config: Config, listening: socket.socket, started: Callable[[], None]
) -> None:
    """Serves until SIGTERM or SIGINT; calls `started` once connections are taken.

    Raises whatever the application's making or its start raised, an EpigateError mostly.
    """
    errors = logging.getLogger("uvicorn.error")
    errors.setLevel(logging.CRITICAL)  # why it does not start is said once, by whoever called

    def serving() -> None:
        errors.setLevel(logging.ERROR)
        started()

    with listening:
        application = _Application(make(config))
        collect_seldom()
        try:
            _Server(_settings(application), serving).run([listening])
        except SystemExit:
            raise application.failure or ServeError("the application did not start") from None


def collect_seldom() -> None:
    """Has garbage looked for as a worker does: seldom, and not among what is there already."""
    gc.freeze()  # the schema lives as long as the process: no need to look through it
    gc.set_threshold(_GC_OBJECTS, 20, 20)  # a page of 1,000 is no reason to look for cycles


def _settings(application: _Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        interface="asgi3",
        loop="uvloop",
        http=_Protocol,
        ws=_WebSocket,
        ws_max_size=_MESSAGE_MAX,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=False,  # lengths that vary with what is in clear (leak channel 25)
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Addresses stand in the access log and lock out: no header may claim another.
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=_BACKLOG,
    )


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keeps the process on a core meanwhile, where the system can."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    with suppress(OSError):
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)


def watch_parent(life: int) -> None:
    """Ends this process when the other end of a pipe closes: its parent is gone, however."""

    def watch() -> None:
        os.read(life, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS + 2)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class _Protocol(HttpToolsProtocol):
    """HTTP by httptools, whose parser would gather a head or trailers of any length, for ever."""

    _gathered = 0  # bytes received since a message began, its head was complete or its body grew
    _in_head = True
    _too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn gives no wider transport
        super().connection_made(transport)
        self._too_slow = self.loop.call_later(_HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._gathered, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._gathered, self._in_head = 0, False
        self._in_time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._gathered = 0
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        self._gathered += len(data)
        super().data_received(data)
        if self._gathered > _HEAD_MAX and not self.transport.is_closing():
            if self._in_head:
                self.send_400_response(f"The headers are over {_HEAD_MAX:,} bytes.")
            else:
                self.transport.close()
        elif self._in_head and self._too_slow is None:
            self._too_slow = self.loop.call_later(_HEAD_SECONDS, self.transport.abort)

    def _in_time(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None


class _WebSocket(WebSocketsSansIOProtocol):
    """WebSocket without I/O of its own, behind the same parser: HTTP does not change by it."""

    def keepalive_timeout(self) -> None:
        """A client that does not answer is cut off: closing would wait for it to read."""
        super().keepalive_timeout()
        self.transport.abort()


class _Server(uvicorn.Server):
    """Says when it has started, and ends by signal as if it had been asked to."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As the base class, but a signal that ended the server does not kill the process then."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Application:
    """Keeps why the application did not start: the server only says that it did not."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.failure: Exception | None = None

    def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        return self._app(scope, receive, send)

    async def _lifespan(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self.failure = error
            raise

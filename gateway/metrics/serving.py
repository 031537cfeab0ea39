"""`/metrics` at an address of its own, answered by every worker for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from gateway._listening import shared_socket
from gateway.access_log.writing import AccessLog
from gateway.config import Config
from gateway.custody import check_custody
from gateway.metrics.counting import Counts
from gateway.metrics.surveying import Standings, log_standing, survey
from resolvers.writing.stores import Stores

__all__ = ["COMPARE_SECONDS", "Metrics"]

COMPARE_SECONDS = 60.0
"""How often it is looked whether the stores are to be compared again: first when the gateway has
served so long.
"""

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_AT_ONCE = 8  # connections; a Prometheus has one


class Metrics:
    """The numbers of a gateway. `counts` are this worker's."""

    def __init__(self, config: Config, stores: Stores, log: AccessLog) -> None:
        self._config, self._stores = config, stores
        self.counts = Counts()
        self._compare_at = 0.0
        log.entered = self.counts.entered

    async def compare(self) -> None:
        """Compares all stores, if it is time to: what `epigate custody check` does, as a number."""
        if time.monotonic() >= self._compare_at:
            self._compare_at = time.monotonic() + self._config.metrics_custody_minutes * 60
            self.counts.compared(await check_custody(self._config.regions))

    async def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        log = await asyncio.to_thread(log_standing, self._config.log_store)
        standings = Standings(await survey(self._stores), log)
        now = CollectorRegistry()
        now.register(standings)
        return generate_latest(self.counts.registry()) + generate_latest(now)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The application at the address of its own."""
        request = Request(scope, receive)
        if scope["path"] != "/metrics":
            response = Response("There is GET /metrics.\n", 404, media_type="text/plain")
        elif request.method != "GET":
            response = Response("Only GET is answered here.\n", 405, {"allow": "GET"})
        else:
            response = Response(await self.text(), headers={"content-type": _TYPE})
        await response(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Metrics]:
        """Answers meanwhile, unless no port is configured."""
        settings = uvicorn.Config(
            self,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        server = _Beside(settings)
        listening = shared_socket(self._config.metrics_host, self._config.metrics_port)
        with listening:
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield self
            finally:
                server.should_exit = True
                await serving


class _Beside(uvicorn.Server):
    """A server beside the worker's own: signals are none of its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the worker."""
        yield

"""A tiny application to serve in tests, and a gateway started as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.config import Config
from regions.errors import KeysError

CONFIG = """
[[region]]
code = "3201"
name = "南京"
name_en = "Nanjing"
"""


def make_app(config: Config) -> Starlette:
    """Says who answers, waits, dies, all as asked."""

    async def who(request: Request) -> Response:
        cores = sorted(os.sched_getaffinity(0))
        client = request.client.host if request.client else ""
        return JSONResponse({"pid": os.getpid(), "cores": cores, "client": client})

    async def wait(request: Request) -> Response:
        await asyncio.sleep(float(request.path_params["seconds"]))
        return JSONResponse({"pid": os.getpid()})

    async def die(request: Request) -> Response:
        os._exit(7)

    async def hang(request: Request) -> Response:
        time.sleep(60)  # noqa: ASYNC251 (the point of it)
        return Response()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        (config.data / f"ended-{os.getpid()}").touch()

    return Starlette(
        routes=[
            Route("/", who),
            Route("/wait/{seconds}", wait),
            Route("/die", die),
            Route("/hang", hang),
        ],
        lifespan=lifespan,
    )


def make_without_keys(config: Config) -> Starlette:
    """Does not even get made."""
    raise KeysError("the key sealing is missing", hint="run `epigate init`")


def make_broken_start(config: Config) -> Starlette:
    """Is made, and does not start."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if config.regions:
            raise KeysError("the key index is missing", hint="run `epigate init`")
        yield

    return Starlette(lifespan=lifespan)


def make_bug(config: Config) -> Starlette:
    """Fails without a name."""
    raise ZeroDivisionError("a bug")


_SERVE = """
import sys
from pathlib import Path
import gateway._supervisor
from gateway.cli import _tell
from gateway.config import load_config
from gateway.serve import serve
from regions.errors import EpigateError
gateway._supervisor.GRACE_SECONDS = float(sys.argv[5])
try:
    serve(load_config(Path(sys.argv[1])), None, int(sys.argv[2]), int(sys.argv[3]),
          factory="tests.gateway.served:" + sys.argv[4])
except EpigateError as error:
    sys.exit(_tell(error))
"""


class Served:
    """A gateway's process. `lines` are what it printed until it served."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        self.process, self.line = process, line
        self.url = next((word for word in line.split() if word.startswith("http")), "")

    def get(self, path: str = "/", headers: dict[str, str] | None = None) -> Any:
        """The answer over a connection of its own."""
        request = urllib.request.Request(self.url + path, headers=headers or {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def pids(self, most: int = 60) -> set[int]:
        """The processes that answer."""
        return {self.get()["pid"] for _ in range(most)}

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ends it by a signal; exit code and what it wrote as errors."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


def command(
    config: Path, *, port: int = 0, workers: int = 1, app: str = "make_app", grace: float = 5
) -> list[str]:
    """The command line of a gateway that serves one of the applications above."""
    arguments = [str(config), str(port), str(workers), app, str(grace)]
    return [sys.executable, "-c", _SERVE, *arguments]


@contextmanager
def served(config: Path, **options: Any) -> Iterator[Served]:
    """A gateway that takes connections, ended afterwards."""
    process = subprocess.Popen(
        command(config, **options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield Served(process, line)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)

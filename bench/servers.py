"""Servers under test: started each in a process of its own, pinned to one core, ended again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import httpx
import pyotp

__all__ = ["CLIENT_CORE", "SERVER_CORE", "Server", "pin", "running", "serve"]

SERVER_CORE = 0
CLIENT_CORE = 1
_START_SECONDS = 120.0
_ROOT = Path(__file__).resolve().parent.parent


def serve(app: Any, port: int) -> None:
    """Serves an ASGI application as epigate's own workers do: uvloop, httptools, no access log."""
    import uvicorn

    pin(SERVER_CORE)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )


def pin(core: int) -> None:
    """Keeps this process on one core, where the machine has more than one."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def _unpin() -> None:
    """Lets a server start on every core; it pins itself to the first before it serves."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


class Server:
    """A running server. `pid` is its process's."""

    def __init__(self, name: str, port: int, process: subprocess.Popen[bytes]) -> None:
        self.name, self.port, self._process = name, port, process
        self._client = httpx.Client(  # no TLS here, and making its context takes 50 ms
            base_url=f"http://127.0.0.1:{port}", verify=False, timeout=60
        )

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def ask(self, body: bytes, token: str = "") -> Any:
        """One question outside the measurement; the parsed answer."""
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self._client.post("/graphql", content=body, headers=headers).json()

    def sign_in(self, account: str, password: str, secret: str = "") -> str:
        """A token for an account; `secret` is that of its second factor, if it has one.

        A gateway takes each code once: a run soon after another waits for the next, half a minute.
        """
        body = {"account": account, "password": password}
        answer = self._client.post("/sign-in", json=body | _code(secret))
        if secret and answer.status_code == 401:
            time.sleep(30.5 - time.time() % 30)
            answer = self._client.post("/sign-in", json=body | _code(secret))
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token

    def wait(self, log: Path) -> None:
        """Waits until the port answers anything at all."""
        until = time.monotonic() + _START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {log.read_text()[-2000:]}")
            with contextlib.suppress(httpx.TransportError):
                self._client.get("/")
                return
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def cpu_seconds(self) -> float:
        """Processor time of the server and the workers it has started, so far."""
        return sum(_cpu_ticks(pid) for pid in self.pids()) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> dict[int, int]:
        """Resident memory of the server and of its workers, by process."""
        page = os.sysconf("SC_PAGESIZE")
        return {
            pid: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            for pid in self.pids()
        }

    def pids(self) -> list[int]:
        """The process that was started and all below it."""
        found, below = [], [self.pid]
        while below:
            pid = below.pop()
            found.append(pid)
            with contextlib.suppress(FileNotFoundError):
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    below += map(int, children.read_text().split())
        return found

    def stop(self) -> None:
        """Ends it, gently and then not."""
        self._client.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@contextlib.contextmanager
def running(
    commands: Sequence[tuple[str, int, Sequence[str]]], logs: Path
) -> Iterator[dict[str, Server]]:
    """Starts servers, each `(name, port, arguments of python)`, and ends them at the end."""
    started: dict[str, Server] = {}
    files: list[IO[bytes]] = []
    try:
        for name, port, arguments in commands:
            log = logs / f"{name}-{port}.log"
            files.append(log.open("wb"))
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=_ROOT,
                stdout=files[-1],
                stderr=subprocess.STDOUT,
                preexec_fn=_unpin,
            )
            started[name] = Server(name, port, process)
        for name, port, _arguments in commands:
            started[name].wait(logs / f"{name}-{port}.log")
        yield started
    finally:
        for server in started.values():
            server.stop()
        for file in files:
            file.close()


def _code(secret: str) -> dict[str, str]:
    return {"code": pyotp.TOTP(secret).now()} if secret else {}

"""`epigate` in processes of their own that need not import it: each is a fork of one that has.

Importing the gateway takes longer than most tests of it. What is forked is a whole process: its
own arguments, environment, files, signals and end. That the program starts from nothing, too, is
held by `test_cli.py`, `test_demo_command.py`, `test_serve.py` and `test_story.py`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, TextIO

__all__ = ["Process", "run", "start"]

_LIMIT = 200_000  # bytes of an order: arguments and environment
_SECONDS = 60.0  # for what takes a moment
_LONGEST = 300.0  # for a command to end by itself, on a slow machine too
_ONE = threading.Lock()  # an order and its answer at a time
_WANTED = (
    "aiosqlite",
    "encodings.idna",
    "gateway.serve",
    "regions.reference_data",
    "scipy.stats",
    "typer._adapters",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)
"""What commands import when they are used: here once, else in every fork."""


class Process:
    """A running command: what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: TextIO, stderr: TextIO, ended: int) -> None:
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self.returncode: int | None = None
        self._ended, self._lock = ended, threading.Lock()  # its code is there once it has ended

    def poll(self) -> int | None:
        """Its exit code (a signal's negative), None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code once it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("epigate", timeout or 0)
            with self._lock:
                if self.returncode is None:
                    code = int(os.read(self._ended, 16) or b"-9")  # nothing: who forked it died
                    os.close(self._ended)
                    self.returncode = code
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills it."""
        self.send_signal(signal.SIGKILL)


def start(*words: str, before: str = "") -> Process:
    """Starts `epigate` with these words. `before` is Python run in its process at first."""
    (ended, end), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
    order = {
        "words": words,
        "before": before,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }
    with _ONE:
        server = _server("COVERAGE_PROCESS_CONFIG" in os.environ)
        socket.send_fds(server, [json.dumps(order).encode()], [end, stdout, stderr])
        pid = int(server.recv(16))
    for one in (end, stdout, stderr):
        os.close(one)
    return Process(pid, open(out, encoding="utf-8"), open(err, encoding="utf-8"), ended)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs `epigate` with these words to its end; what it printed. Raises TimeoutExpired."""
    process = start(*words)
    overdue = threading.Timer(_LONGEST, process.kill)
    overdue.start()
    with process.stdout, process.stderr, ThreadPoolExecutor(1) as other:
        errors = other.submit(process.stderr.read)
        said = process.stdout.read(), errors.result()
    code = process.wait(_SECONDS)
    overdue.cancel()
    if code == -signal.SIGKILL:  # by nobody else
        raise subprocess.TimeoutExpired(words, _LONGEST)
    return subprocess.CompletedProcess(words, code, *said)


@cache
def _server(counting: bool) -> socket.socket:
    """The process that forks, started by the first command of a session, ended with it.

    One forks processes that count the lines they run, another those of tests marked no_cover.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = f"from tests.warm import _fork\n_fork({theirs.fileno()})()"
    process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()])
    theirs.close()

    def stop() -> None:
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


def _fork(number: int) -> Callable[[], None]:
    """Forks at each order that comes by a socket, until it closes; returns what to do then."""
    for name in _WANTED:
        import_module(name)
    from gateway import http
    from gateway._commands import import_all
    from gateway.cli import main
    from regions.areas import reference_areas
    from resolvers.root import make_schema

    import_all()
    schema = make_schema()
    vars(http)["make_schema"] = lambda: schema  # as it is: each would make the same again
    reference_areas()
    gc.freeze()  # what lives as long as the process need not be looked through, nor be copied
    orders, ends = socket.socket(fileno=number), dict[int, int]()
    awake, waker = socket.socketpair()
    for one in (awake, waker):
        one.setblocking(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the tests end it
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    while True:
        if orders not in select.select([orders, awake], [], [])[0]:
            awake.recv(64)
            _reap(ends)
            continue
        order, given, _, _ = socket.recv_fds(orders, _LIMIT, 3)
        if not order:
            return lambda: None
        end, *streams = given
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for one in (orders, awake, waker):
                one.close()
            for other in (end, *ends.values()):
                os.close(other)
            _become(json.loads(order), streams)
            return main
        ends[pid] = end
        for stream in streams:
            os.close(stream)
        orders.send(str(pid).encode())


def _reap(ends: dict[int, int]) -> None:
    """Tells the codes of those that have ended."""
    for pid in list(ends):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            end = ends.pop(pid)
            with suppress(BrokenPipeError):  # nobody asks any more
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)


def _become(order: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Takes the arguments, the environment and the files of a new process."""
    if sys.platform == "linux":  # it dies with the process that forked it
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    for stream, number in zip(streams, (1, 2), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = ["epigate", *order["words"]]
    exec(order["before"], {})

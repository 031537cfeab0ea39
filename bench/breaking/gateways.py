"""Gateways as real processes (`epigate serve`) over the same regions, and what befalls them.

Each has accounts, sessions and an access log of its own, as several gateways have; the regions'
files are shared. In each gateway's folder a region is a link to its file: taking the link away is
a region that cannot be reached, and the file itself is never moved under whoever has it open.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import gateway.http  # noqa: F401 (so that a process forked from here has it)
from gateway.cli import main
from gateway.config import Config, load_config

__all__ = ["Gateway", "command"]

_START_SECONDS = 300.0
_STOP_SECONDS = 30.0
_PDEATHSIG = 1

# Forked from a process that has imported everything: what takes a gateway seconds to start is none
# of what is tried here.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["bench.breaking.gateways"])


def _begin(output: str, words: Sequence[str], clock: str) -> None:
    """In a process of its own: the command line, by a clock that a file says to be ahead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    machine, ahead = time.time, [0.0]

    def watch() -> None:
        while True:
            with suppress(OSError, ValueError):
                ahead[0] = float(Path(clock).read_text() or 0)
            time.sleep(0.05)

    if clock:
        time.time = lambda: machine() + ahead[0]
        threading.Thread(target=watch, daemon=True).start()
    main(list(words))


def command(config: Path, output: Path, *words: str) -> tuple[int, str]:
    """The exit code of a command of epigate, and what it printed."""
    output.unlink(missing_ok=True)
    given = [*words, "--config", str(config)]
    process = _context.Process(target=_begin, args=(str(output), given, ""))
    process.start()
    process.join()
    return process.exitcode or 0, output.read_text("utf-8")


class Gateway:
    """One gateway: its folder, its port, its process while it has one."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.config: Config = load_config(folder / "config.toml")
        self.process: BaseProcess | None = None
        self.starts = 0
        self.paused = False
        self._clock = folder / "clock"

    @property
    def up(self) -> bool:
        """Whether it has a process that lives."""
        return self.process is not None and self.process.is_alive()

    def start(self) -> None:
        """Starts its process, and does not wait for it."""
        assert not self.up
        self.starts += 1
        self.paused = False
        config = str(self.folder / "config.toml")
        words = ("serve", "--config", config, "--workers", "1", "--port", str(self.port))
        given = (str(self.folder / "stderr"), words, str(self._clock))
        self.process = _context.Process(target=_begin, args=given)
        self.process.start()

    async def serving(self) -> None:
        """Returns once it takes connections. Raises RuntimeError where it ends, or never does."""
        until = time.monotonic() + _START_SECONDS
        while True:
            if not self.up:
                raise RuntimeError(f"a gateway ended: {self.errors()[-2000:]}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError(f"no gateway: {self.errors()[-2000:]}") from None
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    def errors(self) -> str:
        """What it wrote as errors, in all its lives."""
        return (self.folder / "stderr").read_text("utf-8", "replace")

    def signal(self, number: int) -> None:
        """Sends it a signal."""
        if self.up:
            assert self.process is not None
            assert self.process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill(self) -> None:
        """Ends it without a chance to do anything."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.join()

    def stop(self) -> None:
        """Ends it as an operator does."""
        self.resume()
        self.signal(signal.SIGTERM)
        if self.process is not None:
            self.process.join(_STOP_SECONDS)
            self.kill()

    def pause(self) -> None:
        """Stops it in the middle of whatever it does."""
        self.paused = True
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self.paused = False
        self.signal(signal.SIGCONT)

    def still(self) -> bool:
        """Whether none of its threads runs."""
        if not self.up:
            return True
        assert self.process is not None
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            try:
                state = task.read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in "TtZX":
                return False
        return True

    def fill_disk(self, most: int | None) -> None:
        """From now on no file of it can be written behind `most` bytes; None: any length again.

        The write fails in the system, at whatever place of whatever file it was to go.
        """
        if self.up:
            assert self.process is not None
            hard = resource.RLIM_INFINITY
            limit = hard if most is None else most
            assert self.process.pid is not None
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    def put_clock(self, ahead: float) -> None:
        """Puts its clock so many seconds ahead of the machine's (negative: behind)."""
        self._clock.write_text(str(ahead))

    def link(self, region: str, file: Path) -> None:
        """Makes a region reachable for it."""
        place = self.folder / "data" / "regions" / f"{region}.db"
        new = place.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.symlink_to(file)
        new.replace(place)

    def unlink(self, region: str) -> None:
        """Makes a region unreachable for it."""
        (self.folder / "data" / "regions" / f"{region}.db").unlink(missing_ok=True)

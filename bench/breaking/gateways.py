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
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, update

import gateway.http  # noqa: F401 (so that a process forked from here has it)
from bench.data import build
from gateway.accounts import Account, create_account
from gateway.cli import main
from gateway.config import Config, load_config
from gateway.sessions import Sessions
from gateway.stores import migrate_stores
from regions.engines import sqlite_engine
from regions.ids import padded
from regions.instants import instant
from regions.users import sessions
from resolvers.users import Role

__all__ = ["COUNTIES", "Fleet", "Gateway", "command", "make_fleet", "officer"]

COUNTIES: Mapping[str, str] = {
    "320100": "320102",
    "320200": "320205",
    "320300": "320302",
    "320400": "320402",
    "320500": "320506",
}
"""Each region, and a county of it that people are offered to."""

_PASSWORD = "correct horse battery staple 7"
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


def officer(region: str) -> str:
    """The login name of the officer of a region."""
    return f"officer-{region}"


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


class Fleet:
    """All gateways, the regions' files, and a session of each region's officer."""

    def __init__(
        self, gateways: Sequence[Gateway], files: Mapping[str, Path], tokens: Mapping[str, str]
    ) -> None:
        self.gateways, self.files, self.tokens = gateways, files, tokens

    def homes(self) -> dict[int, str]:
        """Every person, and the region whose store has them."""
        found: dict[int, str] = {}
        for region, file in self.files.items():
            with closing(sqlite3.connect(file)) as store:
                found |= dict.fromkeys(
                    (row[0] for row in store.execute("SELECT id FROM people")), region
                )
        return found

    async def start(self) -> None:
        """Starts those that do not run; returns once all serve."""
        for one in self.gateways:
            if not one.up:
                one.start()
        for one in self.gateways:
            await one.serving()

    def stop(self) -> None:
        """Ends all."""
        for one in self.gateways:
            one.stop()

    @contextmanager
    def stopped(self) -> Iterator[bool]:
        """While nothing runs; says whether that was so within a moment."""
        going = [one for one in self.gateways if one.up and not one.paused]
        for one in going:
            one.signal(signal.SIGSTOP)
        try:
            until = time.monotonic() + 2.0
            while not (still := all(one.still() for one in self.gateways)):
                if time.monotonic() > until:
                    break
                time.sleep(0.001)
            yield still
        finally:
            for one in going:
                one.signal(signal.SIGCONT)

    def backup(self, region: str, to: Path) -> None:
        """A copy of a region's store at one instant."""
        to.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.files[region], timeout=30)) as store:
            store.execute("VACUUM INTO ?", (str(to),))

    def restore(self, region: str, kept: Path) -> None:
        """Puts a copy back in place of a region's store. Nobody may have it open."""
        file = self.files[region]
        for behind in ("-wal", "-shm"):
            file.with_name(file.name + behind).unlink(missing_ok=True)
        shutil.copyfile(kept, file)

    def entries(self) -> Iterator[dict[str, Any]]:
        """The entries that the access logs have of the post."""
        for one in self.gateways:
            with closing(sqlite3.connect(one.config.log_store)) as log:
                rows = log.execute("SELECT entry FROM entries ORDER BY number").fetchall()
            for (entry,) in rows:
                found = orjson.loads(entry)
                if found.get("module") == "post":
                    yield found


def make_fleet(folder: Path, *, gateways: int = 3, each: int = 40, seed: int = 1) -> Fleet:
    """Makes five regions of so many people each, and gateways that share them; starts none."""
    data = build(folder / "made", len(COUNTIES), contacts_each=each, seed=seed)
    files = {}
    shared = folder / "regions"
    shared.mkdir()
    for prefix, made in zip(data.prefixes, data.stores, strict=True):
        files[padded(prefix)] = shared / made.name
        shutil.copyfile(made, shared / made.name)  # build leaves nothing in the log beside it
    ports = _free_ports(gateways)
    made_gateways: list[Gateway] = []
    tokens: Mapping[str, str] = {}
    for number, port in enumerate(ports):
        own = folder / f"gateway-{number}"
        (own / "data" / "regions").mkdir(parents=True)
        text = data.config(remember=True).read_text("utf-8")
        text = text.replace('keys = "keys"', f'keys = "{folder / "made" / "keys"}"')
        text += (
            f'\n[access_log]\norigin = "gateway-{number}"\n'
            "\n[sessions]\nidle_minutes = 600\n"
            "\n[stores]\nbreaker_seconds = 1\n"
        )
        (own / "config.toml").write_text(text, "utf-8")
        gateway = Gateway(own, port)
        gateway.put_clock(0.0)
        for region, file in files.items():
            gateway.link(region, file)
        if number == 0:
            asyncio.run(migrate_stores(gateway.config))
            tokens = asyncio.run(_officers(gateway.config))
        else:  # the same sessions hold there
            first = made_gateways[0].config
            with closing(sqlite3.connect(first.central_store)) as store:
                store.execute("VACUUM INTO ?", (str(gateway.config.central_store),))
            asyncio.run(migrate_stores(gateway.config))
        made_gateways.append(gateway)
    return Fleet(made_gateways, files, tokens)


async def _officers(config: Config) -> Mapping[str, str]:
    """An officer of each region, with a session that no jump of a clock ends; the tokens."""
    engine = sqlite_engine(str(config.central_store))
    opener = Sessions(engine, config.central_store, idle_seconds=36_000, longest_seconds=43_200)

    def work(connection: Connection) -> dict[str, str]:
        found = {}
        for region in COUNTIES:
            name = officer(region)
            unit = (f"cdc-{region}", f"{region} CDC", "CITY", region)
            create_account(connection, Account(name, name, Role.UNIT_USER, *unit), _PASSWORD)
            found[region] = opener.insert(connection, name, second_factor="TOTP").token
        later = instant(time.time() + 7 * 3_600)
        connection.execute(update(sessions).values(last_seen_at=later))
        return found

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now; each is bound again whenever its gateway starts."""
    open_ = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in open_]
    for one in open_:
        one.close()
    return ports

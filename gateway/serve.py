"""Serving: one worker process for each core, all on one port."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

from gateway._listening import Address
from gateway._supervisor import Supervisor
from gateway._worker import Factory, load_factory, pinned, run_worker
from gateway.access_log.starting import check_access_log, started_and_stopped
from gateway.config import Config
from gateway.metrics.sharing import share_counts
from gateway.stores import check_stores
from regions.engines import sqlite_engine
from regions.keys import load_keys
from resolvers.users.persons import unknown_administrators

__all__ = ["serve"]

_INTERRUPTED = 130
_UNKNOWN = (
    "epigate: nobody knows who holds these administrators' accounts: {}\n  `epigate accounts "
    "person ACCOUNT` puts the ID number on record; they are not renewed without it"
)


def serve(
    config: Config,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    *,
    factory: str = "gateway.http:make_app",
) -> None:
    """Serves until SIGTERM or SIGINT, then ends within seconds.

    What is None stands as the configuration says; 0 workers is one for each core. Prints one line
    with the address when connections are taken. Raises PortInUse, ServeError, StoreBehind,
    StoreAhead, KeysError, AccessLogTampered and whatever else of the tree keeps the application
    from its start.
    """
    try:
        away = asyncio.run(check_stores(config))
        keys = load_keys(config.keys)
        asyncio.run(check_access_log(config, keys))
        for region in away:
            print(f"epigate: {region.message}\n  {region.hint}".rstrip(), file=sys.stderr)
        if unknown := asyncio.run(_unknown_administrators(config)):
            print(_UNKNOWN.format(", ".join(unknown)), file=sys.stderr)
        address = Address(
            config.host if host is None else host, config.port if port is None else port
        )
        config = replace(config, port=address.port)  # what `public_url` says, unless told otherwise
        with closing(address), _metrics(config):
            cores = _cores()
            count = (config.workers if workers is None else workers) or len(cores)
            chosen = [cores[number % len(cores)] for number in range(count)]
            with started_and_stopped(config, keys, count):
                _run(load_factory(factory), config, address, chosen)
    except KeyboardInterrupt:  # before anything listens to it
        raise SystemExit(_INTERRUPTED) from None


@contextmanager
def _metrics(config: Config) -> Iterator[None]:
    """Holds the port of the metrics, if there is one, and makes the folder of the counts."""
    if not config.metrics_port:
        yield
        return
    with closing(Address(config.metrics_host, config.metrics_port)):
        share_counts(config.data / "metrics")
        yield


async def _unknown_administrators(config: Config) -> list[str]:
    engine = sqlite_engine(str(config.central_store))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(unknown_administrators)
    finally:
        await engine.dispose()


def _run(make: Factory, config: Config, address: Address, cores: Sequence[int | None]) -> None:
    def started() -> None:
        workers = "1 worker" if len(cores) == 1 else f"{len(cores)} workers"
        print(f"epigate serves at {address.url} ({workers})", flush=True)

    if len(cores) > 1:
        Supervisor(make, config, address, cores).run(started)
        return
    with pinned(cores[0]):
        run_worker(make, config, address.open_socket(), started)


def _cores() -> Sequence[int | None]:
    """The cores this process may use; [None] where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return [None] * (os.cpu_count() or 1)

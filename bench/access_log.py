"""`python -m bench.access_log`: durable entries/s and the wait for one, by many requests at once.

Goal: 2,000 entries/s, 99 of 100 waits at most 25 ms, with 64 requests at once.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from gateway.access_log import AccessLog, canonical, read_entries
from gateway.access_log.log_file import LogFile
from resolvers.access_log.notes import Checkpoint, NoteSigner, sign_checkpoint
from resolvers.access_log.tiles import Edge

__all__ = ["Waits", "main", "measure", "signing_us"]

_RATE = 2_000  # entries/s, of the goal

_ENTRY = canonical(
    {
        "account": "nanjing-city",
        "address": "192.0.2.17",
        "at": "2026-11-22T08:30:00Z",
        "code": "320100",
        "clear": [],
        "masked": ["name", "sex", "age", "idNumber", "phone", "employer"],
        "operation": "contacts",
        "records": {"contact": "5b0b9e0e6c1d8f1b7a86cf1d2f2b5c44" * 20},
        "regions": ["320100", "320200", "320400", "321100"],
        "result": "OK",
    }
)


@dataclass(frozen=True, slots=True)
class Waits:
    """What was measured: entries a second, and waits in milliseconds."""

    entries_per_second: float
    median: float
    p99: float
    longest: float

    def __str__(self) -> str:
        return (
            f"{self.entries_per_second:,.0f} entries/s, wait {self.median:.2f} ms median, "
            f"{self.p99:.2f} ms p99, {self.longest:.2f} ms longest"
        )


def measure(
    path: Path,
    *,
    workers: int,
    requests: int,
    work_us: int = 0,
    rate: int = 0,
    seconds: float = 3.0,
) -> Waits:
    """`requests` at once, split over `workers` processes that share the file.

    `work_us` is what a request keeps its event loop busy for besides (in Python, holding the lock).
    `rate` is how many entries a second all of them hand over at most; 0: as many as they can.
    """
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[list[float]] = context.Queue()
    share = requests // workers
    processes = [
        context.Process(
            target=_worker, args=(path, core, share, work_us, rate // workers, seconds, queue)
        )
        for core in range(workers)
    ]
    for process in processes:
        process.start()
    waits = sorted(wait for _ in processes for wait in queue.get())
    for process in processes:
        process.join()
    _check(path, len(waits))
    return Waits(
        len(waits) / seconds,
        1_000 * waits[len(waits) // 2],
        1_000 * waits[int(len(waits) * 0.99)],
        1_000 * waits[-1],
    )


def _worker(
    path: Path,
    core: int,
    requests: int,
    work_us: int,
    rate: int,
    seconds: float,
    queue: multiprocessing.Queue[list[float]],
) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
    queue.put(uvloop.run(_append(path, requests, work_us / 1e6, rate, seconds)))


async def _append(path: Path, requests: int, work: float, rate: int, seconds: float) -> list[float]:
    log = AccessLog(path, bytes(32))
    waits: list[float] = []
    start = time.perf_counter()
    end = start + seconds

    async def request(number: int) -> None:
        due = start + number / rate if rate else start
        while rate and due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += requests / rate
            await one()
        while not rate and time.perf_counter() < end:
            await one()
            await asyncio.sleep(0)

    async def one() -> None:
        begin = time.perf_counter()
        while work and time.perf_counter() - begin < work:
            pass
        begin = time.perf_counter()
        await log.append("2026-11-22T08:30:00Z", "nanjing-city", "contacts", "OK", _ENTRY)
        waits.append(time.perf_counter() - begin)

    await asyncio.gather(*(request(number) for number in range(requests)))
    await log.close()
    return waits


def signing_us() -> float:
    """Microseconds a commit of one entry pays for the tree: hashing, root and signature; median."""
    edge, signer, times = Edge(), NoteSigner("bench", bytes(32)), []
    for _ in range(2_000):
        begin = time.perf_counter()
        edge = edge.copy()
        edge.append(_ENTRY)
        sign_checkpoint(Checkpoint("bench", edge.size, edge.root()), signer)
        times.append(time.perf_counter() - begin)
    return 1e6 * sorted(times)[len(times) // 2]


def _check(path: Path, expected: int) -> None:
    verified = LogFile(path, bytes(32), name="bench", busy_seconds=2.0).verify()
    if verified != expected:
        raise SystemExit(f"the tree has {verified} entries, {expected} were acknowledged")
    last = list(read_entries(path, limit=1))
    if last[0]["number"] != expected:
        raise SystemExit(f"{last[0]['number']} entries in the log, {expected} acknowledged")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line for each way of sharing the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--requests", type=int, default=64)
    options = parser.parse_args(arguments)
    print(f"hashing, root and signature of a commit: {signing_us():.0f} µs")
    for workers in (1, 2):
        for work_us, rate in ((0, 0), (200, 0), (200, _RATE)):
            with tempfile.TemporaryDirectory() as folder:
                waits = measure(
                    Path(folder) / "access-log.db",
                    workers=workers,
                    requests=options.requests,
                    work_us=work_us,
                    rate=rate,
                    seconds=options.seconds,
                )
            busy = f", each request {work_us} µs of Python" if work_us else ""
            paced = f", {rate:,} handed over a second" if rate else ""
            print(f"{workers} worker(s), {options.requests} requests at once{busy}{paced}: {waits}")


if __name__ == "__main__":
    main()

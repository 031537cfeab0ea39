"""All regions' stores on all cores: regions are dealt to worker processes, the largest first."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import orjson

from regions.errors import StoreError
from regions.keys import load_keys
from resolvers.demo.plan import Plan
from resolvers.demo.records import steps
from resolvers.demo.stores import build_region

__all__ = ["build", "deal", "total_steps"]

_WORTH_WORKERS = 10_000  # fewer people are made before a second process has started
_PATIENCE = 10.0  # seconds for a worker that was told to stop

Advance = Callable[[int], None]


def total_steps(plan: Plan) -> int:
    """How many steps `build` tells of."""
    return sum(steps(region) for region in plan.regions)


def build(
    plan: Plan,
    keys: Path,
    *,
    workers: int,
    replace: bool = False,
    advance: Advance = lambda steps: None,
) -> None:
    """Makes every region's store with the keys of a folder; `advance` hears of the steps done.

    Raises StoreError and other EpigateErrors of a store. Interrupted, it stops its workers first.
    """
    workers = min(workers, len(plan.regions))
    if workers > 1 and plan.parameters.people >= _WORTH_WORKERS:
        _Workers(plan, keys, workers, replace=replace).run(advance)
    else:
        asyncio.run(_build_here(plan, keys, replace=replace, advance=advance))


async def _build_here(plan: Plan, keys: Path, *, replace: bool, advance: Advance) -> None:
    opened = load_keys(keys)
    for region in plan.regions:
        await build_region(plan, region.number, opened, replace=replace, advance=advance)


def deal(plan: Plan, workers: int) -> list[list[int]]:
    """The regions of each worker: the largest first, each to whoever has least."""
    hands: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for region in sorted(plan.regions, key=steps, reverse=True):
        least = loads.index(min(loads))
        hands[least].append(region.number)
        loads[least] += steps(region)
    return hands


class _Workers:
    """The processes while they work, and a thread for each that hears what it says."""

    def __init__(self, plan: Plan, keys: Path, workers: int, *, replace: bool) -> None:
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._jobs = [
            {
                "parameters": plan.parameters.to_json(),
                "keys": str(keys),
                "regions": regions,
                "replace": replace,
            }
            for regions in deal(plan, workers)
        ]

    def run(self, advance: Advance) -> None:
        try:
            for job in self._jobs:
                self._start(job)
            self._listen(advance)
            self._wait()
        finally:
            self._stop()

    def _start(self, job: dict[str, Any]) -> None:
        # A session of its own: Ctrl-C reaches this process, which then stops the workers.
        process = subprocess.Popen(
            [sys.executable, "-m", "resolvers.demo.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._processes.append(process)
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a worker without pipes")
        process.stdin.write(orjson.dumps(job) + b"\n")
        process.stdin.flush()
        threading.Thread(target=self._hear, args=(process.stdout,), daemon=True).start()

    def _hear(self, output: IO[bytes]) -> None:
        for line in output:
            self._answers.put(orjson.loads(line))
        self._answers.put(None)

    def _listen(self, advance: Advance) -> None:
        silent = 0
        while silent < len(self._processes):
            answer = self._answers.get()
            if answer is None:
                silent += 1
            elif "error" in answer:
                raise StoreError(answer["error"], hint=answer["hint"])
            else:
                advance(answer.get("steps", 0))

    def _wait(self) -> None:
        for process in self._processes:
            code = process.wait(_PATIENCE)
            if code:
                raise StoreError(
                    f"a process that made stores ended with exit code {code}",
                    hint="what it printed says why; give the same command to start over",
                )

    def _stop(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

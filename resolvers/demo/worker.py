"""One worker process: makes the regions it is told, and tells how far it is.

A job is one line of JSON on standard input: `parameters`, `keys` (folder), `regions` (numbers) and
`replace`. The answers are lines of JSON on standard output: `{"steps": 4000}`, `{"region": 3}` when
one is done, or `{"error": …}`. The input stays open: when it closes, the parent is gone, and so
are we.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import orjson

from regions.errors import EpigateError
from regions.keys import load_keys
from resolvers.demo.parameters import Parameters
from resolvers.demo.plan import make_plan
from resolvers.demo.stores import build_region

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> int:
    """Does one job; returns the exit code."""
    job = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        asyncio.run(_work(job))
    except EpigateError as error:
        _say({"error": error.message, "hint": error.hint, "code": error.code})
        return 1
    return 0


async def _work(job: dict[str, Any]) -> None:
    plan = make_plan(Parameters.from_json(job["parameters"]))
    keys = load_keys(Path(job["keys"]))
    for number in job["regions"]:
        await build_region(
            plan,
            number,
            keys,
            replace=job["replace"],
            advance=lambda steps: _say({"steps": steps}) if steps else None,
        )
        _say({"region": number})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


def _watch_parent() -> None:
    # Not by the buffered reader: its lock, held here, would stop the interpreter from ending.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())

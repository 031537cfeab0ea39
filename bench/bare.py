"""epigate without its access log, for the benchmark of what the log costs. It exists only here.

Everything else is the gateway's own application; entries are made and thrown away unwritten.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway._worker import Factory
from gateway.access_log import AccessLog
from gateway.config import Config, load_config
from gateway.serve import serve

__all__ = ["make_app"]


class _NoLog(AccessLog):
    """Takes entries and keeps none."""

    def append_nowait(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def make_app(config: Config) -> Any:
    """The gateway's application on a log that writes nothing."""
    http: Any = import_module("gateway.http")
    opened = http.open_access_log

    def without(*arguments: Any) -> AccessLog:
        log: AccessLog = opened(*arguments)
        log.__class__ = _NoLog
        return log

    http.open_access_log = without
    make: Factory = http.make_app
    return make(config)


if __name__ == "__main__":
    serve(load_config(Path(sys.argv[1])), None, int(sys.argv[2]), 1, factory="bench.bare:make_app")

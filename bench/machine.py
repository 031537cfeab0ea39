"""The machine a benchmark ran on, and how much of it somebody else was using."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
from pathlib import Path
from types import TracebackType

__all__ = ["Others", "describe"]

_PACKAGES = ("strawberry-graphql", "graphql-core", "uvicorn", "uvloop", "aiosqlite", "orjson")


def describe() -> str:
    """Processor, Python and the versions that matter, in one line."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {versions}"
    )


_TOO_MUCH = 0.1


class Others:
    """What part of all processors (0 to 1) processes other than ours used inside the `with`.

    Ours are this process and those it has started and waited for inside the `with`; so start and
    end the servers inside it.
    """

    def __init__(self) -> None:
        self.share = 0.0

    def __enter__(self) -> Others:
        self._before = _jiffies()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        busy, total, ours = (now - then for now, then in zip(_jiffies(), self._before, strict=True))
        self.share = max(0.0, busy - ours) / total if total else 0.0

    def __str__(self) -> str:
        told = f"other processes used {self.share:.0%} of the machine meanwhile"
        if self.share > _TOO_MUCH:
            told += ": requests/s and waits are not to be trusted, processor times are"
        return told


def _jiffies() -> tuple[float, float, float]:
    """Busy, total and our own time so far, in clock ticks."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return (0.0, 0.0, 0.0)
    fields = [float(field) for field in stat.read_text().splitlines()[0].split()[1:9]]
    total, idle = sum(fields), fields[3] + fields[4]
    own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
    return total - idle, total, own

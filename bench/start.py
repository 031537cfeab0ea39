"""From the command to the first answer: `epigate demo` in an empty folder, `epigate serve` in one
that was made before.

Every start is a process of its own with the default configuration, a worker for each core; the
first answer is that to `{ __typename }`. Compiled modules are there already, as behind the first
start after an installation.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Others
from bench.report import Sheet, judged
from bench.rounds import BadAnswers
from bench.servers import running

__all__ = ["MILLION", "Start", "sheet", "starts"]

MILLION = 1_000_000
_BODY = b'{"query":"{ __typename }"}'
_CONFIG = "gateway/default_config.toml"
_CLI = "from gateway.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Start:
    """One command until its first answer, in seconds; `cpu` is processor time of all its processes,
    their end included.
    """

    command: str
    people: int
    seconds: float
    cpu: float
    goal: float


def starts(
    folder: Path, *, million: bool, rounds: int, port: int, people: int = 0
) -> Iterator[Start]:
    """The demo of default size (or of `people`), serving what it made (the median of the rounds),
    and, where asked for, the demo of a million people. Raises BadAnswers.
    """
    default = folder / "default"
    yield _start(default, "demo", people, 20.0, port)
    served = [_start(default, "serve", 0, 2.0, port) for _ in range(rounds)]
    middle = statistics.median_low(one.seconds for one in served)
    yield next(one for one in served if one.seconds == middle)
    if million:
        yield _start(folder / "million", "demo", MILLION, 180.0, port)


def sheet(results: list[Start], rounds: int, others: Others) -> Sheet:
    """The table of results."""
    made = Sheet(
        "start",
        "From the command to the first answer",
        ("command", "seconds", "processor seconds", "÷ goal (≤ 1)", "goal, seconds"),
    )
    for one in results:
        told = f"{one.command} --people {one.people}" if one.people else one.command
        ratio = judged(one.seconds / one.goal, 1.0)
        row = (f"`epigate {told}`", f"{one.seconds:.2f}", f"{one.cpu:.1f}", ratio, f"{one.goal:g}")
        made.rows.append(row)
    made.notes += [
        f"eight regions, a worker for each core; serve: the median of {rounds} starts",
        f"{others}",
    ]
    return made


def _start(folder: Path, command: str, people: int, goal: float, port: int) -> Start:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    if not config.exists():
        config.write_text((Path(__file__).parent.parent / _CONFIG).read_text("utf-8"), "utf-8")
    arguments = ["-c", _CLI, command, "--config", str(config), "--port", str(port)]
    if people:
        arguments += ["--people", str(people)]
    before, began = _processor_seconds(), time.monotonic()
    with running([(command, port, arguments)], folder) as servers:
        answer = servers[command].ask(_BODY)
        seconds = time.monotonic() - began
    if answer != {"data": {"__typename": "Query"}}:
        raise BadAnswers(f"epigate {command} answered {answer}")
    return Start(command, people, seconds, _processor_seconds() - before, goal)


def _processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

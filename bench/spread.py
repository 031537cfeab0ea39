"""One region to 32: the same contacts in more and more regions, a page of 40.

Goal: p50 grows by less than 2 times from one region to 32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import ours
from bench.client import request
from bench.compare import nodes
from bench.data import DataSet, build
from bench.machine import Others
from bench.question import body
from bench.report import Sheet, judged
from bench.rounds import BadAnswers, Contender, Figure, measure
from bench.servers import running

__all__ = ["COUNTS", "build_all", "sheet", "spread"]

COUNTS = (1, 2, 4, 8, 16, 32)
_PAGE = 40
_GOAL = 2.0


def build_all(folder: Path, contacts: int, counts: Sequence[int] = COUNTS) -> list[DataSet]:
    """`contacts` contacts shared out to 1, 2, 4 … regions, a data set each."""
    made = []
    for count in counts:
        part = folder / f"regions-{count}"
        part.mkdir(parents=True, exist_ok=True)
        made.append(build(part, count, contacts_each=contacts // count))
    return made


def spread(
    sets: Sequence[DataSet],
    *,
    connections: tuple[int, ...] = (1, 8),
    rounds: int = 5,
    seconds: float = 1.0,
    port: int = 9900,
) -> Iterator[tuple[int, dict[str, Figure]]]:
    """Figures by number of regions, for each number of connections."""
    with contextlib.ExitStack() as stack:
        entered = {}
        for number, data in enumerate(sets):
            at = port + number
            name = str(len(data.prefixes))
            commands = [(name, at, ours.command(data, at))]
            server = stack.enter_context(running(commands, data.folder))[name]
            token = ours.tokens(server)["masked"]
            found = len(nodes(name, server.ask(body(_PAGE), token)))
            if found != _PAGE:
                raise BadAnswers(f"{name} regions answered {found} contacts of {_PAGE}")
            entered[name] = Contender(server, (request(at, body(_PAGE), token),))
        for count in connections:
            yield count, measure(entered, connections=count, rounds=rounds, seconds=seconds)


def sheet(results: list[tuple[int, dict[str, Figure]]], contacts: int, others: Others) -> Sheet:
    """The table of results: p50 in ms, and how it grew."""
    names = list(results[0][1])
    made = Sheet(
        "regions",
        f"{contacts:,} contacts in more and more regions, page of {_PAGE}: p50 in ms",
        ("connections", *(f"{name} regions" for name in names), f"last ÷ first (< {_GOAL:.0f})"),
    )
    for count, figures in results:
        made.rows.append(
            (
                str(count),
                *(f"{figures[name].p50:.2f}" for name in names),
                judged(figures[names[-1]].p50 / figures[names[0]].p50, _GOAL),
            )
        )
    made.notes += ["masked viewer, one worker", f"{others}"]
    return made

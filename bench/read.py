"""Pages of contacts: epigate against stock Strawberry and against the floor.

Goals: at least 10 times the requests of stock Strawberry, at most 1.5 times the floor's time,
a clear viewer at most twice the time of a masked one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from bench import ours
from bench.client import request
from bench.compare import opened, same
from bench.data import DataSet
from bench.machine import Others
from bench.question import body
from bench.report import Sheet, judged
from bench.rounds import Contender, Figure, measure
from bench.servers import Server, running

__all__ = ["Plan", "Result", "check", "compare", "contenders", "sheet"]

STOCK, FLOOR, FLOOR_SHARE = "stock", "floor", "floor-share"
MASKED, CLEAR = "masked", "clear"
REMEMBERED = "remembered"
NAMES = (STOCK, FLOOR, FLOOR_SHARE, MASKED, CLEAR, REMEMBERED)
_SERVED_BY = {MASKED: ours.NAME, CLEAR: ours.NAME}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and how long."""

    pages: tuple[int, ...] = (4, 40, 1_000)
    regions: tuple[int, ...] = (4, 8)
    connections: tuple[int, ...] = (8, 32)
    rounds: int = 3
    seconds: float = 2.0
    port: int = 9900


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one size, by contender."""

    regions: int
    page: int
    connections: int
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Running:
    """Every server over the same regions, and the tokens for ours."""

    servers: dict[str, Server]
    tokens: dict[str, str]

    def server(self, name: str) -> Server:
        """The server behind a contender: masked and clear are one."""
        return self.servers[_SERVED_BY.get(name, name)]


@contextlib.contextmanager
def contenders(data: DataSet, port: int) -> Iterator[Running]:
    """Starts stock, both floors and epigate over the same regions."""
    files = [str(store) for store in data.stores]
    commands = [
        (STOCK, port + 1, ["-m", "bench.stock", "--port", str(port + 1), *files]),
        *(
            (name, at, ["-m", "bench.floor", "--port", str(at), "--variant", variant, *files])
            for name, at, variant in (
                (FLOOR, port + 2, "whole"),
                (FLOOR_SHARE, port + 3, "share"),
            )
        ),
        (ours.NAME, port, ours.command(data, port)),
        (REMEMBERED, port + 4, ours.command(data, port + 4, remember=True)),
    ]
    with running(commands, data.folder) as servers:
        tokens = ours.tokens(servers[ours.NAME])
        # Sessions are in the store that both share.
        yield Running(servers, {**tokens, REMEMBERED: tokens[MASKED]})


def check(run: Running, page: int) -> int:
    """Raises BadAnswers unless all answer a page alike, and the clear viewer sees it opened.

    Returns the octets of the shortest answer.
    """
    question = body(page)
    answers = {
        name: run.server(name).ask(question, run.tokens.get(name, ""))
        for name in (STOCK, FLOOR, FLOOR_SHARE, MASKED, REMEMBERED)
    }
    same(answers, page)
    opened(answers[MASKED], run.server(CLEAR).ask(question, run.tokens[CLEAR]))
    return min(len(orjson.dumps(answer)) for answer in answers.values())


def compare(data: DataSet, plan: Plan) -> Iterator[Result]:
    """Measures every size of the plan; each is checked before it is measured."""
    for regions in plan.regions:
        with contenders(data.first(regions), plan.port) as run:
            for page in plan.pages:
                least = check(run, page)
                entered = {
                    name: Contender(
                        run.server(name),
                        (request(run.server(name).port, body(page), run.tokens.get(name, "")),),
                        least,
                    )
                    for name in NAMES
                }
                for connections in plan.connections:
                    figures = measure(
                        entered, connections=connections, rounds=plan.rounds, seconds=plan.seconds
                    )
                    yield Result(regions, page, connections, figures)


def sheet(results: list[Result], others: Others) -> Sheet:
    """The table of results: two rows a size, by requests/s and by processor time."""
    made = Sheet(
        "read",
        "Pages of contacts, 12 fields: requests/s, and below the server's ms of processor each",
        (
            "regions × page × connections",
            "stock",
            "floor",
            "floor, shares",
            "masked",
            "clear",
            "remembered",
            "÷ stock (≥ 10)",
            "floor ÷ (≤ 1.5)",
            "÷ clear (≤ 2)",
            "p50 ms",
            "p99 ms",
        ),
    )
    for result in results:
        rates = {name: result.figures[name].rate for name in NAMES}
        times = {name: result.figures[name].cpu for name in NAMES}
        masked = result.figures[MASKED]
        made.rows += [
            (
                f"{result.regions} × {result.page:,} × {result.connections}",
                *(f"{rates[name]:,.0f}" for name in NAMES),
                judged(masked.rate / rates[STOCK], 10, at_least=True),
                judged(max(rates[FLOOR], rates[FLOOR_SHARE]) / masked.rate, 1.5),
                judged(masked.rate / rates[CLEAR], 2),
                f"{masked.p50:.1f}",
                f"{masked.p99:.1f}",
            ),
            (
                "",
                *(f"{times[name]:.3g}" for name in NAMES),
                judged(times[STOCK] / masked.cpu, 10, at_least=True),
                judged(masked.cpu / min(times[FLOOR], times[FLOOR_SHARE]), 1.5),
                judged(times[CLEAR] / masked.cpu, 2),
                "",
                "",
            ),
        ]
    made.notes += [
        "epigate: sign-in, rights, masking and the durable access log on; stock and floor: none",
        "masked, clear: epigate's two viewers, every answer read from the stores"
        " (`remember_mb = 0`) as by the others; goals are held against these and the faster floor",
        "remembered: epigate by default, the same masked question again while nothing is written",
        f"{others}",
    ]
    return made

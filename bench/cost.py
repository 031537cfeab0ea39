"""What masking and the access log cost: the same questions with both, without the log, with none.

Goals: with both, at most 10 % of the throughput is lost at pages of 1,000, 20 % at 40, 35 % at 4.
A viewer without masking gets the values themselves, which costs their opening: `neither` is what a
gateway that shows everything and notes nothing would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench import ours
from bench.client import request
from bench.compare import opened
from bench.data import DataSet
from bench.machine import Others
from bench.question import body
from bench.report import Sheet, judged
from bench.rounds import BadAnswers, Contender, Figure, measure
from bench.servers import running

__all__ = ["GOALS", "Cost", "costs", "sheet"]

GOALS = {4: 35.0, 40: 20.0, 1_000: 10.0}
"""Page → the most that masking and log together may cost, in per cent of the throughput."""

BOTH, MASKED, NEITHER = "both", "masked, no log", "neither"
_BARE = "epigate-bare"


@dataclass(frozen=True, slots=True)
class Cost:
    """The figures of one page and number of connections, by contender."""

    page: int
    connections: int
    figures: dict[str, Figure]


def costs(
    data: DataSet,
    *,
    pages: tuple[int, ...] = (4, 40, 1_000),
    connections: tuple[int, ...] = (8, 32),
    rounds: int = 3,
    seconds: float = 2.0,
    port: int = 9900,
) -> Iterator[Cost]:
    """Measures every page. Raises BadAnswers unless log and none answer alike."""
    bare = ["-m", "bench.bare", str(data.config(remember=False)), str(port + 1)]
    commands = [(ours.NAME, port, ours.command(data, port)), (_BARE, port + 1, bare)]
    with running(commands, data.folder) as servers:
        logged, unlogged = servers[ours.NAME], servers[_BARE]
        tokens = ours.tokens(logged)
        for page in pages:
            question = body(page)
            masked = logged.ask(question, tokens["masked"])
            if unlogged.ask(question, tokens["masked"]) != masked:
                raise BadAnswers(f"a page of {page} differs without the log")
            opened(masked, unlogged.ask(question, tokens["clear"]))
            entered = {
                name: Contender(server, (request(server.port, question, tokens[who]),))
                for name, server, who in (
                    (BOTH, logged, "masked"),
                    (MASKED, unlogged, "masked"),
                    (NEITHER, unlogged, "clear"),
                )
            }
            for count in connections:
                yield Cost(
                    page, count, measure(entered, connections=count, rounds=rounds, seconds=seconds)
                )


def sheet(results: list[Cost], regions: int, others: Others) -> Sheet:
    """The table of results: throughput lost, in per cent; less than nothing is a gain."""
    made = Sheet(
        "cost",
        f"What masking and the access log cost, {regions} regions",
        (
            *("page", "connections", BOTH, MASKED, NEITHER),
            *("both cost, % (goal)", "the log alone, %", "the log alone, % of processor time"),
        ),
    )
    for one in results:
        both, masked, neither = (one.figures[name] for name in (BOTH, MASKED, NEITHER))
        goal = GOALS[one.page]
        lost = 100 * (1 - both.rate / neither.rate)
        made.rows.append(
            (
                f"{one.page:,}",
                str(one.connections),
                *(f"{figure.rate:,.0f}" for figure in (both, masked, neither)),
                f"{judged(lost, goal)} (≤ {goal:.0f})",
                f"{100 * (1 - both.rate / masked.rate):.0f}",
                f"{100 * (both.cpu / masked.cpu - 1):.0f}",
            )
        )
    made.notes += [
        "requests/s; one worker; every answer read from the stores (`remember_mb = 0`)",
        "both: masked viewer, durable log; neither: a viewer of every item, no log",
        f"{others}",
    ]
    return made

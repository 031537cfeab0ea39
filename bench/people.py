"""Finding a person by ID number over all regions (goal: 99 of 100 answers within 20 ms)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import orjson

from bench import ours
from bench.client import request
from bench.data import DataSet, id_number
from bench.machine import Others
from bench.report import Sheet
from bench.rounds import BadAnswers, Contender, Figure, measure
from bench.servers import running

__all__ = ["GOAL_MS", "search", "sheet"]

GOAL_MS = 20.0
_ASKED = 1_000  # different ID numbers
_KNOWN = 0.8  # of them on record
_SEARCH = "query($n:String!){people(search:{idNumber:$n}){matches{id name phone}}}"
_CHECK = "query($n:String!){checkDuplicate(candidate:{idNumber:$n}){exists}}"


def search(
    data: DataSet,
    people_each: int,
    *,
    connections: tuple[int, ...] = (1, 8, 32),
    rounds: int = 3,
    seconds: float = 2.0,
    port: int = 9900,
) -> Iterator[tuple[int, dict[str, Figure]]]:
    """Figures of `people` by a clear viewer and `checkDuplicate` by a masked one."""
    numbers = _numbers(len(data.prefixes), people_each)
    with running([(ours.NAME, port, ours.command(data, port))], data.folder) as servers:
        server = servers[ours.NAME]
        tokens = ours.tokens(server)
        for number, known in numbers[:50]:
            found = server.ask(_body(_SEARCH, number), tokens["clear"])
            exists = server.ask(_body(_CHECK, number), tokens["masked"])
            if len(found["data"]["people"]["matches"]) != known:
                raise BadAnswers(f"people answered {found}")
            if exists["data"]["checkDuplicate"]["exists"] != known:
                raise BadAnswers(f"checkDuplicate answered {exists}")
        entered = {
            name: Contender(
                server,
                tuple(request(port, _body(text, number), tokens[who]) for number, _ in numbers),
            )
            for name, text, who in (
                ("people, clear", _SEARCH, "clear"),
                ("checkDuplicate, masked", _CHECK, "masked"),
            )
        }
        for count in connections:
            yield count, measure(entered, connections=count, rounds=rounds, seconds=seconds)


def sheet(
    results: list[tuple[int, dict[str, Figure]]], regions: int, people_each: int, others: Others
) -> Sheet:
    """The table of results."""
    made = Sheet(
        "people",
        f"Finding a person by ID number in {regions} × {people_each:,} people",
        ("question", "connections", "requests/s", "p50 ms", f"p99 ms (≤ {GOAL_MS:.0f})", "cpu ms"),
    )
    for count, figures in results:
        for name, figure in figures.items():
            p99 = f"{figure.p99:.2f}"
            made.rows.append(
                (
                    name,
                    str(count),
                    f"{figure.rate:,.0f}",
                    f"{figure.p50:.2f}",
                    p99 if figure.p99 <= GOAL_MS else f"**{p99}**",
                    f"{figure.cpu:.3f}",
                )
            )
    made.notes += [
        f"{_ASKED:,} different numbers in turn, {_KNOWN:.0%} of them on record; one worker",
        f"{others}",
    ]
    return made


def _numbers(regions: int, people_each: int) -> list[tuple[str, bool]]:
    """ID numbers and whether they are on record."""
    rng = random.Random(7)
    chosen = []
    for _ in range(_ASKED):
        known = rng.random() < _KNOWN
        # Regions above those there are: numbers of the right form that nobody has.
        region = rng.randrange(regions) + (0 if known else 50)
        chosen.append((id_number(region, rng.randrange(people_each)), known))
    return chosen


def _body(text: str, number: str) -> bytes:
    return orjson.dumps({"query": text, "variables": {"n": number}})

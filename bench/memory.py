"""Resident memory of a worker: after its start, and after many pages of 1,000 contacts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.client import request
from bench.data import DataSet
from bench.machine import Others
from bench.question import body
from bench.read import CLEAR, FLOOR_SHARE, MASKED, STOCK, contenders
from bench.report import Sheet
from bench.rounds import Contender, measure
from bench.servers import Server

__all__ = ["Memory", "resident", "sheet"]

_PAGE = 1_000
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a server's largest process in MiB."""

    name: str
    started: float
    once: float  # after 2 seconds of pages
    again: float  # after as many more: what still grows here, leaks
    pages: int


def resident(
    data: DataSet, *, seconds: float = 5.0, connections: int = 32, port: int = 9900
) -> Iterator[Memory]:
    """The memory of each server; epigate's answers masked and clear viewers in turn."""
    with contenders(data, port) as run:
        for name, viewers in (
            (STOCK, (STOCK,)),
            (FLOOR_SHARE, (FLOOR_SHARE,)),
            ("epigate", (MASKED, CLEAR)),
        ):
            server = run.server(viewers[0])
            entered = {
                viewer: Contender(
                    server, (request(server.port, body(_PAGE), run.tokens.get(viewer, "")),)
                )
                for viewer in viewers
            }
            started = _largest(server)
            sizes, pages = [], 0.0
            for _ in range(2):
                figures = measure(entered, connections=connections, rounds=1, seconds=seconds)
                sizes.append(_largest(server))
                pages += sum(figure.rate * seconds for figure in figures.values())
            yield Memory(name, started, sizes[0], sizes[1], round(pages))


def sheet(results: list[Memory], regions: int, others: Others) -> Sheet:
    """The table of results."""
    made = Sheet(
        "memory",
        f"Resident memory of a worker, MiB: pages of {_PAGE:,} contacts over {regions} regions",
        ("server", "started", "after pages", "after as many again", "pages"),
    )
    for memory in results:
        made.rows.append(
            (
                memory.name,
                *(f"{size:.0f}" for size in (memory.started, memory.once, memory.again)),
                f"{memory.pages:,}",
            )
        )
    made.notes += ["32 connections at once", f"{others}"]
    return made


def _largest(server: Server) -> float:
    return max(server.resident_bytes().values()) / _MIB

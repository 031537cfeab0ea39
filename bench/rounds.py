"""Measuring several servers in turn, round after round, so that whatever drifts drifts for all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from bench.client import Load, Shot, run
from bench.servers import Server

__all__ = ["BadAnswers", "Contender", "Figure", "measure"]

_WARM_SECONDS = 0.3


class BadAnswers(Exception):
    """A server answered wrongly, or not at all: its speed would mean nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, the requests it is sent, and the length below which an answer cannot be right."""

    server: Server
    requests: tuple[bytes, ...]
    least: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians over the rounds: answers a second, waits and processor time an answer (ms)."""

    rate: float
    p50: float
    p99: float
    cpu: float

    @classmethod
    def median(cls, figures: list[Figure]) -> Figure:
        """Each number's own median."""
        return cls(
            *(
                statistics.median(getattr(figure, name) for figure in figures)
                for name in ("rate", "p50", "p99", "cpu")
            )
        )


def measure(
    contenders: Mapping[str, Contender], *, connections: int, rounds: int, seconds: float
) -> dict[str, Figure]:
    """Loads each contender in turn, `rounds` times. Raises BadAnswers at the first bad answer."""
    figures: dict[str, list[Figure]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, contender in contenders.items():
            if number == 0:
                _shot(name, contender, connections, min(seconds, _WARM_SECONDS))
            before = contender.server.cpu_seconds()
            shot = _shot(name, contender, connections, seconds)
            spent = contender.server.cpu_seconds() - before
            figures[name].append(
                Figure(
                    shot.rate,
                    shot.percentile(0.5),
                    shot.percentile(0.99),
                    1000 * spent / len(shot.seconds),
                )
            )
    return {name: Figure.median(found) for name, found in figures.items()}


def _shot(name: str, contender: Contender, connections: int, seconds: float) -> Shot:
    load = Load(contender.server.port, contender.requests, contender.least, connections, seconds)
    shot = run(load)
    if not shot.ok():
        raise BadAnswers(
            f"{name}: {len(shot.seconds)} good answers, {shot.refused} of another status, "
            f"{shot.failed} failed"
        )
    return shot

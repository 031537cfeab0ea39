"""`python -m bench evaluate`: detection methods over simulations whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from bench import evaluate_outbreaks, evaluate_scenarios, evaluate_tuning
from bench.evaluate_nation import DISEASES, neighbours
from bench.evaluate_outbreaks import Found
from bench.evaluate_plot import scatter
from bench.report import DOCUMENT, Sheet
from bench.report import write as write_sheet
from bench.state import State

__all__ = ["run"]

_DOCUMENT = DOCUMENT.with_name("detection-evaluation.md")
_QUICK = 2  # replicates of each scenario


_FEW = 100  # counties


def run(
    scenarios: Path | None,
    state: State,
    console: Console,
    *,
    counties: int,
    seed: int,
    quick: bool,
    write: bool,
) -> Iterator[Sheet]:
    """The tables, each as soon as it is done; with `write` also into the manual, with the plots.

    Without `scenarios` only the outbreaks of the simulated country: rules are tuned over that
    of `seed`, and judged over the next one.
    """
    if scenarios is not None:
        yield from _scenarios(scenarios, state, console, quick=quick, write=write)
    adjoining = neighbours(_FEW if quick else counties)
    training = _nation(adjoining, seed, state, console)
    chosen = evaluate_tuning.tuned(training)
    dispersions = evaluate_tuning.dispersions(training)
    judged = _nation(adjoining, seed + 1, state, console, dispersions)
    for sheet in (
        evaluate_tuning.sheet(chosen, judged, len(adjoining)),
        evaluate_tuning.rules(chosen, judged),
    ):
        yield sheet
        if write:
            write_sheet(sheet, _DOCUMENT)
    if write:
        picture = scatter(
            evaluate_tuning.points(chosen, judged),
            "A simulated country: false alarms and outbreaks detected, by method",
            "false alarms, % of county-disease-days",
            "outbreaks detected, %",
            0.1,
        )
        _DOCUMENT.with_name("outbreaks.svg").write_text(picture, "utf-8")


def _scenarios(
    folder: Path, state: State, console: Console, *, quick: bool, write: bool
) -> Iterator[Sheet]:
    series = evaluate_scenarios.read_series(folder)
    if quick:
        series = series.first(_QUICK)
    scores = []
    with _progress(console) as progress:
        task = progress.add_task("scenarios", total=len(evaluate_scenarios.METHODS))
        for score in evaluate_scenarios.evaluate(series, state):
            scores.append(score)
            progress.advance(task)
    sheets = evaluate_scenarios.sheets(series, scores, folder)
    yield from sheets
    if write:
        for sheet in sheets:
            write_sheet(sheet, _DOCUMENT)
        picture = scatter(
            evaluate_scenarios.points(scores, folder),
            "Noufaily's scenarios: false positives and outbreaks detected, by method",
            "false positives, % of weeks without an outbreak",
            "outbreaks detected, %",
            0.03,
        )
        _DOCUMENT.with_name("scenarios.svg").write_text(picture, "utf-8")


def _nation(
    adjoining: list[NDArray[np.intp]],
    seed: int,
    state: State,
    console: Console,
    dispersions: Mapping[str, float] | None = None,
) -> dict[str, dict[str, Found]]:
    results = {}
    with _progress(console) as progress:
        task = progress.add_task(f"country of seed {seed}", total=len(DISEASES))
        for disease, found in evaluate_outbreaks.evaluate(
            adjoining, seed, state, dispersions=dispersions
        ):
            results[disease] = found
            progress.advance(task)
    return results


def _progress(console: Console) -> Progress:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)

"""`python -m bench evaluate`: detection methods over simulations whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from bench import evaluate_scenarios
from bench.evaluate_plot import scatter
from bench.report import DOCUMENT, Sheet
from bench.report import write as write_sheet
from bench.state import State

__all__ = ["run"]

_DOCUMENT = DOCUMENT.with_name("detection-evaluation.md")
_QUICK = 2  # replicates of each scenario


def run(
    scenarios: Path, state: State, console: Console, *, quick: bool, write: bool
) -> Iterator[Sheet]:
    """The tables, each as soon as it is done; with `write` also into the manual, with the plots."""
    series = evaluate_scenarios.read_series(scenarios)
    if quick:
        series = series.first(_QUICK)
    scores = []
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("scenarios", total=len(evaluate_scenarios.METHODS))
        for score in evaluate_scenarios.evaluate(series, state):
            scores.append(score)
            progress.advance(task)
    sheets = evaluate_scenarios.sheets(series, scores, scenarios)
    yield from sheets
    if write:
        for sheet in sheets:
            write_sheet(sheet, _DOCUMENT)
        picture = scatter(
            evaluate_scenarios.points(scores, scenarios),
            "Noufaily's scenarios: false positives and outbreaks detected, by method",
            "false positives, % of weeks without an outbreak",
            "outbreaks detected, %",
            0.03,
        )
        _DOCUMENT.with_name("scenarios.svg").write_text(picture, "utf-8")

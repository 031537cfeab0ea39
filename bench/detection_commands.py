"""The commands about detection: is it right, how fast is it, and what does it find."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.options import CONSOLE, Folder, Quick, measuring
from bench.report import show

__all__ = ["app"]

app = typer.Typer()


@app.command()
def detect(
    reference: Annotated[
        Path | None, typer.Option(help="A folder of reference results: data/, ref/.")
    ] = None,
    counties: Annotated[int, typer.Option(help="Counties of the country.")] = 2850,
    diseases: Annotated[int, typer.Option(help="Diseases.")] = 39,
    years: Annotated[int, typer.Option(help="Years of days.")] = 5,
    radius: Annotated[float, typer.Option(help="The largest circle of the scans, in km.")] = 100.0,
    scans: Annotated[bool, typer.Option(help="Whether the scans are run, too.")] = True,
    r: Annotated[bool, typer.Option("--r/--no-r", help="Time beside R's.")] = True,
) -> None:
    """Detection: against reference results, bounds and alarms file by file (--reference); else one
    night over the whole country, and the time a point takes beside R's."""
    from bench import detect as benchmark

    if reference is None:
        _night(counties, diseases, years, radius, scans, r)
        return
    results = []
    try:
        with CONSOLE.status("comparing") as status:
            for result in benchmark.compare(reference):
                results.append(result)
                status.update(f"{result.name}: {result.rows:,} rows")
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error), param_hint="--reference") from None
    show(benchmark.sheet(results))


def _night(
    counties: int, diseases: int, years: int, radius: float, scans: bool, beside_r: bool
) -> None:
    from bench import detect_country, detect_r

    with CONSOLE.status("counts") as status:
        country = detect_country.Country.make(counties, diseases, years, radius)
        results = []
        for result in detect_country.measure(country, scans):
            results.append(result)
            status.update(f"{result.name}: {result.seconds:.2f} s")
    show(detect_country.sheet(country, results))
    if beside_r:
        with CONSOLE.status("beside R"):
            times = list(detect_r.beside_r())
        show(detect_r.sheet(times, detect_r.r_is_there()))


@app.command()
def evaluate(
    scenarios: Annotated[
        Path | None, typer.Option(help="Noufaily's scenarios: the folder with baseline.csv.gz.")
    ] = None,
    counties: Annotated[int, typer.Option(help="Counties of the simulated country.")] = 2850,
    seed: Annotated[int, typer.Option(help="Of the country tuned on; the next is judged.")] = 1,
    quick: Quick = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Put tables and plots into docs/detection-evaluation.md."),
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Keep here what is done, and go on from there.")
    ] = None,
) -> None:
    """How often detection methods alarm for nothing, what they see of outbreaks, and how soon."""
    from bench import evaluate as benchmark
    from bench.state import State

    try:
        done = State(state)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for sheet in benchmark.run(
        scenarios, done, CONSOLE, counties=counties, seed=seed, quick=quick, write=write
    ):
        show(sheet)


@app.command()
def replay(
    write: Annotated[
        bool, typer.Option("--write", help="Put table and plot into docs/detection-evaluation.md.")
    ] = False,
    folder: Folder = None,
) -> None:
    """COVID-19 in the cities of China, 2020: which method signals where and when, day by day."""
    from bench import replay as benchmark
    from bench.replay_plot import picture
    from bench.report import write as write_sheet

    with measuring(folder) as (place, _), CONSOLE.status("stores of 31 provinces") as status:
        regions = benchmark.stores_of_the_country(place)
        status.update("loading")
        counted = benchmark.counted_in(regions, place)
        results = {}
        for name, found in benchmark.replayed(counted):
            results[name] = found
            status.update(name)
    table = benchmark.sheet(counted, results)
    show(table)
    if write:
        write_sheet(table, benchmark.PAGE)
        drawn = picture(counted, results)
        benchmark.PAGE.with_name("replay.svg").write_text(drawn, "utf-8")

"""The commands about custody: how fast people are handed over, and whether anything breaks it."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.options import CONSOLE, Folder, Port, Quick, Write, finish, measuring, pin_client

if TYPE_CHECKING:
    from bench.breaking.simulation import Run

__all__ = ["app"]

app = typer.Typer()


@app.command()
def handoffs(
    quick: Quick = False,
    write: Write = False,
    folder: Folder = None,
    people: Annotated[int, typer.Option(help="People for each figure.")] = 2_000,
    postgresql: Annotated[bool, typer.Option(help="On PostgreSQL, too.")] = True,
) -> None:
    """Whole handoffs between two regions: offered, accepted, committed, settled."""
    from bench import handoffs as benchmark
    from bench.post import as_worker, databases

    plan = ((1, False), (1, True), (20, False), (20, True), (100, False))
    if quick:
        people = 200
    with measuring(folder) as (place, others), contextlib.ExitStack() as stack:
        urls = stack.enter_context(databases(2)) if postgresql else []
        with others:
            as_worker()
            rates = benchmark.measure(place / "sqlite", plan, people)
            if urls:
                rates += benchmark.measure(place / "postgresql", plan, people, urls=urls)
    finish(benchmark.sheet(rates, others), write)


@app.command()
def letters(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    people: Annotated[int, typer.Option(help="People of the letter.")] = 1_000,
    regions: Annotated[int, typer.Option(help="Regions of the fan-out, 2 to 32.")] = 32,
) -> None:
    """A letter of 1,000 people from draft to answer; letters to 32 regions."""
    from bench import letters as benchmark
    from bench.data import build

    with measuring(folder) as (place, others):
        data = build(place, regions, contacts_each=100)
        with others:
            pin_client()
            results = benchmark.measure(data, people, rounds=1 if quick else 3, port=port)
    finish(benchmark.sheet(results, regions, others), write)


@app.command()
def post(
    quick: Quick = False,
    folder: Folder = None,
    conversations: Annotated[int, typer.Option(help="Of three messages each.")] = 5_000,
    at_once: Annotated[int, typer.Option(help="Begun at a time.")] = 64,
    postgresql: Annotated[bool, typer.Option(help="On PostgreSQL, too.")] = True,
) -> None:
    """What the post between two regions carries."""
    from bench.post import as_worker, databases, measure

    if quick:
        conversations = 500
    with measuring(folder) as (place, _), contextlib.ExitStack() as stack:
        urls = stack.enter_context(databases(2)) if postgresql else []
        as_worker()
        typer.echo(str(measure(place / "sqlite", conversations, at_once)))
        if urls:
            typer.echo(str(measure(place / "postgresql", conversations, at_once, urls=urls)))


@app.command()
def blackbox(
    folder: Folder = None,
    seconds: Annotated[float, typer.Option(help="Of load.")] = 60.0,
    faults: Annotated[int, typer.Option(help="At random, beside those that come once.")] = 500,
    seed: Annotated[int, typer.Option(help="Of what is done, and when.")] = 1,
) -> None:
    """Handoffs by three real gateways under kills, cuts, pauses, clocks that jump, and a restore.

    The folder keeps `history.jsonl`, what was done and answered. Exit code 1: something was lost,
    doubled or undone.
    """
    from bench.breaking.blackbox import run
    from bench.breaking.plans import Plan

    down = min(20.0, seconds / 3)
    with measuring(folder) as (place, _):
        ran = run(place, Plan(seconds, faults, seed, down_seconds=down))
    typer.echo(str(ran))
    if ran.findings:
        raise typer.Exit(1)


@app.command()
def breaking(
    seeds: Annotated[int, typer.Option(help="Seeds to have done at the end.", min=1)] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.", min=0)] = 0,
    length: Annotated[int, typer.Option(help="Steps of a run.", min=1)] = 60,
    acting: Annotated[
        bool,
        typer.Option(
            "--acting",
            help="Runs that begin with a store put back in place, which acts until it is found.",
        ),
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Keep here how far it is, and go on from there.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Handoffs under faults by seeds, and the checker over each run. Ctrl-C stops; with --state the
    same command goes on later. Exit code 1: a rule was broken, the seeds are named.
    """
    # Started behind a shell's `&` it would inherit that the signal means nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from bench.breaking.campaign import Campaign, run_seeds

    campaign = Campaign(first, length, acting)
    if state is not None and state.exists():
        try:
            campaign = Campaign.load(state)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if (campaign.first, campaign.length, campaign.acting) != (first, length, acting):
            raise typer.BadParameter(
                f"{state} is of --first {campaign.first} --length {campaign.length}"
                + (" --acting" if campaign.acting else "")
            )
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    stopped = False
    with (
        measuring(folder) as (place, _),
        Progress(*columns, TextColumn("{task.fields[broken]}"), console=CONSOLE) as progress,
    ):
        task = progress.add_task("seeds", total=seeds, completed=campaign.done, broken="")

        def told(run: Run) -> None:
            for one in run.findings:
                progress.console.print(f"seed {run.seed}: {one}", markup=False, soft_wrap=True)
            broken = f"{len(campaign.failures)} broken" if campaign.failures else ""
            progress.update(task, completed=campaign.done, broken=broken)

        try:
            run_seeds(campaign, seeds, place, state=state, told=told)
        except KeyboardInterrupt:
            stopped = True
    typer.echo(str(campaign) + ("; stopped" if stopped else ""))
    for failure in campaign.failures:
        typer.echo(f"seed {failure.seed}: {'; '.join(failure.findings)}")
    if campaign.failures or stopped:
        raise typer.Exit(1 if campaign.failures else 130)

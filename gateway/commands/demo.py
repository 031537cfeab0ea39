"""`epigate demo`: an invented population in every configured store, accounts, and the gateway."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from gateway._listening import Address
from gateway.commands._demo_accounts import create_demo_accounts, write_demo_accounts
from gateway.commands._demo_told import tell_demo
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.commands.ask import gateway_url
from gateway.config import Config, load_config, write_default
from gateway.messaging.configured import channel_names
from regions.keys import KEY_NAMES, create_keys, load_keys, variable_of
from regions.migrating import migrate_central, migrate_log
from resolvers.demo import DemoFolder, Parameters, demo_accounts, make_plan
from resolvers.demo.building import build, total_steps
from resolvers.demo.diseases import all_diseases
from resolvers.demo.folder import ACCOUNTS_FILE
from resolvers.demo.parameters import DEFAULT_PEOPLE
from resolvers.demo.places import counties_of
from resolvers.demo.plan import Plan

if TYPE_CHECKING:
    from gateway.commands._exchange import Exchanged

__all__ = ["demo"]

_INTERRUPTED = 130


def demo(
    config: ConfigOption = DEFAULT_CONFIG,
    people: Annotated[
        int, typer.Option(help="How many people, over all regions.")
    ] = DEFAULT_PEOPLE,
    seed: Annotated[int, typer.Option(help="The same number makes the same people.")] = 1,
    years: Annotated[int, typer.Option(help="Years of history, 1 to 10.")] = 5,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The day before which the history ends.",
            show_default="today",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 is one for each core.")
    ] = None,
    exchange: Annotated[
        bool,
        typer.Option(
            help="Let two counties write letters to each other and hand people over, or not."
        ),
    ] = True,
    serve: Annotated[
        bool, typer.Option(help="Serve the stores once they are made, or only make them.")
    ] = True,
) -> None:
    """Fill the configured stores with invented people, print accounts and questions, and serve.

    Nobody in it can exist. A data folder that holds anything else is left alone; a complete demo of
    the same numbers is served as it is, an interrupted one is made anew. In a folder without a
    config.toml, the shipped one is written there first.
    """
    if config == DEFAULT_CONFIG and not config.exists():
        write_default(config)
        console().print(f"written: {config}, eight regions; the demo is made of it")
    loaded = _heard(load_config(config))
    host, port = host or loaded.host, loaded.port if port is None else port
    url = gateway_url(host, port)
    if serve:  # whether the port is free is better known before a million people than after
        with closing(Address(host, port)) as address:
            port = address.port
            url = gateway_url(host, port)
    last = until.date() if until is not None else datetime.now(UTC).date()
    parameters = Parameters(people, seed, years, last, loaded.regions)
    with DemoFolder(loaded.data, parameters, any_until=until is None) as folder:
        if not folder.is_complete:
            processes = (loaded.workers if workers is None else workers) or _cores()
            _make(loaded, parameters, folder, processes, exchanging=exchange)
        made = folder.read()
    tell_demo(loaded, made, url, config)
    if serve:
        from gateway.serve import serve as serve_gateway

        serve_gateway(loaded, host, port, workers)


def _heard(config: Config) -> Config:
    """With a folder for the messages of signals where no channel is named: else nobody would see
    what a signal says.
    """
    if channel_names(config):
        return config
    return replace(config, messages_folder=str(config.data.absolute() / "messages"))


def _make(
    config: Config, parameters: Parameters, folder: DemoFolder, workers: int, *, exchanging: bool
) -> None:
    """Makes keys, stores, people, accounts and, with `exchanging` and a second region, letters and
    transfers, in this order; the folder is complete at the end.
    """
    started = time.perf_counter()
    console().print(f"making {parameters.people:,} people in {len(parameters.regions)} regions …")
    plan = make_plan(parameters)
    folder.begin()
    _make_keys(config.keys)
    try:
        asyncio.run(_make_central(config))
        _build(config, plan, workers, replace=folder.had_leftovers)
        regions = parameters.regions
        neighbour = regions[1] if exchanging and len(regions) > 1 else None
        written = create_demo_accounts(config, demo_accounts(regions[0], neighbour))
        exchanged = _exchange(config, parameters, written) if neighbour is not None else None
    except KeyboardInterrupt:
        console().print("stopped; the same command starts over")
        raise typer.Exit(_INTERRUPTED) from None
    write_demo_accounts(config.data / ACCOUNTS_FILE, written)
    cases = sum(len(region.cases) for region in plan.regions)
    folder.complete(
        parameters,
        first_case=f"case:{plan.first_case_of(0)}",
        outbreaks=_outbreaks(plan),
        exchanged=exchanged is not None,
    )
    if exchanged is not None:
        console().print(
            f"{exchanged.letters} letters and {exchanged.transfers} transfers between two counties"
        )
    console().print(
        f"{parameters.people:,} people and {cases:,} cases in {len(plan.regions)} regions "
        f"made in {time.perf_counter() - started:.1f} s"
    )


def _exchange(config: Config, parameters: Parameters, accounts: list[dict[str, str]]) -> Exchanged:
    """Lets the first counties of the first two regions have to do with each other."""
    from gateway.commands._exchange import exchange  # what serves, which few commands need

    own, other = (counties_of(region)[0].code for region in parameters.regions[:2])
    return exchange(config, accounts, own, other, parameters.seed)


def _make_keys(folder: Path) -> None:
    """Makes the keys that neither the folder nor the environment has."""
    if any(variable_of(name) not in os.environ for name in KEY_NAMES):
        create_keys(folder)
    load_keys(folder)


async def _make_central(config: Config) -> None:
    await migrate_central(config.central_store)
    await migrate_log(config.log_store)


def _build(config: Config, plan: Plan, workers: int, *, replace: bool) -> None:
    out = console()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        task = progress.add_task("people, cases, contacts", total=total_steps(plan))
        build(
            plan,
            config.keys,
            workers=workers,
            replace=replace,
            advance=lambda steps: progress.advance(task, steps),
        )


def _outbreaks(plan: Plan) -> list[dict[str, Any]]:
    """The truth of the outbreaks put in, for whoever tries to detect them."""
    return [
        {
            "disease": all_diseases()[outbreak.disease].key,
            "code": counties_of(plan.parameters.regions[outbreak.region])[outbreak.county].code,
            "first_report": date.fromordinal(outbreak.start).isoformat(),
            "cases": outbreak.size,
            "setting": outbreak.setting,
            "first_case": f"case:{plan.first_case_of(number)}",
        }
        for number, outbreak in enumerate(plan.outbreaks)
    ]


def _cores() -> int:
    return len(os.sched_getaffinity(0))

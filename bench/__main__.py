"""`python -m bench COMMAND`: every benchmark. docs/benchmarks.md says what each one means."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from bench import custody_commands, detection_commands
from bench.options import CONSOLE, Folder, Port, Quick, Write, finish, measuring, pin_client
from bench.rounds import BadAnswers

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def read(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    contacts: Annotated[int, typer.Option(help="Contacts in each region.")] = 10_000,
    pages: Annotated[str, typer.Option(help="Page sizes.")] = "4,40,1000",
    regions: Annotated[str, typer.Option(help="Numbers of regions.")] = "4,8",
    connections: Annotated[str, typer.Option(help="Connections at once.")] = "8,32",
    rounds: Annotated[int, typer.Option(help="Rounds; the median counts.")] = 3,
    seconds: Annotated[float, typer.Option(help="Seconds a server and round.")] = 2.0,
) -> None:
    """Pages of contacts against stock Strawberry and against the floor."""
    from bench import read as benchmark
    from bench.data import build

    plan = benchmark.Plan(
        _numbers(pages), _numbers(regions), _numbers(connections), rounds, seconds, port
    )
    if quick:
        plan = replace(plan, connections=(8,), rounds=1, seconds=0.5)
    with measuring(folder) as (place, others):
        data = build(place, max(plan.regions), contacts_each=contacts)
        with others:
            pin_client()
            results = []
            for result in benchmark.compare(data, plan):
                results.append(result)
                rates = ", ".join(
                    f"{name} {figure.rate:,.0f}/s" for name, figure in result.figures.items()
                )
                CONSOLE.print(
                    f"{result.regions} regions, page {result.page}, "
                    f"{result.connections} connections: {rates}"
                )
    finish(benchmark.sheet(results, others), write)


@app.command()
def people(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    each: Annotated[int, typer.Option(help="People in each region.")] = 100_000,
    regions: Annotated[int, typer.Option(help="Number of regions.")] = 8,
) -> None:
    """Finding a person by ID number over all regions."""
    from bench import people as benchmark
    from bench.data import build

    if quick:
        each = 5_000
    with measuring(folder) as (place, others):
        data = build(place, regions, contacts_each=0, people_each=each)
        with others:
            pin_client()
            rounds, seconds = (1, 0.5) if quick else (3, 2.0)
            results = list(benchmark.search(data, each, rounds=rounds, seconds=seconds, port=port))
    finish(benchmark.sheet(results, regions, each, others), write)


@app.command()
def cost(
    quick: Quick = False, write: Write = False, port: Port = 9900, folder: Folder = None
) -> None:
    """What masking and the access log cost together, and the log alone."""
    from bench import cost as benchmark
    from bench.data import build

    with measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=10_000)
        with others:
            pin_client()
            rounds, seconds = (1, 0.5) if quick else (3, 2.0)
            results = list(benchmark.costs(data, rounds=rounds, seconds=seconds, port=port))
    finish(benchmark.sheet(results, 4, others), write)


@app.command()
def memory(
    quick: Quick = False, write: Write = False, port: Port = 9900, folder: Folder = None
) -> None:
    """Resident memory of a worker after pages of 1,000 contacts."""
    from bench import memory as benchmark
    from bench.data import build

    with measuring(folder) as (place, others):
        data = build(place, 8, contacts_each=10_000)
        with others:
            pin_client()
            seconds = 1.0 if quick else 5.0
            results = list(benchmark.resident(data, seconds=seconds, port=port))
    finish(benchmark.sheet(results, 8, others), write)


@app.command()
def start(
    quick: Quick = False, write: Write = False, port: Port = 9900, folder: Folder = None
) -> None:
    """From `epigate demo` and `epigate serve` to the first answer."""
    from bench import start as benchmark

    rounds = 1 if quick else 5
    with measuring(folder) as (place, others), others:
        results = list(benchmark.starts(place, million=not quick, rounds=rounds, port=port))
    finish(benchmark.sheet(results, rounds, others), write)


@app.command()
def exports(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    contacts: Annotated[int, typer.Option(help="Contacts in each region.")] = 50_000,
) -> None:
    """Exports of 10,000s of records: records a second, and the worker's memory meanwhile."""
    from bench import exports as benchmark
    from bench.data import build
    from regions.ids import padded

    if quick:
        contacts = 2_000
    with measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=contacts)
        sizes = {padded(data.prefixes[0]): contacts, "000000": 4 * contacts}
        with others:
            pin_client()
            results = list(benchmark.pass_through(data, sizes, port=port))
    finish(benchmark.sheet(results, 4, others), write)


@app.command()
def regions(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    contacts: Annotated[int, typer.Option(help="Contacts in all regions together.")] = 64_000,
) -> None:
    """One region to 32, the same contacts."""
    from bench import spread as benchmark

    with measuring(folder) as (place, others):
        sets = benchmark.build_all(place, contacts, (1, 8, 32) if quick else benchmark.COUNTS)
        with others:
            pin_client()
            rounds, seconds = (1, 0.5) if quick else (5, 1.0)
            results = list(benchmark.spread(sets, rounds=rounds, seconds=seconds, port=port))
    finish(benchmark.sheet(results, contacts, others), write)


@app.command()
def timing(
    quick: Quick = False,
    write: Write = False,
    port: Port = 9900,
    folder: Folder = None,
    runs: Annotated[int, typer.Option(help="Answers of each kind.")] = 2_000,
) -> None:
    """What the time of an answer tells of what it hides."""
    from bench import timing as benchmark
    from bench.data import build

    each = 20_000
    if quick:
        each, runs = 1_000, 200
    with measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=1_000, people_each=each)
        with others:
            pin_client()
            results = list(benchmark.compare(data, each, runs=runs, port=port))
    finish(benchmark.sheet(results, runs, others), write)


@app.command("all")
def every(quick: Quick = False, write: Write = False, port: Port = 9900) -> None:
    """Pages, people, regions and memory, one after the other."""
    read(quick=quick, write=write, port=port)
    people(quick=quick, write=write, port=port)
    regions(quick=quick, write=write, port=port)
    memory(quick=quick, write=write, port=port)


@app.command()
def client(seconds: float = 2.0, port: Port = 9900) -> None:
    """What the load generator can do: requests/s against an application that answers nothing."""
    from bench.client import Load, request, run
    from bench.servers import running

    command = ["-m", "bench.empty", "--port", str(port)]
    with measuring(None) as (place, _), running([("empty", port, command)], place):
        pin_client()
        for connections in (8, 32):
            shot = run(Load(port, (request(port, b"{}"),), 0, connections, seconds))
            typer.echo(f"{connections} connections: {shot.rate:,.0f} requests/s")


_OTHERS = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@app.command(context_settings=_OTHERS)
def load(context: typer.Context) -> None:
    """Loading a line list (options: `python -m bench load --help`)."""
    from bench.load import main

    main(context.args)


@app.command("access-log", context_settings=_OTHERS)
def access_log(context: typer.Context) -> None:
    """Durable entries of the access log (options: `python -m bench access-log --help`)."""
    from bench.access_log import main

    main(context.args)


@app.command()
def audit(
    quick: Quick = False,
    entries: Annotated[int, typer.Option(help="Entries of the log.")] = 1_000_000,
    folder: Folder = None,
) -> None:
    """Verifying the access log, live and as a bundle, and one proof."""
    from bench.audit import measure

    typer.echo(str(measure(20_000 if quick else entries, folder, CONSOLE.print)))


@app.command("sign-in", context_settings=_OTHERS)
def sign_in(context: typer.Context) -> None:
    """Whether the time of a refused sign-in tells why (`python -m bench sign-in --help`)."""
    from bench.sign_in import main

    main(context.args)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


for one in (custody_commands.app, detection_commands.app):
    app.add_typer(one)


if __name__ == "__main__":
    try:
        app(prog_name="python -m bench")
    except BadAnswers as error:
        raise SystemExit(f"stopped, nothing to measure: {error}") from None

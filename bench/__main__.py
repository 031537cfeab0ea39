"""`python -m bench COMMAND`: every benchmark. docs/benchmarks.md says what each one means."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bench.machine import Others
from bench.report import Sheet, show
from bench.report import write as write_sheet
from bench.rounds import BadAnswers

if TYPE_CHECKING:
    from bench.breaking.simulation import Run

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
_console = Console(stderr=True)

Quick = Annotated[bool, typer.Option("--quick", help="Little data, short rounds: a look only.")]
Write = Annotated[bool, typer.Option("--write", help="Put the table into docs/benchmarks.md.")]
Port = Annotated[int, typer.Option(help="The first of the ports to use.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="Where to build the data, or where they were built; a temporary folder unless given."
    ),
]


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
    with _measuring(folder) as (place, others):
        data = build(place, max(plan.regions), contacts_each=contacts)
        with others:
            _pin()
            results = []
            for result in benchmark.compare(data, plan):
                results.append(result)
                rates = ", ".join(
                    f"{name} {figure.rate:,.0f}/s" for name, figure in result.figures.items()
                )
                _console.print(
                    f"{result.regions} regions, page {result.page}, "
                    f"{result.connections} connections: {rates}"
                )
    _finish(benchmark.sheet(results, others), write)


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
    with _measuring(folder) as (place, others):
        data = build(place, regions, contacts_each=0, people_each=each)
        with others:
            _pin()
            rounds, seconds = (1, 0.5) if quick else (3, 2.0)
            results = list(benchmark.search(data, each, rounds=rounds, seconds=seconds, port=port))
    _finish(benchmark.sheet(results, regions, each, others), write)


@app.command()
def cost(
    quick: Quick = False, write: Write = False, port: Port = 9900, folder: Folder = None
) -> None:
    """What masking and the access log cost together, and the log alone."""
    from bench import cost as benchmark
    from bench.data import build

    with _measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=10_000)
        with others:
            _pin()
            rounds, seconds = (1, 0.5) if quick else (3, 2.0)
            results = list(benchmark.costs(data, rounds=rounds, seconds=seconds, port=port))
    _finish(benchmark.sheet(results, 4, others), write)


@app.command()
def memory(
    quick: Quick = False, write: Write = False, port: Port = 9900, folder: Folder = None
) -> None:
    """Resident memory of a worker after pages of 1,000 contacts."""
    from bench import memory as benchmark
    from bench.data import build

    with _measuring(folder) as (place, others):
        data = build(place, 8, contacts_each=10_000)
        with others:
            _pin()
            seconds = 1.0 if quick else 5.0
            results = list(benchmark.resident(data, seconds=seconds, port=port))
    _finish(benchmark.sheet(results, 8, others), write)


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
    with _measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=contacts)
        sizes = {padded(data.prefixes[0]): contacts, "000000": 4 * contacts}
        with others:
            _pin()
            results = list(benchmark.pass_through(data, sizes, port=port))
    _finish(benchmark.sheet(results, 4, others), write)


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

    with _measuring(folder) as (place, others):
        sets = benchmark.build_all(place, contacts, (1, 8, 32) if quick else benchmark.COUNTS)
        with others:
            _pin()
            rounds, seconds = (1, 0.5) if quick else (5, 1.0)
            results = list(benchmark.spread(sets, rounds=rounds, seconds=seconds, port=port))
    _finish(benchmark.sheet(results, contacts, others), write)


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
    with _measuring(folder) as (place, others):
        data = build(place, 4, contacts_each=1_000, people_each=each)
        with others:
            _pin()
            results = list(benchmark.compare(data, each, runs=runs, port=port))
    _finish(benchmark.sheet(results, runs, others), write)


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
    with _measuring(None) as (place, _), running([("empty", port, command)], place):
        _pin()
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

    typer.echo(str(measure(20_000 if quick else entries, folder, _console.print)))


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
    from bench.post import databases, pinned

    plan = ((1, False), (1, True), (20, False), (20, True), (100, False))
    if quick:
        people = 200
    with _measuring(folder) as (place, others), contextlib.ExitStack() as stack:
        urls = stack.enter_context(databases(2)) if postgresql else []
        with others:
            pinned()
            rates = benchmark.measure(place / "sqlite", plan, people)
            if urls:
                rates += benchmark.measure(place / "postgresql", plan, people, urls=urls)
    _finish(benchmark.sheet(rates, others), write)


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

    with _measuring(folder) as (place, others):
        data = build(place, regions, contacts_each=100)
        with others:
            _pin()
            results = benchmark.measure(data, people, rounds=1 if quick else 3, port=port)
    _finish(benchmark.sheet(results, regions, others), write)


@app.command()
def post(
    quick: Quick = False,
    folder: Folder = None,
    conversations: Annotated[int, typer.Option(help="Of three messages each.")] = 5_000,
    at_once: Annotated[int, typer.Option(help="Begun at a time.")] = 64,
    postgresql: Annotated[bool, typer.Option(help="On PostgreSQL, too.")] = True,
) -> None:
    """What the post between two regions carries."""
    from bench.post import databases, measure, pinned

    if quick:
        conversations = 500
    with _measuring(folder) as (place, _), contextlib.ExitStack() as stack:
        urls = stack.enter_context(databases(2)) if postgresql else []
        pinned()
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
    with _measuring(folder) as (place, _):
        ran = run(place, Plan(seconds, faults, seed, down_seconds=down))
    typer.echo(str(ran))
    if ran.findings:
        raise typer.Exit(1)


@app.command()
def breaking(
    seeds: Annotated[int, typer.Option(help="Seeds to have done at the end.", min=1)] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.", min=0)] = 0,
    length: Annotated[int, typer.Option(help="Steps of a run.", min=1)] = 60,
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

    campaign = Campaign(first, length)
    if state is not None and state.exists():
        try:
            campaign = Campaign.load(state)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if (campaign.first, campaign.length) != (first, length):
            raise typer.BadParameter(
                f"{state} is of --first {campaign.first} --length {campaign.length}"
            )
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    stopped = False
    with (
        _measuring(folder) as (place, _),
        Progress(*columns, TextColumn("{task.fields[broken]}"), console=_console) as progress,
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
    with _console.status("comparing") as status:
        for result in benchmark.compare(reference):
            results.append(result)
            status.update(f"{result.name}: {result.rows:,} rows")
    show(benchmark.sheet(results))


def _night(
    counties: int, diseases: int, years: int, radius: float, scans: bool, beside_r: bool
) -> None:
    from bench import detect_country, detect_r

    with _console.status("counts") as status:
        country = detect_country.Country.make(counties, diseases, years, radius)
        results = []
        for result in detect_country.measure(country, scans):
            results.append(result)
            status.update(f"{result.name}: {result.seconds:.2f} s")
    show(detect_country.sheet(country, results))
    if beside_r:
        with _console.status("beside R"):
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
        scenarios, done, _console, counties=counties, seed=seed, quick=quick, write=write
    ):
        show(sheet)


@app.command("sign-in", context_settings=_OTHERS)
def sign_in(context: typer.Context) -> None:
    """Whether the time of a refused sign-in tells why (`python -m bench sign-in --help`)."""
    from bench.sign_in import main

    main(context.args)


@contextlib.contextmanager
def _measuring(folder: Path | None) -> Iterator[tuple[Path, Others]]:
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="epigate-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve(), Others()


def _pin() -> None:
    from bench.servers import CLIENT_CORE, pin

    pin(CLIENT_CORE)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _finish(sheet: Sheet, write: bool) -> None:
    show(sheet)
    if write:
        write_sheet(sheet)


if __name__ == "__main__":
    try:
        app(prog_name="python -m bench")
    except BadAnswers as error:
        raise SystemExit(f"stopped, nothing to measure: {error}") from None

"""`epigate demo`: an invented population in every configured store, accounts, and the gateway."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import shutil
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import Connection

from gateway._listening import Address
from gateway.accounts import Account, create_account
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.commands.ask import gateway_url
from gateway.config import Config, load_config, write_default
from gateway.sign_in.factors import Factors
from gateway.sign_in.totp import new_secret
from regions.blind_index import BlindIndexer
from regions.engines import sqlite_engine
from regions.errors import StoreError
from regions.instants import now
from regions.keys import KEY_NAMES, create_keys, load_keys, variable_of
from regions.migrating import migrate_central, migrate_log
from regions.sealing import Sealer
from resolvers.central import COUNTRY
from resolvers.demo import DemoAccount, DemoFolder, Parameters, demo_accounts, make_plan
from resolvers.demo.building import build, total_steps
from resolvers.demo.diseases import all_diseases
from resolvers.demo.folder import ACCOUNTS_FILE
from resolvers.demo.parameters import DEFAULT_PEOPLE
from resolvers.demo.places import counties_of
from resolvers.demo.plan import Plan
from resolvers.users import Role, needs_second_factor
from resolvers.users.offices import put_responsible
from resolvers.users.rosters import put_duty

if TYPE_CHECKING:
    from gateway.commands._exchange import Exchanged

__all__ = ["demo"]

_LETTERS = (
    "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another
)
_PASSWORD_LENGTH = 16
_INTERRUPTED = 130
_SHOWN = ("account", "password", "role", "code")  # what fits 80 columns; the file has the unit too


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
    loaded = load_config(config)
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
    _tell(loaded, made, url, config)
    if serve:
        from gateway.serve import serve as serve_gateway

        serve_gateway(loaded, host, port, workers)


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
        written = _create_accounts(config, demo_accounts(regions[0], neighbour))
        exchanged = _exchange(config, parameters, written) if neighbour is not None else None
    except KeyboardInterrupt:
        console().print("stopped; the same command starts over")
        raise typer.Exit(_INTERRUPTED) from None
    _write_accounts(config.data / ACCOUNTS_FILE, written)
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


def _create_accounts(config: Config, wanted: list[DemoAccount]) -> list[dict[str, str]]:
    """Creates the accounts; returns what `demo-accounts.json` says of them."""
    passwords = ["".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LENGTH)) for _ in wanted]
    keys = load_keys(config.keys)
    sealer, indexer = Sealer(keys.sealing, COUNTRY), BlindIndexer(keys.staff_index)

    factors = Factors(sealer)
    secrets_of = {
        account.account: new_secret()
        for account in wanted
        if needs_second_factor(account.role, granted=account.granted)
    }

    async def create() -> None:
        engine = sqlite_engine(str(config.central_store))
        try:
            async with engine.begin() as connection:
                for account, password in zip(wanted, passwords, strict=True):
                    await connection.run_sync(
                        create_account,
                        _account(account, indexer),
                        password,
                        partial(_sealed, sealer, account.items),
                    )
                await connection.run_sync(_fill_offices, sealer, wanted)
                for name, secret in secrets_of.items():
                    await connection.run_sync(factors.set_totp, name, secret, time.time())
        finally:
            await engine.dispose()

    asyncio.run(create())
    return [
        {
            "account": account.account,
            "password": password,
            "role": account.shown_role,
            "unit": account.unit_id,
            "code": account.code,
            **(
                {"totpSecret": secrets_of[account.account]} if account.account in secrets_of else {}
            ),
        }
        for account, password in zip(wanted, passwords, strict=True)
    ]


def _fill_offices(connection: Connection, sealer: Sealer, wanted: list[DemoAccount]) -> None:
    """A first responsible person for each unit, a duty person for each CDC."""
    units: dict[str, DemoAccount] = {}
    for account in wanted:
        known = units.setdefault(account.unit_id, account)
        if account.role is Role.DUTY_PERSON and known.role is not account.role:
            units[account.unit_id] = account
    for unit, duty in units.items():
        items, at = duty.items, now()
        phones = {"office_phone": items["office_phone"], "mobile": None}
        who = {"name": "演示 主任", "post": "主任"}
        put_responsible(connection, sealer, unit, who, phones, duty.account, at)
        if unit.startswith("cdc-"):
            on_duty = {"account": duty.account, "code": unit.removeprefix("cdc-")}
            reached = {"mobile": items["mobile"], "email": items["email"]}
            put_duty(connection, sealer, unit, on_duty, reached, duty.account, at)


def _sealed(sealer: Sealer, items: dict[str, str], number: int) -> bytes:
    return sealer.seal("accounts", number, items)


def _account(demo: DemoAccount, indexer: BlindIndexer) -> Account:
    return Account(
        account=demo.account,
        name=demo.name,
        role=demo.role,
        unit_id=demo.unit_id,
        unit_name=demo.unit_name,
        unit_level=demo.unit_level,
        code=demo.code,
        department=demo.department,
        head=demo.head,
        purpose=demo.purpose,
        person_index=indexer.id_number(demo.items["id_number"]),
    )


def _write_accounts(path: Path, accounts: list[dict[str, str]]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(accounts, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


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


def _tell(config: Config, made: dict[str, Any], url: str, given: Path) -> None:
    """Prints the address, the accounts and some questions, each a line to paste."""
    out = console()
    path = config.data / ACCOUNTS_FILE
    try:
        accounts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}", hint="remove the data folder and make the demo anew"
        ) from error
    table = Table(title="演示账号 · Demo accounts")
    for column in _SHOWN:
        # A long role may wrap; what is to be copied never does, nor is it ever cut.
        table.add_column(column, no_wrap=column != "role")
    for account in accounts:
        table.add_row(*(account[column] for column in _SHOWN))
    out.print(table)

    def line(text: str) -> None:
        out.print(text, soft_wrap=True, markup=False)

    line(f"密码也在此文件 · the same in {path}")
    line("管理员、审计员另需动态码（密钥 totpSecret 亦在其中），epigate ask 自动生成")
    line("administrators and auditors need a code, too: epigate ask makes it (totpSecret)")
    line(
        "\n在另一终端粘贴提问 · ask from a second terminal: paste a line; --account asks as another"
    )
    command = _command(config, url, given)
    for title, question in _questions(made):
        line(f"\n{title}")
        line(f"{command} {shlex.quote(question)}")
    if made.get("exchanged"):
        own = next(one["account"] for one in accounts if one["role"] == "county unit user")
        for title, question in _WAITING:
            line(f"\n{title}")
            line(f"{command} --account {own} {shlex.quote(question)}")
    line(f"\n任何 GraphQL 客户端 · any client of GraphQL: POST {url}/sign-in, then {url}/graphql\n")


def _command(config: Config, url: str, given: Path) -> str:
    """`epigate ask` as it must be written to reach this demo from this folder."""
    words = [_program(), "ask"]
    if given != DEFAULT_CONFIG:
        words += ["--config", str(given)]
    if url != gateway_url(config.host, config.port):
        words += ["--url", url]
    return shlex.join(words)


def _program() -> str:
    """The command itself, with its folder where a shell would not find it."""
    called = Path(sys.argv[0])
    if called.name != "epigate" or shutil.which("epigate") == str(called.absolute()):
        return "epigate"
    return str(called)


def _questions(made: dict[str, Any]) -> list[tuple[str, str]]:
    """Three questions that a demo has answers to, each with a line that says what it shows."""
    until = date.fromisoformat(made["until"])
    first, last = until.replace(day=1) - timedelta(days=365), until - timedelta(days=1)
    first = first.replace(day=1)
    return [
        (
            "1. 各地区最新的接触者 · The newest contacts, whatever region they are of",
            "{ contacts(first: 8) { edges { node { id code name phone lastContactOn "
            "sourceCase { code disease { nameZh } } } } regions { code state records } } }",
        ),
        (
            "2. 一起暴发的传播链 · The chain of an outbreak: cases, their contacts, and theirs",
            f'{{ chain(root: "{made["first_case"]}", depth: 3) {{ links {{ from to kind }} '
            "nodes { ... on Case { id code onsetOn disease { nameZh } } "
            "... on Contact { id code level } } } }",
        ),
        (
            "3. 流感与手足口病逐月病例数 · Influenza and hand, foot and mouth disease by month: "
            "a winter, a summer",
            '{ counts(diseases: ["influenza", "hfmd"], codes: ["000000"], '
            f'from: "{first}", to: "{last}", step: MONTH) '
            "{ disease { nameZh } counts { from cases } } }",
        ),
    ]


_WAITING = (
    (
        "4. 协查函：收到的与发出的 · Letters between counties, at every step of the way",
        "{ assistRequests(first: 20) { edges { node { number side state toCode acknowledgeDue "
        "people { position state name } } } } }",
    ),
    (
        "5. 转运：已提出、部分接收、已到达 · People handed over, and on their way",
        "{ transfers(first: 20) { edges { node { id side state fromUnit toUnit "
        "people { outcome person { id name } } } } } }",
    ),
)
"""Questions about what two counties have to do with each other, for the county's officer."""


def _cores() -> int:
    return len(os.sched_getaffinity(0))

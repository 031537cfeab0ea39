"""`epigate accounts`: who may sign in."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from gateway.accounts import (
    COMMAND_LINE,
    UNIT_LEVELS,
    Account,
    create_account,
    disable_account,
    enable_account,
    find_account,
    list_accounts,
    set_password,
    set_person,
)
from gateway.commands._central import factors_of, in_central, require_init
from gateway.commands._logged import logged_in_central
from gateway.commands._options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    console,
    print_json,
    print_list,
)
from gateway.config import load_config
from gateway.units import Unit, find_units
from regions.blind_index import BlindIndexer, normal_id_number
from regions.errors import InvalidInput, NotFound
from regions.keys import load_keys
from regions.sealing import Sealer
from regions.seeding import cdc_units
from resolvers.central import COUNTRY
from resolvers.sessions import revoke_sessions
from resolvers.users import BUSINESS_ROLES, Role
from resolvers.users.accounts import renew, standing_of
from resolvers.users.persons import unknown_administrators
from resolvers.users.staff import is_id_number

__all__ = ["PASSWORD_VARIABLE", "app"]

app = typer.Typer(help="Add, list and disable accounts.", no_args_is_help=True)

PASSWORD_VARIABLE = "EPIGATE_ACCOUNT_PASSWORD"
ID_NUMBER_VARIABLE = "EPIGATE_ACCOUNT_ID_NUMBER"

_UNIT = re.compile(r"(cdc|hospital|site|centre)-([0-9]{6})(-[0-9]+)?")
_LEVELS = {"hospital": "HOSPITAL", "site": "ISOLATION_SITE", "centre": "HEALTH_CENTRE"}
_COLUMNS = {"account": 0, "role": 13, "code": 0, "unit": 6, "name": 6, "state": 0}

_Login = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Login name.")]


@app.command()
def add(
    account: _Login,
    name: Annotated[str, typer.Option(help="Name of its holder: real names only.")],
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(role.value for role in Role)}.")],
    unit: Annotated[
        str,
        typer.Option(
            help="Id of the unit, such as cdc-320102 or hospital-320102-1; `epigate units list` "
            "shows them."
        ),
    ],
    unit_name: Annotated[
        str | None,
        typer.Option(help="Name of the unit, where no store knows it: it is then taken as stated."),
    ] = None,
    unit_level: Annotated[
        str | None,
        typer.Option(
            help=f"With --unit-name, where the id does not tell: {', '.join(UNIT_LEVELS)}."
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(help="With --unit-name, where the id does not tell: code of its place."),
    ] = None,
    department: Annotated[str | None, typer.Option(help="Department of its holder.")] = None,
    head: Annotated[bool, typer.Option("--head", help="Its holder heads the department.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an account; its password comes from EPIGATE_ACCOUNT_PASSWORD, a pipe or a prompt.

    So does its ID number, from EPIGATE_ACCOUNT_ID_NUMBER or the second line: administrators
    and auditors need one, since they must be different people. A business administrator is put on
    file with it.

    What it may open follows from its role and its unit: the code of the unit and all below it.
    The unit is looked up in the stores of the regions.
    """
    wanted = _role(role)
    found = _stated(unit, unit_name, unit_level, code)
    if found is None:
        found = _found(config, unit)
    made = Account(
        account=account,
        name=name,
        role=wanted,
        unit_id=unit,
        unit_name=found.name_zh,
        unit_level=found.level,
        code=found.code,
        department=department,
        head=head,
    )
    password = _password()
    number = _id_number(wanted)
    told = {"account": account, "role": wanted.name, "unit": unit, "code": found.code}
    operation = "accounts add"
    if number is None:
        logged_in_central(config, operation, told, create_account, made, password)
    else:
        keys = load_keys(load_config(config).keys)
        sealer = Sealer(keys.sealing, COUNTRY)
        items = {"id_number": number}
        logged_in_central(
            config,
            operation,
            told,
            create_account,
            replace(made, person_index=BlindIndexer(keys.staff_index).id_number(number)),
            password,
            lambda own: sealer.seal("accounts", own, items),
        )
    console().print(
        f"added {account}: {made.role.value} of {made.unit_name} ({made.code})", soft_wrap=True
    )


@app.command("list")
def list_all(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every account, by login name, and what it is now: only an active one may sign in."""
    found, standings = in_central(config, _standings)
    if as_json:
        print_json(_told(one, standings[one.account]) for one in found)
        return
    print_list(
        _COLUMNS,
        (
            (
                one.account,
                one.role.value,
                one.code,
                one.unit_name,
                one.name,
                standings[one.account].lower(),
            )
            for one in found
        ),
    )


@app.command()
def disable(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Refuse an account from now on, and end its sessions.

    Accounts are never deleted: the access log names them.
    """
    logged_in_central(config, "accounts disable", {"account": account}, disable_account, account)
    console().print(f"disabled {account}")


@app.command()
def enable(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a disabled account sign in again."""
    logged_in_central(config, "accounts enable", {"account": account}, enable_account, account)
    console().print(f"enabled {account}")


@app.command()
def password(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give an account another password, and end its sessions.

    It comes from EPIGATE_ACCOUNT_PASSWORD, a pipe or a prompt, never from the command line.
    """
    told = {"account": account}
    logged_in_central(config, "accounts password", told, set_password, account, _password())
    console().print(f"the password of {account} is changed")


@app.command("reset-factors")
def reset_factors(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Take every second factor of an account away, and end its sessions.

    For who lost the telephone and the recovery codes. Where the account needs a second factor, its
    next sign-in may do nothing but enrol a new one: make sure of the person first.
    """
    factors = factors_of(config)

    def work(connection: Connection) -> None:
        if find_account(connection, account) is None:
            raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
        factors.reset(connection, account, time.time())
        revoke_sessions(connection, account)

    logged_in_central(config, "accounts reset-factors", {"account": account}, work)
    console().print(f"the second factors of {account} are gone, and its sessions ended")


def _standings(connection: Connection) -> tuple[list[Account], dict[str, str]]:
    found = list_accounts(connection)
    return found, {one.account: standing_of(connection, one).name for one in found}


def _told(account: Account, standing: str) -> dict[str, object]:
    told = {**asdict(account), "role": account.role.name, "state": account.state.name}
    told["standing"] = standing
    del told["person_index"]
    return told


@app.command("renew")
def renew_account(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Renew an account for a year, where nobody else can: the first administrators, say.

    Of an administrator's account its holder must be on record: `epigate accounts person`.
    """

    def work(connection: Connection) -> str:
        if account in unknown_administrators(connection):
            raise InvalidInput(
                f"nobody knows who holds {account}",
                hint=f"`epigate accounts person {account}` puts the ID number on record first",
            )
        return renew(connection, account, COMMAND_LINE)

    until = logged_in_central(
        config, "accounts renew", lambda until: {"account": account, "until": until}, work
    )
    console().print(f"renewed {account}: good until {until}", soft_wrap=True)


@app.command()
def person(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Put on record who holds an account made before ID numbers were asked for.

    The number comes from EPIGATE_ACCOUNT_ID_NUMBER, a pipe or a prompt, never from the command
    line. Administrators who must be different people are told apart by it.
    """
    number = _id_number(Role.AUDITOR)
    if number is None:
        raise InvalidInput("no ID number is given")
    keys = load_keys(load_config(config).keys)
    sealer, index = Sealer(keys.sealing, COUNTRY), BlindIndexer(keys.staff_index).id_number(number)
    items = {"id_number": number}
    logged_in_central(
        config,
        "accounts person",
        {"account": account},
        set_person,
        account,
        index or "",
        lambda own: sealer.seal("accounts", own, items),
    )
    console().print(f"the holder of {account} is on record")


def _password() -> str:
    """From the environment, a pipe or a prompt; never an argument, which every process can see."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _id_number(role: Role) -> str | None:
    """The holder's, from the environment, a pipe's second line or a prompt. Raises InvalidInput."""
    given = os.environ.get(ID_NUMBER_VARIABLE)
    if given is None:
        if role in BUSINESS_ROLES:  # nobody is asked for what nothing needs
            return None
        if sys.stdin.isatty():
            given = str(typer.prompt("ID number of its holder"))
        else:
            given = sys.stdin.readline()
    number = normal_id_number(given)
    if not number:
        return None
    if not is_id_number(number):
        raise InvalidInput(
            "this is no resident's ID number", hint="18 digits (or X last) with their checksum"
        )
    return number


def _role(text: str) -> Role:
    wanted = text.strip().lower().replace("_", " ").replace("-", " ")
    try:
        return Role(wanted)
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise InvalidInput(f"{text!r} is no role", hint=f"one of {known}") from None


def _stated(unit: str, name: str | None, level: str | None, code: str | None) -> Unit | None:
    """The unit as the command line states it; what it does not say is read from the id."""
    if name is None:
        if level is not None or code is not None:
            raise InvalidInput(
                "--unit-level and --code state a unit that no store knows",
                hint="give its --unit-name too",
            )
        return None
    parts = _UNIT.fullmatch(unit)
    level = level or (_LEVELS.get(parts[1]) if parts else None)
    code = code or (parts[2] if parts else None)
    if level is None or code is None:
        missing = " and ".join(
            text for text, value in (("--unit-level", level), ("--code", code)) if value is None
        )
        raise InvalidInput(f"the id {unit} does not tell everything", hint=f"give {missing} too")
    return Unit(unit, code, level.upper(), name, "")


def _found(config: Path, unit: str) -> Unit:
    """The unit as reference data or a region's store know it."""
    loaded = load_config(config)
    for region in loaded.regions:
        for row in cdc_units(region):
            if row["id"] == unit:
                return Unit(unit, row["code"], row["level"], row["name_zh"], row["name_en"])
    require_init(loaded)
    found = asyncio.run(find_units(loaded, unit=unit))
    if found.units:
        return found.units[0]
    away = f" ({', '.join(found.away)} gave no answer)" if found.away else ""
    parts = _UNIT.fullmatch(unit)
    raise InvalidInput(
        f"{unit!r} is no unit of the configured regions{away}",
        hint=f"`epigate units list{f' --code {parts[2]}' if parts else ''}` shows those there are; "
        "state a new one with --unit-name"
        + ("" if parts and parts[1] in _LEVELS else ", --unit-level and --code"),
    )

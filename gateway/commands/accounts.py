"""`epigate accounts`: who may sign in."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway.accounts import (
    Account,
    create_account,
    disable_account,
    enable_account,
    list_accounts,
    set_password,
)
from gateway.commands._central import in_central
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.config import load_config
from regions.errors import InvalidInput
from regions.seeding import cdc_units
from resolvers.users import Role

__all__ = ["app"]

app = typer.Typer(help="Add, list and disable accounts.", no_args_is_help=True)

PASSWORD_VARIABLE = "EPIGATE_ACCOUNT_PASSWORD"

_UNIT = re.compile(r"(cdc|hospital|site|centre)-([0-9]{6})(-[0-9]+)?")
_LEVELS = {"hospital": "HOSPITAL", "site": "ISOLATION_SITE", "centre": "HEALTH_CENTRE"}

_Login = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Login name.")]


@app.command()
def add(
    account: _Login,
    name: Annotated[str, typer.Option(help="Name of its holder: real names only.")],
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(role.value for role in Role)}.")],
    unit: Annotated[str, typer.Option(help="Id of the unit, such as cdc-320102.")],
    unit_name: Annotated[
        str | None, typer.Option(help="Name of the unit; known for every CDC of the regions.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an account; its password comes from EPIGATE_ACCOUNT_PASSWORD, a pipe or a prompt."""
    code, level, known_name = _unit(config, unit)
    made = Account(
        account=account,
        name=name,
        role=_role(role),
        unit_id=unit,
        unit_name=unit_name or known_name,
        unit_level=level,
        code=code,
    )
    in_central(config, create_account, made, _password())
    console().print(f"added {account}: {made.role.value} of {made.unit_name} ({code})")


@app.command("list")
def list_all(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every account."""
    table = Table("account", "name", "role", "unit", "level", "code", "created", "state")
    for account in in_central(config, list_accounts):
        table.add_row(
            account.account,
            account.name,
            account.role.value,
            account.unit_name,
            account.unit_level,
            account.code,
            account.created_at,
            "disabled" if account.disabled else "active",
        )
    console().print(table)


@app.command()
def disable(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Refuse an account from now on, and end its sessions."""
    in_central(config, disable_account, account)
    console().print(f"disabled {account}")


@app.command()
def enable(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a disabled account sign in again."""
    in_central(config, enable_account, account)
    console().print(f"enabled {account}")


@app.command()
def password(account: _Login, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give an account another password, and end its sessions."""
    in_central(config, set_password, account, _password())
    console().print(f"the password of {account} is changed")


def _password() -> str:
    """From the environment, a pipe or a prompt; never an argument, which every process can see."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _role(text: str) -> Role:
    wanted = text.strip().lower().replace("_", " ").replace("-", " ")
    try:
        return Role(wanted)
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise InvalidInput(f"{text!r} is no role", hint=f"one of {known}") from None


def _unit(config: Path, unit: str) -> tuple[str, str, str]:
    """Code, level and, of a CDC of the configured regions, name."""
    parts = _UNIT.fullmatch(unit)
    if parts is None:
        raise InvalidInput(
            f"{unit!r} is no id of a unit", hint="such as cdc-320102 or hospital-320102-1"
        )
    kind, code = parts[1], parts[2]
    if kind != "cdc":
        return code, _LEVELS[kind], ""
    for region in load_config(config).regions:
        for row in cdc_units(region):
            if row["id"] == unit:
                return code, row["level"], row["name_zh"]
    raise InvalidInput(f"{unit} is no CDC of the configured regions or above them")

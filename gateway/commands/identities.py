"""`epigate identities`: who of another provider (OpenID Connect) opens which account."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands._central import in_central
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
from gateway.identities import add_identity, list_identities, remove_identity
from regions.errors import InvalidInput

__all__ = ["app"]

app = typer.Typer(help="Say who of another provider opens which account.", no_args_is_help=True)

_COLUMNS = {"account": 0, "subject": 12, "issuer": 16}

_Subject = Annotated[str, typer.Option(help="Who it is there: the `sub` of the provider.")]
_Issuer = Annotated[
    str | None,
    typer.Option(help="The provider; by default the one of the configuration.", metavar="URL"),
]


@app.command()
def add(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Login name.")],
    subject: _Subject,
    issuer: _Issuer = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let somebody of another provider open an account."""
    where = _issuer(config, issuer)
    told = {"account": account, "issuer": where, "subject": subject}
    logged_in_central(config, "identities add", told, add_identity, where, subject, account)
    console().print(f"{subject} of {where} opens {account}", soft_wrap=True, markup=False)


@app.command("list")
def list_all(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List who opens which account, by account."""
    found = in_central(config, list_identities)
    if as_json:
        print_json(asdict(one) for one in found)
        return
    print_list(_COLUMNS, ((one.account, one.subject, one.issuer) for one in found))


@app.command()
def remove(
    subject: _Subject, issuer: _Issuer = None, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take somebody off the record, and end the sessions of the account."""
    where = _issuer(config, issuer)
    told = {"issuer": where, "subject": subject}
    logged_in_central(config, "identities remove", told, remove_identity, where, subject)
    console().print(f"{subject} of {where} opens nothing", soft_wrap=True, markup=False)


def _issuer(config: Path, given: str | None) -> str:
    issuer = given or load_config(config).oidc_issuer
    if not issuer:
        raise InvalidInput(
            "the configuration names no provider", hint="set [oidc] issuer, or give --issuer"
        )
    return issuer

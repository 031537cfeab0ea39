"""`epigate clients`: machine clients of regional systems, their keys and what they may do."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.clients import add_client, list_clients, set_disabled, set_keys, set_scope
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
from regions.errors import InvalidInput
from resolvers.actions import ACTIONS

__all__ = ["app"]

app = typer.Typer(help="Add, list and change machine clients.", no_args_is_help=True)

_COLUMNS = {"client": 0, "regions": 7, "actions": 10, "keys": 8, "state": 0}

_Account = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="Login name of the account: the client's id.")
]
_Keys = Annotated[
    Path, typer.Option("--jwks", metavar="FILE", help="Its public keys, a JWKS of 1 to 5.")
]
_Regions = Annotated[
    str, typer.Option(help="Where it may act: codes of six digits with commas, such as 320100.")
]
_Actions = Annotated[str, typer.Option(help=f"What it may do: any of {', '.join(ACTIONS)}.")]


@app.command()
def add(
    account: _Account,
    jwks: _Keys,
    regions: _Regions,
    actions: _Actions,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let the account of a regional system get tokens by its key (`POST /token`)."""
    scope = {"regions": regions.split(","), "actions": actions.split(",")}
    logged_in_central(
        config,
        "clients add",
        {"account": account, **scope},
        add_client,
        account,
        jwks=_read(jwks),
        **scope,
    )
    console().print(f"added the client {account}")


@app.command("list")
def list_all(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every client, by its id."""
    found = in_central(config, list_clients)
    if as_json:
        print_json({**asdict(one), "keys": one.key_ids} for one in found)
        return
    print_list(
        _COLUMNS,
        (
            (
                one.account,
                " ".join(one.regions),
                " ".join(one.actions),
                " ".join(one.key_ids),
                "disabled" if one.disabled else "active",
            )
            for one in found
        ),
    )


@app.command()
def keys(account: _Account, jwks: _Keys, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Put other keys in place of a client's, and end its tokens.

    To change a key without a gap, give both first, and the new one alone once the client uses it.
    """
    logged_in_central(config, "clients keys", {"account": account}, set_keys, account, _read(jwks))
    console().print(f"the keys of {account} are changed")


@app.command()
def scope(
    account: _Account,
    regions: _Regions,
    actions: _Actions,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change where a client may act and what it may do, and end its tokens."""
    scope = {"regions": regions.split(","), "actions": actions.split(",")}
    told = {"account": account, **scope}
    logged_in_central(config, "clients scope", told, set_scope, account, **scope)
    console().print(f"the scope of {account} is changed")


@app.command()
def disable(account: _Account, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Refuse a client from now on, and end its tokens."""
    logged_in_central(config, "clients disable", {"account": account}, set_disabled, account, True)
    console().print(f"disabled the client {account}")


@app.command()
def enable(account: _Account, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a disabled client in again."""
    logged_in_central(config, "clients enable", {"account": account}, set_disabled, account, False)
    console().print(f"enabled the client {account}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InvalidInput(f"{path} cannot be read: {reason}") from None

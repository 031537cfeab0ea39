"""`epigate grants`: rights to see private items in clear."""

from __future__ import annotations

from dataclasses import asdict
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
from gateway.grants import ITEMS, RECORD_TYPES, GrantRow, add_grant, list_grants, revoke_grant
from regions.instants import now

__all__ = ["app"]

app = typer.Typer(
    help="Give, list and revoke rights to see private items in clear.", no_args_is_help=True
)

_Account = Annotated[
    str | None, typer.Option(help="Only those of this login name.", metavar="ACCOUNT")
]
_COLUMNS = {"grant": 0, "account": 0, "code": 0, "what": 10, "until": 20}


@app.command()
def add(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Login name of whoever gets the right.")
    ],
    items: Annotated[str, typer.Option(help=f"With commas: {', '.join(ITEMS)}; or ALL.")],
    records: Annotated[str, typer.Option(help=f"With commas: {', '.join(RECORD_TYPES)}; or ALL.")],
    code: Annotated[
        str,
        typer.Option(help="Where: a code of six digits, itself and all below it, such as 320102."),
    ],
    purpose: Annotated[str, typer.Option(help="What for, and the number of the signed form.")],
    until: Annotated[
        str, typer.Option(help="Day or instant (UTC) at which it ends; within 366 days.")
    ],
    since: Annotated[
        str | None, typer.Option(help="Day or instant at which it begins; at once if left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a right; it holds from the next request on.

    It shows the chosen items of records that the account may open anyway: a code outside the
    account's jurisdiction is refused. Prints the id by which the right is revoked.
    """
    told = {"account": account, "items": items, "recordTypes": records, "code": code}
    told["until"] = until
    grant_id = logged_in_central(
        config,
        "grants add",
        lambda grant: told | {"id": grant},
        add_grant,
        account,
        record_types=_names(records, RECORD_TYPES),
        items=_names(items, ITEMS),
        code=code,
        purpose=purpose,
        starts_at=since,
        ends_at=until,
    )
    console().print(f"granted: {grant_id}")


@app.command("list")
def list_all(
    account: _Account = None, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """List rights, those that have ended included, the newest first."""
    found = in_central(config, list_grants, account)
    if as_json:
        print_json({**asdict(grant), "state": _state(grant)} for grant in found)
        return
    print_list(
        _COLUMNS,
        ((one.id, one.account, one.code, _what(one), _until(one)) for one in found),
    )


@app.command()
def revoke(
    grant: Annotated[
        str, typer.Argument(metavar="GRANT", help="Id of the right, as `grants list` shows it.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """End a right at once."""
    logged_in_central(config, "grants revoke", {"grant": grant}, revoke_grant, grant)
    console().print(f"revoked: {grant}")


def _names(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if text.strip().upper() == "ALL":
        return known
    return tuple(name for name in text.split(",") if name.strip())


def _what(grant: GrantRow) -> str:
    records, items = _text(grant.record_types, RECORD_TYPES), _text(grant.items, ITEMS)
    return f"{items} of {records}: {grant.purpose}"


def _text(names: tuple[str, ...], known: tuple[str, ...]) -> str:
    return "ALL" if set(names) >= set(known) else " ".join(names)


def _until(grant: GrantRow) -> str:
    """When it ends, and how it stands; when it begins, where that is still to come."""
    state = _state(grant)
    begins = f" from {_short(grant.starts_at)}" if state == "to come" else ""
    return f"{_short(grant.ends_at)} {state}{begins}"


def _short(instant: str) -> str:
    """A first second of a day as that day."""
    return instant.removesuffix("T00:00:00Z")


def _state(grant: GrantRow) -> str:
    if grant.revoked:
        return "revoked"
    at = now()
    if at < grant.starts_at:
        return "to come"
    return "in force" if at < grant.ends_at else "ended"

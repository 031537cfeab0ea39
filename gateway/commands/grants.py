"""`epigate grants`: rights to see private items in clear."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from gateway.commands._central import in_central
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.grants import ITEMS, RECORD_TYPES, GrantRow, add_grant, list_grants, revoke_grant
from regions.instants import now

__all__ = ["app"]

app = typer.Typer(
    help="Give, list and revoke rights to see private items in clear.", no_args_is_help=True
)

_Account = Annotated[str | None, typer.Option(help="Only those of this account.")]


@app.command()
def add(
    account: Annotated[str, typer.Argument(help="Login name.")],
    items: Annotated[str, typer.Option(help=f"With commas: {', '.join(ITEMS)}; or ALL.")],
    records: Annotated[str, typer.Option(help=f"With commas: {', '.join(RECORD_TYPES)}; or ALL.")],
    code: Annotated[str, typer.Option(help="Where: a code of six digits and all below it.")],
    purpose: Annotated[str, typer.Option(help="What for.")],
    until: Annotated[str, typer.Option(help="Day or instant (UTC) at which it ends.")],
    since: Annotated[
        str | None, typer.Option(help="Day or instant at which it begins; at once if left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a right; it holds from the next request on."""
    grant_id = in_central(
        config,
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
def list_all(account: _Account = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List rights, those that have ended included."""
    table = Table("id", "account", "records", "items", "code", "from", "to", "purpose", "state")
    for grant in in_central(config, list_grants, account):
        table.add_row(
            grant.id,
            grant.account,
            _text(grant.record_types, RECORD_TYPES),
            _text(grant.items, ITEMS),
            grant.code,
            grant.starts_at,
            grant.ends_at,
            grant.purpose,
            _state(grant),
        )
    console().print(table)


@app.command()
def revoke(
    grant: Annotated[str, typer.Argument(help="Id of the grant.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """End a right at once."""
    in_central(config, revoke_grant, grant)
    console().print(f"revoked: {grant}")


def _names(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if text.strip().upper() == "ALL":
        return known
    return tuple(name for name in text.split(",") if name.strip())


def _text(names: tuple[str, ...], known: tuple[str, ...]) -> str:
    return "ALL" if set(names) >= set(known) else " ".join(names)


def _state(grant: GrantRow) -> str:
    if grant.revoked:
        return "revoked"
    at = now()
    if at < grant.starts_at:
        return "to come"
    return "in force" if at < grant.ends_at else "ended"

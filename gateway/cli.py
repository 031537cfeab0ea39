"""The command line: `epigate COMMAND`. A named failure is two lines, never a traceback.

Exit codes: 0 done, 1 failed, 2 a mistake in the command line or the configuration, 3 (of `audit
verify`) a part of the log that holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.text import Text

from gateway.commands.access_log import app as access_log_app
from gateway.commands.accounts import app as accounts_app
from gateway.commands.ask import ask
from gateway.commands.assist import app as assist_app
from gateway.commands.audit import app as audit_app
from gateway.commands.clients import app as clients_app
from gateway.commands.config import app as config_app
from gateway.commands.counts import app as counts_app
from gateway.commands.custody import app as custody_app
from gateway.commands.demo import demo
from gateway.commands.detect import detect
from gateway.commands.enrol import enrol
from gateway.commands.exports import app as exports_app
from gateway.commands.grants import app as grants_app
from gateway.commands.identities import app as identities_app
from gateway.commands.init import init
from gateway.commands.keys import app as keys_app
from gateway.commands.load import load
from gateway.commands.migrate import migrate
from gateway.commands.report import app as report_app
from gateway.commands.serve import serve
from gateway.commands.units import app as units_app
from gateway.commands.witness import witness
from regions.errors import ConfigError, EpigateError

__all__ = ["app", "main"]

app = typer.Typer(
    name="epigate",
    help="One GraphQL question over every region's epidemic database. To try it: `epigate demo`. "
    "For data of your own: `epigate config new`, then `init`, `load`, `accounts add`, `serve`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(access_log_app, name="access-log")
app.add_typer(accounts_app, name="accounts")
app.add_typer(clients_app, name="clients")
app.add_typer(assist_app, name="assist")
app.add_typer(audit_app, name="audit")
app.add_typer(config_app, name="config")
app.add_typer(counts_app, name="counts")
app.add_typer(custody_app, name="custody")
app.add_typer(exports_app, name="exports")
app.add_typer(grants_app, name="grants")
app.add_typer(keys_app, name="keys")
app.add_typer(identities_app, name="identities")
app.add_typer(report_app, name="report")
app.add_typer(units_app, name="units")
app.command()(ask)
app.command()(demo)
app.command()(detect)
app.command()(enrol)
app.command()(init)
app.command()(load)
app.command()(migrate)
app.command()(serve)
app.command()(witness)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    try:
        app(None if arguments is None else list(arguments), prog_name="epigate")
    except EpigateError as error:
        raise SystemExit(_tell(error)) from None


def _tell(error: EpigateError) -> int:
    """Prints what failed and how to mend it; returns the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    in_config = isinstance(error, ConfigError)
    message = str(error) if in_config else f"{error.message} [{error.code}]"
    console.print(Text.assemble(("epigate: ", "bold red"), message))
    if error.hint and error.hint not in message:
        console.print(Text(f"  {error.hint}"))
    return 2 if in_config else 1

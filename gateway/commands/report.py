"""`epigate report`: a report as a file, of a gateway that is served (E12)."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands._client import address_of_gateway, fetch, known, session
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from regions.errors import InvalidInput
from regions.instants import now
from regions.zones import CHINA, zone_of

__all__ = ["app"]

_PATH = "/signal-reports/"  # of `gateway.signal_reports`, which has the fonts loaded

app = typer.Typer(help="Fetch reports of a served gateway.", no_args_is_help=True)


class _Period(Enum):
    """The time that a report is of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@app.callback()
def _group() -> None:
    """Fetch reports of a served gateway."""


@app.command()
def signals(
    area: Annotated[
        str, typer.Option(help="The area: six digits, 000000 the country.", metavar="CODE")
    ],
    to: Annotated[Path, typer.Option(help="Where to write it: a name ending in .pdf or .html.")],
    period: Annotated[_Period, typer.Option(help="Of which length.")] = _Period.WEEK,
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="DAY", help="A day within it; today unless given."),
    ] = None,
    english: Annotated[bool, typer.Option("--english", help="In English, not Chinese.")] = False,
    account: Annotated[
        str, typer.Option(help="Login name of whoever asks.", metavar="NAME")
    ] = "national",
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway's address; by default the one the configuration serves at.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write how the signals of an area fared: sign in, fetch the report, sign out.

    Password and code come as those of `epigate ask`. A file that is there is left alone.
    """
    ending = to.suffix.lower()
    if ending not in (".pdf", ".html"):
        raise InvalidInput("--to takes a name ending in .pdf or .html", argument="--to")
    if to.exists():
        raise InvalidInput(f"{to} is there already", argument="--to", hint="name another file")
    language = ".en" if english else ""
    name = f"{area}/{period.value}/{day or zone_of(CHINA).day(now())}{language}{ending}"
    gateway, passwords = address_of_gateway(config, url)
    with session(gateway, known(account, passwords)) as signed_in:
        body = fetch(f"{gateway}{_PATH}{name}", str(signed_in["token"]))
    try:
        with to.open("xb") as opened:
            opened.write(body)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"{to} cannot be written: {reason}", argument="--to") from None
    console().print(f"{to} written", soft_wrap=True, highlight=False)

"""`epigate password`: another password of one's own, by a served gateway, as any client does it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from gateway.commands._client import (
    address_of_gateway,
    in_demo,
    keep_in_demo,
    known,
    post,
    said,
    session,
)
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from regions.errors import InvalidInput

__all__ = ["NEW_PASSWORD_VARIABLE", "password"]

NEW_PASSWORD_VARIABLE = "EPIGATE_NEW_PASSWORD"


def password(
    account: Annotated[str, typer.Option(help="Login name of whose it is.", metavar="NAME")],
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway's address; by default the one the configuration serves at.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change your own password: sign in with the one there is, and choose another.

    The one there is comes from EPIGATE_ACCOUNT_PASSWORD or a prompt, the new one from
    EPIGATE_NEW_PASSWORD or a prompt. Of a demo's account the new one goes into its file.
    """
    gateway, file = address_of_gateway(config, url)
    who = known(account, file)
    new = _new()
    with session(gateway, who) as signed_in:
        body = {"password": who.password, "newPassword": new}
        said(post(f"{gateway}/sign-in/password", body, str(signed_in["token"])))
    if file is not None and in_demo(file, account):
        keep_in_demo(file, account, "password", new)
    console().print(f"the password of {account} is changed")


def _new() -> str:
    """From the environment or a prompt; never an argument. Raises InvalidInput."""
    given = os.environ.get(NEW_PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise InvalidInput(
            "no new password is given",
            hint=f"put it into {NEW_PASSWORD_VARIABLE}, or ask at a terminal",
        )
    prompt = "New password"
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))

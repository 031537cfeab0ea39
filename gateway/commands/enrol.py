"""`epigate enrol`: the second factor of an account, by a served gateway, as any client does it."""

from __future__ import annotations

import os
import time
from typing import Annotated

import pyotp
import typer

from gateway.commands._client import (
    CODE_VARIABLE,
    address_of_gateway,
    in_demo,
    keep_in_demo,
    known,
    post,
    said,
    session,
)
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.sign_in.totp import STEP_SECONDS

__all__ = ["enrol"]


def enrol(
    account: Annotated[
        str, typer.Option(help="Login name of whose second factor it is.", metavar="NAME")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway's address; by default the one the configuration serves at.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give an account a second factor: codes of an authenticator app (TOTP), and recovery codes.

    Prints the secret for the app, asks for the code it shows, and prints ten recovery codes, once.
    Of a demo's account the secret goes into its file beside the password, and `epigate ask` makes
    the codes.
    """
    gateway, file = address_of_gateway(config, url)
    who = known(account, file)
    with session(gateway, who) as signed_in:
        token = str(signed_in["token"])
        begun = said(post(f"{gateway}/sign-in/totp", {}, token))
        secret, uri = str(begun["secret"]), str(begun["uri"])
        demo = file is not None and in_demo(file, account)
        out = console()
        if demo:
            code = pyotp.TOTP(secret).generate_otp(int(time.time()) // STEP_SECONDS)
        else:
            out.print(f"secret {secret}\n{uri}", soft_wrap=True, markup=False)
            code = os.environ.get(CODE_VARIABLE) or typer.prompt("Code the app shows", err=True)
        confirmed = said(post(f"{gateway}/sign-in/totp", {"code": str(code)}, token))
        if demo and file is not None:
            keep_in_demo(file, account, "totpSecret", secret)
            out.print(f"the secret stands in {file}", soft_wrap=True, markup=False)
        out.print(f"{account} has a second factor")
        codes = confirmed["recoveryCodes"]
        if codes:
            out.print("recovery codes, each good once, shown only now:")
            for one in codes:
                out.print(f"  {one}")

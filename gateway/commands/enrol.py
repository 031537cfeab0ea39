"""`epigate enrol`: the second factor of an account, by a served gateway, as any client does it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import pyotp
import typer

from gateway.commands._client import (
    CODE_VARIABLE,
    address_of_gateway,
    known,
    post,
    session,
)
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.sign_in.totp import STEP_SECONDS
from regions.errors import SignInFailed

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
        begun = _said(post(f"{gateway}/sign-in/totp", {}, token))
        secret, uri = str(begun["secret"]), str(begun["uri"])
        in_demo = file is not None and _in_demo(file, account)
        out = console()
        if in_demo:
            code = pyotp.TOTP(secret).generate_otp(int(time.time()) // STEP_SECONDS)
        else:
            out.print(f"secret {secret}\n{uri}", soft_wrap=True, markup=False)
            code = os.environ.get(CODE_VARIABLE) or typer.prompt("Code the app shows", err=True)
        confirmed = _said(post(f"{gateway}/sign-in/totp", {"code": str(code)}, token))
        if in_demo and file is not None:
            _keep(file, account, secret)
            out.print(f"the secret stands in {file}", soft_wrap=True, markup=False)
        out.print(f"{account} has a second factor")
        codes = confirmed["recoveryCodes"]
        if codes:
            out.print("recovery codes, each good once, shown only now:")
            for one in codes:
                out.print(f"  {one}")


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, or its failure as ours."""
    failed = answer.get("error")
    if isinstance(failed, dict):
        error = SignInFailed(str(failed.get("message")), hint=str(failed.get("hint", "")))
        error.code = str(failed.get("code", error.code))
        raise error
    return answer


def _in_demo(file: Path, account: str) -> bool:
    try:
        return any(one["account"] == account for one in json.loads(file.read_text("utf-8")))
    except (OSError, ValueError):
        return False


def _keep(file: Path, account: str, secret: str) -> None:
    """Writes the secret of a demo's account beside its password, whole or not at all."""
    accounts = json.loads(file.read_text("utf-8"))
    for one in accounts:
        if one["account"] == account:
            one["totpSecret"] = secret
    beside = file.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        json.dump(accounts, written, ensure_ascii=False, indent=2)
        written.write("\n")
        written.flush()
        os.fsync(written.fileno())
    beside.replace(file)

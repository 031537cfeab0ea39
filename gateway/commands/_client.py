"""What commands that speak to a served gateway share: its address, passwords, codes, sessions."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import typer

from gateway.commands._options import DEFAULT_CONFIG
from gateway.commands.accounts import PASSWORD_VARIABLE
from gateway.config import ConfigMissing, load_config
from gateway.sign_in.totp import STEP_SECONDS
from regions.errors import InvalidInput, ServeError, SignInFailed
from resolvers.demo.folder import ACCOUNTS_FILE

__all__ = [
    "CODE_VARIABLE",
    "Known",
    "address_of_gateway",
    "codes",
    "fetch",
    "gateway_url",
    "in_demo",
    "keep_in_demo",
    "known",
    "post",
    "said",
    "session",
]

CODE_VARIABLE = "EPIGATE_ACCOUNT_CODE"

_SECONDS = 120.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Known:
    """What proves an account: its password, and of a demo's account the secret of its codes."""

    account: str
    password: str
    totp_secret: str | None


def gateway_url(host: str, port: int) -> str:
    """The address by which a gateway on this machine is asked."""
    host = _EVERY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def address_of_gateway(config: Path, url: str | None) -> tuple[str, Path | None]:
    """Where to ask, and the file that may know the password; a given address needs no file."""
    try:
        loaded = load_config(config)
    except ConfigMissing:
        if url is None or config != DEFAULT_CONFIG:
            raise
        return url.rstrip("/"), None
    return (url or gateway_url(loaded.host, loaded.port)).rstrip("/"), loaded.data / ACCOUNTS_FILE


def known(account: str, file: Path | None) -> Known:
    """The password from the environment, a demo's file or a prompt. Raises InvalidInput."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return Known(account, given, None)
    if file is not None:
        with suppress(OSError, ValueError):
            for one in json.loads(file.read_text("utf-8")):
                if one["account"] == account:
                    return Known(account, str(one["password"]), one.get("totpSecret"))
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"no password of {account} is known",
            hint=f"put it into {PASSWORD_VARIABLE}, or ask at a terminal",
        )
    password = str(typer.prompt(f"Password of {account}", hide_input=True, err=True))
    return Known(account, password, None)


@contextmanager
def session(gateway: str, who: Known) -> Iterator[dict[str, Any]]:
    """What the gateway says of a session that is good until the end. Raises SignInFailed.

    A code comes from EPIGATE_ACCOUNT_CODE, of a demo's account from its secret, or else, once the
    password alone was refused, from a prompt.
    """
    body = {"account": who.account, "password": who.password}
    answer: dict[str, Any] = {}
    for code in codes(who):
        answer = post(f"{gateway}/sign-in", body | ({"code": code} if code else {}))
        if answer.get("error", {}).get("code") != SignInFailed.code:
            break
    token = answer.get("token")
    if not isinstance(token, str):
        said = answer.get("error", {})
        error = SignInFailed(
            str(said.get("message", "the gateway refused the sign-in")),
            hint=str(said.get("hint", "`epigate accounts list` shows who may sign in")),
        )
        error.code = str(said.get("code", error.code))
        raise error
    try:
        yield answer
    finally:
        post(f"{gateway}/sign-out", {}, token)


def post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    """The JSON object that an address answers, whatever the status. Raises ServeError."""
    headers = {"content-type": "application/json"}
    _, text = _answer(url, token, json.dumps(body).encode(), headers)
    try:
        found = json.loads(text) if text else {}
    except ValueError as error:
        raise _no_gateway(url, error) from None
    return found if isinstance(found, dict) else {"data": None}


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, or its failure as ours."""
    failed = answer.get("error")
    if isinstance(failed, dict):
        error = SignInFailed(str(failed.get("message")), hint=str(failed.get("hint", "")))
        error.code = str(failed.get("code", error.code))
        raise error
    return answer


def in_demo(file: Path, account: str) -> bool:
    """Whether the file of a demo knows the account."""
    try:
        return any(one["account"] == account for one in json.loads(file.read_text("utf-8")))
    except (OSError, ValueError):
        return False


def keep_in_demo(file: Path, account: str, name: str, value: str) -> None:
    """Writes something of a demo's account into its file, whole or not at all."""
    accounts = json.loads(file.read_text("utf-8"))
    for one in accounts:
        if one["account"] == account:
            one[name] = value
    beside = file.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        json.dump(accounts, written, ensure_ascii=False, indent=2)
        written.write("\n")
        written.flush()
        os.fsync(written.fileno())
    beside.replace(file)


def fetch(url: str, token: str) -> bytes:
    """What an address gives, whole. Raises ServeError with the code of the gateway's own failure
    where it gives nothing.
    """
    status, body = _answer(url, token)
    if status == 200:
        return body
    try:
        said = json.loads(body)["error"]
        code, message, hint = str(said["code"]), str(said["message"]), str(said.get("hint", ""))
    except (ValueError, LookupError, TypeError) as error:
        raise _no_gateway(url, error) from None
    failed = ServeError(message, hint=hint)
    failed.code = code
    raise failed


def _answer(
    url: str, token: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body. Raises ServeError."""
    # No proxy: one of the office's would be asked for 127.0.0.1, and would see the token.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, body, dict(headers or {}))  # refuses what is no URL
        if token:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:  # it has a body that says why
            with refused:
                return refused.code, refused.read()
    except (OSError, ValueError) as error:
        raise _no_gateway(url, error) from None


def _no_gateway(url: str, error: Exception) -> ServeError:
    return ServeError(
        f"no gateway answers at {url}: {getattr(error, 'reason', error)}",
        hint="start it with `epigate serve` or `epigate demo`, or name its address by --url",
    )


def codes(who: Known) -> Iterator[str]:
    """Codes to try, one after the other; empty for none."""
    given = os.environ.get(CODE_VARIABLE)
    if given is not None:
        yield given
        return
    if who.totp_secret is not None:
        # Each code is good once: a second question in half a minute takes the one that comes next.
        made, step = pyotp.TOTP(who.totp_secret), int(time.time()) // STEP_SECONDS
        yield made.generate_otp(step)
        yield made.generate_otp(step + 1)
        time.sleep(STEP_SECONDS - time.time() % STEP_SECONDS + 0.2)
        yield made.generate_otp(int(time.time()) // STEP_SECONDS + 1)
        return
    yield ""
    if sys.stdin.isatty():
        yield str(typer.prompt(f"Code of {who.account}, if it has a second factor", err=True))

"""`epigate ask`: one question to a gateway that is served, as a client asks it."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands._options import DEFAULT_CONFIG, ConfigOption
from gateway.commands.accounts import PASSWORD_VARIABLE
from gateway.config import ConfigMissing, load_config
from regions.errors import InvalidInput, ServeError, SignInFailed
from resolvers.demo.folder import ACCOUNTS_FILE

__all__ = ["ask", "gateway_url"]

_SECONDS = 120.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ask(
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION",
            help="The question in GraphQL; from standard input where it is left out or -.",
            show_default=False,
        ),
    ] = "-",
    account: Annotated[
        str, typer.Option(help="Login name of whoever asks.", metavar="NAME")
    ] = "national",
    variables: Annotated[
        str, typer.Option(help="Variables of the question, a JSON object.", metavar="JSON")
    ] = "{}",
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway's address; by default the one the configuration serves at.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask a served gateway one question: sign in, ask, print the answer as JSON, sign out.

    The password comes from EPIGATE_ACCOUNT_PASSWORD, of a demo's account from its file in the data
    folder, or else from a prompt. The exit code is 1 where the answer has no data.
    """
    chosen = _variables(variables)
    gateway, passwords = _gateway(config, url)
    text = sys.stdin.read() if question == "-" else question
    with _session(gateway, account, _password(account, passwords)) as token:
        answer = _post(f"{gateway}/graphql", {"query": text, "variables": chosen}, token)
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    if answer.get("data") is None:
        raise typer.Exit(1)


def gateway_url(host: str, port: int) -> str:
    """The address by which a gateway on this machine is asked."""
    host = _EVERY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _gateway(config: Path, url: str | None) -> tuple[str, Path | None]:
    """Where to ask, and the file that may know the password; a given address needs no file."""
    try:
        loaded = load_config(config)
    except ConfigMissing:
        if url is None or config != DEFAULT_CONFIG:
            raise
        return url.rstrip("/"), None
    return (url or gateway_url(loaded.host, loaded.port)).rstrip("/"), loaded.data / ACCOUNTS_FILE


def _variables(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"--variables is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInput("--variables is no JSON object", hint="such as '{\"first\": 3}'")
    return found


def _password(account: str, passwords: Path | None) -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if passwords is not None:
        with suppress(OSError, ValueError):
            for one in json.loads(passwords.read_text("utf-8")):
                if one["account"] == account:
                    return str(one["password"])
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"no password of {account} is known",
            hint=f"put it into {PASSWORD_VARIABLE}, or ask at a terminal",
        )
    return str(typer.prompt(f"Password of {account}", hide_input=True, err=True))


@contextmanager
def _session(gateway: str, account: str, password: str) -> Iterator[str]:
    """A token that is good until the end. Raises SignInFailed with what the gateway says."""
    answer = _post(f"{gateway}/sign-in", {"account": account, "password": password})
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
        yield token
    finally:
        _post(f"{gateway}/sign-out", {}, token)


def _post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    """The JSON object that an address answers, whatever the status. Raises ServeError."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    # No proxy: one of the office's would be asked for 127.0.0.1, and would see the token.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as refused:  # it has a body that says why
            with refused:
                text = refused.read()
        found = json.loads(text) if text else {}
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ServeError(
            f"no gateway answers at {url}: {reason}",
            hint="start it with `epigate serve` or `epigate demo`, or name its address by --url",
        ) from None
    return found if isinstance(found, dict) else {"data": None}

"""`epigate ask`: one question to a gateway that is served, as a client asks it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands._client import address_of_gateway, gateway_url, known, post, session
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption
from regions.errors import InvalidInput, PasswordGiven, SecondFactorRequired

__all__ = ["ask", "gateway_url"]


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
        str,
        typer.Option(
            help="Variables of the question: a JSON object, or @ and a file with one.",
            metavar="JSON",
        ),
    ] = "{}",
    no_account: Annotated[
        bool,
        typer.Option(
            "--no-account", help="Ask without a session: to register, and what became of it."
        ),
    ] = False,
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
    folder, or else from a prompt; the code of a second factor from EPIGATE_ACCOUNT_CODE, that file
    or a prompt. The exit code is 1 where the answer has no data.
    """
    chosen = _variables(variables)
    gateway, passwords = address_of_gateway(config, url)
    text = sys.stdin.read() if question == "-" else question
    asked = {"query": text, "variables": chosen}
    if no_account:
        _print(post(f"{gateway}/graphql", asked))
        return
    with session(gateway, known(account, passwords)) as signed_in:
        if signed_in.get("mustChangePassword"):
            raise PasswordGiven(
                f"somebody else chose the password of {account}: change it first",
                hint=f"`epigate password --account {account}` gives it another",
            )
        if signed_in.get("mustEnrol"):
            raise SecondFactorRequired(
                f"the rights of {account} need a second factor, and it has none",
                hint=f"`epigate enrol --account {account}` gives it one",
            )
        answer = post(f"{gateway}/graphql", asked, str(signed_in["token"]))
    _print(answer)


def _print(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    if answer.get("data") is None:
        raise typer.Exit(1)


def _variables(text: str) -> dict[str, Any]:
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise InvalidInput(f"--variables: {text[1:]} cannot be read: {error}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"--variables is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInput("--variables is no JSON object", hint="such as '{\"first\": 3}'")
    return found

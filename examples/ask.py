#!/usr/bin/env python3
"""Ask a gateway one question, with nothing but Python: sign in, ask, sign out.

    python3 examples/ask.py '{ me { account role code } }'
    python3 examples/ask.py --account county-320102 < question.graphql

The password is that of the demo's account, or of EPIGATE_ACCOUNT_PASSWORD, or is asked for; the
code of a second factor comes from EPIGATE_ACCOUNT_CODE. Prints the answer as JSON; the exit code is
1 where the answer has errors, 2 where there is none.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

URL = "http://127.0.0.1:8000"
ACCOUNTS = Path("data/demo-accounts.json")


def main() -> int:
    """Asks what the command line says."""
    parser = argparse.ArgumentParser(description="Ask a gateway one question in GraphQL.")
    parser.add_argument("question", nargs="?", help="the question; from standard input if left out")
    parser.add_argument("--account", default="national", help="who asks (default: national)")
    parser.add_argument("--url", default=URL, help=f"the gateway (default: {URL})")
    parser.add_argument("--variables", default="{}", help="variables of the question, as JSON")
    parser.add_argument(
        "--accounts", type=Path, default=ACCOUNTS, help=f"passwords (default: {ACCOUNTS})"
    )
    wanted = parser.parse_args()
    body = {
        "query": wanted.question or sys.stdin.read(),
        "variables": json.loads(wanted.variables),
    }
    proof = {"account": wanted.account, "password": _password(wanted.account, wanted.accounts)}
    if "EPIGATE_ACCOUNT_CODE" in os.environ:  # of a second factor: an authenticator app shows it
        proof["code"] = os.environ["EPIGATE_ACCOUNT_CODE"]
    signed_in = _post(f"{wanted.url}/sign-in", proof)
    token = signed_in.get("token")
    if token is None:
        print(_text(signed_in), file=sys.stderr)
        return 2
    answer = _post(f"{wanted.url}/graphql", body, token)
    _post(f"{wanted.url}/sign-out", {}, token)
    print(_text(answer))
    return 1 if "errors" in answer else 0


def _password(account: str, accounts: Path) -> str:
    if "EPIGATE_ACCOUNT_PASSWORD" in os.environ:
        return os.environ["EPIGATE_ACCOUNT_PASSWORD"]
    if accounts.exists():
        for one in json.loads(accounts.read_text("utf-8")):
            if one["account"] == account:
                return str(one["password"])
    if not sys.stdin.isatty():
        _give_up(f"no password of {account}: neither in {accounts} nor EPIGATE_ACCOUNT_PASSWORD")
    return getpass.getpass(f"Password of {account}: ")


def _post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as response:
            text = response.read()
    except urllib.error.HTTPError as refused:  # it has a body that says why
        with refused:
            text = refused.read()
    except urllib.error.URLError as error:
        _give_up(f"no gateway answers at {url}: {error.reason}")
    return dict(json.loads(text)) if text else {}


def _give_up(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(2)


def _text(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly before `| head`
    sys.exit(main())

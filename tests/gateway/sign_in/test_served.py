"""Second factors as a client meets them: two workers that are served, and commands beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pyotp
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from regions.instants import instant
from tests.served import Demo, Gateway, serving

NAMES = "{ contacts(first: 5) { edges { node { name phone } } } }"


@pytest.fixture(scope="module")
def served(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(demo.copied(tmp_path_factory.mktemp("factors")), workers=2) as gateway:
        yield gateway


def sign_in(gateway: Gateway, account: str, **more: str) -> httpx.Response:
    """Over a connection of its own: any of the workers may take it."""
    body = {"account": account, "password": gateway.demo.accounts[account]["password"], **more}
    return httpx.post(f"{gateway.url}/sign-in", json=body, timeout=60)


def test_of_one_code_sent_to_all_workers_at_once_one_is_taken(served: Gateway) -> None:
    code = pyotp.TOTP(served.demo.accounts["auditor"]["totpSecret"]).now()
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: sign_in(served, "auditor", code=code), range(4)))
    assert sorted(answer.status_code for answer in sent) == [200, 401, 401, 401]
    (token,) = [answer.json()["token"] for answer in sent if answer.status_code == 200]
    assert served.data("{ me { account } }", who=token) == {"me": {"account": "auditor"}}
    assert sign_in(served, "auditor").status_code == 401
    assert sign_in(served, "auditor", code=code).status_code == 401


def test_from_a_right_to_the_values_it_shows(served: Gateway) -> None:
    """Given a right, an officer enrols by themselves, and sees nothing in clear before."""
    account = served.demo.account_of("county")
    code = served.demo.accounts[account]["code"]
    before = sign_in(served, account).json()
    assert before["mustEnrol"] is False
    given = CliRunner().invoke(
        app,
        [
            *("grants", "add", account, "--items", "NAME,PHONE", "--records", "CONTACT"),
            *(
                "--code",
                code,
                "--purpose",
                "phone calls",
                "--until",
                instant(time.time() + 2_592_000),
            ),
            *("--config", str(served.demo.folder / "config.toml")),
        ],
    )
    assert given.exit_code == 0, given.output

    def refused(token: str) -> None:
        answer = served.ask(NAMES, who=token)
        assert answer.status_code == 403
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "SECOND_FACTOR_REQUIRED"
        entry = served.entry(answer)
        assert (entry["account"], entry["result"]) == (account, "SECOND_FACTOR_REQUIRED")

    refused(before["token"])
    signed_in = sign_in(served, account).json()
    assert signed_in["mustEnrol"] is True
    refused(signed_in["token"])

    def post(body: dict[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {signed_in['token']}"}
        answer = httpx.post(f"{served.url}/sign-in/totp", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    made = pyotp.TOTP(post({})["secret"])
    codes = post({"code": made.now()})["recoveryCodes"]
    edges = served.data(NAMES, who=signed_in["token"])["contacts"]["edges"]
    assert edges
    assert not {edge["node"]["name"] for edge in edges} & {"*"}
    assert served.ask(NAMES, who=before["token"]).status_code == 401  # the other session is ended
    ahead = made.at(int(time.time()) + 30)  # a clock may be one step ahead
    assert sign_in(served, account, code=ahead).json()["secondFactor"] == "TOTP"
    assert sign_in(served, account, code=codes[0]).json()["secondFactor"] == "RECOVERY_CODE"
    assert sign_in(served, account, code=codes[0]).status_code == 401
    results = [one["result"] for one in served.demo.entries(account=account, module="sign-in")]
    assert results == ["OK", "ENROL", "OK", "OK", "OK", "OK", "REFUSED"]

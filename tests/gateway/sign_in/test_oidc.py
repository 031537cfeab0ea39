"""Signing in by another provider: a real one, a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from typer.testing import CliRunner

from gateway.accounts import disable_account
from gateway.cli import app
from gateway.identities import add_identity, list_identities, remove_identity
from gateway.sign_in import SignIn
from gateway.sign_in.provider import Provider, ProviderSettings
from gateway.strangers import Strangers
from regions.errors import InvalidInput, NotFound, SecondFactorRequired, Unauthenticated
from tests.gateway.central_store import START, bearer
from tests.gateway.sign_in.real_provider import (
    CLIENT,
    SECRET,
    RealProvider,
    installed,
    running,
    write_keys,
)
from tests.gateway.sign_in.routes import Gateway, Run, code
from tests.served import Demo, serving

URL = "http://gateway.example.org"
ALICE = {"subject": "alice"}
STRONG = {"subject": "alice", "amr": "pwd mfa"}
SERVE = [sys.executable, "-c", "from gateway.cli import main; main()", "serve"]
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    installed()
    keys = write_keys(tmp_path_factory.mktemp("keys") / "first.json", "first")
    with running(URL, keys) as provider:
        yield provider


@pytest.fixture(autouse=True)
def _new_browser(real: RealProvider) -> None:
    real.browser.cookies.clear()


class Browser:
    """One person's, between the gateway's routes and the provider."""

    def __init__(self, gateway: Gateway, real: RealProvider) -> None:
        self.gateway, self.real = gateway, real
        self.cookies: dict[str, str] = {}
        self.callback = ""

    async def start(self) -> str:
        answer = await self.gateway.get("/oidc/start", {})
        assert answer.status_code == 302, answer.text
        self.cookies.update(answer.cookies)
        told = answer.headers["set-cookie"].lower()
        assert "httponly" in told
        assert "samesite=lax" in told
        return str(answer.headers["location"])

    async def sign_in(self, who: dict[str, str]) -> httpx.Response:
        self.callback = self.real.meet(await self.start(), who)
        return await self.come_back()

    async def come_back(self, **changed: str) -> httpx.Response:
        parts = urlsplit(self.callback)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        path = str(httpx.URL(parts.path, params={k: v for k, v in asked.items() if v}))
        return await self.gateway.get(path, {"cookie": cookie} if cookie else {})


@asynccontextmanager
async def linked(gateway: Gateway, real: RealProvider, **more: Any) -> AsyncIterator[Browser]:
    """The gateway with the provider, and alice there opening nanjing here."""
    settings = {
        "issuer": real.issuer,
        "client_id": CLIENT,
        "secret": SECRET,
        "redirect_uri": f"{URL}/oidc/callback",
        "acr": ("urn:test:two-factors",),
        "amr": ("mfa",),
    }
    provider = Provider(ProviderSettings(**(settings | more)))  # tokens have the real time
    gateway.sign_in.close()
    gateway.sign_in = SignIn(
        gateway.world.engine,
        gateway.sessions,
        gateway.log,
        gateway.world.sealer,
        attempts=3,
        lock_seconds=900,
        clock=gateway.world.clock,
        strangers=Strangers(10_000),
        url=URL,
        token_seconds=900,
        provider=provider,
    )
    gateway.app = Starlette(routes=gateway.sign_in.routes)
    if not await gateway.world.do(list_identities):
        await gateway.world.do(add_identity, real.issuer, "alice", "nanjing")
    try:
        yield Browser(gateway, real)
    finally:
        await provider.close()


Body = Callable[[Gateway, Browser], Awaitable[None]]


@pytest.fixture
def by_provider(run: Run, real: RealProvider) -> Callable[[Body], None]:
    def start(body: Body) -> None:
        async def main(gateway: Gateway) -> None:
            async with linked(gateway, real) as browser:
                await body(gateway, browser)

        run(main)

    return start


Start = Callable[[Body], None]


def test_who_is_on_record_signs_in(by_provider: Start) -> None:
    async def body(gateway: Gateway, browser: Browser) -> None:
        answer = await browser.sign_in(ALICE)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["account"], told["secondFactor"], told["mustEnrol"]) == (
            "nanjing",
            None,
            False,
        )
        assert gateway.sessions.viewer(bearer(told["token"]))
        assert answer.headers["cache-control"] == "no-store"
        assert gateway.logged() == [("oidcSignIn", "nanjing", "OK")]

    by_provider(body)


@pytest.mark.parametrize(
    ("who", "strong"),
    [
        (ALICE, False),
        (STRONG, True),
        ({"subject": "alice", "acr": "urn:test:two-factors"}, True),
        ({"subject": "alice", "acr": "urn:test:one-factor", "amr": "pwd"}, False),
    ],
)
def test_whether_two_factors_were_used_is_the_providers_word(
    by_provider: Start, who: dict[str, str], strong: bool
) -> None:
    async def body(gateway: Gateway, browser: Browser) -> None:
        gateway.world.sql("UPDATE accounts SET role = 'AUDITOR'")
        told = (await browser.sign_in(who)).json()
        assert (told["mustEnrol"], told["secondFactor"]) == (not strong, "OIDC" if strong else None)
        if strong:
            assert gateway.sessions.viewer(bearer(told["token"]))
        else:
            with pytest.raises(SecondFactorRequired):
                gateway.sessions.viewer(bearer(told["token"]))

    by_provider(body)


def test_a_provider_never_stands_in_for_the_factor_an_account_has(by_provider: Start) -> None:
    async def body(gateway: Gateway, browser: Browser) -> None:
        await gateway.world.do(gateway.world.factors.set_totp, "nanjing", TOTP, START)
        weak = await browser.sign_in(ALICE)
        assert (weak.status_code, code(weak)) == (403, "SECOND_FACTOR_REQUIRED")
        browser.real.browser.cookies.clear()
        assert (await browser.sign_in(STRONG)).json()["secondFactor"] == "OIDC"
        assert [result for _, _, result in gateway.logged()] == ["REFUSED", "OK"]

    by_provider(body)


def test_nobody_gets_an_account_by_signing_in(by_provider: Start) -> None:
    async def body(gateway: Gateway, browser: Browser) -> None:
        stranger = await browser.sign_in({"subject": "mallory"})
        assert (stranger.status_code, code(stranger)) == (401, "SIGN_IN_FAILED")
        browser.real.browser.cookies.clear()
        await gateway.world.do(disable_account, "nanjing")
        disabled = await browser.sign_in(ALICE)
        assert disabled.content == stranger.content
        assert gateway.world.sql("SELECT count(*) FROM sessions") == [(0,)]
        browser.real.browser.cookies.clear()
        nobody = await browser.sign_in({})
        assert nobody.content == stranger.content

    by_provider(body)


def test_an_answer_is_good_once_and_in_one_browser(by_provider: Start) -> None:
    async def body(gateway: Gateway, browser: Browser) -> None:
        assert (await browser.sign_in(ALICE)).status_code == 200
        assert (await browser.come_back()).status_code == 401  # once
        victim = Browser(gateway, browser.real)
        browser.callback = browser.real.meet(await browser.start(), ALICE)
        victim.callback = browser.callback
        assert (await victim.come_back()).status_code == 401  # no cookie: another browser
        assert (await browser.come_back()).status_code == 401  # and used up by it
        browser.callback = browser.real.meet(await browser.start(), ALICE)
        for changed in ({"state": "00"}, {"state": "x"}, {"state": ""}):
            assert (await browser.come_back(**changed)).status_code == 401
        assert (await browser.come_back()).status_code == 200
        browser.callback = browser.real.meet(await browser.start(), ALICE)
        assert (await browser.come_back(iss="https://evil.example")).status_code == 401
        browser.callback = browser.real.meet(await browser.start(), ALICE)
        gateway.world.clock.now += 601
        assert (await browser.come_back()).status_code == 401  # too late

    by_provider(body)


def test_a_code_of_another_attempt_is_refused(by_provider: Start) -> None:
    """PKCE: the provider itself refuses a code that was asked for with another challenge."""

    async def body(gateway: Gateway, browser: Browser) -> None:
        other = Browser(gateway, browser.real)
        other.callback = browser.real.meet(await other.start(), ALICE)
        (stolen,) = parse_qs(urlsplit(other.callback).query)["code"]
        browser.callback = browser.real.meet(await browser.start(), ALICE)
        assert (await browser.come_back(code=stolen)).status_code == 401

    by_provider(body)


def test_new_keys_of_the_provider_are_found(run: Run, tmp_path: Path) -> None:
    installed()

    async def body(gateway: Gateway) -> None:
        with running(URL, write_keys(tmp_path / "one.json", "one")) as real:
            async with linked(gateway, real) as browser:
                assert (await browser.sign_in(ALICE)).status_code == 200
                provider = gateway.sign_in._provider
                assert provider is not None
                port, known = real.port, provider._keys
                real.stop()
                with running(URL, write_keys(tmp_path / "two.json", "two"), port) as turned:
                    browser.real = turned
                    assert (await browser.sign_in(ALICE)).status_code == 401  # looked just now
                    provider._keys = (known[0] - 31, known[1])
                    turned.browser.cookies.clear()
                    assert (await browser.sign_in(ALICE)).status_code == 200

    run(body)


def test_a_provider_that_is_away(run: Run, real: RealProvider) -> None:
    async def body(gateway: Gateway) -> None:
        away = RealProvider("http://127.0.0.1:9")
        async with linked(gateway, away):
            answer = await gateway.get("/oidc/start", {})
            assert (answer.status_code, code(answer)) == (503, "PROVIDER_UNAVAILABLE")
        away.browser.close()
        async with linked(gateway, real, issuer=f"{real.issuer}/"):  # not as it names itself
            answer = await gateway.get("/oidc/start", {})
            assert (answer.status_code, code(answer)) == (503, "PROVIDER_UNAVAILABLE")
        async with linked(gateway, real, secret="another secret") as browser:
            assert (await browser.sign_in(ALICE)).status_code == 401

    run(body)


def test_who_opens_which_account(run: Run, real: RealProvider) -> None:
    async def body(gateway: Gateway) -> None:
        do = gateway.world.do
        await do(add_identity, "https://idp.example", "alice", "nanjing")
        with pytest.raises(InvalidInput, match="opens the account nanjing already"):
            await do(add_identity, "https://idp.example", "alice", "nanjing")
        with pytest.raises(NotFound):
            await do(add_identity, "https://idp.example", "bob", "nobody")
        with pytest.raises(InvalidInput):
            await do(add_identity, "https://idp.example", "", "nanjing")
        token = (await gateway.ask()).json()["token"]
        await do(remove_identity, "https://idp.example", "alice")
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(token))
        with pytest.raises(NotFound):
            await do(remove_identity, "https://idp.example", "alice")
        gateway.world.sql("UPDATE accounts SET role = 'REGIONAL_SYSTEM'")
        with pytest.raises(InvalidInput, match="machine"):
            await do(add_identity, "https://idp.example", "alice", "nanjing")

    run(body)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_served_gateway_with_a_provider(
    demo: Demo,
    real: RealProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the configuration and the commands to a question, over two workers."""
    copy = demo.copied(tmp_path / "demo")
    file = copy.folder / "config.toml"
    text = file.read_text("utf-8").replace("[gateway]\n", f'[gateway]\nurl = "{URL}"\n', 1)
    more = f'\n[oidc]\nissuer = "{real.issuer}"\n'
    head, rest = text.split("[[region]]", 1)
    file.write_text(f"{head}{more}\n[[region]]{rest}", "utf-8")
    monkeypatch.delenv("EPIGATE_OIDC_SECRET", raising=False)
    missing = subprocess.run(
        [*SERVE, "--config", str(file), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert missing.returncode == 1
    assert "EPIGATE_OIDC_SECRET" in missing.stderr
    monkeypatch.setenv("EPIGATE_OIDC_SECRET", SECRET)
    given = ["--subject", "alice", "--config", str(file)]
    for words in (["add", "national"], ["remove"], ["add", "national"]):
        done = CliRunner().invoke(app, ["identities", *words, *given])
        assert done.exit_code == 0, done.output
    listed = CliRunner().invoke(app, ["identities", "list", "--json", "--config", str(file)])
    assert '"account":"national"' in listed.output
    with serving(copy, workers=2) as gateway, httpx.Client(base_url=gateway.url) as browser:
        asked = browser.get("/oidc/start")
        back = urlsplit(real.meet(asked.headers["location"], ALICE))
        answer = browser.get(
            f"{back.path}?{back.query}",
            headers={"cookie": asked.headers["set-cookie"].partition(";")[0]},
        )
        assert answer.status_code == 200, answer.text
        assert gateway.data("{ me { account } }", who=answer.json()["token"]) == {
            "me": {"account": "national"}
        }
        assert gateway.demo.entries(operation="oidcSignIn")[-1]["result"] == "OK"
        said = "".join(gateway.said)
        assert SECRET not in said

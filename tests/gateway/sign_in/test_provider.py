"""What of an ID token is believed: made by keys of the tests, one claim wrong at a time."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.sign_in.provider import Identity, NotAccepted, Provider, ProviderSettings
from tests.gateway.central_store import START

ISSUER = "https://idp.example.org"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER = ECKey.generate_key("P-256", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "two"})


def provider(*keys: Any) -> Provider:
    """One whose keys were looked up just now."""
    settings = ProviderSettings(
        ISSUER, "epigate", "s", "http://x/oidc/callback", ("two",), ("mfa",)
    )
    made = Provider(settings, clock=lambda: START)
    made._keys = (START, [*(keys or (KEY, RSA))])
    return made


def claims(**changed: Any) -> dict[str, Any]:
    said = {
        "iss": ISSUER,
        "aud": "epigate",
        "sub": "alice",
        "iat": START,
        "exp": START + 60,
        "nonce": "n",
    } | changed
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "strong"),
    [
        ({}, False),
        ({"aud": ["epigate"]}, False),
        ({"aud": ["epigate", "other"], "azp": "epigate"}, False),
        ({"exp": START - 29}, False),
        ({"iat": START + 29}, False),
        ({"acr": "two"}, True),
        ({"acr": "one", "amr": ["pwd"]}, False),
        ({"amr": ["pwd", "mfa"]}, True),
        ({"amr": "mfa"}, False),
        ({"acr": ["two"]}, False),
    ],
)
def test_what_is_believed(changed: dict[str, Any], strong: bool) -> None:
    assert provider()._checked(claims(**changed), "n") == Identity(ISSUER, "alice", strong)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["epigate", "other"]},
        {"azp": "other"},
        {"exp": None},
        {"exp": START - 31},
        {"exp": True},
        {"exp": "9999999999"},
        {"iat": None},
        {"iat": START + 31},
        {"iat": START - 601},
        {"nonce": None},
        {"nonce": "m"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
    ],
)
def test_what_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(NotAccepted):
        provider()._checked(claims(**changed), "n")


def signed(key: Any, alg: str, **head: Any) -> str:
    return jwt.encode({"alg": alg, **head}, claims(), key, algorithms=[alg])


def coded(head: dict[str, Any]) -> bytes:
    parts = [json.dumps(one).encode() for one in (head, claims())]
    return b".".join(base64.urlsafe_b64encode(one).rstrip(b"=") for one in parts)


def without_signature() -> str:
    return (coded({"alg": "none"}) + b".").decode()


def confused() -> str:
    """Signed with the public key as if it were a shared secret."""
    told = coded({"alg": "HS256", "kid": "one"})
    made = hmac.digest(KEY.as_pem(private=False), told, "sha256")
    return b".".join([told, base64.urlsafe_b64encode(made).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    "token",
    [
        signed(OTHER, "ES256", kid="one"),  # another key under the same name
        confused(),  # confusion
        signed(KEY, "ES256", kid="three"),  # looked for just now, and not there
        without_signature(),
        "",
        "a.b.c",
        "é",
    ],
)
def test_signatures_that_are_refused(token: str) -> None:
    async def ask() -> None:
        with pytest.raises(NotAccepted):
            await provider()._signed(token)

    asyncio.run(ask())


@pytest.mark.parametrize(
    "token",
    [
        signed(KEY, "ES256", kid="one"),
        signed(KEY, "ES256"),
        signed(RSA, "RS256", kid="two"),
        signed(RSA, "PS256", kid="two"),
    ],
)
def test_signatures_that_hold(token: str) -> None:
    assert asyncio.run(provider()._signed(token))["sub"] == "alice"


def test_nothing_secret_is_shown() -> None:
    assert "secret" not in repr(provider().settings).replace("ProviderSettings", "")

"""Keys of machine clients, and their assertions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

__all__ = ["AUDIENCE", "KEYS", "assertion", "form", "jwks"]

Key = ECKey | OKPKey | RSAKey

KEYS: Mapping[str, Key] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "es"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rs"}),
}
AUDIENCE = "https://gateway.example.org/token"


def jwks(*names: str) -> str:
    """The public keys, as a client's operator hands them over."""
    return json.dumps({"keys": [dict(KEYS[name].as_dict(private=False)) for name in names]})


def assertion(
    client: str,
    now: float,
    *,
    alg: str = "ES256",
    key: Any = None,
    head: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """An assertion; a claim of None is left out."""
    said = {
        "iss": client,
        "sub": client,
        "aud": AUDIENCE,
        "iat": int(now),
        "exp": int(now) + 60,
        "jti": str(uuid.uuid4()),
    } | claims
    signer = key or KEYS[alg]
    header = {"alg": alg, "kid": getattr(signer, "kid", None) or "x", **(head or {})}
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(header, kept, signer, algorithms=[alg])


def form(signed: str, **more: str) -> dict[str, str]:
    """The form of a request for a token."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        **more,
    }

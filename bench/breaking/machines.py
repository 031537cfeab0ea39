"""Machine accounts of the regions (RFC 7523): a key of each, and tokens they get for assertions."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey

__all__ = ["AUDIENCE", "Machine"]

AUDIENCE = "http://handoffs.example.org"
"""What every gateway of a fleet calls itself."""

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GOOD_SECONDS = 60


@dataclass(slots=True)
class Machine:
    """The system of a region: its account, its private key, its tokens by gateway.

    Its clock is the machine's: a gateway whose own has jumped refuses its assertions, and it asks
    another one.
    """

    account: str
    region: str
    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519"), repr=False)
    _tokens: dict[int, str] = field(default_factory=dict, repr=False)

    @property
    def jwks(self) -> str:
        """Its public keys, as it gives them to whoever runs a gateway."""
        public = self.key.as_dict(private=False)
        return json.dumps({"keys": [{**public, "kid": self.account}]})

    async def token(self, gateway: int, http: httpx.AsyncClient) -> str | None:
        """A token of a gateway, the last one or a new one; None where it gives none. Raises
        httpx.HTTPError.
        """
        if gateway not in self._tokens:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(),
                "scope": "TRANSFER",
            }
            answer = await http.post("/token", data=form)
            if answer.status_code != 200:
                return None
            self._tokens[gateway] = answer.json()["access_token"]
        return self._tokens[gateway]

    def refused(self, gateway: int) -> None:
        """The token is good no more."""
        self._tokens.pop(gateway, None)

    def _assertion(self) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.account,
            "sub": self.account,
            "aud": f"{AUDIENCE}/token",
            "iat": now,
            "exp": now + _GOOD_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        head = {"alg": "Ed25519", "kid": self.account}
        return jwt.encode(head, claims, self.key, algorithms=["Ed25519"])

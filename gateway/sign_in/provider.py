"""An OpenID Connect provider as the gateway sees it: where it is, its keys, its ID tokens.

Authorization code with PKCE (OpenID Connect Core 3.1, RFC 7636). Of the provider's answers nothing
is believed but what its keys have signed for this gateway, this browser and this attempt.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from regions.errors import ProviderUnavailable

if TYPE_CHECKING:
    import httpx

__all__ = ["ALGORITHMS", "Identity", "NotAccepted", "Provider", "ProviderSettings"]

ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519")
_LEEWAY_SECONDS = 30
_OLDEST_SECONDS = 600  # of an ID token, since it was issued
_METADATA_SECONDS = 3_600.0
_KEYS_SECONDS = 30.0  # between two looks for keys that were not there
_TIMEOUT_SECONDS = 5.0
_LARGEST = 262_144  # bytes of an answer

_log = logging.getLogger(__name__)


class NotAccepted(Exception):
    """An answer of the provider that proves nothing; the message is for the gateway's own log."""


@dataclass(frozen=True, slots=True, repr=False)
class ProviderSettings:
    """Whom to ask, as whom, and which of its words stand for a second factor."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    acr: tuple[str, ...]
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in there. `strong`: by two factors, by the provider's word."""

    issuer: str
    subject: str
    strong: bool


class Provider:
    """Asks one provider; use it from one event loop."""

    def __init__(self, settings: ProviderSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings, self._clock = settings, clock
        self._client: httpx.AsyncClient | None = None
        self._metadata: tuple[float, Mapping[str, Any]] = (float("-inf"), {})
        self._keys: tuple[float, list[Any]] = (float("-inf"), [])

    async def close(self) -> None:
        """Closes its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises ProviderUnavailable."""
        endpoint = (await self._told())["authorization_endpoint"]
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if self.settings.acr:
            asked["acr_values"] = " ".join(self.settings.acr)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def identity(self, code: str, nonce: str, verifier: str) -> Identity:
        """Who a code stands for. Raises NotAccepted, ProviderUnavailable."""
        endpoint = (await self._told())["token_endpoint"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": verifier,
        }
        answer = await self._ask(
            "POST", endpoint, data=form, auth=(self.settings.client_id, self.settings.secret)
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotAccepted(f"no ID token for the code: {answer.get('error', 'no reason given')}")
        return self._checked(await self._signed(token), nonce)

    def _checked(self, claims: Mapping[str, Any], nonce: str) -> Identity:
        """The identity of an ID token whose signature holds (OpenID Connect Core 3.1.3.7)."""
        own, now = self.settings.client_id, self._clock()
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        subject, issued, expires = (claims.get(name) for name in ("sub", "iat", "exp"))
        if claims.get("iss") != self.settings.issuer:
            raise NotAccepted("`iss` is not the issuer")
        if own not in named:
            raise NotAccepted("`aud` is not this client")
        if claims.get("azp", own) != own or (len(named) > 1 and "azp" not in claims):
            raise NotAccepted("`azp` is not this client")
        if not _is_time(expires) or expires <= now - _LEEWAY_SECONDS:
            raise NotAccepted("it has expired")
        if not _is_time(issued) or not -_LEEWAY_SECONDS <= now - issued <= _OLDEST_SECONDS:
            raise NotAccepted("`iat` is not now")
        if claims.get("nonce") != nonce:
            raise NotAccepted("`nonce` is not the one sent")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise NotAccepted("`sub` is no text of 1 to 255 characters")
        methods = claims.get("amr")
        strong = claims.get("acr") in self.settings.acr or (
            isinstance(methods, list) and any(one in self.settings.amr for one in methods)
        )
        return Identity(self.settings.issuer, subject, strong)

    async def _signed(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that one of the provider's keys has signed."""
        try:
            head = extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            raise NotAccepted("the ID token is no JWT") from None
        algorithm, kid = head.get("alg"), head.get("kid")
        if algorithm not in ALGORITHMS:
            raise NotAccepted("the ID token is signed by an algorithm that is not taken")
        for key in await self._keys_for(kid):
            try:
                return jwt.decode(token, key, algorithms=[algorithm]).claims
            except (JoseError, ValueError, TypeError):
                continue
        raise NotAccepted("no key of the provider signed the ID token")

    async def _keys_for(self, kid: Any) -> list[Any]:
        """The provider's keys of that id; looked up anew where it is new, as after a rotation."""

        def found() -> list[Any]:
            return [key for key in self._keys[1] if kid is None or key.kid == kid]

        if not found() and self._clock() - self._keys[0] >= _KEYS_SECONDS:
            told = await self._ask("GET", (await self._told())["jwks_uri"])
            try:
                keys = KeySet.import_key_set({"keys": told["keys"]}).keys
            except (JoseError, ValueError, TypeError, KeyError):
                raise NotAccepted("the provider's keys make no sense") from None
            public = [key for key in keys if key.key_type != "oct"]
            self._keys = (self._clock(), public)
        return found()

    async def _told(self) -> Mapping[str, Any]:
        """What the provider tells of itself, kept for an hour."""
        at, metadata = self._metadata
        if self._clock() - at < _METADATA_SECONDS:
            return metadata
        issuer = self.settings.issuer
        found = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        scheme = urlsplit(issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(found.get(name))).scheme not in ("https", scheme):
                raise self._unavailable(f"{name} is missing or not https")
        if found.get("issuer") != issuer:
            raise self._unavailable("it names itself otherwise than the configuration")
        self._metadata = (self._clock(), found)
        return found

    async def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        # Here, since it takes 0.2 s to import and most gateways have no provider.
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT_SECONDS, headers={"accept": "application/json"}
            )
        try:
            answer = await self._client.request(method, url, **more)
            if len(answer.content) > _LARGEST:
                raise self._unavailable("its answer is too large")
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._unavailable(type(error).__name__) from None
        if not isinstance(found, dict) or answer.status_code >= 500:
            raise self._unavailable(f"it answers {answer.status_code}")
        return found

    def _unavailable(self, reason: str) -> ProviderUnavailable:
        _log.error("the provider %s cannot be used: %s", self.settings.issuer, reason)
        return ProviderUnavailable(f"the provider {self.settings.issuer} cannot be used: {reason}")


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""A client's assertion of who it is (RFC 7523, 3): a JWT signed with a key that is on record.

Pure: that an assertion is taken once is seen to in the store (`gateway.sign_in.token`).
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet

__all__ = ["ALGORITHMS", "LONGEST_SECONDS", "Assertion", "InvalidAssertion", "claimed", "verified"]

ALGORITHMS = ("ES256", "EdDSA", "Ed25519", "RS256")
LONGEST_SECONDS = 300  # from now until it expires
LEEWAY_SECONDS = 30  # that two clocks may differ
_LONGEST_ID = 200


class InvalidAssertion(Exception):
    """An assertion that proves nothing; the message is for the client's developers."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """Who asserts, the assertion's id, and when it expires (seconds since 1970)."""

    client: str
    id: str
    expires: float


def claimed(text: str) -> str:
    """Whose assertion it says it is; nothing is proved. Raises InvalidAssertion."""
    try:
        part = text.split(".")[1]
        decoded = json.loads(_decoded(part))
        subject = decoded["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        raise InvalidAssertion("client_assertion is no JWT with `sub`") from None
    if not isinstance(subject, str) or not 0 < len(subject) <= 128:
        raise InvalidAssertion("`sub` must be the client's id")
    return subject


def verified(
    text: str, client: str, jwks: str | None, audiences: Collection[str], now: float
) -> Assertion:
    """The assertion, proved. `jwks` is None for a client that is none: the same work is done.

    Raises InvalidAssertion.
    """
    keys = KeySet.import_key_set(json.loads(jwks)) if jwks else KeySet([_nobodys_key()])
    claims = _signed(text, keys)
    if claims is None or jwks is None:
        raise InvalidAssertion(
            f"no key of this client made the signature, by one of {', '.join(ALGORITHMS)}"
        )
    if claims.get("iss") != client or claims.get("sub") != client:
        raise InvalidAssertion("`iss` and `sub` must both be the client's id")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(one, str) and one in audiences for one in named):
        raise InvalidAssertion(f"`aud` must be {' or '.join(sorted(audiences))}")
    expires = _seconds(claims, "exp")
    if expires is None:
        raise InvalidAssertion("`exp` is missing")
    if expires <= now - LEEWAY_SECONDS:
        raise InvalidAssertion("the assertion has expired")
    begun = _seconds(claims, "iat")
    if expires > now + LONGEST_SECONDS + LEEWAY_SECONDS or (
        begun is not None and expires - begun > LONGEST_SECONDS
    ):
        raise InvalidAssertion(f"`exp` lies more than {LONGEST_SECONDS} s ahead")
    for name in ("iat", "nbf"):
        at = _seconds(claims, name)
        if at is not None and at > now + LEEWAY_SECONDS:
            raise InvalidAssertion(f"`{name}` lies ahead")
    number = claims.get("jti")
    if not isinstance(number, str) or not 0 < len(number) <= _LONGEST_ID:
        raise InvalidAssertion(f"`jti` must be a text of 1 to {_LONGEST_ID} characters")
    return Assertion(client, number, expires)


def _signed(text: str, keys: KeySet) -> dict[str, Any] | None:
    """The claims, where one of the keys made the signature."""
    for key in keys.keys:
        try:
            with warnings.catch_warnings():
                # The name EdDSA gave way to Ed25519 (RFC 9864), and most clients still write it.
                warnings.simplefilter("ignore", SecurityWarning)
                return jwt.decode(text, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return None


def _seconds(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise InvalidAssertion(f"`{name}` must be seconds since 1970")
    return float(value)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


_nobody: ECKey | None = None


def _nobodys_key() -> ECKey:
    global _nobody
    if _nobody is None:
        _nobody = ECKey.generate_key("P-256", private=False)
    return _nobody

"""Passkeys (WebAuthn level 2): registered by an account, and used as its second factor or alone.

A passkey lives on an authenticator that verifies its user by finger, face or PIN, so it is two
factors by itself. Its id is never asked for by an account's name: the authenticator says which it
is, so that nobody learns which accounts have one.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.sign_in.challenges import issue, take
from regions.errors import InvalidInput
from regions.instants import instant
from regions.sign_in import passkeys

__all__ = ["Passkeys", "RelyingParty"]

CHALLENGE_SECONDS = 300.0
MOST_KEYS = 10  # of an account
_REGISTER, _USE = "passkey-register", "passkey-use"
_ALGORITHMS = (-7, -8, -257)  # COSE: ES256, EdDSA, RS256
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The gateway as authenticators know it: its host name, and the origin of its pages."""

    id: str
    origin: str

    @classmethod
    def of(cls, url: str) -> RelyingParty:
        """The party of the gateway's own address."""
        return cls(urlsplit(url).hostname or "", url)


class Passkeys:
    """The passkeys of accounts, in the gateway's own store."""

    def __init__(self, party: RelyingParty) -> None:
        self._party = party

    def begin(self, connection: Connection, account: str, name: str, now: float) -> dict[str, Any]:
        """What the browser is asked to register (PublicKeyCredentialCreationOptions as JSON)."""
        rows = connection.execute(select(passkeys).where(passkeys.c.account == account)).all()
        if len(rows) >= MOST_KEYS:
            raise InvalidInput(f"an account has at most {MOST_KEYS} passkeys")
        handle = rows[0].user_handle if rows else _text(secrets.token_bytes(32))
        challenge = issue(
            connection,
            _REGISTER,
            account,
            {"handle": handle},
            now=now,
            seconds=CHALLENGE_SECONDS,
        )
        return {
            "rp": {"id": self._party.id, "name": "epigate"},
            "user": {"id": handle, "name": account, "displayName": name},
            "challenge": _text(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in _ALGORITHMS],
            "timeout": int(CHALLENGE_SECONDS * 1_000),
            "excludeCredentials": [{"type": "public-key", "id": row.credential_id} for row in rows],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }

    def add(
        self, connection: Connection, account: str, credential: Any, name: str, now: float
    ) -> None:
        """Keeps a passkey that was registered. Raises InvalidInput."""
        # Here, since it takes 0.2 s to import and most gateways start without using it.
        from webauthn import verify_registration_response
        from webauthn.helpers.cose import COSEAlgorithmIdentifier
        from webauthn.helpers.exceptions import WebAuthnException

        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise InvalidInput(f"`name` has 1 to {_LONGEST_NAME} printable characters")
        challenge = _challenge_of(credential)
        known = take(connection, _REGISTER, challenge, now) if challenge else None
        if known is None or known.account != account:
            raise InvalidInput(
                "the challenge is none of yours, was used, or is older than 5 minutes",
                hint="begin anew: POST /sign-in/passkeys with an empty object",
            )
        try:
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                require_user_verification=True,
                supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in _ALGORITHMS],
            )
        except (WebAuthnException, *_MALFORMED):
            raise InvalidInput(
                f"the passkey cannot be taken: it must verify its user, for {self._party.origin}",
                hint="the browser's page must have that address; `url` in [gateway] sets it",
            ) from None
        row = {
            "credential_id": _text(found.credential_id),
            "account": account,
            "user_handle": known.payload["handle"],
            "public_key": _text(found.credential_public_key),
            "sign_count": found.sign_count,
            "name": name,
            "created_at": instant(now),
        }
        try:
            with connection.begin_nested():
                connection.execute(insert(passkeys).values(row))
        except IntegrityError:
            raise InvalidInput("this passkey is registered already") from None

    def challenge(self, connection: Connection, now: float) -> dict[str, Any]:
        """What the browser is asked to sign (PublicKeyCredentialRequestOptions as JSON)."""
        made = issue(connection, _USE, "", {}, now=now, seconds=CHALLENGE_SECONDS)
        return {
            "challenge": _text(made),
            "rpId": self._party.id,
            "timeout": int(CHALLENGE_SECONDS * 1_000),
            "userVerification": "required",
            "allowCredentials": [],
        }

    def use(self, connection: Connection, assertion: Any, now: float) -> str | None:
        """Whose passkey made the assertion, or None. The challenge is used up either way."""
        from webauthn import verify_authentication_response
        from webauthn.helpers.exceptions import WebAuthnException

        challenge = _challenge_of(assertion)
        if not challenge or take(connection, _USE, challenge, now) is None:
            return None
        wanted = assertion.get("id")
        row = connection.execute(
            select(passkeys).where(passkeys.c.credential_id == str(wanted))
        ).first()
        if row is None:
            return None
        try:
            found = verify_authentication_response(
                credential=assertion,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=_bytes(row.public_key),
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, *_MALFORMED):
            return None
        handle = assertion["response"].get("userHandle")
        if handle is not None and handle != row.user_handle:
            return None
        counted = connection.execute(
            update(passkeys)
            .where(
                passkeys.c.credential_id == row.credential_id,
                passkeys.c.sign_count == row.sign_count,  # a copy that was faster has changed it
            )
            .values(sign_count=found.new_sign_count, last_used_at=instant(now))
        )
        account: str = row.account
        return account if counted.rowcount == 1 else None

    def of(self, connection: Connection, account: str) -> list[dict[str, Any]]:
        """An account's passkeys, as they are told."""
        rows = connection.execute(
            select(passkeys).where(passkeys.c.account == account).order_by(passkeys.c.created_at)
        )
        return [
            {
                "id": row.credential_id,
                "name": row.name,
                "createdAt": row.created_at,
                "lastUsedAt": row.last_used_at,
            }
            for row in rows
        ]

    def remove(self, connection: Connection, account: str, credential_id: str) -> bool:
        """Takes a passkey off the record; False where the account has none of that id."""
        gone = connection.execute(
            delete(passkeys).where(
                passkeys.c.account == account, passkeys.c.credential_id == credential_id
            )
        )
        return gone.rowcount == 1


_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, binascii.Error)
"""What the library raises for input of another shape."""


def _challenge_of(credential: Any) -> bytes:
    """The challenge that a credential says it answers; empty where it says none."""
    try:
        client_data = json.loads(_bytes(credential["response"]["clientDataJSON"]))
        return _bytes(client_data["challenge"])
    except _MALFORMED:
        return b""


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

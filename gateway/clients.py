"""Machine clients: accounts of regional systems that prove themselves by a key (RFC 7523).

Functions on a connection to the gateway's own store. Of a client its public keys are kept, where it
may act and what it may do there: never more than its account may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from sqlalchemy import Connection, Row, insert, select, update

from gateway.accounts import Account, find_account
from regions.areas import reference_areas
from regions.errors import InvalidInput, NotFound
from regions.instants import now
from regions.sign_in import clients
from resolvers.actions import ACTIONS
from resolvers.sessions import revoke_sessions
from resolvers.users import Role, prefix_of

__all__ = [
    "Client",
    "add_client",
    "find_client",
    "list_clients",
    "public_keys",
    "set_disabled",
    "set_keys",
    "set_scope",
]

MOST_KEYS = 5
_RSA_BITS = 2_048


@dataclass(frozen=True, slots=True)
class Client:
    """A client as stored; its account is its `client_id`."""

    account: str
    jwks: str  # JSON
    regions: tuple[str, ...]  # GB/T 2260 codes: each with all below
    actions: tuple[str, ...]
    disabled: bool
    created_at: str
    updated_at: str

    @property
    def key_ids(self) -> list[str]:
        """The `kid` of each of its keys."""
        return [str(key["kid"]) for key in json.loads(self.jwks)["keys"]]


def add_client(
    connection: Connection,
    account: str,
    *,
    jwks: str,
    regions: Iterable[str],
    actions: Iterable[str],
) -> None:
    """Makes an account of a regional system a client. Raises NotFound, InvalidInput."""
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    if found.role is not Role.REGIONAL_SYSTEM:
        raise InvalidInput(
            f"{account} is the account of a {found.role.value}, not of a machine",
            hint='add one with --role "regional system"',
        )
    if find_client(connection, account) is not None:
        raise InvalidInput(
            f"{account} is a client already", hint="`epigate clients keys` changes its keys"
        )
    at = now()
    connection.execute(
        insert(clients).values(
            account=account,
            jwks=public_keys(jwks),
            regions=json.dumps(_regions(found, regions)),
            actions=json.dumps(_actions(actions)),
            created_at=at,
            updated_at=at,
        )
    )


def find_client(connection: Connection, account: str) -> Client | None:
    """The client of that id, disabled or not."""
    row = connection.execute(select(clients).where(clients.c.account == account)).first()
    return None if row is None else _client(row)


def list_clients(connection: Connection) -> list[Client]:
    """Every client, by its id."""
    return [_client(row) for row in connection.execute(select(clients).order_by("account"))]


def set_keys(connection: Connection, account: str, jwks: str) -> None:
    """Other keys in place of those there were; tokens they were given end. NotFound."""
    _change(connection, account, jwks=public_keys(jwks))


def set_scope(
    connection: Connection, account: str, *, regions: Iterable[str], actions: Iterable[str]
) -> None:
    """Other regions and actions; tokens with those there were end. NotFound, InvalidInput."""
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate clients list`")
    _change(
        connection,
        account,
        regions=json.dumps(_regions(found, regions)),
        actions=json.dumps(_actions(actions)),
    )


def set_disabled(connection: Connection, account: str, disabled: bool) -> None:
    """Refuses a client from now on and ends its tokens, or lets it in again. NotFound."""
    _change(connection, account, disabled=int(disabled))


def public_keys(text: str) -> str:
    """A JWKS as it is kept: public keys that sign, each with an id. Raises InvalidInput."""
    hint = 'a JWKS such as {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026-11", "x": "…"}]}'
    try:
        given = json.loads(text)
        keys = given["keys"] if isinstance(given, dict) and "keys" in given else [given]
        loaded = KeySet.import_key_set({"keys": keys}).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise InvalidInput("these are no keys", hint=hint) from None
    if not 1 <= len(loaded) <= MOST_KEYS:
        raise InvalidInput(f"a client has 1 to {MOST_KEYS} keys", hint=hint)
    kept = []
    for key in loaded:
        if not isinstance(key, ECKey | OKPKey | RSAKey):
            raise InvalidInput("a secret key is no public key", hint=hint)
        if key.is_private:
            raise InvalidInput(
                "this is a private key: nobody but the client may have it",
                hint="make a new one, and give its public part",
            )
        found: dict[str, Any] = dict(key.as_dict(private=False))
        if not (
            (isinstance(key, ECKey) and found["crv"] == "P-256")
            or (isinstance(key, OKPKey) and found["crv"] == "Ed25519")
            or (isinstance(key, RSAKey) and key.raw_value.key_size >= _RSA_BITS)
        ):
            raise InvalidInput(
                f"a key is P-256, Ed25519, or RSA of {_RSA_BITS:,} bits at least", hint=hint
            )
        members = ("kty", "crv", "x", "y", "n", "e")
        kid = found.get("kid") or key.thumbprint()
        kept.append({"kid": kid} | {name: found[name] for name in members if name in found})
    if len({key["kid"] for key in kept}) != len(kept):
        raise InvalidInput("two keys have one `kid`", hint=hint)
    return json.dumps({"keys": kept})


def _change(connection: Connection, account: str, **values: Any) -> None:
    changed = connection.execute(
        update(clients).where(clients.c.account == account).values(**values, updated_at=now())
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no client {account}", hint="see `epigate clients list`")
    revoke_sessions(connection, account)


def _regions(account: Account, codes: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    if not found:
        raise InvalidInput("no region is given", hint=f"such as {account.code}")
    for code in found:
        known = re.fullmatch(r"[0-9]{6}", code) and reference_areas().is_prefix(prefix_of(code))
        if not known:
            raise InvalidInput(f"{code!r} is no code of GB/T 2260", hint="six digits")
        if not prefix_of(code).startswith(prefix_of(account.code)):
            raise InvalidInput(
                f"{code} lies outside the jurisdiction of {account.account}, {account.code}",
                hint="a client never may more than its account",
            )
    return found


def _actions(names: Iterable[str]) -> list[str]:
    wanted = {name.strip().upper() for name in names if name.strip()}
    unknown = sorted(wanted - set(ACTIONS))
    if unknown or not wanted:
        raise InvalidInput(
            f"{', '.join(unknown)} is no action" if unknown else "no action is given",
            hint=f"any of {', '.join(ACTIONS)}",
        )
    return [name for name in ACTIONS if name in wanted]


def _client(row: Row[Any]) -> Client:
    return Client(
        account=row.account,
        jwks=row.jwks,
        regions=tuple(json.loads(row.regions)),
        actions=tuple(json.loads(row.actions)),
        disabled=bool(row.disabled),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

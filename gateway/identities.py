"""Which account is whose at another provider: by issuer and subject, put on record beforehand.

Functions on a connection to the gateway's own store. Nobody gets an account by signing in there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.accounts import find_account
from regions.errors import InvalidInput, NotFound
from regions.instants import now
from regions.sign_in import oidc_identities
from resolvers.sessions import revoke_sessions
from resolvers.users import Role

__all__ = ["Linked", "account_of", "add_identity", "list_identities", "remove_identity"]

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Linked:
    """An identity of a provider and the account it opens."""

    issuer: str
    subject: str
    account: str
    created_at: str


def add_identity(connection: Connection, issuer: str, subject: str, account: str) -> None:
    """Lets an identity open an account. Raises NotFound, InvalidInput."""
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    if found.role is Role.REGIONAL_SYSTEM:
        raise InvalidInput(
            f"{account} is a machine's account", hint="`epigate clients add` gives it a key"
        )
    for name, value in (("issuer", issuer), ("subject", subject)):
        if not 0 < len(value) <= _LONGEST:
            raise InvalidInput(f"the {name} has 1 to {_LONGEST} characters")
    taken = account_of(connection, issuer, subject)
    if taken is not None:
        raise InvalidInput(
            f"{subject} of {issuer} opens the account {taken} already",
            hint="remove it there first: no two accounts are opened by one identity",
        )
    connection.execute(
        insert(oidc_identities).values(
            issuer=issuer, subject=subject, account=account, created_at=now()
        )
    )


def account_of(connection: Connection, issuer: str, subject: str) -> str | None:
    """The account that an identity opens."""
    found: str | None = connection.scalar(
        select(oidc_identities.c.account).where(
            oidc_identities.c.issuer == issuer, oidc_identities.c.subject == subject
        )
    )
    return found


def list_identities(connection: Connection) -> list[Linked]:
    """Every identity, by account."""
    rows = connection.execute(select(oidc_identities).order_by("account", "issuer", "subject"))
    return [Linked(row.issuer, row.subject, row.account, row.created_at) for row in rows]


def remove_identity(connection: Connection, issuer: str, subject: str) -> None:
    """Takes an identity off the record and ends the sessions of its account. Raises NotFound."""
    account = account_of(connection, issuer, subject)
    if account is None:
        raise NotFound(
            f"{subject} of {issuer} opens no account", hint="see `epigate identities list`"
        )
    connection.execute(
        delete(oidc_identities).where(
            oidc_identities.c.issuer == issuer, oidc_identities.c.subject == subject
        )
    )
    revoke_sessions(connection, account)

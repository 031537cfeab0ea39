"""Accounts: who may sign in, with which role, for which unit (A1, A2, A11, A12).

Functions on a connection to the gateway's own store; the caller's transaction is theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.passwords import check_password, hash_password
from regions.areas import reference_areas
from regions.errors import InvalidInput, NotFound
from regions.instants import now
from regions.users import accounts
from resolvers.sessions import revoke_sessions
from resolvers.users import Role, prefix_of

__all__ = [
    "UNIT_LEVELS",
    "Account",
    "create_account",
    "disable_account",
    "enable_account",
    "find_account",
    "list_accounts",
    "password_hash",
    "replace_hash",
    "set_password",
]

UNIT_LEVELS = (
    "NATIONAL",
    "PROVINCE",
    "CITY",
    "COUNTY",
    "HOSPITAL",
    "ISOLATION_SITE",
    "HEALTH_CENTRE",
)

_LOGIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as stored, but for its password. `code` is the unit's: its jurisdiction (A2)."""

    account: str  # login name
    name: str  # of its holder
    role: Role
    unit_id: str
    unit_name: str
    unit_level: str  # one of UNIT_LEVELS
    code: str  # GB/T 2260, six digits; 000000 is the country
    disabled: bool = False
    created_at: str = ""


def create_account(connection: Connection, account: Account, password: str) -> None:
    """Adds an account; takes some 50 ms for the password. Raises InvalidInput."""
    _check(account)
    check_password(account.account, password)
    if find_account(connection, account.account) is not None:
        raise InvalidInput(f"there is an account {account.account} already")
    connection.execute(
        insert(accounts).values(
            account=account.account,
            name=account.name,
            role=account.role.name,
            unit_id=account.unit_id,
            unit_name=account.unit_name,
            unit_level=account.unit_level,
            code=account.code,
            password_hash=hash_password(password),
            disabled=int(account.disabled),
            created_at=account.created_at or now(),
        )
    )


def find_account(connection: Connection, account: str) -> Account | None:
    """The account of that login name."""
    row = connection.execute(select(accounts).where(accounts.c.account == account)).first()
    return None if row is None else _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """Every account, by login name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by("account"))]


def password_hash(connection: Connection, account: str) -> str | None:
    """The stored hash of an account that may sign in, else None."""
    found: str | None = connection.scalar(
        select(accounts.c.password_hash).where(
            accounts.c.account == account, accounts.c.disabled == 0
        )
    )
    return found


def replace_hash(connection: Connection, account: str, old: str, new: str) -> None:
    """Stores another hash of the same password, unless the password was changed meanwhile."""
    connection.execute(
        update(accounts)
        .where(accounts.c.account == account, accounts.c.password_hash == old)
        .values(password_hash=new)
    )


def set_password(connection: Connection, account: str, password: str) -> None:
    """Gives another password and ends every session. Raises InvalidInput, NotFound."""
    check_password(account, password)
    _change(connection, account, password_hash=hash_password(password))
    revoke_sessions(connection, account)


def disable_account(connection: Connection, account: str) -> None:
    """Ends every session, in every worker at its next request; refuses new ones. NotFound."""
    _change(connection, account, disabled=1)
    revoke_sessions(connection, account)


def enable_account(connection: Connection, account: str) -> None:
    """Lets a disabled account sign in again. Raises NotFound."""
    _change(connection, account, disabled=0)


def _change(connection: Connection, account: str, **values: Any) -> None:
    changed = connection.execute(
        update(accounts).where(accounts.c.account == account).values(**values)
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")


def _account(row: Row[Any]) -> Account:
    return Account(
        account=row.account,
        name=row.name,
        role=Role[row.role],
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=row.unit_level,
        code=row.code,
        disabled=bool(row.disabled),
        created_at=row.created_at,
    )


def _check(account: Account) -> None:
    if not _LOGIN_NAME.fullmatch(account.account):
        raise InvalidInput(
            f"{account.account!r} cannot be a login name",
            hint="2 to 64 letters, digits, dots, hyphens, underscores; a letter or digit first",
        )
    for name in ("name", "unit_id", "unit_name"):
        if not getattr(account, name).strip():
            raise InvalidInput(f"{name} of the account {account.account} is empty")
    if account.unit_level not in UNIT_LEVELS:
        raise InvalidInput(
            f"{account.unit_level!r} is no level of a unit", hint=f"one of {', '.join(UNIT_LEVELS)}"
        )
    code = account.code
    if not (re.fullmatch(r"[0-9]{6}", code) and reference_areas().is_prefix(prefix_of(code))):
        raise InvalidInput(
            f"{code!r} is no code of GB/T 2260", hint="six digits; 000000 is the country"
        )

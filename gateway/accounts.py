"""Accounts: who may sign in, with which role, for which unit (A1, A2, A11, A12).

Functions on a connection to the gateway's own store; the caller's transaction is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import Connection, insert, select, update

from gateway.passwords import check_password, hash_password
from regions.areas import reference_areas
from regions.errors import InvalidInput, NotFound
from regions.instants import now
from regions.sign_in import clients
from regions.users import accounts
from resolvers.sessions import revoke_sessions
from resolvers.users import Role, prefix_of
from resolvers.users.accounts import (
    Account,
    change_state,
    find_account,
    is_usable,
    list_accounts,
    next_id,
    note_event,
)
from resolvers.users.filings import put_on_file, stand_down_if_active
from resolvers.users.names import is_login_name
from resolvers.users.persons import check_person, put_person
from resolvers.users.states import AccountEvent

__all__ = [
    "COMMAND_LINE",
    "UNIT_LEVELS",
    "Account",
    "create_account",
    "disable_account",
    "enable_account",
    "find_account",
    "list_accounts",
    "may_sign_in",
    "password_hash",
    "replace_hash",
    "set_password",
    "set_person",
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


COMMAND_LINE = "command line"
"""Who did it, where nobody was signed in."""


def create_account(
    connection: Connection,
    account: Account,
    password: str,
    seal: Callable[[int], bytes] | None = None,
    *,
    given: bool = True,
) -> None:
    """Adds an account; takes some 50 ms for the password. Raises InvalidInput.

    A business administrator is put on file with it, where the unit has fewer than two (A4). `seal`
    makes the envelope of the holder's items for the account's number. `given`: somebody else chose
    the password, and its holder changes it before anything else.
    """
    _check(account)
    check_password(account.account, password)
    if find_account(connection, account.account) is not None:
        raise InvalidInput(f"there is an account {account.account} already")
    check_person(connection, account.person_index, account.role, account.unit_id)
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        put_on_file(connection, account, COMMAND_LINE)
    number = next_id(connection, accounts)
    row = {
        "account": account.account,
        "id": number,
        "name": account.name,
        "role": account.role.name,
        "unit_id": account.unit_id,
        "unit_name": account.unit_name,
        "unit_level": account.unit_level,
        "code": account.code,
        "department": account.department,
        "head": int(account.head),
        "purpose": account.purpose,
        "password_hash": hash_password(password),
        "password_given": int(given and _signs_in(account)),
        "state": account.state.name,
        "valid_until": account.valid_until,
        "renewed_at": account.renewed_at,
        "renew_by": account.renew_by,
        "person_index": account.person_index,
        "sealed": seal(number) if seal is not None else None,
        "created_at": account.created_at or now(),
    }
    known = {name: value for name, value in row.items() if value is not None}
    connection.execute(insert(accounts).values(known))


def may_sign_in(connection: Connection, account: str, at: str | None = None) -> bool:
    """Whether somebody may sign in as the account: never as a machine client, whose tokens, got by
    its key, are narrower than the account.
    """
    client = connection.scalar(select(clients.c.account).where(clients.c.account == account))
    return is_usable(connection, account, at) and client is None


def password_hash(connection: Connection, account: str) -> str | None:
    """The stored hash of an account that may sign in, else None."""
    found: str | None = connection.scalar(
        select(accounts.c.password_hash).where(accounts.c.account == account)
    )
    return found if may_sign_in(connection, account) else None


def replace_hash(connection: Connection, account: str, old: str, new: str) -> None:
    """Stores another hash of the same password, unless the password was changed meanwhile."""
    connection.execute(
        update(accounts)
        .where(accounts.c.account == account, accounts.c.password_hash == old)
        .values(password_hash=new)
    )


def set_password(connection: Connection, account: str, password: str) -> None:
    """Gives another password, which its holder changes before anything else, and ends every
    session. Raises InvalidInput, NotFound.
    """
    check_password(account, password)
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    connection.execute(
        update(accounts)
        .where(accounts.c.account == account)
        .values(password_hash=hash_password(password), password_given=int(_signs_in(found)))
    )
    revoke_sessions(connection, account)
    note_event(connection, account, "SET_PASSWORD", "", COMMAND_LINE)


def disable_account(
    connection: Connection, account: str, reason: str = "", by: str = COMMAND_LINE
) -> None:
    """Ends every session, in every worker at its next request; refuses new ones. NotFound."""
    found = find_account(connection, account)
    if found is None or not found.disabled:
        change_state(connection, account, AccountEvent.DISABLE, reason, by)
        stand_down_if_active(connection, account, reason, by)


def enable_account(
    connection: Connection, account: str, reason: str = "", by: str = COMMAND_LINE
) -> None:
    """Lets a disabled account sign in again. Raises NotFound."""
    found = find_account(connection, account)
    if found is None or found.disabled:
        change_state(connection, account, AccountEvent.ENABLE, reason, by)


def set_person(
    connection: Connection, account: str, person_index: str, seal: Callable[[int], bytes]
) -> None:
    """Puts on record who holds an account that was made before ID numbers were asked for.

    Raises NotFound, and InvalidInput where the person may not hold it, or it is known already.
    """
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    put_person(connection, found, person_index, seal, COMMAND_LINE)


def _signs_in(account: Account) -> bool:
    """Whether anybody signs in by its password: nobody does as a machine, which has a key."""
    return account.role is not Role.REGIONAL_SYSTEM


def _check(account: Account) -> None:
    if not is_login_name(account.account):
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

"""Accounts in the gateway's own store: who may sign in, and what ends that (A1, A4, A5, A12).

Functions on a connection to that store; the caller's transaction is theirs. `USABLE` is the same
decision as `states.standing`, said in SQL for the look-up of a session; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select, text, update

from regions.errors import InvalidInput, NotFound
from regions.instants import instant, now, seconds_of
from regions.offices import administrator_filings, unit_roles
from regions.privacy import emergencies
from regions.users import RENEWAL_DAYS, account_events, accounts, sessions
from resolvers.sessions import revoke_sessions
from resolvers.users import Role
from resolvers.users.states import (
    ACCOUNT,
    ON_FILE,
    AccountEvent,
    AccountState,
    FilingState,
    Standing,
    WrongState,
    standing,
)

__all__ = [
    "USABLE",
    "Account",
    "change_state",
    "days_from",
    "end_sessions_of_role",
    "find_account",
    "is_barred",
    "is_usable",
    "list_accounts",
    "next_id",
    "note_event",
    "reinstate",
    "renew",
    "standing_of",
    "suspend",
]

USABLE = """
(a.state = 'ACTIVE' OR (a.state = 'SUSPENDED' AND a.suspended_until <= :at))
AND a.valid_until > :at AND a.renew_by > :at
AND (a.role <> 'BUSINESS_ADMINISTRATOR' OR EXISTS (
  SELECT 1 FROM administrator_filings f WHERE f.account = a.account AND f.state = 'ACTIVE'))
AND NOT EXISTS (
  SELECT 1 FROM unit_roles u WHERE u.unit_id = a.unit_id AND u.role = a.role AND u.enabled = 0)
AND NOT EXISTS (
  SELECT 1 FROM emergencies e WHERE e.account = a.account AND e.review_due_at <= :at
  AND e.reviewed_at IS NULL AND e.suspended_at IS NULL)
"""
"""When an account `a` may sign in and be signed in, at the instant `:at`."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as stored, but for its password and its sealed items. `code` is the unit's: its
    jurisdiction (A2). Instants that are None are set when it is made.
    """

    account: str  # login name
    name: str  # of its holder
    role: Role
    unit_id: str
    unit_name: str
    unit_level: str  # UnitLevel, by name
    code: str  # GB/T 2260, six digits; 000000 is the country
    state: AccountState = AccountState.ACTIVE
    created_at: str = ""
    department: str | None = None
    head: bool = False  # of the department
    purpose: str | None = None  # Purpose, by name (A8)
    suspended_until: str | None = None
    valid_until: str | None = None
    renewed_at: str | None = None
    renew_by: str | None = None
    person_index: str | None = None
    password_given: bool = False  # by somebody else: its holder changes it first

    @property
    def disabled(self) -> bool:
        """Whether it was disabled."""
        return self.state is AccountState.DISABLED


def find_account(connection: Connection, account: str) -> Account | None:
    """The account of that login name."""
    row = connection.execute(select(accounts).where(accounts.c.account == account)).first()
    return None if row is None else _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """Every account, by login name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by("account"))]


def is_usable(connection: Connection, account: str, at: str | None = None) -> bool:
    """Whether the account may sign in."""
    query = text(f"SELECT 1 FROM accounts a WHERE a.account = :account AND {USABLE}")
    return connection.execute(query, {"account": account, "at": at or now()}).first() is not None


def standing_of(connection: Connection, account: Account, at: str | None = None) -> Standing:
    """What the account is at an instant; now, unless given."""
    administrator = account.role is Role.BUSINESS_ADMINISTRATOR
    filed = None
    if administrator:
        filings = administrator_filings.c
        filed = connection.scalar(
            select(filings.state).where(
                filings.account == account.account,
                filings.state.in_([state.name for state in ON_FILE]),
            )
        )
    at = at or now()
    unreviewed = connection.scalar(
        select(emergencies.c.id).where(
            emergencies.c.account == account.account,
            emergencies.c.review_due_at <= at,
            emergencies.c.reviewed_at.is_(None),
            emergencies.c.suspended_at.is_(None),
        )
    )
    return standing(
        account.state,
        at=at,
        suspended_until=account.suspended_until,
        valid_until=account.valid_until or "",
        renew_by=account.renew_by or "",
        filing=FilingState[filed] if filed else None,
        administrator=administrator,
        barred=is_barred(connection, account.unit_id, account.role),
        unreviewed=unreviewed is not None,
    )


def is_barred(connection: Connection, unit_id: str, role: Role) -> bool:
    """Whether a system administrator took the role from the unit (A3)."""
    return (
        connection.scalar(
            select(unit_roles.c.role).where(
                unit_roles.c.unit_id == unit_id,
                unit_roles.c.role == role.name,
                unit_roles.c.enabled == 0,
            )
        )
        is not None
    )


def suspend(
    connection: Connection, account: str, reason: str, by: str, until: str | None = None
) -> None:
    """Ends every session and refuses new ones until the instant, or until it is reinstated.

    Raises NotFound, and InvalidInput where the account is disabled.
    """
    change_state(connection, account, AccountEvent.SUSPEND, reason, by, suspended_until=until)


def reinstate(connection: Connection, account: str, reason: str, by: str) -> None:
    """Lets a suspended account sign in again. Raises NotFound, InvalidInput where it is not."""
    change_state(connection, account, AccountEvent.REINSTATE, reason, by)


def renew(
    connection: Connection, account: str, by: str, at: str | None = None, reason: str = ""
) -> str:
    """Renews an account for a year from now and returns until when (L503 1.1).

    Sessions of before a lapse stay ended. Raises NotFound, InvalidInput where it is not active.
    """
    at = at or now()
    found = _found(connection, account)
    until = days_from(at, RENEWAL_DAYS)
    lapsed = (found.renew_by or "") <= at
    change_state(connection, account, AccountEvent.RENEW, reason, by, renewed_at=at, renew_by=until)
    if lapsed:
        revoke_sessions(connection, account)
    return until


def change_state(
    connection: Connection,
    account: str,
    event: AccountEvent,
    reason: str,
    by: str,
    **columns: Any,
) -> AccountState:
    """The account's state after the event; its sessions end unless it stays active.

    Raises NotFound, and InvalidInput where the event is not for its state.
    """
    before = _found(connection, account).state
    try:
        after = ACCOUNT.next(before, event)
    except WrongState as error:
        raise InvalidInput(f"{account}: {error.refusal}", messageZh=error.refusal_zh) from None
    columns.setdefault("suspended_until", None)
    connection.execute(
        update(accounts).where(accounts.c.account == account).values(state=after.name, **columns)
    )
    if after is not AccountState.ACTIVE:
        revoke_sessions(connection, account)
    note_event(connection, account, event.name, reason, by)
    return after


def end_sessions_of_role(connection: Connection, unit_id: str, role: str) -> None:
    """Ends every session of a unit's accounts of a role."""
    connection.execute(
        update(sessions)
        .where(
            sessions.c.account.in_(
                select(accounts.c.account).where(
                    accounts.c.unit_id == unit_id, accounts.c.role == role
                )
            ),
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=now())
    )


def note_event(
    connection: Connection,
    account: str,
    event: str,
    reason: str,
    by: str,
    *,
    changes: str | None = None,
) -> None:
    """Keeps what was done to an account; `changes` as JSON, name → [before, after]."""
    connection.execute(
        insert(account_events).values(
            id=next_id(connection, account_events),
            account=account,
            event=event,
            at=now(),
            by_account=by,
            reason=reason,
            changes=changes,
        )
    )


def next_id(connection: Connection, table: Table) -> int:
    """The number of a table's next row; nobody else takes it within this transaction."""
    return int(connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0) + 1


def days_from(at: str, days: int) -> str:
    """The instant so many days after another."""
    return instant(seconds_of(at) + days * 86_400)


def _found(connection: Connection, account: str) -> Account:
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    return found


def _account(row: Row[Any]) -> Account:
    return Account(
        account=row.account,
        name=row.name,
        role=Role[row.role],
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=row.unit_level,
        code=row.code,
        state=AccountState[row.state],
        created_at=row.created_at,
        department=row.department,
        head=bool(row.head),
        purpose=row.purpose,
        suspended_until=row.suspended_until,
        valid_until=row.valid_until,
        renewed_at=row.renewed_at,
        renew_by=row.renew_by,
        person_index=row.person_index,
        password_given=bool(row.password_given),
    )

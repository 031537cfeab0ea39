"""Two supervisors of an emergency, and what becomes of one that nobody reviews (F11).

The account of an emergency that was not reviewed in time is suspended. No clock job is needed:
`resolvers.users.accounts.USABLE` says so at the account's next request, and it is written down
whenever somebody notices (`suspend_unreviewed`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select, update

from regions.privacy import emergencies
from regions.users import accounts
from resolvers.users import Role, prefix_of
from resolvers.users.accounts import Account, find_account, is_usable, suspend
from resolvers.users.levels import units_above
from resolvers.users.persons import same_person
from resolvers.users.states import AccountState

__all__ = ["UNREVIEWED", "suspend_for", "suspend_unreviewed", "two_supervisors"]

BY = "the rule of emergencies"
"""Who suspends, in the events of an account."""

UNREVIEWED = (
    "SELECT 1 FROM emergencies "
    "WHERE review_due_at <= ? AND reviewed_at IS NULL AND suspended_at IS NULL LIMIT 1"
)
"""A row where `suspend_unreviewed` has something to do at an instant: asked every few seconds."""


def two_supervisors(connection: Connection, account: Account, at: str) -> list[str]:
    """Whom an emergency of the account is told to; fewer than two where nobody else is there.

    The active business administrator of the own unit and that of the nearest unit above that has
    one; where there are not two, the heads of the own department and unit, then security and
    system administrators of the jurisdiction, the nearest first. Different people, who may sign in.
    """
    found: list[Account] = []
    for candidate in _candidates(connection, account):
        if any(same_person(candidate, one) for one in (account, *found)):
            continue
        if not is_usable(connection, candidate.account, at):
            continue
        found.append(candidate)
        if len(found) == 2:
            break
    return [one.account for one in found]


def _candidates(connection: Connection, account: Account) -> Iterator[Account]:
    table = accounts.c
    administrator = table.role == Role.BUSINESS_ADMINISTRATOR.name
    above = units_above(account.unit_id, account.unit_level, account.code)
    for unit in (account.unit_id, *above):
        yield from _found(connection, administrator, table.unit_id == unit)
    heads = (table.head == 1, table.unit_id == account.unit_id)
    yield from _found(connection, *heads, table.department == account.department)
    yield from _found(connection, *heads)
    for role in (Role.SECURITY_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR):
        others = _found(connection, table.role == role.name)
        within = [one for one in others if account.code.startswith(prefix_of(one.code))]
        yield from sorted(within, key=lambda one: -len(prefix_of(one.code)))


def _found(connection: Connection, *where: object) -> list[Account]:
    names = connection.scalars(
        select(accounts.c.account).where(*where).order_by(accounts.c.account)  # type: ignore[arg-type]  # a list of conditions
    ).all()
    return [one for name in names if (one := find_account(connection, name)) is not None]


def suspend_unreviewed(connection: Connection, at: str) -> list[str]:
    """Suspends the accounts of emergencies that should have been reviewed by now; their names."""
    overdue = connection.execute(
        select(emergencies.c.id, emergencies.c.account).where(
            emergencies.c.review_due_at <= at,
            emergencies.c.reviewed_at.is_(None),
            emergencies.c.suspended_at.is_(None),
        )
    ).all()
    for number, account in overdue:
        suspend_for(connection, number, account, "an emergency access was not reviewed", at)
    return [account for _, account in overdue]


def suspend_for(connection: Connection, number: int, account: str, why: str, at: str) -> None:
    """Suspends an account for an emergency, until it is reinstated."""
    found = find_account(connection, account)
    if found is not None and found.state is not AccountState.DISABLED:
        suspend(connection, account, f"{why} (emergency:{number})", BY)
    connection.execute(
        update(emergencies).where(emergencies.c.id == number).values(suspended_at=at)
    )

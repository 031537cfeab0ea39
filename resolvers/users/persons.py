"""Who is behind the accounts: which may belong to one person, by the index of the ID number.

System, security and audit administrators are three different people (GB/T 22239); nobody has two
accounts of one role in one unit (A12). An administrator's ordinary account of the same level is
what A7 asks for, and allowed.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select, update

from regions.errors import InvalidInput
from regions.users import accounts
from resolvers.users import ADMINISTRATOR_ROLES, Role
from resolvers.users.accounts import Account, next_id, note_event

__all__ = ["APART", "check_person", "put_person", "same_person", "unknown_administrators"]

APART = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})
"""Roles of which no person has two."""


def check_person(
    connection: Connection, person_index: str | None, role: Role, unit_id: str
) -> None:
    """Raises InvalidInput where the person may not have an account of this role.

    Of the three administrators who must be different people, the person must be known.
    """
    if person_index is None:
        if role in APART:
            raise InvalidInput(
                f"an account of the role {role.value} needs its holder's ID number",
                hint="system, security and audit administrators are three different people",
                messageZh="系统、安全、审计管理员须由不同人员担任，请提供身份证号",
            )
        return
    held = connection.execute(
        select(accounts.c.account, accounts.c.role, accounts.c.unit_id)
        .where(accounts.c.person_index == person_index, accounts.c.state != "DISABLED")
        .order_by(accounts.c.account)
    )
    for account, name, unit in held:
        if role in APART and Role[name] in APART and Role[name] is not role:
            raise InvalidInput(
                f"the same person is {Role[name].value} by the account {account}",
                hint="system, security and audit administrators are three different people",
                messageZh="系统、安全、审计管理员须由不同人员担任",
            )
        if name == role.name and unit == unit_id:
            raise InvalidInput(
                f"the same person has the account {account} of this role and unit",
                hint="accounts are not doubled: disable the other first",
                messageZh="该人员在本单位已有同一角色的账号",
            )


def same_person(one: Account | None, other: Account | None) -> bool:
    """Whether two accounts are one person's, as far as anybody knows: nobody decides about what is
    their own by another account (A7). Where the person behind one is not known, the same name in
    the same unit counts as the same.
    """
    if one is None or other is None:
        return False
    if one.account == other.account:
        return True
    if one.person_index is not None and other.person_index is not None:
        return one.person_index == other.person_index
    return (one.name, one.unit_id) == (other.name, other.unit_id)


def put_person(
    connection: Connection,
    account: Account,
    person_index: str,
    seal: Callable[[int], bytes],
    by: str,
) -> None:
    """Puts on record who holds an account that was made before ID numbers were asked for.

    `seal` makes the envelope of the holder's items for the account's number. Raises InvalidInput
    where the person may not hold it, or its holder is known already.
    """
    if account.person_index is not None:
        raise InvalidInput(
            f"the holder of {account.account} is on record already",
            hint="accounts are not handed on: disable this one and make another",
            messageZh="该账号持有人已登记：账号不得转让，请停用后另行办理",
        )
    check_person(connection, person_index, account.role, account.unit_id)
    row = accounts.c.account == account.account
    number = connection.scalar(select(accounts.c.id).where(row)) or next_id(connection, accounts)
    connection.execute(
        update(accounts)
        .where(row)
        .values(id=number, person_index=person_index, sealed=seal(number))
    )
    note_event(connection, account.account, "SET_PERSON", "", by)


def unknown_administrators(connection: Connection) -> list[str]:
    """The accounts of administrators, in use, of whom nobody knows who holds them: they were made
    before ID numbers were asked for.
    """
    found = connection.scalars(
        select(accounts.c.account)
        .where(
            accounts.c.person_index.is_(None),
            accounts.c.state != "DISABLED",
            accounts.c.role.in_(sorted(role.name for role in ADMINISTRATOR_ROLES)),
        )
        .order_by(accounts.c.account)
    )
    return list(found)

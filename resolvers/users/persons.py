"""Who is behind the accounts: which may belong to one person, by the index of the ID number.

System, security and audit administrators are three different people (GB/T 22239); nobody has two
accounts of one role in one unit (A12). An administrator's ordinary account of the same level is
what A7 asks for, and allowed.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from regions.errors import InvalidInput
from regions.users import accounts
from resolvers.users import Role

__all__ = ["APART", "check_person"]

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

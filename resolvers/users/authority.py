"""Who decides about whom: the administrator who answers for a unit, and the level above (A3–A5).

Decided on the gateway's own store within the transaction of what is decided, not by what the
session knew when it was opened. Nobody decides about themselves: an administrator owns an ordinary
account as well (A7), so it is the person behind an account that counts, where that is known.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from regions.errors import Forbidden
from regions.users import accounts
from resolvers.users import Role, Viewer
from resolvers.users.accounts import Account, is_usable
from resolvers.users.levels import NATIONAL, unit_above, units_above
from resolvers.users.on_file import active_of

__all__ = [
    "answering_for",
    "may_disable",
    "require_above",
    "require_answering",
    "require_may_disable",
    "require_may_enable",
    "require_may_renew",
]

_NATIONAL_OFFICERS = {
    Role.SYSTEM_ADMINISTRATOR: Role.SECURITY_ADMINISTRATOR,
    Role.SECURITY_ADMINISTRATOR: Role.SYSTEM_ADMINISTRATOR,
    Role.AUDITOR: Role.SECURITY_ADMINISTRATOR,
}
"""Who renews and changes the accounts that no business administrator answers for: never
themselves."""


def answering_for(
    connection: Connection, unit_id: str, level: str, code: str, person: str | None = None
) -> str | None:
    """The account of the administrator who answers for a unit: its own active one or, where none
    can act, that of the nearest level above that can. In what is about a `person` (the index of
    the ID number) that person cannot.
    """
    for unit in (unit_id, *units_above(unit_id, level, code)):
        account = active_of(connection, unit)
        if account is None or not is_usable(connection, account):
            continue
        if not _is_of(connection, account, person):
            return account
    return None


def require_answering(
    connection: Connection,
    viewer: Viewer,
    unit_id: str,
    level: str,
    code: str,
    person: str | None = None,
) -> None:
    """Raises Forbidden unless the viewer is the administrator who answers for the unit, in what is
    about the person.
    """
    if answering_for(connection, unit_id, level, code, person) != viewer.account:
        raise Forbidden(
            "only the active business administrator of the unit may do this",
            hint="or, where the unit has none who can act, that of the nearest level above; nobody "
            "decides about themselves",
            messageZh="须由本单位已启用的业务管理员办理；本单位没有的或涉及其本人的，由上级业务管理员办理",
        )


def require_above(
    connection: Connection,
    viewer: Viewer,
    unit_id: str,
    level: str,
    code: str,
    person: str | None = None,
) -> None:
    """Raises Forbidden unless the viewer is the active administrator of the level above, and not
    the person it is about.

    For the national unit that is the country's system administrator.
    """
    _require_another(connection, viewer, person)
    above = unit_above(unit_id, level, code)
    if above is None:
        right = viewer.role is Role.SYSTEM_ADMINISTRATOR and viewer.unit_id == NATIONAL
        right = right and is_usable(connection, viewer.account)
    else:
        right = active_of(connection, above) == viewer.account
        right = right and is_usable(connection, viewer.account)
    if not right:
        who = "the country's system administrator" if above is None else f"that of {above}"
        raise Forbidden(
            "only the active business administrator of the level above may do this",
            hint=f"for this unit: {who}",
            messageZh="须由上级业务管理员办理",
        )


def may_disable(viewer: Viewer, account: Account) -> bool:
    """Whether the viewer may disable the account: the security administrator of its jurisdiction,
    the business administrator of its unit or of a level above; nobody the own account.
    """
    if viewer.account == account.account:
        return False
    if viewer.role is Role.SECURITY_ADMINISTRATOR:
        return account.code.startswith(viewer.prefix)
    if viewer.role is not Role.BUSINESS_ADMINISTRATOR:
        return False
    above = tuple(units_above(account.unit_id, account.unit_level, account.code))
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        return viewer.unit_id in above
    if account.role in _NATIONAL_OFFICERS:
        return False
    return viewer.unit_id in (account.unit_id, *above)


def require_may_disable(connection: Connection, viewer: Viewer, account: Account) -> None:
    """Raises Forbidden unless the viewer may disable and enable the account now."""
    if not may_disable(viewer, account) or not is_usable(connection, viewer.account):
        raise Forbidden(
            "only the business administrator of the unit or of a level above, or the security "
            "administrator, may do this",
            hint="nobody does it with the own account",
            messageZh="须由本单位或上级业务管理员、或安全管理员办理，且不能办理本人账号",
        )


def require_may_enable(connection: Connection, viewer: Viewer, account: Account) -> None:
    """As for disabling; whose account was disabled or suspended does not let it in again by
    another one. Raises Forbidden.
    """
    _require_another(connection, viewer, account.person_index)
    require_may_disable(connection, viewer, account)


def require_may_renew(connection: Connection, viewer: Viewer, account: Account) -> None:
    """Raises Forbidden unless the viewer renews and changes the account: an ordinary one whoever
    answers for the unit, an administrator's the level above, those of the country each other.
    """
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        require_above(connection, viewer, *_of_unit(account))
    elif account.role in _NATIONAL_OFFICERS:
        right = viewer.role is _NATIONAL_OFFICERS[account.role]
        right = right and account.code.startswith(viewer.prefix)
        if not right or not is_usable(connection, viewer.account):
            raise Forbidden(
                f"accounts of the role {account.role.value} are renewed and changed by the "
                f"{_NATIONAL_OFFICERS[account.role].value}",
                messageZh="该角色账号须由规定的另一管理员办理年度备案和变更",
            )
    else:
        require_answering(connection, viewer, *_of_unit(account))


def _of_unit(account: Account) -> tuple[str, str, str, str | None]:
    return account.unit_id, account.unit_level, account.code, account.person_index


def _require_another(connection: Connection, viewer: Viewer, person: str | None) -> None:
    if _is_of(connection, viewer.account, person):
        raise Forbidden(
            "nobody decides about themselves, by whatever account",
            hint="it is another administrator's to do",
            messageZh="不能办理涉及本人的事项，须由其他管理员办理",
        )


def _is_of(connection: Connection, account: str, person: str | None) -> bool:
    held = connection.scalar(select(accounts.c.person_index).where(accounts.c.account == account))
    return person is not None and held == person

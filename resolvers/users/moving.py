"""`changeUser`: another role, department or headship of an account that there is (A5, A12).

What an account may do follows from these, and three of the five signatures hang on the headship, so
whoever answers for the unit changes them with a reason, and the sessions there are end.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, update

from regions.errors import Forbidden, InvalidInput
from regions.users import accounts
from resolvers.context import Context
from resolvers.sessions import revoke_sessions
from resolvers.users import Role, Viewer
from resolvers.users.accounts import Account, find_account, is_barred, note_event
from resolvers.users.authority import require_may_renew
from resolvers.users.changing import changed
from resolvers.users.persons import check_person, same_person
from resolvers.users.registering import PURPOSES
from resolvers.users.shared import needed
from resolvers.users.staff import LONGEST_NAME
from resolvers.users.states import AccountState
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import text
from schema.users.accounts import ChangeUserInput, UserPayload
from schema.users.staff import Purpose

__all__ = ["change_user"]


async def change_user(context: Context, given: ChangeUserInput, path: str) -> UserPayload:
    """Changes what is given of an account and ends its sessions. Raises Refusal."""
    viewer, mistakes = context.signed_in(), Mistakes()
    writing = CentralWriting(context, "changeUser", given, account=viewer.account)
    reason = needed(given.reason, mistakes, ["reason"])
    department = text(given.department, mistakes, ["department"], LONGEST_NAME)
    if given.role is None and given.purpose is not None:
        mistakes.add(["purpose"], "a purpose goes with a role", "目的须与角色一并填写")
    mistakes.stop()

    def change(connection: Connection, account: Account) -> None:
        wanted = _wanted(connection, account, given, department)
        before = {"role": account.role.name, "purpose": account.purpose}
        before |= {"department": account.department, "head": int(account.head)}  # type: ignore[dict-item]  # a number among texts
        differs = {name: one for name, one in wanted.items() if one != before[name]}
        if not differs:
            raise InvalidInput("the account is so already", messageZh="该账号已是如此，无需变更")
        connection.execute(
            update(accounts).where(accounts.c.account == account.account).values(differs)
        )
        revoke_sessions(connection, account.account)
        told = {name: [before[name], one] for name, one in differs.items()}
        note_event(
            connection,
            account.account,
            "CHANGE",
            reason,
            viewer.account,
            changes=orjson.dumps(told).decode(),
        )

    return await changed(context, writing, given.account, _require_may_change, change)


def _require_may_change(connection: Connection, viewer: Viewer, account: Account) -> None:
    """Raises Forbidden unless the viewer may: who renews it, and is another person."""
    if same_person(account, find_account(connection, viewer.account)):
        raise Forbidden(
            "nobody changes themselves, by whatever account",
            hint="it is another administrator's to do",
            messageZh="不能变更本人账号，须由其他管理员办理",
        )
    require_may_renew(connection, viewer, account)


def _wanted(
    connection: Connection, account: Account, given: ChangeUserInput, department: str | None
) -> dict[str, Any]:
    """The columns as they are to be. Raises InvalidInput."""
    if account.state is AccountState.DISABLED:
        raise InvalidInput(
            "the account is disabled", hint="enable it first", messageZh="该账号已停用，请先启用"
        )
    if account.role is Role.REGIONAL_SYSTEM:
        raise InvalidInput(
            "a machine has no department and no other role",
            hint="`epigate clients scope` changes what it may do",
            messageZh="系统账号没有部门，也不能变更角色",
        )
    wanted: dict[str, Any] = {}
    if department is not None:
        wanted["department"] = department
        if account.head and given.head is None and department != account.department:
            raise InvalidInput(
                "its holder heads the department of before",
                hint="say as `head` whether the new one, too",
                messageZh="该人员为原部门负责人，请注明是否任新部门负责人（head）",
            )
    if given.head is not None:
        if given.head and (department or account.department) is None:
            raise InvalidInput("the head of which department", messageZh="请填写所任部门")
        wanted["head"] = int(given.head)
    if given.role is not None:
        wanted |= _of_role(connection, account, Role[given.role.name], given.purpose)
    return wanted


def _of_role(
    connection: Connection, account: Account, role: Role, purpose: Purpose | None
) -> dict[str, Any]:
    if role not in PURPOSES or account.role not in PURPOSES:
        raise InvalidInput(
            "administrators are filed and deregistered with the level above, analysts, auditors "
            "and machines are set up by an operator",
            hint=f"roles that are changed: {', '.join(one.name for one in PURPOSES)}",
            messageZh="管理员须向上级备案或注销，其他角色由运维人员设置，不能直接变更",
        )
    kept = Purpose.__members__.get(account.purpose or "")
    wanted = purpose or (kept if kept in PURPOSES[role] else None)
    if wanted is None or wanted not in PURPOSES[role]:
        allowed = ", ".join(sorted(one.name for one in PURPOSES[role]))
        raise InvalidInput(
            f"an account of the role {role.value} is for another purpose",
            hint=f"give one of {allowed} as `purpose`",
            messageZh="该角色不用于此目的，请填写相符的目的",
        )
    if role is not account.role:
        if is_barred(connection, account.unit_id, role):
            raise InvalidInput(
                f"{account.unit_name} may not have accounts of the role {role.value}",
                messageZh="该机构已被取消此角色权限",
            )
        check_person(connection, account.person_index, role, account.unit_id)
    return {"role": role.name, "purpose": wanted.name}

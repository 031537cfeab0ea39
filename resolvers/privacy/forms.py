"""The form of an application for privacy roles, filled in and checked (F5; L503 annex 2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from regions.areas import reference_areas
from regions.instants import seconds_of
from regions.privacy import privacy_applications
from resolvers.context import Context
from resolvers.privacy.applications import KIND, payload
from resolvers.privacy.dedicated import known_roles
from resolvers.privacy.rows import (
    fresh_id,
    number_of,
    required_account,
    within_jurisdiction,
)
from resolvers.users import Viewer, prefix_of
from resolvers.users.accounts import Account
from resolvers.users.staff import read_contact
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import text
from schema.privacy import PrivateItem
from schema.privacy.applications import (
    PrivacyApplicationInput,
    PrivacyApplicationPayload,
    PrivacyApplicationState,
)
from schema.privacy.roles import DedicatedRoleInput

__all__ = [
    "LONGEST_DAYS",
    "apply_for_privacy_role",
    "check_place",
    "required_text",
]

LONGEST_DAYS = 366
"""Rights are renewed yearly (L503 1.1)."""


async def apply_for_privacy_role(
    context: Context, given: PrivacyApplicationInput, _: str
) -> PrivacyApplicationPayload:
    """Fills in an application; the applicant's signature is the first step after it. Raises
    Refusal.
    """
    viewer = context.signed_in()
    writing = CentralWriting(context, "applyForPrivacyRole", given, account=viewer.account)
    mistakes, at = Mistakes(), writing.moment.now
    items: dict[str, Any] = dict(read_contact(given.contact, mistakes, ["contact"]))
    items["purpose_text"] = required_text(given.purpose_text, mistakes, ["purposeText"], 1_000)
    department = required_text(given.business_department, mistakes, ["businessDepartment"], 60)
    check_place(viewer, given.code, mistakes)
    _check_time(given, at, mistakes)
    dedicated = _dedicated_role(given.dedicated_role, mistakes) if given.dedicated_role else None
    mistakes.stop()
    index = context.central.indexer.id_number(str(items["id_number"]))
    number = fresh_id()

    def work(connection: Connection) -> dict[str, Any]:
        account = required_account(connection, viewer)
        found = Mistakes()
        if not account.department:
            found.add(
                ["businessDepartment"],
                "your account has no department on file: the unit's administrator adds it",
                "您的账号未登记所在部门，请由本单位业务管理员补充",
            )
        if account.person_index is not None and account.person_index != index:
            found.add(
                ["contact", "idNumber"],
                "this is not the ID number on file for your account; "
                "`me { user { contact { idNumber } } }` shows that",
                "与账号备案的身份证号不一致",
            )
        roles = _roles(connection, account, given, dedicated, number, found)
        renews = _renewed(connection, account, given, roles, found)
        found.stop()
        connection.execute(
            insert(privacy_applications).values(
                id=number,
                state=PrivacyApplicationState.AWAITING_APPLICANT.name,
                account=account.account,
                name=account.name,
                unit_id=account.unit_id,
                unit_name=account.unit_name,
                unit_code=account.code,
                department=account.department,
                business_department=department,
                roles=json.dumps(roles, ensure_ascii=False),
                code=given.code,
                purpose=given.purpose.name,
                starts_at=given.starts_at,
                ends_at=given.ends_at,
                commitment=int(given.commitment_agreed),
                renews_id=renews,
                person_index=index,
                sealed=context.central.sealer.seal("privacy_applications", number, items),
                created_at=at,
            )
        )
        writing.wrote(KIND, number)
        return {"application": number}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["application"], repeated)


def required_text(value: str, mistakes: Mistakes, path: Sequence[str], longest: int) -> str | None:
    """A text that must be there."""
    found = text(value, mistakes, path, longest)
    if found is None and not mistakes.has(path):
        mistakes.add(path, "this must be filled in", "此项必填")
    return found


def check_place(viewer: Viewer, code: str, mistakes: Mistakes) -> None:
    """Adds a mistake where the code is none, or lies outside the viewer's jurisdiction."""
    if not reference_areas().is_prefix(prefix_of(code)):
        mistakes.add(["code"], "this is no code of GB/T 2260", "不是有效的行政区划代码")
    elif not within_jurisdiction(viewer, code):
        mistakes.add(
            ["code"],
            "the code lies outside your jurisdiction: a right never widens it",
            "该代码不在您的管辖范围内",
        )


def _check_time(given: PrivacyApplicationInput, at: str, mistakes: Mistakes) -> None:
    starts = max(given.starts_at or at, at)
    if seconds_of(starts) - seconds_of(at) > LONGEST_DAYS * 86_400:
        mistakes.add(
            ["startsAt"],
            f"a right begins within {LONGEST_DAYS} days: it is decided anew each year",
            f"使用期限须在 {LONGEST_DAYS} 天内开始，每年重新办理",
        )
    if given.ends_at <= starts:
        mistakes.add(["endsAt"], "the right would end before it begins", "使用期限应晚于开始时间")
    elif seconds_of(given.ends_at) - seconds_of(starts) > LONGEST_DAYS * 86_400:
        mistakes.add(
            ["endsAt"],
            f"a right holds for {LONGEST_DAYS} days at most; it is renewed yearly",
            f"使用期限最长 {LONGEST_DAYS} 天，每年重新办理",
        )


def _dedicated_role(given: DedicatedRoleInput, mistakes: Mistakes) -> dict[str, Any]:
    path = ["dedicatedRole"]
    if not given.items:
        mistakes.add([*path, "items"], "a role reveals at least one item", "角色至少包含一项隐私项")
    return {
        "name": required_text(given.name, mistakes, [*path, "name"], 60),
        "name_zh": required_text(given.name_zh, mistakes, [*path, "nameZh"], 60),
        "record_type": given.record_type.name,
        "items": [item.name for item in PrivateItem if item in given.items],
        "regulation": required_text(given.regulation, mistakes, [*path, "regulation"], 4_000),
    }


def _roles(
    connection: Connection,
    account: Account,
    given: PrivacyApplicationInput,
    dedicated: dict[str, Any] | None,
    number: int,
    mistakes: Mistakes,
) -> list[dict[str, Any]]:
    """The roles applied for, with the items each reveals here."""
    known = known_roles(connection, account.unit_id)
    found: list[dict[str, Any]] = []
    for place, role_id in enumerate(dict.fromkeys(given.roles)):
        if role_id in known:
            found.append(known[role_id])
        else:
            mistakes.add(
                ["roles", str(place)],
                "there is no such privacy role; see privacyRoles",
                "没有该隐私角色，见 privacyRoles",
            )
    if dedicated is not None:
        found.append(dedicated | {"id": f"dedicated-{number}", "unit_id": account.unit_id})
    if not found and not mistakes.found:
        mistakes.add(["roles"], "no role is applied for", "未选择任何隐私角色")
    if given.items is not None:
        found = _narrowed(found, given.items, mistakes)
    return found


def _narrowed(
    roles: list[dict[str, Any]], items: list[PrivateItem], mistakes: Mistakes
) -> list[dict[str, Any]]:
    wanted = {item.name for item in items}
    revealed = {name for role in roles for name in role["items"]}
    if beyond := sorted(wanted - revealed):
        mistakes.add(
            ["items"],
            f"no role applied for reveals {', '.join(beyond)}",
            f"所申请角色不包含 {', '.join(beyond)}",
        )
    narrowed = [
        role | {"items": [name for name in role["items"] if name in wanted]} for role in roles
    ]
    for role in narrowed:
        if not role["items"] and not mistakes.has(["items"]):
            mistakes.add(
                ["items"],
                f"the role {role['id']} would reveal nothing: leave it out",
                f"角色 {role['id']} 将不含任何隐私项，请取消选择",
            )
    return narrowed


def _renewed(
    connection: Connection,
    account: Account,
    given: PrivacyApplicationInput,
    roles: list[dict[str, Any]],
    mistakes: Mistakes,
) -> int | None:
    """The application that is renewed; a mistake where it is not the own, or was less."""
    if given.renews is None:
        return None
    number = number_of(KIND, given.renews)
    row = None
    if number is not None:
        row = connection.execute(
            select(privacy_applications).where(
                privacy_applications.c.id == number,
                privacy_applications.c.account == account.account,
                privacy_applications.c.state == PrivacyApplicationState.GRANTED.name,
            )
        ).first()
    if row is None:
        mistakes.add(
            ["renews"],
            "only an own application that was granted can be renewed",
            "只能续办本人已授权的申请",
        )
        return None
    before = {(one["id"], item) for one in json.loads(row.roles) for item in one["items"]}
    asked = {(one["id"], item) for one in roles for item in one["items"]}
    if not asked <= before or not prefix_of(given.code).startswith(prefix_of(row.code)):
        mistakes.add(
            ["renews"],
            "a renewal asks for no more roles, items or places than before: apply anew",
            "续办不得扩大角色、隐私项或地区范围，请重新申请",
        )
    return number

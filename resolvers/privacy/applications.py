"""Applications for privacy roles: filled in, read, listed (F5; L503 annex 2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, insert, or_, select

from regions.areas import reference_areas
from regions.instants import now, seconds_of
from regions.privacy import privacy_applications, privacy_roles, privacy_signatures
from regions.sealing import Sealer
from resolvers.context import Context
from resolvers.privacy.grants import grants_of_applications
from resolvers.privacy.roles import NATIONAL_ROLES
from resolvers.privacy.rows import (
    CONTROLLERS,
    contact_of,
    fresh_id,
    global_id,
    number_of,
    read_slice,
    required_account,
    under_jurisdiction,
    within_jurisdiction,
)
from resolvers.privacy.steps import step_awaited
from resolvers.users import Role, Viewer, prefix_of
from resolvers.users.accounts import Account
from resolvers.users.staff import read_contact
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import text
from schema.privacy import PrivateItem, RecordType
from schema.privacy.applications import (
    BriefingTopic,
    PrivacyApplication,
    PrivacyApplicationConnection,
    PrivacyApplicationEdge,
    PrivacyApplicationFilter,
    PrivacyApplicationInput,
    PrivacyApplicationPayload,
    PrivacyApplicationState,
    PrivacyBriefing,
    PrivacyPurpose,
    PrivacySignature,
    SigningDecision,
    SigningStep,
)
from schema.privacy.roles import DedicatedRoleInput, PrivacyRole

__all__ = [
    "KIND",
    "LONGEST_DAYS",
    "apply_for_privacy_role",
    "check_place",
    "list_applications",
    "list_roles",
    "payload",
    "required_text",
    "row_of",
    "takes_part",
]

KIND = "privacyApplication"
LONGEST_DAYS = 366
"""Rights are renewed yearly (L503 1.1)."""

_ORDER = {step.name: place for place, step in enumerate(SigningStep)}


async def list_roles(context: Context) -> list[PrivacyRole]:
    """The national roles, and those the viewer's unit defined."""
    viewer = context.signed_in()

    def work(connection: Connection) -> list[PrivacyRole]:
        return [
            _role_type(role)
            for role in (*_national(), *_dedicated(connection, viewer.unit_id).values())
        ]

    return await context.central.do(work)


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
                "this is not the ID number on file for your account",
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
        return {"application": number}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["application"], repeated)


async def list_applications(
    context: Context,
    wanted: PrivacyApplicationFilter | None,
    first: int | None,
    after: str | None,
) -> PrivacyApplicationConnection:
    """Applications the viewer may know of: the own; for an administrator those of the unit; for a
    head those of the department or waiting for it; for security administrator and auditor those of
    the jurisdiction.
    """
    viewer = context.signed_in()
    read = read_slice(context, privacy_applications, first, after)
    chosen = _chosen(wanted)

    def work(connection: Connection) -> PrivacyApplicationConnection:
        account = required_account(connection, viewer)
        found = read(connection, and_(_visible(account, viewer), *chosen))
        nodes = _types(connection, context.central.sealer, found.rows, account)
        return PrivacyApplicationConnection(
            edges=[
                PrivacyApplicationEdge(cursor=cursor, node=node)
                for cursor, node in zip(found.cursors, nodes, strict=True)
            ],
            page_info=found.info,
            total_count=found.total,
        )

    return await context.central.do(work)


async def payload(context: Context, number: int, repeated: bool) -> PrivacyApplicationPayload:
    """An application as it stands now, after a mutation; notes it for the access log."""
    viewer = context.signed_in()
    if not repeated:
        context.question.trail.note_written({KIND: [number]})

    def read(connection: Connection) -> PrivacyApplication:
        account = required_account(connection, viewer)
        rows = [row_of(connection, number)]
        return _types(connection, context.central.sealer, rows, account)[0]

    return PrivacyApplicationPayload(application=await context.central.do(read), repeated=repeated)


def row_of(connection: Connection, number: int) -> Row[Any]:
    """The row of an application that is there."""
    return connection.execute(
        select(privacy_applications).where(privacy_applications.c.id == number)
    ).one()


def takes_part(account: Account, row: Row[Any]) -> bool:
    """Whether an account takes part in an application or request for data: whoever filed it, the
    administrator of the unit, the heads whose departments are named in it.
    """
    if account.account in (getattr(row, "account", None), getattr(row, "filed_by", None)):
        return True
    if account.unit_id != row.unit_id:
        return False
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        return True
    named = {
        getattr(row, name, None)
        for name in ("department", "business_department", "administrator_department")
    }
    return account.head and account.department is not None and account.department in named


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
    if given.ends_at <= starts:
        mistakes.add(["endsAt"], "the right would end before it begins", "使用期限应晚于开始时间")
    elif seconds_of(given.ends_at) - seconds_of(starts) > LONGEST_DAYS * 86_400:
        mistakes.add(
            ["endsAt"],
            f"a right holds for {LONGEST_DAYS} days at most; it is renewed yearly",
            f"使用期限最长 {LONGEST_DAYS} 天，每年重新办理",
        )


def _national() -> Iterable[dict[str, Any]]:
    for role in NATIONAL_ROLES.values():
        yield {
            "id": role.id,
            "name": role.name,
            "name_zh": role.name_zh,
            "record_type": role.record_type,
            "items": list(role.items),
            "unit_id": None,
            "regulation": None,
        }


def _dedicated(connection: Connection, unit: str) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        select(privacy_roles)
        .where(privacy_roles.c.unit_id == unit)
        .order_by(privacy_roles.c.created_at, privacy_roles.c.id)
    )
    return {
        row.id: {
            "id": row.id,
            "name": row.name,
            "name_zh": row.name_zh,
            "record_type": row.record_type,
            "items": json.loads(row.items),
            "unit_id": row.unit_id,
            "regulation": row.regulation,
        }
        for row in rows
    }


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
    known = {role["id"]: role for role in _national()} | _dedicated(connection, account.unit_id)
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


def _visible(account: Account, viewer: Viewer) -> ColumnElement[bool]:
    table = privacy_applications.c
    own = table.account == account.account
    if viewer.role in CONTROLLERS:
        return or_(own, under_jurisdiction(table.unit_code, viewer))
    here = table.unit_id == account.unit_id
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        return or_(own, here)
    if account.head and account.department:
        named = or_(
            table.department == account.department,
            table.business_department == account.department,
            table.administrator_department == account.department,
        )
        return or_(own, and_(here, named))
    return own


def _chosen(wanted: PrivacyApplicationFilter | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted is not None and wanted.account is not None:
        found.append(privacy_applications.c.account == wanted.account)
    if wanted is not None and wanted.state is not None:
        states = (privacy_applications.c.state == one.name for one in wanted.state)
        found.append(or_(false(), *states))
    return found


def _types(
    connection: Connection, sealer: Sealer, rows: Sequence[Row[Any]], account: Account
) -> list[PrivacyApplication]:
    numbers = [row.id for row in rows]
    given = grants_of_applications(connection, numbers, now())
    signed: dict[int, list[Row[Any]]] = {}
    for one in connection.execute(
        select(privacy_signatures).where(privacy_signatures.c.application_id.in_(numbers))
    ):
        signed.setdefault(one.application_id, []).append(one)
    found = []
    for row in rows:
        part = takes_part(account, row)
        items = sealer.open("privacy_applications", row.id, row.sealed) if part else None
        state = PrivacyApplicationState[row.state]
        found.append(
            PrivacyApplication(
                id=global_id(KIND, row.id),  # type: ignore[arg-type]
                state=state,
                account=row.account,
                name=row.name,
                unit_id=row.unit_id,
                unit_name=row.unit_name,
                department=row.department,
                business_department=row.business_department,
                contact=contact_of(items),
                roles=[_role_type(role) for role in json.loads(row.roles)],
                code=row.code,
                purpose=PrivacyPurpose[row.purpose],
                purpose_text=None if items is None else str(items["purpose_text"]),
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                commitment_agreed=bool(row.commitment),
                renews=None if row.renews_id is None else global_id(KIND, row.renews_id),  # type: ignore[arg-type]
                briefing=_briefing(row),
                signatures=[
                    _signature(sealer, one, part)
                    for one in sorted(signed.get(row.id, ()), key=lambda one: _ORDER[one.step])
                ],
                next_step=step_awaited(state),
                grants=given.get(row.id, []),
                created_at=row.created_at,
            )
        )
    return found


def _briefing(row: Row[Any]) -> PrivacyBriefing | None:
    if row.briefed_at is None:
        return None
    topics = [BriefingTopic[name] for name in json.loads(row.briefing)]
    return PrivacyBriefing(by=row.briefed_by, given_at=row.briefed_at, topics=topics)


def _signature(sealer: Sealer, row: Row[Any], part: bool) -> PrivacySignature:
    reason = None
    if part and row.sealed is not None:
        reason = str(sealer.open("privacy_signatures", row.id, row.sealed)["reason"])
    return PrivacySignature(
        step=SigningStep[row.step],
        decision=SigningDecision[row.decision],
        account=row.account,
        name=row.name,
        signed_at=row.signed_at,
        reason=reason,
    )


def _role_type(role: Mapping[str, Any]) -> PrivacyRole:
    return PrivacyRole(
        id=role["id"],
        name=role["name"],
        name_zh=role["name_zh"],
        record_type=RecordType[role["record_type"]],
        items=[PrivateItem[name] for name in role["items"]],
        national=role["unit_id"] is None,
        unit_id=role["unit_id"],
        regulation=role["regulation"],
    )

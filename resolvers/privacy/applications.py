"""Applications for privacy roles, as they are read and listed, by whoever may (F5)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, or_, select

from regions.instants import now
from regions.privacy import privacy_applications, privacy_signatures
from regions.sealing import Sealer
from resolvers.context import Context, no_region_asked
from resolvers.privacy.grants import grants_of_applications
from resolvers.privacy.rows import (
    CONTROLLERS,
    contact_of,
    global_id,
    read_slice,
    required_account,
    under_jurisdiction,
)
from resolvers.privacy.steps import step_awaited
from resolvers.users import Role, Viewer
from resolvers.users.accounts import Account
from schema.privacy import PrivateItem, RecordType
from schema.privacy.applications import (
    BriefingTopic,
    PrivacyApplication,
    PrivacyApplicationConnection,
    PrivacyApplicationEdge,
    PrivacyApplicationFilter,
    PrivacyApplicationPayload,
    PrivacyApplicationState,
    PrivacyBriefing,
    PrivacyPurpose,
    PrivacySignature,
    SigningDecision,
    SigningStep,
)
from schema.privacy.roles import PrivacyRole

__all__ = [
    "KIND",
    "list_applications",
    "payload",
    "role_type",
    "row_of",
    "takes_part",
]

KIND = "privacyApplication"

_ORDER = {step.name: place for place, step in enumerate(SigningStep)}


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
    read = read_slice(context, privacy_applications, KIND, first, after)
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
            regions=no_region_asked(context.question),
            total_count=found.total,
        )

    return await context.central.do(work)


async def payload(context: Context, number: int, repeated: bool) -> PrivacyApplicationPayload:
    """An application as it stands now, after a mutation."""
    viewer = context.signed_in()

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
                id=global_id(KIND, row.id),  # type: ignore[arg-type]  # scalars are text
                state=state,
                account=row.account,
                name=row.name,
                unit_id=row.unit_id,
                unit_name=row.unit_name,
                department=row.department,
                business_department=row.business_department,
                contact=contact_of(items),
                roles=[role_type(role) for role in json.loads(row.roles)],
                code=row.code,
                purpose=PrivacyPurpose[row.purpose],
                purpose_text=None if items is None else str(items["purpose_text"]),
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                commitment_agreed=bool(row.commitment),
                renews=None if row.renews_id is None else global_id(KIND, row.renews_id),  # type: ignore[arg-type]  # scalars are text
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


def role_type(role: Mapping[str, Any]) -> PrivacyRole:
    """A role, as an application keeps it, as its type."""
    return PrivacyRole(
        id=role["id"],
        name=role["name"],
        name_zh=role["name_zh"],
        record_type=RecordType[role["record_type"]],
        items=[PrivateItem[name] for name in role["items"]],
        national=role["unit_id"] is None,
        unit_id=role["unit_id"],
        regulation=role["regulation"],
        withdrawn_at=role.get("withdrawn_at"),
    )

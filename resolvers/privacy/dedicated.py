"""The roles a unit may apply for, and the withdrawal of those it defined (F4, L503 3.3).

A dedicated role comes about by an application with its five signatures. To withdraw it takes less,
as to revoke a right does, since nobody sees more by it: the unit's administrator, or one above, or
the security administrator, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from regions.privacy import grants, privacy_applications, privacy_roles
from resolvers.context import Context
from resolvers.privacy.applications import KIND, role_type
from resolvers.privacy.ending import close_application, end_grants
from resolvers.privacy.grants import may_end_rights
from resolvers.privacy.roles import NATIONAL_ROLES
from resolvers.privacy.rows import global_id, required_account, step_refused
from resolvers.privacy.steps import OPEN, REASONS, Event
from resolvers.users import Viewer
from resolvers.users.levels import INSTITUTIONS, cdc_of
from resolvers.users.shared import needed
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, not_found
from schema.privacy.applications import PrivacyApplicationState
from schema.privacy.grants import RevocationReason
from schema.privacy.roles import (
    PrivacyRole,
    WithdrawPrivacyRoleInput,
    WithdrawPrivacyRolePayload,
)

__all__ = ["known_roles", "list_roles", "withdraw_privacy_role"]


async def list_roles(context: Context, *, withdrawn: bool) -> list[PrivacyRole]:
    """The national roles, and those the viewer's unit defined; `withdrawn` ones, too."""
    viewer = context.signed_in()

    def work(connection: Connection) -> list[PrivacyRole]:
        own = _dedicated(connection, viewer.unit_id, withdrawn=withdrawn)
        return [role_type(role) for role in (*_national(), *own)]

    return await context.central.do(work)


def known_roles(connection: Connection, unit: str) -> dict[str, dict[str, Any]]:
    """What somebody of the unit may apply for, by id, as an application keeps it."""
    own = _dedicated(connection, unit, withdrawn=False)
    return {role["id"]: role for role in (*_national(), *own)}


async def withdraw_privacy_role(
    context: Context, given: WithdrawPrivacyRoleInput, _: str
) -> WithdrawPrivacyRolePayload:
    """Withdraws a dedicated role: applications for it that wait are closed, and its rights end
    unless they shall run out. Raises Refusal.
    """
    viewer = context.signed_in()
    writing = CentralWriting(context, "withdrawPrivacyRole", given, account=viewer.account)
    mistakes, at = Mistakes(), writing.moment.now
    reason = needed(given.reason, mistakes, ["reason"])
    mistakes.stop()

    def work(connection: Connection) -> dict[str, Any]:
        row = _row(connection, given.role)
        if row is None or not _may_withdraw(connection, viewer, row):
            raise not_found("role")
        if row.withdrawn_at is not None:
            raise step_refused("ROLE_WITHDRAWN_ALREADY", REASONS["ROLE_WITHDRAWN_ALREADY"])
        connection.execute(
            update(privacy_roles)
            .where(privacy_roles.c.id == row.id)
            .values(withdrawn_at=at, withdrawn_by=viewer.account, withdrawn_reason=reason)
        )
        ended, closed = _end(connection, row, viewer.account, at, rights=given.end_rights)
        writing.wrote("privacyRole", row.id)
        if ended:
            writing.wrote("grant", *ended)
        if closed:
            writing.wrote(KIND, *closed)
        return {"role": row.id, "ended": ended, "closed": closed}

    kept, repeated = await writing.once(work)

    def read(connection: Connection) -> PrivacyRole:
        row = _row(connection, kept["role"])
        assert row is not None
        return role_type(_kept(row))

    return WithdrawPrivacyRolePayload(
        role=await context.central.do(read),
        ended=kept["ended"],
        closed=[global_id(KIND, number) for number in kept["closed"]],  # type: ignore[misc]  # scalars are text
        repeated=repeated,
    )


def _end(
    connection: Connection, row: Row[Any], by: str, at: str, *, rights: bool
) -> tuple[list[str], list[int]]:
    """Closes what asks for the role; ids of grants that ended, applications that were closed."""
    wanted = [state.name for state in OPEN]
    if rights:
        wanted.append(PrivacyApplicationState.GRANTED.name)
    found = connection.execute(
        select(privacy_applications.c.id, privacy_applications.c.roles).where(
            privacy_applications.c.unit_id == row.unit_id,
            privacy_applications.c.state.in_(wanted),
        )
    )
    asking = [one.id for one in found if row.id in {role["id"] for role in json.loads(one.roles)}]
    ended = end_grants(
        connection,
        grants.c.application_id.in_(asking),
        RevocationReason.ROLE_WITHDRAWN,
        by,
        at,
    )
    closed = [
        number
        for number in asking
        if close_application(connection, number, Event.REVOKE, at)
        or close_application(connection, number, Event.CUT, at)
    ]
    return ended, closed


def _may_withdraw(connection: Connection, viewer: Viewer, row: Row[Any]) -> bool:
    """Whoever may end the rights of officers of the unit that defined it."""
    code: str = connection.execute(
        select(privacy_applications.c.unit_code).where(
            privacy_applications.c.id == row.application_id
        )
    ).scalar_one()
    # Which institution it is makes no difference to what is above it.
    level = "" if row.unit_id == cdc_of(code) else INSTITUTIONS[0]
    account = required_account(connection, viewer)
    return may_end_rights(account, viewer, row.unit_id, level, code)


def _row(connection: Connection, role: str) -> Row[Any] | None:
    return connection.execute(select(privacy_roles).where(privacy_roles.c.id == role)).first()


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


def _dedicated(connection: Connection, unit: str, *, withdrawn: bool) -> list[dict[str, Any]]:
    table = privacy_roles
    query = select(table).where(table.c.unit_id == unit)
    if not withdrawn:
        query = query.where(table.c.withdrawn_at.is_(None))
    return [
        _kept(row) for row in connection.execute(query.order_by(table.c.created_at, table.c.id))
    ]


def _kept(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "name_zh": row.name_zh,
        "record_type": row.record_type,
        "items": json.loads(row.items),
        "unit_id": row.unit_id,
        "regulation": row.regulation,
        "withdrawn_at": row.withdrawn_at,
    }

"""`grants` and `revokeGrant`: who holds which right, and its end at once (F7)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, insert, or_, select

from regions.instants import now
from regions.privacy import grants
from regions.users import accounts
from resolvers.context import Context, no_region_asked
from resolvers.privacy.ending import close_application, end_grants, end_line
from resolvers.privacy.rows import (
    CONTROLLERS,
    global_id,
    read_slice,
    required_account,
    step_refused,
    under_jurisdiction,
)
from resolvers.privacy.steps import REASONS, Event
from resolvers.users import Role, Viewer
from resolvers.users.accounts import Account, find_account
from resolvers.users.levels import INSTITUTIONS, units_above
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import not_found
from schema.privacy import PrivateItem, RecordType
from schema.privacy.grants import (
    Grant,
    GrantConnection,
    GrantedBy,
    GrantEdge,
    GrantFilter,
    RevocationReason,
    RevokeGrantInput,
    RevokeGrantPayload,
)

__all__ = [
    "give_grant",
    "grant_type",
    "grants_of_applications",
    "list_grants",
    "may_end_rights",
    "revoke_grant",
]

_APPLICATION = "privacyApplication"
_HELD = grants.join(accounts, accounts.c.account == grants.c.account)


def give_grant(
    connection: Connection,
    *,
    account: str,
    record_types: Iterable[str],
    items: Iterable[str],
    code: str,
    purpose: str,
    starts_at: str,
    ends_at: str,
    how: GrantedBy,
    application: int,
    person: int | None = None,
) -> str:
    """Gives a right and returns its id. What it opens was decided before."""
    types, chosen = set(record_types), set(items)
    grant_id = secrets.token_hex(6)
    connection.execute(
        insert(grants).values(
            id=grant_id,
            account=account,
            record_types=json.dumps([one.name for one in RecordType if one.name in types]),
            items=json.dumps([one.name for one in PrivateItem if one.name in chosen]),
            code=code,
            purpose=purpose,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=now(),
            how=how.name,
            application_id=application,
            person_id=person,
        )
    )
    return grant_id


async def list_grants(
    context: Context, wanted: GrantFilter | None, first: int | None, after: str | None
) -> GrantConnection:
    """Grants the viewer may know of: the own; an administrator's unit and those below; for
    security administrator and auditor those of the jurisdiction.
    """
    viewer = context.signed_in()
    read, at = read_slice(context, grants, "grant", first, after, _HELD), now()
    where = and_(_visible(viewer), *_chosen(wanted, at))

    def work(connection: Connection) -> GrantConnection:
        found = read(connection, where)
        units = _units(connection, {row.account for row in found.rows})
        return GrantConnection(
            edges=[
                GrantEdge(cursor=cursor, node=grant_type(row, units.get(row.account), at))
                for cursor, row in zip(found.cursors, found.rows, strict=True)
            ],
            page_info=found.info,
            regions=no_region_asked(context.question),
            total_count=found.total,
        )

    return await context.central.do(work)


async def revoke_grant(context: Context, given: RevokeGrantInput, _: str) -> RevokeGrantPayload:
    """Ends a right at once; for misuse its renewals, too, and what it renewed. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "revokeGrant", given, account=viewer.account)
    at = writing.moment.now

    def work(connection: Connection) -> dict[str, Any]:
        row = connection.execute(select(grants).where(grants.c.id == given.grant)).first()
        holder = find_account(connection, row.account) if row is not None else None
        if row is None or holder is None:
            raise not_found("grant")
        if not _may_revoke(required_account(connection, viewer), viewer, holder):
            raise not_found("grant")
        by, reason = viewer.account, given.reason
        ended = end_grants(connection, grants.c.id == row.id, reason, by, at)
        closed: list[int] = []
        if row.how == GrantedBy.APPLICATION.name:
            application = row.application_id
            if reason is RevocationReason.MISUSE:
                more, closed = end_line(connection, application, reason, by, at)
                ended += more
            elif close_application(connection, application, Event.REVOKE, at):
                closed = [application]
        if not (ended or closed):  # a right that ended for another reason may have been misused
            raise step_refused("REVOKED_ALREADY", REASONS["REVOKED_ALREADY"])
        if ended:
            writing.wrote("grant", *ended)
        if closed:
            writing.wrote(_APPLICATION, *closed)
        return {"grant": row.id}

    kept, repeated = await writing.once(work)

    def read(connection: Connection) -> Grant:
        row = connection.execute(select(grants).where(grants.c.id == kept["grant"])).one()
        return grant_type(row, _units(connection, {row.account}).get(row.account), now())

    return RevokeGrantPayload(grant=await context.central.do(read), repeated=repeated)


def grants_of_applications(
    connection: Connection, numbers: Sequence[int], at: str
) -> dict[int, list[Grant]]:
    """The grants that applications, or emergencies, gave."""
    found: dict[int, list[Grant]] = {}
    rows = connection.execute(
        select(grants)
        .where(grants.c.application_id.in_(numbers))
        .order_by(grants.c.created_at, grants.c.id)
    ).all()
    units = _units(connection, {row.account for row in rows})
    for row in rows:
        found.setdefault(row.application_id, []).append(grant_type(row, units.get(row.account), at))
    return found


def grant_type(row: Row[Any], unit: str | None, at: str) -> Grant:
    """A grant's row as its type, as it stands at an instant."""
    application = None
    if row.application_id is not None:
        kind = "emergency" if row.how == GrantedBy.EMERGENCY.name else _APPLICATION
        application = global_id(kind, row.application_id)
    return Grant(
        id=row.id,
        account=row.account,
        unit_id=unit,  # type: ignore[arg-type]  # scalars are text
        record_types=[RecordType[name] for name in json.loads(row.record_types)],
        items=[PrivateItem[name] for name in json.loads(row.items)],
        code=row.code,
        person=None if row.person_id is None else global_id("person", row.person_id),  # type: ignore[arg-type]  # scalars are text
        purpose=row.purpose,
        how=GrantedBy[row.how],
        application=application,  # type: ignore[arg-type]  # scalars are text
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        in_force=not row.revoked and row.starts_at <= at < row.ends_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        revoked_reason=RevocationReason[row.revoked_reason] if row.revoked_reason else None,
    )


def _units(connection: Connection, names: set[str]) -> dict[str, str]:
    rows = connection.execute(
        select(accounts.c.account, accounts.c.unit_id).where(accounts.c.account.in_(names))
    )
    return {row.account: row.unit_id for row in rows}


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    own = grants.c.account == viewer.account
    if viewer.role is Role.BUSINESS_ADMINISTRATOR and viewer.unit_level in INSTITUTIONS:
        return or_(own, accounts.c.unit_id == viewer.unit_id)
    if viewer.role in CONTROLLERS or viewer.role is Role.BUSINESS_ADMINISTRATOR:
        return or_(own, under_jurisdiction(accounts.c.code, viewer))
    return own


def _chosen(wanted: GrantFilter | None, at: str) -> list[ColumnElement[bool]]:
    if wanted is None:
        return []
    found: list[ColumnElement[bool]] = []
    if wanted.account is not None:
        found.append(grants.c.account == wanted.account)
    if wanted.how is not None:
        found.append(or_(false(), *(grants.c.how == one.name for one in wanted.how)))
    if wanted.in_force is not None:
        holds = and_(grants.c.revoked == 0, grants.c.starts_at <= at, grants.c.ends_at > at)
        found.append(holds if wanted.in_force else ~holds)
    return found


def _may_revoke(account: Account, viewer: Viewer, holder: Account) -> bool:
    """The holder, and whoever may end the rights of the holder's unit."""
    return viewer.account == holder.account or may_end_rights(
        account, viewer, holder.unit_id, holder.unit_level, holder.code
    )


def may_end_rights(account: Account, viewer: Viewer, unit: str, level: str, code: str) -> bool:
    """Whether the viewer, whose account it is, may end the rights of a unit's officers: an
    administrator of the unit or of one above; the security administrator of the jurisdiction.
    """
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        return account.unit_id == unit or account.unit_id in set(units_above(unit, level, code))
    return account.role is Role.SECURITY_ADMINISTRATOR and code.startswith(viewer.prefix)

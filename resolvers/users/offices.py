"""Offices of a unit: first responsible person (A9), roles it may have (A3); who is on duty (A10) is
set by `duty`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from regions.errors import Forbidden
from regions.instants import now
from regions.offices import duty_persons, responsible_persons, unit_roles
from regions.sealing import Sealer
from regions.users import accounts
from resolvers.context import Context
from resolvers.rights import require
from resolvers.users import BUSINESS_ROLES, Role, Viewer
from resolvers.users.accounts import (
    end_sessions_of_role,
    next_id,
)
from resolvers.users.authority import answering_for, require_answering
from resolvers.users.levels import unit_above
from resolvers.users.listing import sees_contact
from resolvers.users.on_file import active_of
from resolvers.users.rosters import duty_rows, on_duty, open_shifts, watched
from resolvers.users.shared import UnitRow, find_unit, needed, refusals
from resolvers.users.staff import LONGEST_NAME, phone
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, Refusal
from resolvers.writing.values import is_given
from schema.privacy import MASK
from schema.users.duty import DutyPerson, DutyShift
from schema.users.offices import (
    ResponsiblePerson,
    SetResponsiblePersonInput,
    SetUnitRoleInput,
    UnitOffices,
    UnitOfficesPayload,
    UnitRole,
)
from schema.users.staff import UserRole

__all__ = [
    "change_offices",
    "put_responsible",
    "set_responsible_person",
    "set_unit_role",
    "unit_offices",
]

Work = Callable[[Connection], None]


async def unit_offices(context: Context, unit_id: str) -> UnitOffices | None:
    """Who holds which office; None where there is no such unit. Raises Forbidden."""
    require(context.signed_in(), "unitOffices")
    try:
        unit = await find_unit(context, unit_id, "unit")
    except Refusal:
        return None
    return await _offices(context, unit)


async def set_responsible_person(
    context: Context, given: SetResponsiblePersonInput, path: str
) -> UnitOfficesPayload:
    """Puts the first responsible person of a unit on record. Raises Refusal."""
    viewer, central = context.signed_in(), context.central
    writing = CentralWriting(context, "setResponsiblePerson", given, account=viewer.account)
    mistakes = Mistakes()
    name = needed(given.name, mistakes, ["name"], LONGEST_NAME)
    post = needed(given.post, mistakes, ["post"], LONGEST_NAME)
    items = {
        "office_phone": phone("office_phone", given.office_phone, mistakes, ["officePhone"]),
        "mobile": (
            phone("mobile", given.mobile, mistakes, ["mobile"]) if is_given(given.mobile) else None
        ),
    }
    mistakes.stop()
    unit = await find_unit(context, given.unit, "unit")

    def work(connection: Connection) -> None:
        require_answering(connection, viewer, unit.id, unit.level, unit.code)
        who = {"name": name, "post": post}
        put_responsible(
            connection, central.sealer, unit.id, who, items, viewer.account, writing.moment.now
        )

    return await change_offices(context, writing, unit, work)


async def set_unit_role(context: Context, given: SetUnitRoleInput, path: str) -> UnitOfficesPayload:
    """Takes a role from a unit or gives it back (A3). Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "setUnitRole", given, account=viewer.account)
    mistakes = Mistakes()
    reason = needed(given.reason, mistakes, ["reason"])
    role = Role[given.role.name]
    if role not in BUSINESS_ROLES | {Role.BUSINESS_ADMINISTRATOR}:
        mistakes.add(["role"], "this role is not a unit's to have", "该角色不属于机构权限管理范围")
    mistakes.stop()
    unit = await find_unit(context, given.unit, "unit")

    def work(connection: Connection) -> None:
        if not unit.code.startswith(viewer.prefix):
            raise Forbidden(
                "the unit lies outside your jurisdiction", messageZh="该机构不在您的管辖范围内"
            )
        key = (unit_roles.c.unit_id == unit.id) & (unit_roles.c.role == role.name)
        connection.execute(delete(unit_roles).where(key))
        connection.execute(
            insert(unit_roles).values(
                unit_id=unit.id,
                role=role.name,
                enabled=int(given.enabled),
                reason=reason,
                set_by=viewer.account,
                set_at=writing.moment.now,
            )
        )
        if not given.enabled:
            end_sessions_of_role(connection, unit.id, role.name)

    return await change_offices(context, writing, unit, work)


def put_responsible(
    connection: Connection,
    sealer: Sealer,
    unit_id: str,
    who: Mapping[str, str],
    items: Mapping[str, str | None],
    by: str,
    at: str,
) -> None:
    """Puts a first responsible person (`name`, `post`) on record; who was before is history."""
    table = responsible_persons
    connection.execute(
        update(table).where(table.c.unit_id == unit_id, table.c.until.is_(None)).values(until=at)
    )
    number = next_id(connection, table)
    envelope = sealer.seal(table.name, number, items)
    row = {"id": number, "unit_id": unit_id, "sealed": envelope, "since": at, "set_by": by}
    connection.execute(insert(table).values(row | dict(who)))


async def change_offices(
    context: Context, writing: CentralWriting, unit: UnitRow, work: Work
) -> UnitOfficesPayload:
    """Does the work once, and reads the offices back. Raises Refusal."""

    def run(connection: Connection) -> dict[str, Any]:
        with refusals("unit"):
            work(connection)
        writing.wrote("unit", unit.id)
        return {"unit": unit.id}

    _, repeated = await writing.once(run)
    return UnitOfficesPayload(offices=await _offices(context, unit), repeated=repeated)


async def _offices(context: Context, unit: UnitRow) -> UnitOffices:
    viewer, sealer = context.signed_in(), context.central.sealer
    context.question.trail.saw("unit", [unit.id])

    def read(connection: Connection) -> UnitOffices:
        responsible = [
            _responsible(row, viewer, sealer)
            for row in _rows(connection, responsible_persons, unit.id)
        ]
        at = now()
        duty = [
            _duty(connection, row, viewer, sealer)
            for row in duty_rows(connection, unit.id, all_ever=True)
        ]
        on_record = sorted((one for one in duty if one.until is None), key=_account_of)
        return UnitOffices(
            unit_id=unit.id,  # type: ignore[arg-type]  # scalars are text
            unit_above=unit_above(unit.id, unit.level, unit.code),  # type: ignore[arg-type]  # scalars are text
            administrator=active_of(connection, unit.id),
            answering=answering_for(connection, unit.id, unit.level, unit.code),
            responsible_person=next((one for one in responsible if one.until is None), None),
            responsible_history=responsible,
            duty_person=next((one for one in on_record if one.standing), None),
            duty_persons=on_record,
            duty_history=duty,
            duty_shifts=[
                DutyShift(account=one.account, begins=one.begins, ends=one.ends, set_by=one.set_by)
                for one in open_shifts(connection, unit.id, at)
            ],
            on_duty=[one.account for one in on_duty(connection, unit.id, at)],
            watched_diseases=watched(connection, unit.id),  # type: ignore[arg-type]  # ids are text
            roles=[
                UnitRole(
                    role=UserRole[row.role],
                    enabled=bool(row.enabled),
                    reason=row.reason,
                    set_by=row.set_by,
                    set_at=row.set_at,
                )
                for row in connection.execute(
                    select(unit_roles)
                    .where(unit_roles.c.unit_id == unit.id)
                    .order_by(unit_roles.c.role)
                )
            ],
            code=unit.code,  # type: ignore[arg-type]  # scalars are text
        )

    return await context.central.do(read)


def _rows(connection: Connection, table: Any, unit_id: str) -> list[Any]:
    query = select(table).where(table.c.unit_id == unit_id).order_by(table.c.id.desc())
    return list(connection.execute(query))


def _responsible(row: Any, viewer: Viewer, sealer: Sealer) -> ResponsiblePerson:
    items = _items(sealer, responsible_persons, row, sees_contact(viewer, None, row.unit_id))
    return ResponsiblePerson(
        name=row.name,
        post=row.post,
        office_phone=items["office_phone"],
        mobile=items["mobile"],
        since=row.since,
        until=row.until,
        set_by=row.set_by,
    )


def _duty(connection: Connection, row: Any, viewer: Viewer, sealer: Sealer) -> DutyPerson:
    items = _items(sealer, duty_persons, row, sees_contact(viewer, row.account, row.unit_id))
    name = connection.scalar(select(accounts.c.name).where(accounts.c.account == row.account))
    return DutyPerson(
        account=row.account,
        name=name or "",
        mobile=items["mobile"],
        email=items["email"],
        standing=bool(row.standing),
        since=row.since,
        until=row.until,
        set_by=row.set_by,
    )


def _account_of(person: DutyPerson) -> str:
    return person.account


def _items(sealer: Sealer, table: Any, row: Any, shown: bool) -> dict[str, Any]:
    if shown:
        return dict(sealer.open(table.name, row.id, row.sealed))
    return {"office_phone": MASK, "mobile": MASK, "email": MASK}

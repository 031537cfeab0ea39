"""`breakGlass` and `reviewEmergencyAccess`: access at once, and its review (F11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from regions.errors import Forbidden
from regions.instants import instant, now, seconds_of
from regions.privacy import emergencies, emergency_notices, emergency_supervisors, grants
from regions.sealing import Sealer
from resolvers.context import Context
from resolvers.nodes import parse_id
from resolvers.privacy import require_records
from resolvers.privacy.ending import end_grants
from resolvers.privacy.forms import check_place, required_text
from resolvers.privacy.grants import give_grant, grants_of_applications
from resolvers.privacy.notices import put_notices
from resolvers.privacy.rows import (
    CONTROLLERS,
    fresh_id,
    global_id,
    number_of,
    read_slice,
    required_account,
    step_refused,
    under_jurisdiction,
)
from resolvers.privacy.supervising import suspend_for, suspend_unreviewed, two_supervisors
from resolvers.proofs import PROOF_MISSING, has_fresh_proof
from resolvers.users import Viewer
from resolvers.users.accounts import find_account
from resolvers.users.persons import same_person
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, forbidden, not_found
from resolvers.writing.values import text
from schema.privacy import PrivateItem
from schema.privacy.emergencies import (
    BreakGlassInput,
    BreakGlassPayload,
    EmergencyAccess,
    EmergencyAccessConnection,
    EmergencyAccessEdge,
    EmergencyFinding,
    EmergencyNotice,
    EmergencyOccasion,
    EmergencyReason,
    ReviewEmergencyAccessInput,
    ReviewEmergencyAccessPayload,
)
from schema.privacy.grants import GrantedBy, RevocationReason

__all__ = ["REASONS", "break_glass", "list_emergencies", "review_emergency_access"]

KIND = "emergency"

REASONS: Mapping[str, tuple[str, str]] = {
    "NO_SUPERVISORS": (
        "there are no two other people to be told of it: the unit or the level above files its "
        "business administrator first",
        "没有可通知的两名监督人员，请先由本级或上级备案业务管理员",
    ),
    "REVIEW_MISSING": (
        "an earlier emergency access of yours was not reviewed yet",
        "您此前的紧急访问尚未复核",
    ),
    "PROOF_MISSING": PROOF_MISSING,
    "REVIEWED_ALREADY": ("the emergency access was reviewed already", "该紧急访问已复核"),
}
"""Why emergency access or its review is refused: what is said, in English and Chinese."""

_EVERY_ITEM = tuple(item.name for item in PrivateItem)


async def break_glass(context: Context, given: BreakGlassInput, path: str) -> BreakGlassPayload:
    """Gives access at once. Raises Refusal."""
    viewer = context.signed_in()
    try:
        require_records(viewer)
    except Forbidden as error:
        raise forbidden(
            f"{error.message}: {error.hint}", "该角色不能打开个案：请使用同级业务账号"
        ) from None
    writing = CentralWriting(context, "breakGlass", given, account=viewer.account)
    central, mistakes, at = context.central, Mistakes(), writing.moment.now
    words = required_text(given.reason_text, mistakes, ["reasonText"], 1_000)
    check_place(viewer, given.code, mistakes)
    if not given.record_types:
        mistakes.add(["recordTypes"], "no record type is chosen", "未选择记录类型")
    most = central.emergency_minutes
    minutes = most if given.minutes is None else given.minutes
    if not 1 <= minutes <= most:
        mistakes.add(
            ["minutes"],
            f"emergency access lasts 1 to {most} minutes",
            f"紧急访问时长为 1 至 {most} 分钟",
        )
    mistakes.stop()
    person = await _person(context, given, path)
    started = seconds_of(at)
    number, due_at = fresh_id(), instant(started + central.review_hours * 3_600)

    def work(connection: Connection) -> dict[str, Any]:
        suspend_unreviewed(connection, at)
        account = required_account(connection, viewer)
        if not has_fresh_proof(connection, viewer, at):
            raise step_refused("PROOF_MISSING", PROOF_MISSING)
        waiting = connection.execute(
            select(emergencies.c.id).where(
                emergencies.c.account == viewer.account, emergencies.c.reviewed_at.is_(None)
            )
        ).all()
        if len(waiting) >= _MOST_WAITING:
            raise step_refused("REVIEW_MISSING", REASONS["REVIEW_MISSING"])
        supervisors = two_supervisors(connection, account, at)
        if len(supervisors) < 2:
            raise step_refused("NO_SUPERVISORS", REASONS["NO_SUPERVISORS"])
        grant = give_grant(
            connection,
            account=viewer.account,
            record_types=[one.name for one in given.record_types],
            items=_EVERY_ITEM,
            code=given.code,
            purpose=given.reason.name,
            starts_at=at,
            ends_at=instant(started + minutes * 60),
            how=GrantedBy.EMERGENCY,
            application=number,
            person=person,
        )
        connection.execute(
            insert(emergencies).values(
                id=number,
                grant_id=grant,
                account=viewer.account,
                name=account.name,
                unit_id=account.unit_id,
                unit_code=account.code,
                reason=given.reason.name,
                sealed=central.sealer.seal("emergencies", number, {"reason_text": words}),
                review_due_at=due_at,
                created_at=at,
            )
        )
        told = [{"emergency_id": number, "account": name} for name in supervisors]
        connection.execute(insert(emergency_supervisors), told)
        put_notices(connection, central.sealer, number, supervisors, central.channels, at, due_at)
        writing.wrote(KIND, number)
        writing.wrote("grant", grant)
        return {"emergency": number}

    kept, repeated = await writing.once(work)
    access = await _read(context, viewer, kept["emergency"])
    return BreakGlassPayload(access=access, repeated=repeated)


async def review_emergency_access(
    context: Context, given: ReviewEmergencyAccessInput, _: str
) -> ReviewEmergencyAccessPayload:
    """Reviews an emergency. A late review is kept, and changes nothing of the suspension; where it
    was not justified the account is suspended and the access ends. Raises Refusal.
    """
    viewer = context.signed_in()
    writing = CentralWriting(context, "reviewEmergencyAccess", given, account=viewer.account)
    sealer, mistakes, at = context.central.sealer, Mistakes(), writing.moment.now
    remarks = text(given.remarks, mistakes, ["remarks"], 1_000)
    unjustified = given.finding is EmergencyFinding.UNJUSTIFIED
    if unjustified and remarks is None and not mistakes.has(["remarks"]):
        mistakes.add(["remarks"], "say why it was not justified", "请填写不合理的理由")
    mistakes.stop()
    number = number_of(KIND, given.access)

    def work(connection: Connection) -> dict[str, Any]:
        suspend_unreviewed(connection, at)
        row = None
        if number is not None:
            row = connection.execute(
                select(emergencies).where(emergencies.c.id == number, _told(viewer.account))
            ).first()
        if row is None:
            raise not_found("access")
        # Told to two others; whose account one of them is may have come on record since.
        if same_person(*(find_account(connection, one) for one in (row.account, viewer.account))):
            raise forbidden(
                "your own emergency access, by whatever account, is for somebody else to review",
                "本人（包括本人其他账号）的紧急访问须由他人复核",
            )
        if row.reviewed_at is not None:
            raise step_refused("REVIEWED_ALREADY", REASONS["REVIEWED_ALREADY"])
        items = sealer.open("emergencies", row.id, row.sealed) | {"remarks": remarks}
        connection.execute(
            update(emergencies)
            .where(emergencies.c.id == row.id)
            .values(
                reviewed_at=at,
                reviewed_by=viewer.account,
                finding=given.finding.name,
                sealed=sealer.seal("emergencies", row.id, items),
            )
        )
        if unjustified:
            end_grants(
                connection,
                grants.c.id == row.grant_id,
                RevocationReason.MISUSE,
                viewer.account,
                at,
            )
            suspend_for(connection, row.id, row.account, "emergency access without reason", at)
            writing.wrote("grant", row.grant_id)
            writing.wrote("account", row.account)
        writing.wrote(KIND, row.id)
        return {"emergency": row.id}

    kept, repeated = await writing.once(work)
    access = await _read(context, viewer, kept["emergency"])
    return ReviewEmergencyAccessPayload(access=access, repeated=repeated)


async def list_emergencies(
    context: Context, open_only: bool, first: int | None, after: str | None
) -> EmergencyAccessConnection:
    """Emergencies the viewer may know of: the own, those the viewer was told of; for security
    administrator and auditor those of the jurisdiction.
    """
    viewer = context.signed_in()
    read, at = read_slice(context, emergencies, KIND, first, after), now()
    where: ColumnElement[bool] = or_(emergencies.c.account == viewer.account, _told(viewer.account))
    if viewer.role in CONTROLLERS:
        where = or_(where, under_jurisdiction(emergencies.c.unit_code, viewer))
    if open_only:
        where = where & emergencies.c.reviewed_at.is_(None)

    def work(connection: Connection) -> EmergencyAccessConnection:
        suspend_unreviewed(connection, at)
        found = read(connection, where)
        nodes = _types(connection, context.central.sealer, found.rows, viewer)
        return EmergencyAccessConnection(
            edges=[
                EmergencyAccessEdge(cursor=cursor, node=node)
                for cursor, node in zip(found.cursors, nodes, strict=True)
            ],
            page_info=found.info,
            total_count=found.total,
        )

    return await context.central.do(work)


_MOST_WAITING = 5
"""Emergencies of one account that wait for their review; more are refused."""


def _told(account: str) -> ColumnElement[bool]:
    return emergencies.c.id.in_(
        select(emergency_supervisors.c.emergency_id).where(
            emergency_supervisors.c.account == account
        )
    )


async def _person(context: Context, given: BreakGlassInput, path: str) -> int | None:
    """The number of the person it is narrowed to. Raises Refusal where the viewer opens none."""
    if given.person is None:
        return None
    record, number = parse_id(given.person)
    if record is None or record.name != "Person":
        raise not_found("person")
    if number not in await context.records.of_ids("Person", [number], path):
        raise not_found("person")
    return number


async def _read(context: Context, viewer: Viewer, number: int) -> EmergencyAccess:
    def work(connection: Connection) -> EmergencyAccess:
        row = connection.execute(select(emergencies).where(emergencies.c.id == number)).one()
        return _types(connection, context.central.sealer, [row], viewer)[0]

    return await context.central.do(work)


def _types(
    connection: Connection, sealer: Sealer, rows: Sequence[Row[Any]], viewer: Viewer
) -> list[EmergencyAccess]:
    numbers = [row.id for row in rows]
    given = grants_of_applications(connection, numbers, now())
    told: dict[int, list[str]] = {}
    for number, account in connection.execute(
        select(emergency_supervisors.c.emergency_id, emergency_supervisors.c.account)
        .where(emergency_supervisors.c.emergency_id.in_(numbers))
        .order_by(emergency_supervisors.c.account)
    ):
        told.setdefault(number, []).append(account)
    notices: dict[int, list[EmergencyNotice]] = {}
    for one in connection.execute(
        select(emergency_notices)
        .where(emergency_notices.c.emergency_id.in_(numbers))
        .order_by(emergency_notices.c.id)
    ):
        notices.setdefault(one.emergency_id, []).append(
            EmergencyNotice(
                account=one.account or None,
                channel=one.channel,
                occasion=EmergencyOccasion[one.occasion],
                due_at=one.due_at,
                state=one.state,
                outcome=one.outcome,
                settled_at=one.settled_at,
            )
        )
    found = []
    for row in rows:
        supervisors = told.get(row.id, [])
        sent = notices.get(row.id, [])
        reached = {one.account for one in sent}
        items: Mapping[str, Any] = {}
        if viewer.account in (row.account, *supervisors):
            items = sealer.open("emergencies", row.id, row.sealed)
        found.append(
            EmergencyAccess(
                id=global_id(KIND, row.id),  # type: ignore[arg-type]  # scalars are text
                account=row.account,
                name=row.name,
                unit_id=row.unit_id,
                reason=EmergencyReason[row.reason],
                reason_text=items.get("reason_text"),
                grant=given[row.id][0],
                supervisors=supervisors,
                notices=sent,
                unreached=[one for one in supervisors if one not in reached],
                review_due_at=row.review_due_at,
                reviewed_at=row.reviewed_at,
                reviewed_by=row.reviewed_by,
                finding=EmergencyFinding[row.finding] if row.finding else None,
                remarks=items.get("remarks"),
                suspended_at=row.suspended_at,
                created_at=row.created_at,
            )
        )
    return found

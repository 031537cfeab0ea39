"""The steps of an application for a privacy role: signatures, briefing, and what the fifth gives
(F6–F8). Each is one transaction, which reads what it decides by.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from regions.privacy import grants, privacy_applications, privacy_roles, privacy_signatures
from regions.sealing import Sealer
from resolvers.context import Context
from resolvers.privacy.applications import KIND, payload, takes_part
from resolvers.privacy.forms import required_text
from resolvers.privacy.grants import give_grant
from resolvers.privacy.roles import grant_parts
from resolvers.privacy.rows import (
    fresh_id,
    number_of,
    required_account,
    signer_of,
    step_refused,
)
from resolvers.privacy.steps import (
    REASONS,
    Application,
    Event,
    Signature,
    StepRefused,
    step_awaited,
    take_step,
)
from resolvers.users import BUSINESS_ROLES, Viewer
from resolvers.users.accounts import find_account
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, not_found
from schema.privacy.applications import (
    BriefingTopic,
    PrivacyApplicationPayload,
    PrivacyApplicationState,
    RecordPrivacyBriefingInput,
    SigningDecision,
    SigningStep,
    SignPrivacyApplicationInput,
)
from schema.privacy.grants import GrantedBy

__all__ = ["brief", "record_privacy_briefing", "sign", "sign_privacy_application"]

_EVENTS = {
    SigningDecision.SIGN: Event.SIGN,
    SigningDecision.REFUSE: Event.REFUSE,
    SigningDecision.WITHDRAW: Event.WITHDRAW,
}
_REQUIRED = (BriefingTopic.PURPOSE_ONLY, BriefingTopic.NO_DISCLOSURE, BriefingTopic.LIABILITY)


async def sign_privacy_application(
    context: Context, given: SignPrivacyApplicationInput, _: str
) -> PrivacyApplicationPayload:
    """Signs, refuses or withdraws. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "signPrivacyApplication", given, account=viewer.account)
    number, reason = number_of(KIND, given.application), None
    if given.decision is SigningDecision.REFUSE:
        mistakes = Mistakes()
        reason = required_text(given.reason or "", mistakes, ["reason"], 500)
        mistakes.stop()
    sealer, at = context.central.sealer, writing.moment.now

    def work(connection: Connection) -> dict[str, Any]:
        row = _row(connection, viewer, number)
        rights = sign(connection, sealer, viewer, row, given.decision, reason, at)
        writing.wrote(KIND, row.id)
        if rights:
            writing.wrote("grant", *rights)
        return {"application": row.id}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["application"], repeated)


async def record_privacy_briefing(
    context: Context, given: RecordPrivacyBriefingInput, _: str
) -> PrivacyApplicationPayload:
    """Records the administrator's briefing, which comes before the administrator's signature (F8).
    Raises Refusal.
    """
    viewer = context.signed_in()
    writing = CentralWriting(context, "recordPrivacyBriefing", given, account=viewer.account)
    mistakes, at = Mistakes(), given.given_at or writing.moment.now
    if at > writing.moment.latest:
        mistakes.add(["givenAt"], "the briefing lies in the future", "使用说明时间不能晚于当前时间")
    missing = [one.name for one in _REQUIRED if one not in given.topics]
    if missing:
        mistakes.add(
            ["topics"],
            f"the briefing must be about {', '.join(missing)}, too",
            f"使用说明还须包括 {', '.join(missing)}",
        )
    mistakes.stop()
    number = number_of(KIND, given.application)

    def work(connection: Connection) -> dict[str, Any]:
        row = _row(connection, viewer, number)
        brief(connection, viewer, row, list(given.topics), at)
        writing.wrote(KIND, row.id)
        return {"application": row.id}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["application"], repeated)


def sign(
    connection: Connection,
    sealer: Sealer,
    viewer: Viewer,
    row: Row[Any],
    decision: SigningDecision,
    reason: str | None,
    at: str,
) -> list[str]:
    """Takes a step of an application; the ids of the grants it gave. Raises Refusal."""
    before = _application(connection, row)
    signer = signer_of(connection, viewer, at)
    step = step_awaited(before.state)
    try:
        after = take_step(before, signer, _EVENTS[decision], at)
    except StepRefused as refused:
        raise step_refused(refused.reason, REASONS[refused.reason]) from None
    values: dict[str, Any] = {"state": after.state.name}
    if step_awaited(after.state) is None:
        values["closed_at"] = at
    if decision is not SigningDecision.WITHDRAW:
        assert step is not None
        number = fresh_id()
        connection.execute(
            insert(privacy_signatures).values(
                id=number,
                application_id=row.id,
                step=step.name,
                decision=decision.name,
                account=signer.account,
                name=viewer.name,
                department=signer.department,
                person_index=signer.person,
                signed_at=at,
                sealed=reason and sealer.seal("privacy_signatures", number, {"reason": reason}),
            )
        )
        if step is SigningStep.ADMINISTRATOR:
            values["administrator_department"] = signer.department
    connection.execute(
        update(privacy_applications).where(privacy_applications.c.id == row.id).values(**values)
    )
    if after.state is PrivacyApplicationState.GRANTED:
        return _grant(connection, row, at)
    return []


def brief(
    connection: Connection, viewer: Viewer, row: Row[Any], topics: list[BriefingTopic], at: str
) -> None:
    """Records a briefing. Raises Refusal."""
    signer = signer_of(connection, viewer, at)
    try:
        take_step(_application(connection, row), signer, Event.BRIEF, at)
    except StepRefused as refused:
        raise step_refused(refused.reason, REASONS[refused.reason]) from None
    names = [topic.name for topic in BriefingTopic if topic in topics]
    connection.execute(
        update(privacy_applications)
        .where(privacy_applications.c.id == row.id)
        .values(briefed_by=signer.account, briefed_at=at, briefing=json.dumps(names))
    )


def _row(connection: Connection, viewer: Viewer, number: int | None) -> Row[Any]:
    """The application, where the viewer takes part in it. Raises Refusal."""
    row = None
    if number is not None:
        row = connection.execute(
            select(privacy_applications).where(privacy_applications.c.id == number)
        ).first()
    if row is None or not takes_part(required_account(connection, viewer), row):
        raise not_found("application")
    return row


def _application(connection: Connection, row: Row[Any]) -> Application:
    rows = connection.execute(
        select(privacy_signatures).where(
            privacy_signatures.c.application_id == row.id,
            privacy_signatures.c.decision == SigningDecision.SIGN.name,
        )
    ).all()
    by_step = {one.step: one for one in rows}
    signatures = tuple(
        Signature(step, by_step[step.name].account, by_step[step.name].person_index,
                  by_step[step.name].department)
        for step in SigningStep
        if step.name in by_step
    )  # fmt: skip
    return Application(
        state=PrivacyApplicationState[row.state],
        account=row.account,
        person=row.person_index,
        unit=row.unit_id,
        department=row.department,
        business_department=row.business_department,
        ends_at=row.ends_at,
        commitment=bool(row.commitment),
        briefed=row.briefed_at is not None,
        signatures=signatures,
    )


def _grant(connection: Connection, row: Row[Any], at: str) -> list[str]:
    """The grants of an application with its fifth signature. Raises Refusal."""
    holder = find_account(connection, row.account)
    if holder is None or holder.unit_id != row.unit_id or holder.role not in BUSINESS_ROLES:
        raise step_refused("APPLICANT_CHANGED", REASONS["APPLICANT_CHANGED"])
    starts_at = max(at, row.starts_at or at)
    if row.renews_id is not None:  # the new right begins as the old one ends
        ends: str | None = connection.scalar(
            select(func.max(grants.c.ends_at)).where(
                grants.c.application_id == row.renews_id, grants.c.revoked == 0
            )
        )
        starts_at = max(starts_at, ends or "")
    if starts_at >= row.ends_at:
        raise step_refused("TIME_OVER", REASONS["TIME_OVER"])
    roles = json.loads(row.roles)
    for role in roles:
        if role["id"] == f"dedicated-{row.id}":
            connection.execute(
                insert(privacy_roles).values(
                    id=role["id"],
                    unit_id=role["unit_id"],
                    name=role["name"],
                    name_zh=role["name_zh"],
                    record_type=role["record_type"],
                    items=json.dumps(role["items"]),
                    regulation=role["regulation"],
                    application_id=row.id,
                    created_at=at,
                )
            )
    return [
        give_grant(
            connection,
            account=row.account,
            record_types=types,
            items=items,
            code=row.code,
            purpose=row.purpose,
            starts_at=starts_at,
            ends_at=row.ends_at,
            how=GrantedBy.APPLICATION,
            application=row.id,
        )
        for types, items in grant_parts((role["record_type"], role["items"]) for role in roles)
    ]

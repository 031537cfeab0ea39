"""How rights end before their time: one grant, and for misuse the whole line of renewals (F7)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select, update

from regions.privacy import grants, privacy_applications
from resolvers.privacy.steps import Application, Event, Signer, StepRefused, take_step
from schema.privacy.applications import PrivacyApplicationState
from schema.privacy.grants import RevocationReason

__all__ = ["close_application", "end_grants", "end_line"]

_NOBODY = Signer("", None, "", None, False, False)


def end_grants(
    connection: Connection, where: ColumnElement[bool], reason: RevocationReason, by: str, at: str
) -> list[str]:
    """Ends rights at once, in every worker with its next request; the ids of those it ended."""
    ended = connection.execute(
        update(grants)
        .where(where, grants.c.revoked == 0)
        .values(revoked=1, revoked_at=at, revoked_by=by, revoked_reason=reason.name)
        .returning(grants.c.id)
    )
    return sorted(ended.scalars())


def end_line(
    connection: Connection, application: int, reason: RevocationReason, by: str, at: str
) -> tuple[list[str], list[int]]:
    """Ends all that an application gave, what it renewed and what renews it, granted or not yet.

    Returns the ids of the grants that ended and of the applications that were closed.
    """
    line = _line(connection, application)
    ended = end_grants(connection, grants.c.application_id.in_(line), reason, by, at)
    closed = [
        number
        for number in line
        if close_application(connection, number, Event.REVOKE, at)
        or close_application(connection, number, Event.CUT, at)
    ]
    return ended, closed


def close_application(connection: Connection, number: int, event: Event, at: str) -> bool:
    """Closes an application none of whose grants is in force any more; whether that changed it."""
    left = connection.execute(
        select(grants.c.id).where(grants.c.application_id == number, grants.c.revoked == 0)
    ).first()
    row = connection.execute(
        select(privacy_applications).where(privacy_applications.c.id == number)
    ).first()
    if left is not None or row is None:
        return False
    before = Application(
        PrivacyApplicationState[row.state], row.account, None, row.unit_id, row.department,
        row.business_department, row.ends_at, bool(row.commitment),
    )  # fmt: skip
    try:
        after = take_step(before, _NOBODY, event, at)
    except StepRefused:  # it is closed already, or not yet what the event is about
        return False
    connection.execute(
        update(privacy_applications)
        .where(privacy_applications.c.id == number)
        .values(state=after.state.name, closed_at=at)
    )
    return True


def _line(connection: Connection, application: int) -> Sequence[int]:
    """The applications that renew one another, over any number of years, this one among them."""
    table, found, waiting = privacy_applications, {application}, [application]
    while waiting:
        rows = connection.execute(
            select(table.c.id, table.c.renews_id).where(
                table.c.id.in_(waiting) | table.c.renews_id.in_(waiting)
            )
        ).all()
        met = {number for row in rows for number in row if number is not None}
        waiting = sorted(met - found)
        found |= met
    return sorted(found)

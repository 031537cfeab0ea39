"""`acknowledgeAlarm`: somebody looked into an alarm and says what came of it (G6)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from regions.alarms import alarms
from resolvers.alarms.listing import alarm_of, visible
from resolvers.context import Context
from resolvers.users.accounts import find_account
from resolvers.users.persons import same_person
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, forbidden, not_found
from resolvers.writing.values import text
from schema.writing.alarms import AcknowledgeAlarmInput, AcknowledgeAlarmPayload

__all__ = ["acknowledge_alarm"]

_LONGEST = 500


async def acknowledge_alarm(
    context: Context, given: AcknowledgeAlarmInput, path: str
) -> AcknowledgeAlarmPayload:
    """Acknowledges an alarm; nobody does so with one about themselves, by whatever account.

    Raises Refusal.
    """
    viewer, central = context.signed_in(), context.central
    writing = CentralWriting(context, "acknowledgeAlarm", given, account=viewer.account)
    mistakes = Mistakes()
    note = text(given.note, mistakes, ["note"], _LONGEST)
    if note is None and not mistakes.found:
        mistakes.add(["note"], "say what was done", "请填写处理情况")
    mistakes.stop()
    number = _number(given.alarm)

    def work(connection: Connection) -> dict[str, Any]:
        found = connection.execute(
            select(alarms).where(alarms.c.id == number, visible(viewer))
        ).first()
        if found is None:
            raise not_found("alarm")
        about, own = (find_account(connection, one) for one in (found.account, viewer.account))
        if same_person(about, own):
            raise forbidden(
                "an alarm about yourself, by whatever account, is for somebody else to look into",
                "涉及本人（包括本人其他账号）的告警须由他人处理",
            )
        if found.acknowledged_at is not None:
            raise forbidden(
                f"the alarm was acknowledged at {found.acknowledged_at} already",
                f"该告警已于 {found.acknowledged_at} 处理",
            )
        connection.execute(
            update(alarms)
            .where(alarms.c.id == number)
            .values(
                acknowledged_at=writing.moment.now,
                acknowledged_by=viewer.account,
                finding=given.finding.name,
                sealed=central.sealer.seal("alarms", number, {"note": note}),
            )
        )
        writing.wrote("alarm", number)
        return {"alarm": number}

    _, repeated = await writing.once(work)
    row = await central.do(
        lambda connection: connection.execute(select(alarms).where(alarms.c.id == number)).one()
    )
    return AcknowledgeAlarmPayload(alarm=alarm_of(row, central.sealer), repeated=repeated)


def _number(given: str) -> int:
    """The number of an alarm's id; 0, which is none, for anything else."""
    kind, _, tail = given.partition(":")
    if kind == "alarm" and tail.isascii() and tail.isdecimal() and len(tail) < 19:
        return int(tail)
    return 0

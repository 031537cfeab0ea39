"""`refuseRegistrations`: many registrations refused at once, where strangers filled the unit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from regions.errors import InvalidInput, NotFound
from regions.users import registrations
from resolvers.context import Context
from resolvers.users.authority import require_answering
from resolvers.users.registrations import of_unit, pending_since, registration_type
from resolvers.users.shared import needed, number_of, refusals
from resolvers.users.states import REGISTRATION, RegistrationEvent, WrongState, registration_at
from resolvers.users.states import RegistrationState as State
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from schema.users.registering import RefuseRegistrationsInput, RefuseRegistrationsPayload

__all__ = ["refuse_registrations"]

_MOST = 100


async def refuse_registrations(
    context: Context, given: RefuseRegistrationsInput, path: str
) -> RefuseRegistrationsPayload:
    """Refuses registrations for one reason: all of them, or none where one cannot be.

    Raises Refusal.
    """
    viewer, central, mistakes = context.signed_in(), context.central, Mistakes()
    writing = CentralWriting(context, "refuseRegistrations", given, account=viewer.account)
    reason = needed(given.reason, mistakes, ["reason"])
    if not 1 <= len(given.registrations) <= _MOST:
        mistakes.add(
            ["registrations"], f"1 to {_MOST} at once", f"每次可退回 1 至 {_MOST} 条注册申请"
        )
    mistakes.stop()
    numbers = {
        number_of(one, "registration", "registrations"): str(place)
        for place, one in enumerate(given.registrations)
    }
    since = pending_since(central, writing.moment.now)

    def work(connection: Connection) -> dict[str, Any]:
        found = {row.id: row for row in connection.execute(_of(numbers))}
        for number, place in numbers.items():
            row = found.get(number)
            with refusals("registrations", place):
                if row is None or not row.code.startswith(viewer.prefix):
                    raise NotFound("there is no such registration")
                require_answering(connection, viewer, *of_unit(row))
                try:
                    REGISTRATION.next(
                        registration_at(State[row.state], row.created_at, since),
                        RegistrationEvent.REFUSE,
                    )
                except WrongState as error:
                    raise InvalidInput(error.refusal, messageZh=error.refusal_zh) from None
        connection.execute(
            update(registrations)
            .where(registrations.c.id.in_(numbers))
            .values(
                state=State.REFUSED.name,
                password_hash=None,
                decided_by=viewer.account,
                decided_at=writing.moment.now,
                reason=reason,
            )
        )
        for number in numbers:
            writing.wrote("registration", number)
        return {"registrations": list(numbers)}

    kept, repeated = await writing.once(work)
    rows = await central.do(lambda store: store.execute(_of(kept["registrations"])).all())
    return RefuseRegistrationsPayload(
        registrations=[registration_type(row, viewer, central, since) for row in rows],
        repeated=repeated,
    )


def _of(numbers: Any) -> Any:
    table = registrations.c
    return select(registrations).where(table.id.in_(list(numbers))).order_by(table.id)

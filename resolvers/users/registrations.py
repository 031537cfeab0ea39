"""Registrations as they are read: by whoever decides, and by whoever holds the receipt (A1)."""

from __future__ import annotations

import hmac
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from regions.instants import now
from regions.text import under
from regions.users import registrations
from resolvers.central import Central
from resolvers.context import Context
from resolvers.questions.plans import page_size
from resolvers.rights import require
from resolvers.users import Viewer
from resolvers.users.accounts import days_from
from resolvers.users.authority import answering_for
from resolvers.users.listing import sees_contact
from resolvers.users.shared import contact, page_info
from resolvers.users.states import RegistrationState as State
from resolvers.users.states import registration_at
from schema.enums import UnitLevel
from schema.users.registering import (
    Registration,
    RegistrationConnection,
    RegistrationEdge,
    RegistrationState,
    RegistrationStatus,
)
from schema.users.staff import Purpose, UserRole

__all__ = [
    "list_registrations",
    "of_unit",
    "pending_since",
    "receipt_of",
    "registration_status",
    "registration_type",
]

_BOUND_TO = b"Registration|id"


async def registration_status(context: Context, receipt: str) -> RegistrationStatus | None:
    """What became of a registration, for whoever holds its receipt; None where there is none."""
    context.touched = True
    number, _, _ = receipt.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 15):
        return None
    if not hmac.compare_digest(receipt.encode(), receipt_of(context, int(number)).encode()):
        return None

    def read(connection: Connection) -> Any:
        return connection.execute(
            select(registrations).where(registrations.c.id == int(number))
        ).first()

    row = await context.central.do(read)
    if row is None:
        return None
    return RegistrationStatus(
        state=_state(row, pending_since(context.central, now())),
        account=row.account,
        reason=row.reason,
        decided_at=row.decided_at,
    )


async def list_registrations(
    context: Context, states: list[RegistrationState] | None, first: int | None, after: str | None
) -> RegistrationConnection:
    """Registrations that the viewer may decide or decided, the oldest first. Raises Forbidden."""
    viewer = context.signed_in()
    require(viewer, "registrations")
    answering, central = context.answering, context.central
    size = page_size(answering, first)
    place = answering.cursors.open(after, _BOUND_TO, 1)[0] if after is not None else 0
    since = pending_since(central, now())
    wanted = [_of_state(state, since) for state in (states or [RegistrationState.PENDING])]

    def read(connection: Connection) -> list[Any]:
        found: list[Any] = []
        answers: dict[tuple[str, str | None], bool] = {}
        rows = connection.execute(
            select(registrations)
            .where(
                or_(*wanted),
                registrations.c.id > place,
                under(registrations.c.code, viewer.prefix) if viewer.prefix else true(),
            )
            .order_by(registrations.c.id)
        )
        for row in rows:
            about = (row.unit_id, row.person_index)
            if about not in answers:
                answers[about] = answering_for(connection, *of_unit(row)) == viewer.account
            if answers[about]:
                found.append(row)
                if len(found) > size:
                    break
        return found

    rows = await central.do(read)
    page = rows[:size]
    context.question.trail.saw("registration", [row.id for row in page])
    edges = [
        RegistrationEdge(
            cursor=answering.cursors.seal([row.id], _BOUND_TO),
            node=registration_type(row, viewer, central, since),
        )
        for row in page
    ]
    return RegistrationConnection(
        edges=edges, page_info=page_info(edges, more=len(rows) > size, before=after is not None)
    )


def pending_since(central: Central, at: str) -> str:
    """Whoever registered at this instant or before it waits no longer at `at`: it expired."""
    return days_from(at, -central.registration_days)


def _state(row: Any, since: str) -> RegistrationState:
    return RegistrationState[registration_at(State[row.state], row.created_at, since).name]


def _of_state(state: RegistrationState, since: str) -> ColumnElement[bool]:
    """The rows that `_state` says are of the state."""
    column, created_at = registrations.c.state, registrations.c.created_at
    if state is RegistrationState.PENDING:
        return and_(column == State.PENDING.name, created_at > since)
    if state is RegistrationState.EXPIRED:
        return and_(column == State.PENDING.name, created_at <= since)
    return column == state.name


def of_unit(row: Any) -> tuple[str, str, str, str | None]:
    """What says who answers for a registration: unit, its level, code, whose it is."""
    return row.unit_id, row.unit_level, row.code, row.person_index


def receipt_of(context: Context, number: int) -> str:
    """Nobody can guess it, and nothing of it is stored."""
    return f"{number}-{context.stores.fingerprints.of_key('registration', str(number))[:32]}"


def registration_type(row: Any, viewer: Viewer, central: Central, since: str) -> Registration:
    """The row as its type, contact details as the viewer may see them."""
    shown = sees_contact(viewer, None, row.unit_id) or row.decided_by == viewer.account
    return Registration(
        id=f"registration:{row.id}",  # type: ignore[arg-type]  # scalars are text
        state=_state(row, since),
        wanted=row.wanted,
        account=row.account,
        name=row.name,
        role=UserRole[row.role],
        purpose=Purpose[row.purpose],
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=UnitLevel[row.unit_level],
        code=row.code,
        department=row.department,
        head=bool(row.head),
        contact=contact(central.sealer, "registrations", row.id, row.sealed, shown=shown),
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
    )

"""Who is on duty in a unit (A10)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from regions.offices import duty_persons
from resolvers.context import Context
from resolvers.users import Role

__all__ = ["is_on_duty"]


async def is_on_duty(context: Context) -> bool:
    """Whether the viewer is a duty person of the own unit: by role, or on record as such."""
    viewer = context.signed_in()
    if viewer.role is Role.DUTY_PERSON:
        return True

    def look(connection: Connection) -> bool:
        c = duty_persons.c
        found = connection.execute(
            select(c.account).where(
                c.unit_id == viewer.unit_id, c.account == viewer.account, c.until.is_(None)
            )
        )
        return found.first() is not None

    return await context.central.do(look)

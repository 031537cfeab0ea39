"""The viewer's unit in a region's store: a case names who first reported it (B8)."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from regions.reference import units
from resolvers.users import Viewer

__all__ = ["have_unit"]


def have_unit(connection: Connection, viewer: Viewer) -> None:
    """Adds the viewer's unit to the store where it is missing; one that is there stays."""
    builder = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(
        builder.insert(units)
        .values(
            id=viewer.unit_id,
            code=viewer.code,
            level=viewer.unit_level,
            name_zh=viewer.unit_name,
            name_en=viewer.unit_name,
        )
        .on_conflict_do_nothing()
    )

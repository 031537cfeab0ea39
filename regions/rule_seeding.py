"""The national rules of detection as shipped (E4, E5): into the gateway's own store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from regions.alerts import detection_rules
from regions.areas import reference_rows
from regions.instants import now

__all__ = ["seed_rules"]


def seed_rules(connection: Connection) -> int:
    """Adds the rules that are not there; returns how many. What was changed or ended stays."""
    known = set(connection.scalars(select(detection_rules.c.id)))
    at = now()
    rows: list[dict[str, Any]] = [
        {
            **row,
            "effective_to": row["effective_to"] or None,
            "version": 1,
            "created_at": at,
            "updated_at": at,
        }
        for row in reference_rows("detection_rules.csv")
        if row["id"] not in known
    ]
    if rows:
        connection.execute(insert(detection_rules), rows)
    return len(rows)

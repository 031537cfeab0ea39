"""The access log's table, in a file of its own: it grows, and nothing else may wait for it (G1)."""

from __future__ import annotations

from sqlalchemy import Integer, MetaData, Table

from regions.metadata import internal

__all__ = ["entries", "log_tables"]

log_tables = MetaData()

entries = Table(
    "entries",
    log_tables,
    internal("number", Integer(), primary_key=True, autoincrement=True),
    internal("at"),
    internal("account"),
    internal("operation"),
    internal("result"),
    internal("entry"),  # canonical JSON of the whole entry
)

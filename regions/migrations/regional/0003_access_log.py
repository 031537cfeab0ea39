"""What a region keeps of the access log: its side of it, what it witnessed, what is to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "witness",
        *_texts("origin"),
        sa.Column("size", _ID, nullable=False, autoincrement=False),
        *_texts("root", "note", "cosignature", "at"),
        sa.PrimaryKeyConstraint("origin", name="pk_witness"),
    )
    op.create_table(
        "log_sides",
        *_texts("origin"),
        sa.Column("first", _ID, nullable=False, autoincrement=False),
        sa.Column("last", _ID, nullable=False, autoincrement=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        *_texts("at"),
        sa.PrimaryKeyConstraint("origin", "first", name="pk_log_sides"),
    )
    op.create_table(
        "log_outbox",
        *_texts("id", "origin", "at", "account", "operation", "request", "trace", "wrote"),
        sa.PrimaryKeyConstraint("id", name="pk_log_outbox"),
    )

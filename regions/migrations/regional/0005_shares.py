"""Rights of a unit to the records of one person, out of a request or a transfer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("person_id", _ID, nullable=False, autoincrement=False),
        sa.Column("unit_id", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("items", _TEXT, nullable=False),
        sa.Column("started_at", _TEXT, nullable=False),
        sa.Column("ended_at", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("person_id", "unit_id", "source", name="pk_shares"),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_shares_open",
        "shares",
        ["unit_id", "person_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_shares_source", "shares", ["source"])

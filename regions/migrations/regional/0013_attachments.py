"""Attachments of assist requests: whom one is about, who attached it, what is in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("assist_attachments", sa.Column("position", sa.Integer(), nullable=True))
    op.add_column("assist_attachments", sa.Column("unit_id", _TEXT, nullable=True))
    op.create_index("ix_assist_attachments_person_id", "assist_attachments", ["person_id"])
    op.create_table(
        "assist_contents",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assist_contents"),
    )
    op.create_index("ix_assist_contents_person_id", "assist_contents", ["person_id"])

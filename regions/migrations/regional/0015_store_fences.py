"""Fences of stores that were put back from an older backup, until they are mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "store_fences",
        sa.Column("token", _TEXT, nullable=False),
        sa.Column("found_at", _TEXT, nullable=False),
        sa.Column("mended_at", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("token", name="pk_store_fences"),
    )

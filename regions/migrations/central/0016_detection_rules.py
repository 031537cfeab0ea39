"""Rules of detection: which method watches a disease in an area, from when to when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "detection_rules",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("prefix", _TEXT, nullable=False),
        sa.Column("disease", _TEXT, nullable=False),
        sa.Column("method", _TEXT, nullable=False),
        sa.Column("parameters", _TEXT, nullable=False),
        sa.Column("effective_from", _TEXT, nullable=False),
        sa.Column("effective_to", _TEXT, nullable=True),
        sa.Column("origin", _TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.Column("updated_at", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_detection_rules"),
    )
    op.create_index(
        "ix_detection_rules_disease",
        "detection_rules",
        ["disease", "prefix", "effective_from"],
    )

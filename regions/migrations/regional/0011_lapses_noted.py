"""When a lapse was written down, so that whoever listens hears of it once it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("pathway_clocks", sa.Column("noted_at", _TEXT, nullable=True))
    noted = sa.text("noted_at IS NOT NULL")
    op.create_index(
        "ix_pathway_clocks_noted",
        "pathway_clocks",
        ["noted_at"],
        sqlite_where=noted,
        postgresql_where=noted,
    )

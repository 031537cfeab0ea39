"""Of which file a fence is, and the index by which answered messages to a region are compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("store_fences", sa.Column("file", _TEXT, nullable=True))
    answered = sa.text("answered_at IS NOT NULL")
    op.create_index(
        "ix_post_outbox_answered",
        "post_outbox",
        ["to_region", "seq"],
        sqlite_where=answered,
        postgresql_where=answered,
    )

"""What was written to the gateway's own store and is to be told in the access log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    names = ("id", "origin", "at", "account", "operation", "request", "trace", "wrote")
    op.create_table(
        "log_outbox",
        *(sa.Column(name, _TEXT, nullable=False) for name in names),
        sa.PrimaryKeyConstraint("id", name="pk_log_outbox"),
    )

"""Passwords that somebody else chose; when a session's second factor was shown last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "accounts", sa.Column("password_given", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("sessions", sa.Column("proved_at", _TEXT, nullable=True))

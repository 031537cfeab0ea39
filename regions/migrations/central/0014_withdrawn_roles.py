"""Dedicated privacy roles that their unit withdrew: when, by whom, why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("withdrawn_at", "withdrawn_by", "withdrawn_reason"):
        op.add_column("privacy_roles", sa.Column(name, _TEXT, nullable=True))

"""What a scan over regions found, and what is told of a cluster."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("detection_nights", sa.Column("outcome", _TEXT, nullable=True))
    op.add_column("signals", sa.Column("window_days", sa.Integer(), nullable=True))
    for name in ("relative_risk", "probability", "recurrence_days"):
        op.add_column("signals", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("signals", sa.Column("missing_regions", _TEXT, nullable=True))

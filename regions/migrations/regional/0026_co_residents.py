"""Visits say how many of the household were asked after, and how many of them have symptoms; cases
of letters that are due are found by an index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("co_residents", "co_residents_ill"):
        op.add_column("visits", sa.Column(name, sa.Integer(), nullable=True))
    where = sa.text("case_due IS NOT NULL")
    op.create_index(
        "ix_assist_people_case_due",
        "assist_people",
        ["case_due"],
        sqlite_where=where,
        postgresql_where=where,
    )

"""Which logs the gateway has had; behind which of its entries a row of the outbox must be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("log_outbox", sa.Column("position", _ID, nullable=True))
    op.create_table(
        "log_origins",
        sa.Column("origin", _TEXT, nullable=False),
        sa.Column("at", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_log_origins"),
    )

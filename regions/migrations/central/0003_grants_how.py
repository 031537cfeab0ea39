"""How a right was given, for whom of the people it holds, and how it was revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("grants", sa.Column("how", _TEXT, nullable=False, server_default="COMMAND_LINE"))
    op.add_column("grants", sa.Column("application_id", _ID, nullable=True))
    op.add_column("grants", sa.Column("person_id", _ID, nullable=True))
    op.add_column("grants", sa.Column("revoked_at", _TEXT, nullable=True))
    op.add_column("grants", sa.Column("revoked_by", _TEXT, nullable=True))
    op.add_column("grants", sa.Column("revoked_reason", _TEXT, nullable=True))
    op.create_index("ix_grants_application_id", "grants", ["application_id"])

"""What an account checked is found by candidate, however many it registered within the hour."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("candidate", "near"):
        op.create_index(
            f"ix_duplicate_checks_account_{column}", "duplicate_checks", ["account", column, "at"]
        )

"""Exports and the times they were fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=null)


def upgrade() -> None:
    op.create_table(
        "exports",
        _text("id"),
        _text("account"),
        _text("unit_id"),
        _text("kind"),
        _text("format"),
        _number("bom"),
        _text("columns"),
        _text("filter"),
        _text("orders"),
        _text("purpose"),
        _text("recipient", null=True),
        _text("data_request", null=True),
        _number("rows"),
        _text("missing"),
        _number("most", null=True),
        _text("state"),
        _text("requested_at"),
        _text("expires_at"),
        _text("decided_by", null=True),
        _text("decided_at", null=True),
        _text("reason", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
    )
    op.create_index("ix_exports_account", "exports", ["account", "requested_at"])
    op.create_index("ix_exports_unit", "exports", ["unit_id", "requested_at"])
    op.create_table(
        "export_downloads",
        _text("export"),
        _number("number"),
        _text("started_at"),
        _text("ended_at", null=True),
        _text("ending", null=True),
        _number("rows", null=True),
        _text("missing", null=True),
        _text("content_sha256", null=True),
        _text("file_sha256", null=True),
        sa.PrimaryKeyConstraint("export", "number", name="pk_export_downloads"),
    )
    op.create_index("ix_export_downloads_file_sha256", "export_downloads", ["file_sha256"])

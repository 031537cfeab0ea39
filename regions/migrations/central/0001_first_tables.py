"""The first tables of the gateway's own store: accounts, sessions, grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def upgrade() -> None:
    op.create_table(
        "accounts",
        _text("account"),
        _text("name"),
        _text("role"),
        _text("unit_id"),
        _text("unit_name"),
        _text("unit_level"),
        _text("code"),
        _text("password_hash"),
        sa.Column("disabled", sa.Integer(), nullable=False, server_default="0"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("account", name="pk_accounts"),
    )
    op.create_table(
        "grants",
        _text("id"),
        _text("account"),
        _text("record_types"),
        _text("items"),
        _text("code"),
        _text("purpose"),
        _text("starts_at"),
        _text("ends_at"),
        sa.Column("revoked", sa.Integer(), nullable=False, server_default="0"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index("ix_grants_account", "grants", ["account"])
    op.create_table(
        "sessions",
        _text("token_hash"),
        _text("account"),
        _text("created_at"),
        _text("expires_at"),
        _text("last_seen_at"),
        _text("revoked_at", null=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"])
    op.create_table(
        "sign_in_failures",
        _text("subject"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _text("first_at"),
        _text("expires_at"),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_expires_at", "sign_in_failures", ["expires_at"])

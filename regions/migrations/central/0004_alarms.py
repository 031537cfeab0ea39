"""Alarms over the access log, and the duplicate check's limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _text("rule"),
        _text("subject"),
        _text("window"),
        _text("account", null=True),
        _text("unit_id", null=True),
        _text("code", null=True),
        _text("raised_at"),
        _number("first_entry"),
        _number("last_entry"),
        _number("found"),
        _number("threshold"),
        _text("acknowledged_at", null=True),
        _text("acknowledged_by", null=True),
        _text("finding", null=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
        sa.UniqueConstraint("rule", "subject", "window", name="uq_alarms_rule_subject_window"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alarms_code", "alarms", ["code"])
    op.create_table(
        "alarm_positions",
        _text("log"),
        _number("number"),
        sa.PrimaryKeyConstraint("log", name="pk_alarm_positions"),
    )
    op.create_table(
        "duplicate_checks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _text("account"),
        _text("at"),
        _text("candidate"),
        _text("near", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_duplicate_checks"),
    )
    op.create_index("ix_duplicate_checks_account_at", "duplicate_checks", ["account", "at"])
    op.create_index("ix_duplicate_checks_at", "duplicate_checks", ["at"])

"""Signals, their trail, and the nights that computed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "signals",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        _text("number"),
        _text("kind"),
        _text("code"),
        _text("disease"),
        _text("day"),
        _text("slot"),
        _text("rule_id"),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        _text("method"),
        sa.Column("observed", sa.Float(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=True),
        sa.Column("bound", sa.Float(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        _text("data_version"),
        sa.Column("case_id", _ID, nullable=True),
        _text("members", nullable=True),
        _text("state"),
        _text("detected_at"),
        _text("sent_at", nullable=True),
        _text("viewed_at", nullable=True),
        _text("answered_at", nullable=True),
        sa.Column("absorbed_into", _ID, nullable=True),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_id", _ID, nullable=True),
        _text("updated_at"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signals"),
        sa.UniqueConstraint("number", name="uq_signals_number"),
        sa.UniqueConstraint("rule_id", "code", "disease", "day", "slot", name="uq_signals_slot"),
        sa.UniqueConstraint("case_id", "disease", "code", name="uq_signals_card"),
    )
    for name, columns in (
        ("ix_signals_absorbed_into", ["absorbed_into"]),
        ("ix_signals_event_id", ["event_id"]),
        ("ix_signals_detected", ["detected_at", "id"]),
        ("ix_signals_code_detected", ["code", "detected_at", "id"]),
        ("ix_signals_spell", ["code", "disease", "state"]),
        ("ix_signals_state", ["state", "detected_at"]),
    ):
        op.create_index(name, "signals", columns)
    op.create_table(
        "signal_events",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("signal_id", _ID, nullable=False),
        _text("at"),
        _text("actor", nullable=True),
        _text("unit_id", nullable=True),
        _text("event"),
        _text("from_state", nullable=True),
        _text("to_state"),
        _text("detail", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signal_events"),
    )
    op.create_index("ix_signal_events_signal", "signal_events", ["signal_id", "id"])
    op.create_table(
        "detection_nights",
        _text("day"),
        _text("part"),
        _text("rules_digest"),
        _text("began_at"),
        _text("finished_at"),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.Column("absorbed", sa.Integer(), nullable=False),
        _text("data_version"),
        sa.PrimaryKeyConstraint("day", "part", name="pk_detection_nights"),
    )

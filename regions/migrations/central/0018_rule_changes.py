"""Applications for other rules of detection, and their trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rule_changes",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        *(_text(name) for name in ("kind", "state", "prefix", "code", "disease", "method")),
        *(_text(name) for name in ("parameters", "effective_from")),
        _text("effective_to", null=True),
        *(_text(name) for name in ("applied_by", "unit_id", "decided_by_unit")),
        *(
            _text(name, null=True)
            for name in ("approved_by", "approved_at", "closed_by", "closed_at")
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_changes"),
    )
    op.create_index("ix_rule_changes_unit_id", "rule_changes", ["unit_id"])
    op.create_index("ix_rule_changes_code", "rule_changes", ["code", "created_at"])
    condition = sa.text("state IN ('AWAITING_APPROVAL', 'AWAITING_SETTING')")
    op.create_index(
        "uq_rule_changes_open",
        "rule_changes",
        ["prefix", "disease"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )
    op.create_table(
        "rule_change_events",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("change_id", _ID, nullable=False),
        *(_text(name) for name in ("at", "actor", "unit_id", "event")),
        _text("from_state", null=True),
        _text("to_state"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_change_events"),
    )
    op.create_index("ix_rule_change_events_change_id", "rule_change_events", ["change_id"])


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)

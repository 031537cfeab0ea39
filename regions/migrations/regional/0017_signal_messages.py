"""Messages of signals, and the deliveries of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _id(name: str = "id", *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null, autoincrement=False)


def _zero(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "signal_messages",
        _id(),
        _id("signal_id"),
        *(_text(name) for name in ("occasion", "due_at", "state")),
        _text("text", null=True),
        _text("addressed_at", null=True),
        _text("look_at"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_messages"),
        sa.UniqueConstraint("signal_id", "occasion", name="uq_signal_messages_occasion"),
    )
    _partial("signal_messages", "waiting", "state = 'WAITING'")
    op.create_table(
        "signal_deliveries",
        _id(),
        _id("message_id"),
        _id("signal_id"),
        *(_text(name) for name in ("channel", "unit_id", "account")),
        _id("record", null=True),
        _text("key"),
        _text("state"),
        _zero("attempts"),
        _text("due_at"),
        _text("look_at"),
        _text("leased_by", null=True),
        _zero("handing"),
        *(_text(name, null=True) for name in ("outcome", "reference", "settled_at")),
        sa.PrimaryKeyConstraint("id", name="pk_signal_deliveries"),
        sa.UniqueConstraint(
            "message_id", "channel", "unit_id", "account", name="uq_signal_deliveries_once"
        ),
        sa.UniqueConstraint("key", name="uq_signal_deliveries_key"),
    )
    op.create_index("ix_signal_deliveries_signal_id", "signal_deliveries", ["signal_id"])
    _partial("signal_deliveries", "open", "state IN ('DUE', 'SENDING')")


def _partial(table: str, name: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"ix_{table}_{name}",
        table,
        ["look_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )

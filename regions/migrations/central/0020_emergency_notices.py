"""Messages that tell the supervisors of an emergency access."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "emergency_notices",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("emergency_id", _ID, nullable=False),
        *(_text(name) for name in ("occasion", "channel", "account", "key", "state")),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        *(_text(name) for name in ("due_at", "look_at")),
        _text("leased_by", null=True),
        sa.Column("handing", sa.Integer(), server_default="0", nullable=False),
        *(_text(name, null=True) for name in ("outcome", "settled_at")),
        sa.PrimaryKeyConstraint("id", name="pk_emergency_notices"),
        sa.UniqueConstraint(
            "emergency_id", "occasion", "channel", "account", name="uq_emergency_notices_once"
        ),
        sa.UniqueConstraint("key", name="uq_emergency_notices_key"),
    )
    for name in ("emergency_id", "look_at"):
        op.create_index(f"ix_emergency_notices_{name}", "emergency_notices", [name])


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)

"""What duty persons are told of letters by messages; by when a case of a letter is registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _id(name: str = "id", *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "assist_notices",
        _id(),
        _id("request_id"),
        _text("occasion"),
        sa.Column("about", sa.Integer(), nullable=False),
        *(_text(name) for name in ("units", "channel", "unit_id", "account")),
        _id("record", null=True),
        _text("key"),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        _text("due_at"),
        _text("look_at"),
        _text("leased_by", null=True),
        sa.Column("handing", sa.Integer(), nullable=False, server_default="0"),
        _text("outcome", null=True),
        _text("settled_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_assist_notices"),
        sa.UniqueConstraint(
            "request_id",
            "occasion",
            "about",
            "channel",
            "unit_id",
            "account",
            name="uq_assist_notices_once",
        ),
        sa.UniqueConstraint("key", name="uq_assist_notices_key"),
    )
    op.create_index("ix_assist_notices_request_id", "assist_notices", ["request_id"])
    where = sa.text("state IN ('WAITING', 'DUE', 'SENDING')")
    op.create_index(
        "ix_assist_notices_open",
        "assist_notices",
        ["look_at"],
        sqlite_where=where,
        postgresql_where=where,
    )
    for name in ("positive_at", "case_due", "case_at"):
        op.add_column("assist_people", _text(name, null=True))

"""Rosters: several duty persons of a unit, who is on duty when, and which diseases it watches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "duty_persons", sa.Column("standing", sa.Integer(), nullable=False, server_default="1")
    )
    op.drop_index("uq_duty_persons_now", "duty_persons")
    _unique("duty_persons", "now", ["unit_id", "account"], "until IS NULL")
    _unique("duty_persons", "standing", ["unit_id"], "until IS NULL AND standing = 1")
    op.create_table(
        "duty_shifts",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        *(_text(name) for name in ("unit_id", "account", "begins", "ends", "set_by", "set_at")),
        _text("withdrawn_by", null=True),
        _text("withdrawn_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_duty_shifts"),
    )
    op.create_index("ix_duty_shifts_unit_id", "duty_shifts", ["unit_id", "ends"])
    op.create_table(
        "disease_watches",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        *(_text(name) for name in ("unit_id", "code", "disease", "since")),
        _text("until", null=True),
        _text("set_by"),
        sa.PrimaryKeyConstraint("id", name="pk_disease_watches"),
    )
    op.create_index("ix_disease_watches_unit_id", "disease_watches", ["unit_id"])
    _unique("disease_watches", "now", ["unit_id", "disease"], "until IS NULL")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _unique(table: str, name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"uq_{table}_{name}",
        table,
        columns,
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )

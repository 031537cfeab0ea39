"""The post between regions, custody of people, transfers; where a moved record lives now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str, null: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=null) for name in names]


def _id(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null, autoincrement=False)


def upgrade() -> None:
    for table in ("people", "contacts", "cases"):
        op.add_column(table, sa.Column("kept_in", _TEXT, nullable=True))
    _post()
    op.create_table(
        "custody",
        _id("person_id"),
        *_texts("state"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        *_texts("peer", "transfer_id", "unit_id", null=True),
        *_texts("since"),
        sa.PrimaryKeyConstraint("person_id", name="pk_custody"),
    )
    op.create_index("ix_custody_state", "custody", ["state", "since"])
    op.create_table(
        "transfers",
        *_texts("id", "side", "from_region", "to_region", "from_unit", "to_unit", "reason"),
        *_texts("planned_at", "departed_at", "arrived_at", null=True),
        *_texts("state", "offer_hash", "created_at", "updated_at"),
        *_texts("reporter", "reporter_unit", "code"),
        sa.PrimaryKeyConstraint("id", "side", name="pk_transfers"),
    )
    for name, columns in (
        ("created", ["created_at", "id"]),
        ("to_unit", ["to_unit", "created_at"]),
        ("from_unit", ["from_unit", "created_at"]),
        ("code_created", ["code", "created_at"]),
        ("state", ["state", "updated_at"]),
    ):
        op.create_index(f"ix_transfers_{name}", "transfers", columns)
    op.create_table(
        "transfer_people",
        _id("id"),
        *_texts("transfer_id", "side"),
        _id("person_id"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        *_texts("outcome"),
        *_texts("reason_code", "dossier_hash", "decided_at", null=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_people"),
        sa.UniqueConstraint(
            "transfer_id", "side", "person_id", name="uq_transfer_people_transfer_id_side_person_id"
        ),
    )
    op.create_index("ix_transfer_people_person_id", "transfer_people", ["person_id"])
    op.create_table(
        "transfer_events",
        _id("id"),
        *_texts("transfer_id"),
        _id("person_id", null=True),
        *_texts("at"),
        *_texts("actor", "unit_id", null=True),
        *_texts("region", "event"),
        sa.Column("epoch", sa.Integer(), nullable=True),
        *_texts("detail", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_events"),
    )
    op.create_index("ix_transfer_events_person_id", "transfer_events", ["person_id"])
    op.create_index("ix_transfer_events_transfer", "transfer_events", ["transfer_id", "id"])


def _post() -> None:
    op.create_table(
        "post_outbox",
        *_texts("id"),
        _id("seq"),
        *_texts("topic", "subject", "to_region", "body", "hash", "trace", "created_at"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        *_texts("last_error", "answered_at", "reply", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_post_outbox"),
        sa.UniqueConstraint("seq", name="uq_post_outbox_seq"),
    )
    op.create_index("ix_post_outbox_subject", "post_outbox", ["subject", "topic"])
    waiting = sa.text("answered_at IS NULL")
    op.create_index(
        "ix_post_outbox_waiting",
        "post_outbox",
        ["to_region", "seq"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "post_inbox",
        *_texts("from_region", "id", "topic", "subject", "hash"),
        *_texts("reply", null=True),
        *_texts("received_at"),
        sa.PrimaryKeyConstraint("from_region", "id", name="pk_post_inbox"),
    )
    op.create_index("ix_post_inbox_subject", "post_inbox", ["subject"])

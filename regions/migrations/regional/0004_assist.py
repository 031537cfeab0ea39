"""Assist requests: letters, the people they name, events, attachments, copies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _id(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "assist_attachments",
        _id("id"),
        _id("request_id"),
        _text("number"),
        _text("key"),
        _text("media_type"),
        sa.Column("size", sa.Integer(), nullable=False),
        _text("sha256"),
        _text("code"),
        _id("person_id", null=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_assist_attachments"),
    )
    op.create_index("ix_assist_attachments_request_id", "assist_attachments", ["request_id"])
    op.create_index(
        "uq_assist_attachments_key", "assist_attachments", ["request_id", "key"], unique=True
    )
    op.create_table(
        "assist_copies",
        _text("number"),
        _text("unit_id"),
        _id("request_id"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("number", "unit_id", name="pk_assist_copies"),
    )
    op.create_index("ix_assist_copies_request_id", "assist_copies", ["request_id"])
    op.create_table(
        "assist_events",
        _id("id"),
        _id("request_id"),
        _text("number"),
        _text("key"),
        sa.Column("position", sa.Integer(), nullable=True),
        _text("event"),
        _text("phase"),
        _text("state", null=True),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("actor", null=True),
        _text("unit_id", null=True),
        _text("region"),
        _text("reason_code", null=True),
        _text("detail"),
        _text("code"),
        _text("at"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_assist_events"),
    )
    op.create_index("ix_assist_events_request_id", "assist_events", ["request_id"])
    op.create_index("uq_assist_events_key", "assist_events", ["request_id", "key"], unique=True)
    op.create_table(
        "assist_people",
        _id("id"),
        _id("request_id"),
        _text("number"),
        sa.Column("position", sa.Integer(), nullable=False),
        _id("person_id", null=True),
        _id("contact_id", null=True),
        _id("issuer_contact_id", null=True),
        _text("level"),
        _text("manner"),
        _text("last_contact_on", null=True),
        _text("whereabouts_code", null=True),
        _text("state"),
        _text("proposed", null=True),
        _text("reason_code", null=True),
        _text("found_at", null=True),
        _text("found_code", null=True),
        _text("controlled_at", null=True),
        _text("control_mode", null=True),
        _text("outcome", null=True),
        _text("destination_code", null=True),
        _text("forwarded_to", null=True),
        _id("case_id", null=True),
        _text("holder_unit", null=True),
        sa.Column("open", sa.Integer(), nullable=False),
        _text("code"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("created_at"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_assist_people"),
    )
    op.create_index("ix_assist_people_contact_id", "assist_people", ["contact_id"])
    op.create_index("ix_assist_people_issuer_contact_id", "assist_people", ["issuer_contact_id"])
    op.create_index("ix_assist_people_person_id", "assist_people", ["person_id"])
    op.create_index("ix_assist_people_request_id", "assist_people", ["request_id"])
    op.create_index(
        "uq_assist_people_position", "assist_people", ["request_id", "position"], unique=True
    )
    op.create_table(
        "assist_requests",
        _id("id"),
        _text("number"),
        _text("side"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("read_version", sa.Integer(), nullable=False),
        _text("state"),
        sa.Column("revision", sa.Integer(), nullable=False),
        _text("pending", null=True),
        _text("from_unit"),
        _text("from_code"),
        _text("from_region"),
        _text("to_unit", null=True),
        _text("to_code"),
        _text("to_region"),
        _text("parent_number", null=True),
        _text("root_number"),
        _text("hops"),
        _text("disease"),
        _id("case_id", null=True),
        _text("case_classification", null=True),
        _text("case_onset_on", null=True),
        _text("asked"),
        _text("shared_items"),
        sa.Column("people_count", sa.Integer(), nullable=False),
        _text("sent_at", null=True),
        _text("acknowledge_due", null=True),
        _text("control_due", null=True),
        _text("feedback_due", null=True),
        _text("acknowledged_at", null=True),
        _text("assigned_at", null=True),
        _text("assigned_to", null=True),
        _text("controlled_at", null=True),
        _text("feedback_at", null=True),
        _text("ended_at", null=True),
        _text("reason_code", null=True),
        _text("forwarded_to", null=True),
        _text("escalated_to", null=True),
        _text("code"),
        _id("person_id", null=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("created_at"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_assist_requests"),
    )
    op.create_index(
        "ix_assist_requests_code_created", "assist_requests", ["code", "created_at", "id"]
    )
    op.create_index("ix_assist_requests_created", "assist_requests", ["created_at", "id"])
    op.create_index("ix_assist_requests_root", "assist_requests", ["root_number"])
    op.create_index("ix_assist_requests_state", "assist_requests", ["state", "acknowledge_due"])
    op.create_index("ix_assist_requests_unit", "assist_requests", ["reporter_unit", "created_at"])
    op.create_index("uq_assist_requests_number", "assist_requests", ["number", "side"], unique=True)

"""What is filed on signals: cards, events, investigation forms, files, clocks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = sa.text("met_at IS NULL AND dropped_at IS NULL")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _id(name: str, *, nullable: bool = False, **more: Any) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=nullable, **more)


def upgrade() -> None:
    op.create_table(
        "signal_cards",
        _id("id", autoincrement=False),
        _id("signal_id"),
        _number("version"),
        _text("province", nullable=True),
        _text("city", nullable=True),
        _text("county"),
        _text("signal_number"),
        _text("sent_at", nullable=True),
        _text("disease"),
        _number("cases"),
        _number("deaths"),
        _text("verified_by"),
        _number("townships"),
        _text("schools"),
        _text("suspected"),
        _text("place"),
        _text("time"),
        _text("people"),
        _text("rare"),
        _text("single_case"),
        _text("spreading"),
        _text("event_number", nullable=True),
        _text("code"),
        _id("person_id", nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("reporter"),
        _text("reporter_unit"),
        _text("filled_at"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_cards"),
    )
    op.create_index("ix_signal_cards_person_id", "signal_cards", ["person_id"])
    op.create_index(
        "uq_signal_cards_version", "signal_cards", ["signal_id", "version"], unique=True
    )
    op.create_table(
        "investigations",
        _id("id", autoincrement=False),
        _text("number"),
        _text("state"),
        _text("code"),
        _text("unit_id"),
        _text("disease"),
        _text("conclusion", nullable=True),
        _id("joined_to", nullable=True),
        _text("issued_at"),
        _text("started_at", nullable=True),
        _text("ended_at", nullable=True),
        _text("form_due", nullable=True),
        _text("concluded_at", nullable=True),
        _number("forms"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_investigations"),
        sa.UniqueConstraint("number", name="uq_investigations_number"),
    )
    op.create_index("ix_investigations_code_issued", "investigations", ["code", "issued_at"])
    op.create_table(
        "investigation_forms",
        _id("id", autoincrement=False),
        _id("investigation_id"),
        _number("version"),
        _text("province", nullable=True),
        _text("city", nullable=True),
        _text("county"),
        _text("event_number"),
        _text("signal_numbers"),
        _text("sent_at", nullable=True),
        _text("disease"),
        _text("verified_disease", nullable=True),
        _text("laboratory_positive"),
        _number("townships"),
        _number("cases"),
        _number("deaths"),
        _number("first_township_cases", nullable=True),
        _number("second_township_cases", nullable=True),
        _number("third_township_cases", nullable=True),
        _number("schools"),
        _number("school_cases"),
        _text("first_onset_on", nullable=True),
        _number("age_from_0"),
        _number("age_from_7"),
        _number("age_from_12"),
        _number("age_from_18"),
        _number("age_from_60"),
        _text("conclusion"),
        _text("grounds"),
        _text("units"),
        _text("investigated_from"),
        _text("investigated_to"),
        _text("code"),
        _id("person_id", nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("reporter"),
        _text("reporter_unit"),
        _text("filled_at"),
        sa.PrimaryKeyConstraint("id", name="pk_investigation_forms"),
    )
    op.create_index("ix_investigation_forms_person_id", "investigation_forms", ["person_id"])
    op.create_index(
        "uq_investigation_forms_version",
        "investigation_forms",
        ["investigation_id", "version"],
        unique=True,
    )
    op.create_table(
        "investigation_occupations",
        _id("id", autoincrement=False),
        _id("form_id"),
        _text("occupation"),
        _number("cases"),
        sa.PrimaryKeyConstraint("id", name="pk_investigation_occupations"),
    )
    op.create_index(
        "ix_investigation_occupations_form_id", "investigation_occupations", ["form_id"]
    )
    op.create_table(
        "signal_attachments",
        _id("id", autoincrement=False),
        _id("investigation_id"),
        _text("event_number"),
        _text("media_type"),
        _number("size"),
        _text("sha256"),
        _text("code"),
        _id("person_id", nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("reporter"),
        _text("reporter_unit"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_attachments"),
    )
    op.create_index(
        "ix_signal_attachments_investigation_id", "signal_attachments", ["investigation_id"]
    )
    op.create_index("ix_signal_attachments_person_id", "signal_attachments", ["person_id"])
    op.create_table(
        "signal_contents",
        _id("id", autoincrement=False),
        _id("person_id", nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signal_contents"),
    )
    op.create_index("ix_signal_contents_person_id", "signal_contents", ["person_id"])
    op.create_table(
        "signal_clocks",
        _id("id", autoincrement=False),
        _id("signal_id"),
        _id("investigation_id", nullable=True),
        _text("kind"),
        _text("code"),
        _text("unit_id"),
        _text("opened_at"),
        _text("due_at"),
        _text("met_at", nullable=True),
        _text("missed_at", nullable=True),
        _text("dropped_at", nullable=True),
        _text("noted_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signal_clocks"),
    )
    op.create_index(
        "ix_signal_clocks_due",
        "signal_clocks",
        ["due_at", "id"],
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
    op.create_index("ix_signal_clocks_investigation_id", "signal_clocks", ["investigation_id"])
    op.create_index("ix_signal_clocks_noted", "signal_clocks", ["noted_at", "id"])
    op.create_index("ix_signal_clocks_signal_id", "signal_clocks", ["signal_id"])

"""The first tables of a region's store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def _id(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null, autoincrement=False)


def _bytes(name: str, *, null: bool = True) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=null)


def upgrade() -> None:
    op.create_table(
        "area_changes",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("year", sa.Integer(), nullable=False),
        _text("kind"),
        _text("old_code"),
        _text("old_name"),
        _text("new_code"),
        _text("new_name"),
        sa.PrimaryKeyConstraint("number", name="pk_area_changes"),
    )
    op.create_index("ix_area_changes_old_code", "area_changes", ["old_code"])
    op.create_table(
        "areas",
        _text("code"),
        _text("name"),
        _text("level"),
        _text("parent", null=True),
        _text("kind", null=True),
        sa.PrimaryKeyConstraint("code", name="pk_areas"),
    )
    op.create_index("ix_areas_parent", "areas", ["parent"])
    op.create_table(
        "cases",
        _id("id"),
        _id("person_id"),
        _text("disease"),
        _text("classification"),
        _text("origin"),
        _text("found_by", null=True),
        _text("code"),
        _text("onset_on", null=True),
        _text("diagnosed_at", null=True),
        _text("reported_at"),
        _text("unit_id"),
        _text("hospital", null=True),
        _text("outcome", null=True),
        _text("outcome_on", null=True),
        _text("died_on", null=True),
        _bytes("sealed"),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("source_key", null=True),
        _text("source_hash", null=True),
        _text("created_at"),
        _text("updated_at"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("source_key", name="uq_cases_source_key"),
    )
    op.create_index(
        "ix_cases_city_created",
        "cases",
        [sa.func.substr(sa.column("code"), sa.text("1"), sa.text("4")), "created_at", "id"],
    )
    op.create_index("ix_cases_code_created", "cases", ["code", "created_at", "id"])
    op.create_index("ix_cases_created", "cases", ["created_at", "id"])
    op.create_index(
        "ix_cases_disease_code_reported",
        "cases",
        ["disease", "code", "reported_at"],
    )
    op.create_index("ix_cases_person_id", "cases", ["person_id"])
    op.create_index("ix_cases_reported", "cases", ["reported_at", "id"])
    op.create_index("ix_cases_unit_created", "cases", ["reporter_unit", "created_at", "id"])
    op.create_index("ix_cases_unit_id", "cases", ["unit_id"])
    op.create_table(
        "contacts",
        _id("id"),
        _id("person_id"),
        _text("level"),
        _text("route"),
        _id("source_case_id", null=True),
        _id("parent_contact_id", null=True),
        _text("relation_to_case", null=True),
        _text("manner"),
        _text("frequency", null=True),
        _text("first_contact_on", null=True),
        _text("last_contact_on", null=True),
        _text("observation_mode", null=True),
        _text("observation_started_on", null=True),
        _text("observation_due_on", null=True),
        _text("observation_released_on", null=True),
        _text("symptom_onset_on", null=True),
        _text("symptoms", null=True),
        _text("outcome"),
        _text("traced"),
        _text("exclusion_reason", null=True),
        _text("code"),
        _text("rule_pack"),
        _bytes("sealed"),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("source_key", null=True),
        _text("source_hash", null=True),
        _text("created_at"),
        _text("updated_at"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("source_key", name="uq_contacts_source_key"),
    )
    op.create_index(
        "ix_contacts_city_created",
        "contacts",
        [sa.func.substr(sa.column("code"), sa.text("1"), sa.text("4")), "created_at", "id"],
    )
    op.create_index("ix_contacts_code_created", "contacts", ["code", "created_at", "id"])
    op.create_index("ix_contacts_created", "contacts", ["created_at", "id"])
    op.create_index("ix_contacts_last_contact_on", "contacts", ["last_contact_on"])
    op.create_index("ix_contacts_parent_contact_id", "contacts", ["parent_contact_id"])
    op.create_index("ix_contacts_person_id", "contacts", ["person_id"])
    op.create_index("ix_contacts_source_case_id", "contacts", ["source_case_id"])
    op.create_index(
        "ix_contacts_unit_created",
        "contacts",
        ["reporter_unit", "created_at", "id"],
    )
    op.create_table(
        "corrections",
        _id("id"),
        _text("record_type"),
        _id("record_id"),
        _text("field"),
        _text("item", null=True),
        _text("old_value", null=True),
        _text("new_value", null=True),
        _bytes("sealed", null=False),
        _text("corrected_by"),
        _text("unit_id", null=True),
        _text("reporter", null=True),
        _text("corrected_at"),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_record", "corrections", ["record_type", "record_id"])
    op.create_table(
        "daily_counts",
        _text("disease"),
        _text("code"),
        _text("day"),
        _text("source"),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("disease", "code", "day", "source", name="pk_daily_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "diseases",
        _text("key"),
        _text("name_zh"),
        _text("name_en"),
        _text("law_class"),
        _text("alert_method"),
        _text("icd10"),
        sa.PrimaryKeyConstraint("key", name="pk_diseases"),
    )
    op.create_table(
        "exposures",
        _id("id"),
        _id("person_id"),
        _id("case_id", null=True),
        _id("source_case_id", null=True),
        _text("kind", null=True),
        _text("code", null=True),
        _text("started_on", null=True),
        _text("ended_on", null=True),
        _bytes("sealed"),
        _text("source_key", null=True),
        _text("source_hash", null=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_exposures"),
        sa.UniqueConstraint("source_key", name="uq_exposures_source_key"),
    )
    op.create_index("ix_exposures_case_id", "exposures", ["case_id"])
    op.create_index("ix_exposures_person_id", "exposures", ["person_id"])
    op.create_index("ix_exposures_source_case_id", "exposures", ["source_case_id"])
    op.create_table(
        "idempotency",
        _text("account"),
        _text("key"),
        _text("operation"),
        _text("payload_hash"),
        _text("result"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("account", "key", name="pk_idempotency"),
    )
    op.create_table(
        "people",
        _id("id"),
        _text("code"),
        _text("residence_code", null=True),
        _text("nationality", null=True),
        _text("occupation", null=True),
        _text("medical_worker", null=True),
        _bytes("sealed", null=False),
        _text("id_number_index", null=True),
        _text("phone_index", null=True),
        _text("name_birth_index", null=True),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("source_key", null=True),
        _text("source_hash", null=True),
        _text("created_at"),
        _text("updated_at"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("source_key", name="uq_people_source_key"),
    )
    op.create_index("ix_people_id_number_index", "people", ["id_number_index"])
    op.create_index("ix_people_name_birth_index", "people", ["name_birth_index"])
    op.create_index("ix_people_phone_index", "people", ["phone_index"])
    op.create_table(
        "samples",
        _id("id"),
        _id("person_id"),
        _id("contact_id", null=True),
        _id("case_id", null=True),
        _text("taken_at"),
        _text("specimen"),
        _text("test"),
        _text("result"),
        _text("result_at", null=True),
        _text("laboratory", null=True),
        _text("code"),
        _bytes("sealed"),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("source_key", null=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_samples"),
        sa.UniqueConstraint("source_key", name="uq_samples_source_key"),
    )
    op.create_index("ix_samples_case_id", "samples", ["case_id"])
    op.create_index("ix_samples_contact_id", "samples", ["contact_id"])
    op.create_index("ix_samples_person_id", "samples", ["person_id"])
    op.create_table(
        "sequences",
        _text("name"),
        _id("next"),
        sa.PrimaryKeyConstraint("name", name="pk_sequences"),
    )
    op.create_table(
        "units",
        _text("id"),
        _text("code"),
        _text("level"),
        _text("name_zh"),
        _text("name_en"),
        _text("parent", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_units"),
    )
    op.create_index("ix_units_code", "units", ["code"])
    op.create_table(
        "visits",
        _id("id"),
        _id("person_id"),
        _id("contact_id", null=True),
        _id("case_id", null=True),
        _text("visited_at"),
        _text("kind"),
        sa.Column("temperature_tenths", sa.Integer(), nullable=True),
        _text("symptoms"),
        _text("code"),
        _bytes("sealed"),
        _text("reporter", null=True),
        _text("reporter_unit", null=True),
        _text("source_key", null=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
        sa.UniqueConstraint("source_key", name="uq_visits_source_key"),
    )
    op.create_index("ix_visits_case_id", "visits", ["case_id"])
    op.create_index("ix_visits_contact_id", "visits", ["contact_id"])
    op.create_index("ix_visits_person_id", "visits", ["person_id"])

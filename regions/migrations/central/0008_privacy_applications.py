"""Privacy roles of units, applications with their signatures, emergencies, requests for data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "privacy_roles",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("unit_id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("name_zh", _TEXT, nullable=False),
        sa.Column("record_type", _TEXT, nullable=False),
        sa.Column("items", _TEXT, nullable=False),
        sa.Column("regulation", _TEXT, nullable=False),
        sa.Column("application_id", _ID, nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_roles"),
    )
    op.create_index("ix_privacy_roles_unit_id", "privacy_roles", ["unit_id"])
    op.create_table(
        "privacy_applications",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("unit_id", _TEXT, nullable=False),
        sa.Column("unit_name", _TEXT, nullable=False),
        sa.Column("unit_code", _TEXT, nullable=False),
        sa.Column("department", _TEXT, nullable=False),
        sa.Column("business_department", _TEXT, nullable=False),
        sa.Column("administrator_department", _TEXT, nullable=True),
        sa.Column("roles", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("purpose", _TEXT, nullable=False),
        sa.Column("starts_at", _TEXT, nullable=True),
        sa.Column("ends_at", _TEXT, nullable=False),
        sa.Column("commitment", sa.Integer(), nullable=False),
        sa.Column("renews_id", _ID, nullable=True),
        sa.Column("person_index", _TEXT, nullable=True),
        sa.Column("briefed_by", _TEXT, nullable=True),
        sa.Column("briefed_at", _TEXT, nullable=True),
        sa.Column("briefing", _TEXT, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.Column("closed_at", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_applications"),
    )
    op.create_index("ix_privacy_applications_account", "privacy_applications", ["account"])
    op.create_index(
        "ix_privacy_applications_person_index", "privacy_applications", ["person_index"]
    )
    op.create_index("ix_privacy_applications_state", "privacy_applications", ["state"])
    op.create_index("ix_privacy_applications_unit_id", "privacy_applications", ["unit_id"])
    op.create_table(
        "privacy_signatures",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("application_id", _ID, nullable=False),
        sa.Column("step", _TEXT, nullable=False),
        sa.Column("decision", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("department", _TEXT, nullable=True),
        sa.Column("person_index", _TEXT, nullable=True),
        sa.Column("signed_at", _TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_signatures"),
    )
    op.create_index(
        "ix_privacy_signatures_application_id", "privacy_signatures", ["application_id"]
    )
    op.create_index("ix_privacy_signatures_person_index", "privacy_signatures", ["person_index"])
    op.create_index(
        "uq_privacy_signatures_account",
        "privacy_signatures",
        ["application_id", "account"],
        unique=True,
        sqlite_where=sa.text("decision = 'SIGN'"),
        postgresql_where=sa.text("decision = 'SIGN'"),
    )
    op.create_index(
        "uq_privacy_signatures_person_index",
        "privacy_signatures",
        ["application_id", "person_index"],
        unique=True,
        sqlite_where=sa.text("decision = 'SIGN'"),
        postgresql_where=sa.text("decision = 'SIGN'"),
    )
    op.create_index(
        "uq_privacy_signatures_step",
        "privacy_signatures",
        ["application_id", "step"],
        unique=True,
        sqlite_where=sa.text("decision = 'SIGN'"),
        postgresql_where=sa.text("decision = 'SIGN'"),
    )
    op.create_table(
        "emergencies",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("grant_id", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("unit_id", _TEXT, nullable=False),
        sa.Column("unit_code", _TEXT, nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("review_due_at", _TEXT, nullable=False),
        sa.Column("reviewed_at", _TEXT, nullable=True),
        sa.Column("reviewed_by", _TEXT, nullable=True),
        sa.Column("finding", _TEXT, nullable=True),
        sa.Column("suspended_at", _TEXT, nullable=True),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emergencies"),
        sa.UniqueConstraint("grant_id", name="uq_emergencies_grant_id"),
    )
    op.create_index("ix_emergencies_account", "emergencies", ["account"])
    op.create_index("ix_emergencies_unit_id", "emergencies", ["unit_id"])
    op.create_table(
        "emergency_supervisors",
        sa.Column("emergency_id", _ID, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("emergency_id", "account", name="pk_emergency_supervisors"),
    )
    op.create_index("ix_emergency_supervisors_account", "emergency_supervisors", ["account"])
    op.create_table(
        "data_requests",
        sa.Column("id", _ID, nullable=False, autoincrement=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("filed_by", _TEXT, nullable=False),
        sa.Column("unit_id", _TEXT, nullable=False),
        sa.Column("unit_code", _TEXT, nullable=False),
        sa.Column("organisation", _TEXT, nullable=False),
        sa.Column("purpose", _TEXT, nullable=False),
        sa.Column("legal_basis", _TEXT, nullable=False),
        sa.Column("record_type", _TEXT, nullable=False),
        sa.Column("items", _TEXT, nullable=False),
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("from_on", _TEXT, nullable=False),
        sa.Column("to_on", _TEXT, nullable=False),
        sa.Column("business_department", _TEXT, nullable=False),
        sa.Column("business_head", _TEXT, nullable=True),
        sa.Column("business_decided_at", _TEXT, nullable=True),
        sa.Column("administrator", _TEXT, nullable=True),
        sa.Column("administrator_decided_at", _TEXT, nullable=True),
        sa.Column("export_id", _TEXT, nullable=True),
        sa.Column("prepared_at", _TEXT, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_requests"),
    )
    op.create_index("ix_data_requests_filed_by", "data_requests", ["filed_by"])
    op.create_index("ix_data_requests_state", "data_requests", ["state"])
    op.create_index("ix_data_requests_unit_id", "data_requests", ["unit_id"])

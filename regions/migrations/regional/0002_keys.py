"""Keys of people, and two sets of blind indexes, so that keys can change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "person_keys",
        sa.Column("person_id", _ID, nullable=False, autoincrement=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_keys"),
    )
    op.create_table(
        "index_keys",
        sa.Column("item", _TEXT, nullable=False),
        sa.Column("phase", _TEXT, nullable=False),
        sa.Column("used_set", sa.Integer(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("next_key", sa.Integer(), nullable=True),
        sa.Column("done_to", _ID, nullable=False),
        sa.PrimaryKeyConstraint("item", name="pk_index_keys"),
    )
    # One row from the start: whoever changes it waits for whoever has read it.
    op.execute(
        "INSERT INTO index_keys (item, phase, used_set, key, done_to) "
        "VALUES ('people', 'SINGLE', 0, 0, 0)"
    )
    for name in ("id_number_index_2", "phone_index_2", "name_birth_index_2"):
        op.add_column("people", sa.Column(name, _TEXT, nullable=True))
        filled = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_people_{name}",
            "people",
            [name],
            sqlite_where=filled,
            postgresql_where=filled,
        )
    op.add_column("corrections", sa.Column("person_id", _ID, nullable=True))
    op.create_index("ix_corrections_person_id", "corrections", ["person_id"])
    op.execute(
        "UPDATE corrections SET person_id = CASE record_type "
        "WHEN 'PERSON' THEN record_id "
        "WHEN 'CASE' THEN (SELECT person_id FROM cases WHERE cases.id = record_id) "
        "WHEN 'CONTACT' THEN (SELECT person_id FROM contacts WHERE contacts.id = record_id) "
        "WHEN 'VISIT' THEN (SELECT person_id FROM visits WHERE visits.id = record_id) "
        "WHEN 'SAMPLE' THEN (SELECT person_id FROM samples WHERE samples.id = record_id) END"
    )

"""Contacts say the disease they are observed for.

The case a contact names may lie in another region, so that a list of the contacts of a disease
cannot be asked of one store by it. Those whose case, or whose contact, lies in the same store get
its disease; the others stay without until somebody says it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_DEEPEST = 3  # contacts of contacts of contacts


def upgrade() -> None:
    op.add_column("contacts", sa.Column("disease", _TEXT, nullable=True))
    op.execute(
        "UPDATE contacts SET disease = (SELECT disease FROM cases "
        "WHERE cases.id = contacts.source_case_id) WHERE source_case_id IS NOT NULL"
    )
    for _ in range(_DEEPEST):
        op.execute(
            "UPDATE contacts SET disease = (SELECT parent.disease FROM contacts AS parent "
            "WHERE parent.id = contacts.parent_contact_id) "
            "WHERE disease IS NULL AND parent_contact_id IS NOT NULL"
        )
    op.create_index(
        "ix_contacts_disease_created",
        "contacts",
        ["disease", "created_at", "id", "kept_in"],
    )

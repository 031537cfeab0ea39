"""Indexes of lists that hold where a record is kept, so that living ones are counted in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    city = sa.func.substr(sa.column("code"), sa.text("1"), sa.text("4"))
    for table in ("contacts", "cases"):
        for name, first in (
            ("created", []),
            ("unit_created", ["reporter_unit"]),
            ("code_created", ["code"]),
            ("city_created", [city]),
        ):
            index = f"ix_{table}_{name}"
            op.drop_index(index, table)
            op.create_index(index, table, [*first, "created_at", "id", "kept_in"])

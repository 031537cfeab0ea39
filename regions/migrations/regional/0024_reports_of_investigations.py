"""Files of a suspected event say whether they are the report of its investigation.

Until now any file was taken for it, a picture too. What is there stays so: nobody who has filed a
form is asked for a report again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    column = sa.Column("report", _TEXT, nullable=False, server_default="true")
    op.add_column("signal_attachments", column)

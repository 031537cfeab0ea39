"""Of codes of residence no more than the county in the open.

Lists could bring codes of towns and villages, 9 to 12 digits, into a column that everybody sees.
What is finer than the county is private (F3) and sealed from now on. A migration has no keys: it
cuts what is there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    for table, column in (("people", "residence_code"), ("exposures", "code")):
        cut = f"UPDATE {table} SET {column} = substr({column}, 1, 6) WHERE length({column}) > 6"
        connection.execute(sa.text(cut))
    for column in ("old_value", "new_value"):  # JSON: in quotes
        cut = (
            f"UPDATE corrections SET {column} = substr({column}, 1, 7) || '\"' "
            f"WHERE record_type = 'PERSON' AND field = 'residenceCode' AND length({column}) > 8"
        )
        connection.execute(sa.text(cut))

"""What Alembic runs: the migrations of one history, in the transaction of whoever called.

Started by `regions.migrating` only, which hands over an open connection.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()

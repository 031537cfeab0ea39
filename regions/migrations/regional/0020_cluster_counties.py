"""The counties of each cluster, and which regions keep clusters that name a county."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    counties = op.create_table(
        "signal_counties",
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("signal_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("code", "signal_id", name="pk_signal_counties"),
    )
    regions = op.create_table(
        "cluster_regions",
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("region", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("code", "region", name="pk_cluster_regions"),
    )
    connection = op.get_bind()
    clusters = connection.execute(
        sa.text("SELECT id, members FROM signals WHERE kind = 'CLUSTER' AND members IS NOT NULL")
    )
    named = {(code, number) for number, members in clusters for code in json.loads(members)}
    outcomes = connection.execute(
        sa.text("SELECT outcome FROM detection_nights WHERE outcome IS NOT NULL")
    )
    kept = {
        (code, one["region"])
        for (outcome,) in outcomes
        for one in json.loads(outcome)["clusters"]
        for code in one["members"]
    }
    op.bulk_insert(counties, [{"code": code, "signal_id": one} for code, one in sorted(named)])
    op.bulk_insert(regions, [{"code": code, "region": one} for code, one in sorted(kept)])

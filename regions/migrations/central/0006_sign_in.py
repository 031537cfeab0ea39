"""Second factors, passkeys, challenges, accounts of other providers, machine clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("second_factor", _TEXT, nullable=False, server_default=""))
    op.add_column("sessions", _text("scope", null=True))
    op.add_column("sessions", sa.Column("address", _TEXT, nullable=False, server_default=""))
    op.create_table(
        "second_factors",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        _text("account"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("totp_since", null=True),
        sa.Column("last_step", sa.Integer(), nullable=False, server_default="0"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_second_factors"),
        sa.UniqueConstraint("account", name="uq_second_factors_account"),
    )
    op.create_table(
        "recovery_codes",
        _text("code_hash"),
        _text("account"),
        _text("created_at"),
        _text("used_at", null=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
    )
    op.create_index("ix_recovery_codes_account", "recovery_codes", ["account"])
    op.create_table(
        "passkeys",
        _text("credential_id"),
        _text("account"),
        _text("user_handle"),
        _text("public_key"),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        _text("name"),
        _text("created_at"),
        _text("last_used_at", null=True),
        sa.PrimaryKeyConstraint("credential_id", name="pk_passkeys"),
    )
    op.create_index("ix_passkeys_account", "passkeys", ["account"])
    op.create_table(
        "challenges",
        _text("hash"),
        _text("kind"),
        _text("account"),
        _text("payload"),
        _text("expires_at"),
        sa.PrimaryKeyConstraint("hash", name="pk_challenges"),
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"])
    op.create_table(
        "oidc_identities",
        _text("issuer"),
        _text("subject"),
        _text("account"),
        _text("created_at"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_oidc_identities"),
    )
    op.create_index("ix_oidc_identities_account", "oidc_identities", ["account"])
    op.create_table(
        "clients",
        _text("account"),
        _text("jwks"),
        _text("regions"),
        _text("actions"),
        sa.Column("disabled", sa.Integer(), nullable=False, server_default="0"),
        _text("created_at"),
        _text("updated_at"),
        sa.PrimaryKeyConstraint("account", name="pk_clients"),
    )
    op.create_table(
        "used_assertions",
        _text("hash"),
        _text("expires_at"),
        sa.PrimaryKeyConstraint("hash", name="pk_used_assertions"),
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])

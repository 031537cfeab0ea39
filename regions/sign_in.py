"""What signing in needs beside accounts: second factors, keys of passkeys and clients, challenges,
and accounts of other providers (A12).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Table

from regions.metadata import central, internal, primary_key, sealed

__all__ = [
    "FACTOR_ITEMS",
    "challenges",
    "clients",
    "oidc_identities",
    "passkeys",
    "recovery_codes",
    "second_factors",
    "used_assertions",
]

FACTOR_ITEMS = ("totp_secret", "pending_secret", "recovery_key")
"""`totp_secret` (base32) in force, `pending_secret` not confirmed yet, and `recovery_key` (base64)
of the keyed hashes of recovery codes."""

# A row stays when factors are reset: a time step that was accepted once is never accepted again.
second_factors = Table(
    "second_factors",
    central,
    primary_key(),
    internal("account", unique=True),
    sealed(),
    internal("totp_since", nullable=True),  # null: no TOTP in force
    internal("last_step", Integer(), default=0, server_default="0"),  # of 30 s since 1970
    internal("updated_at"),
)

recovery_codes = Table(
    "recovery_codes",
    central,
    internal("code_hash", primary_key=True),
    internal("account", index=True),
    internal("created_at"),
    internal("used_at", nullable=True),
)

passkeys = Table(
    "passkeys",
    central,
    internal("credential_id", primary_key=True),  # base64url
    internal("account", index=True),
    internal("user_handle"),  # base64url, random, one for each account
    internal("public_key"),  # COSE, base64url
    internal("sign_count", BigInteger()),
    internal("name"),
    internal("created_at"),
    internal("last_used_at", nullable=True),
)

# Challenges of passkeys and states of OpenID Connect: each is used once, by deleting it.
challenges = Table(
    "challenges",
    central,
    internal("hash", primary_key=True),
    internal("kind"),
    internal("account"),  # "" where nobody has signed in yet
    internal("payload"),  # JSON
    internal("expires_at", index=True),
)

oidc_identities = Table(
    "oidc_identities",
    central,
    internal("issuer", primary_key=True),
    internal("subject", primary_key=True),
    internal("account", index=True),
    internal("created_at"),
)

clients = Table(
    "clients",
    central,
    internal("account", primary_key=True),  # of the role REGIONAL_SYSTEM
    internal("jwks"),  # JSON: public keys only
    internal("regions"),  # JSON array of GB/T 2260 codes
    internal("actions"),  # JSON array of names of resolvers.actions
    internal("disabled", Integer(), default=0, server_default="0"),
    internal("created_at"),
    internal("updated_at"),
)

used_assertions = Table(
    "used_assertions",
    central,
    internal("hash", primary_key=True),  # of the client and the assertion's `jti`
    internal("expires_at", index=True),
)

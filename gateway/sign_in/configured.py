"""The provider that the configuration names; its secret comes from the environment alone."""

from __future__ import annotations

import os

from gateway.config import Config
from gateway.sign_in.provider import Provider, ProviderSettings
from regions.errors import KeysError

__all__ = ["SECRET_VARIABLE", "make_provider"]

SECRET_VARIABLE = "EPIGATE_OIDC_SECRET"


def make_provider(config: Config) -> Provider | None:
    """The provider, or None where none is named. Raises KeysError where its secret is missing."""
    if not config.oidc_issuer:
        return None
    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        raise KeysError(
            f"the secret of the provider {config.oidc_issuer} is missing",
            hint=f"put what it gave this client into {SECRET_VARIABLE}",
            key="oidc",
        )
    return Provider(
        ProviderSettings(
            issuer=config.oidc_issuer,
            client_id=config.oidc_client_id,
            secret=secret,
            redirect_uri=f"{config.public_url}/oidc/callback",
            acr=config.oidc_acr,
            amr=config.oidc_amr,
        )
    )

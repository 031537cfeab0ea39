"""Who may sign in, how, for how long, and what emergency access may."""

from __future__ import annotations

from gateway.settings.checks import ISSUER, TEXT, WORDS, whole
from gateway.settings.setting import Setting

__all__ = ["SIGNING_IN"]

SIGNING_IN: tuple[Setting, ...] = (
    Setting(
        "sessions",
        "idle_minutes",
        "session_idle_minutes",
        30,
        "min",
        "A session without a request for so long ends.",
        whole(1, 1_440),
    ),
    Setting(
        "sessions",
        "hours",
        "session_hours",
        12,
        "h",
        "The longest session.",
        whole(1, 168),
    ),
    Setting(
        "sign_in",
        "attempts",
        "sign_in_attempts",
        5,
        "attempts",
        "Wrong passwords in a row after which an account is locked for a while.",
        whole(1, 100),
    ),
    Setting(
        "sign_in",
        "lock_minutes",
        "sign_in_lock_minutes",
        15,
        "min",
        "How long it is locked.",
        whole(1, 1_440),
    ),
    Setting(
        "registrations",
        "days",
        "registration_days",
        30,
        "d",
        "A registration that nobody approves or refuses within this time expires.",
        whole(1, 365),
    ),
    Setting(
        "oidc",
        "issuer",
        "oidc_issuer",
        "",
        "",
        "The OpenID Connect provider that may say who somebody is, as it names itself.",
        ISSUER,
    ),
    Setting(
        "oidc",
        "client_id",
        "oidc_client_id",
        "epigate",
        "",
        "What the provider calls this gateway; its secret is `EPIGATE_OIDC_SECRET`.",
        TEXT,
    ),
    Setting(
        "oidc",
        "acr",
        "oidc_acr",
        (),
        "",
        "Values of its `acr` that stand for two factors; it is asked for them.",
        WORDS,
    ),
    Setting(
        "oidc",
        "amr",
        "oidc_amr",
        ("mfa",),
        "",
        "Values of its `amr` that stand for two factors.",
        WORDS,
    ),
    Setting(
        "clients",
        "token_minutes",
        "token_minutes",
        15,
        "min",
        "How long a machine client's token is good.",
        whole(1, 720),
    ),
    Setting(
        "privacy",
        "emergency_minutes",
        "emergency_minutes",
        240,
        "min",
        "The longest emergency access.",
        whole(1, 240),
    ),
    Setting(
        "privacy",
        "review_hours",
        "review_hours",
        24,
        "h",
        "Within this time an emergency access is reviewed, or its account is suspended.",
        whole(1, 24),
    ),
)

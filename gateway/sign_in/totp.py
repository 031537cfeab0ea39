"""Codes by time (TOTP, RFC 6238): SHA-1, 6 digits, 30 seconds, as authenticator apps make them.

Pure: the store and the guard against replay are in `gateway.sign_in.factors`.
"""

from __future__ import annotations

import hmac

import pyotp

__all__ = ["STEP_SECONDS", "enrolment_uri", "new_secret", "steps_of"]

STEP_SECONDS = 30
_WINDOW = (-1, 0, 1)  # steps of a clock that is behind, right, ahead
_ISSUER = "epigate"


def new_secret() -> str:
    """A secret of 160 bits in base32."""
    return pyotp.random_base32(32)


def enrolment_uri(secret: str, account: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def steps_of(secret: str, code: str, now: float) -> list[int]:
    """The time steps around `now` that the code belongs to, the earliest first.

    Takes as long whatever the code is.
    """
    made = pyotp.TOTP(secret)
    this = int(now) // STEP_SECONDS
    given = code.encode("utf-8", "surrogatepass")
    return [
        step
        for step in (this + offset for offset in _WINDOW)
        if hmac.compare_digest(made.generate_otp(step).encode(), given)
    ]

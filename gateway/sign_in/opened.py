"""A session that was just opened for a person, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.accounts import Account
from gateway.sessions import OpenSession

__all__ = ["Opened", "opened_answer"]


@dataclass(frozen=True, slots=True)
class Opened:
    """`second_factor` is what proved the account beside the first; empty: nothing did.

    `must_change`: somebody else chose the account's password.
    """

    account: Account
    session: OpenSession
    second_factor: str
    must_enrol: bool
    must_change: bool


def opened_answer(opened: Opened) -> dict[str, Any]:
    """What the client is told."""
    return {
        "token": opened.session.token,
        "expiresAt": opened.session.expires_at,
        "account": opened.account.account,
        "role": opened.account.role.value,
        "unit": opened.account.unit_id,
        "code": opened.account.code,
        "secondFactor": opened.second_factor or None,
        "mustEnrol": opened.must_enrol,
        "mustChangePassword": opened.must_change,
    }

"""Who stands behind an account that a command of the gateway's machine names: password and code.

The name the machine knows somebody by says who is at the keyboard, not whose account they name.
What must be done by certain people, or by two, so asks for what a sign-in asks for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.access_log.starting import tell_log
from gateway.access_log.system import operator, system_row
from gateway.accounts import password_hash
from gateway.config import Config
from gateway.passwords import verify_password
from gateway.sign_in._lockout import Lockout
from gateway.sign_in.factors import Factors
from regions.engines import sqlite_engine
from regions.errors import EpigateError, SecondFactorRequired, SignInFailed, TooManyRequests
from regions.keys import Keys
from regions.sealing import Sealer
from resolvers.central import COUNTRY

__all__ = ["Proof", "prove_account"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What is shown for an account."""

    account: str
    password: str
    code: str


async def prove_account(config: Config, keys: Keys, proof: Proof, operation: str) -> None:
    """Returns where the account may sign in and both its password and a code of its second factor
    were shown; the code is used up. What is wrong counts as a failed sign-in, and is in the log as
    the refused `operation`.

    Raises SignInFailed, SecondFactorRequired, TooManyRequests, AccessLogError.
    """
    factors = Factors(Sealer(keys.sealing, COUNTRY))
    lockout = Lockout(config.sign_in_attempts, config.sign_in_lock_minutes * 60, time.time)
    engine = sqlite_engine(str(config.central_store))
    try:
        async with engine.begin() as connection:
            failed = await connection.run_sync(_failed, proof, factors, lockout)
    finally:
        await engine.dispose()
    if failed is not None:
        what = {"by": operator(), "account": proof.account}
        tell_log(config, keys, system_row(operation, failed.code, **what))
        raise failed


def _failed(
    connection: Connection, proof: Proof, factors: Factors, lockout: Lockout
) -> EpigateError | None:
    """What is wrong, the same work done for every account."""
    account, now = proof.account, lockout.now()
    try:
        lockout.refuse(connection, account)
    except TooManyRequests as locked:
        return locked
    right = verify_password(password_hash(connection, account), proof.password)
    checked = factors.check(connection, account, proof.code, now)
    if right and not checked.enrolled:
        return SecondFactorRequired(
            f"{account} has no second factor",
            hint=f"`epigate enrol --account {account}` gives it one",
        )
    if right and checked.factor and factors.use(connection, account, checked, now):
        return None
    lockout.count(connection, account)
    return SignInFailed(
        "the account, the password or the code is wrong", hint="each code is good once"
    )

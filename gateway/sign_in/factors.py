"""Second factors in the gateway's own store: TOTP with its guard against replay, recovery codes.

Functions of a transaction. The secret of an account and the key of its recovery codes' hashes are
one sealed value. A time step is accepted once for an account, ever: `last_step` only grows, by one
statement, whatever process asks, and survives a reset.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.sign_in.totp import new_secret, steps_of
from regions.errors import EnvelopeError
from regions.instants import instant
from regions.sealing import Sealer
from regions.sign_in import passkeys, recovery_codes, second_factors

__all__ = ["RECOVERY_CODES", "Checked", "Factors"]

RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"  # none that looks like another
_GROUPS, _GROUP = 4, 5  # of a recovery code: 98 bits
_TABLE = "second_factors"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a code is worth to an account. `factor`: TOTP, RECOVERY_CODE, or empty where nothing."""

    enrolled: bool  # whether the account has any second factor
    factor: str = ""
    step: int = 0
    code_hash: str = ""


class Factors:
    """The second factors of accounts; `sealer` is that of the gateway's own store."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._nobody = self._nobodys()

    def check(self, connection: Connection, account: str, code: str, now: float) -> Checked:
        """Looks at a code ("" for none) and uses nothing up. The same work for every account."""
        row = self._row(connection, account)
        keys = connection.scalar(
            select(func.count()).select_from(passkeys).where(passkeys.c.account == account)
        )
        items = self._items(row)
        secret = str(items["totp_secret"] or new_secret())
        steps = [step for step in steps_of(secret, code, now) if row and step > row.last_step]
        hashed = _code_hash(str(items["recovery_key"] or _new_key()), account, code)
        unused = connection.scalar(
            select(func.count())
            .select_from(recovery_codes)
            .where(
                recovery_codes.c.code_hash == hashed,
                recovery_codes.c.account == account,
                recovery_codes.c.used_at.is_(None),
            )
        )
        totp = row is not None and row.totp_since is not None
        enrolled = totp or bool(keys)
        if totp and steps:
            return Checked(enrolled, "TOTP", step=steps[0])
        if unused:
            return Checked(enrolled, "RECOVERY_CODE", code_hash=hashed)
        return Checked(enrolled)

    def use(self, connection: Connection, account: str, checked: Checked, now: float) -> bool:
        """Uses up what was found; False where somebody else was faster."""
        if checked.factor == "TOTP":
            return self._use_step(connection, account, checked.step)
        used = connection.execute(
            update(recovery_codes)
            .where(
                recovery_codes.c.code_hash == checked.code_hash,
                recovery_codes.c.used_at.is_(None),
            )
            .values(used_at=instant(now))
        )
        return used.rowcount == 1

    def begin_totp(self, connection: Connection, account: str, secret: str, now: float) -> None:
        """Keeps a secret that is not in force before it is confirmed; one in force stays so."""
        self._change(connection, account, now, {"pending_secret": secret})

    def confirm_totp(self, connection: Connection, account: str, code: str, now: float) -> bool:
        """Puts the pending secret in force, if the code is one of its."""
        row = self._row(connection, account)
        pending = self._items(row)["pending_secret"] if row else None
        if row is None or not pending:
            return False
        steps = [one for one in steps_of(str(pending), code, now) if one > row.last_step]
        if not steps or not self._use_step(connection, account, steps[0]):
            return False
        self.set_totp(connection, account, str(pending), now)
        return True

    def set_totp(self, connection: Connection, account: str, secret: str, now: float) -> None:
        """Puts a secret in force at once (for a demo, and where it has been confirmed)."""
        items = {"totp_secret": secret, "pending_secret": None}
        self._change(connection, account, now, items, totp_since=instant(now))

    def new_codes(self, connection: Connection, account: str, now: float) -> list[str]:
        """New recovery codes in place of all others; told once, kept as keyed hashes."""
        key = _new_key()
        self._change(connection, account, now, {"recovery_key": key})
        connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        connection.execute(
            insert(recovery_codes),
            [
                {
                    "code_hash": _code_hash(key, account, code),
                    "account": account,
                    "created_at": instant(now),
                }
                for code in codes
            ],
        )
        return codes

    def codes_left(self, connection: Connection, account: str) -> int:
        """How many recovery codes are unused."""
        left = connection.scalar(
            select(func.count())
            .select_from(recovery_codes)
            .where(recovery_codes.c.account == account, recovery_codes.c.used_at.is_(None))
        )
        return left or 0

    def totp_since(self, connection: Connection, account: str) -> str | None:
        """Since when TOTP is in force."""
        row = self._row(connection, account)
        return row.totp_since if row else None

    def remove_totp(self, connection: Connection, account: str, now: float) -> bool:
        """Takes TOTP out of force; False where there was none."""
        row = self._row(connection, account)
        if row is None or row.totp_since is None:
            return False
        items = {"totp_secret": None, "pending_secret": None}
        self._change(connection, account, now, items, totp_since=None)
        return True

    def reset(self, connection: Connection, account: str, now: float) -> None:
        """Takes every second factor away: the account enrols again at its next sign-in."""
        connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
        connection.execute(delete(passkeys).where(passkeys.c.account == account))
        if self._row(connection, account) is not None:
            items = dict.fromkeys(("totp_secret", "pending_secret", "recovery_key"))
            self._change(connection, account, now, items, totp_since=None)

    def _use_step(self, connection: Connection, account: str, step: int) -> bool:
        used = connection.execute(
            update(second_factors)
            .where(second_factors.c.account == account, second_factors.c.last_step < step)
            .values(last_step=step)
        )
        return used.rowcount == 1

    def _row(self, connection: Connection, account: str) -> Row[Any] | None:
        return connection.execute(
            select(second_factors).where(second_factors.c.account == account)
        ).first()

    def _items(self, row: Row[Any] | None) -> dict[str, str | int | None]:
        if row is not None:
            return self._sealer.open(_TABLE, row.id, row.sealed)
        try:
            return self._sealer.open(_TABLE, 0, self._nobody)
        except EnvelopeError:  # its key was retired since
            self._nobody = self._nobodys()
            return self._sealer.open(_TABLE, 0, self._nobody)

    def _nobodys(self) -> bytes:
        """Of an account without any: the same work is done, so that the time does not tell."""
        items = {"totp_secret": new_secret(), "recovery_key": _new_key()}
        return self._sealer.seal(_TABLE, 0, items)

    def _change(
        self,
        connection: Connection,
        account: str,
        now: float,
        items: Mapping[str, str | None],
        **columns: Any,
    ) -> None:
        row = self._row(connection, account)
        if row is None:
            number = (connection.scalar(select(func.max(second_factors.c.id))) or 0) + 1
            connection.execute(
                insert(second_factors).values(
                    id=number,
                    account=account,
                    sealed=self._sealer.seal(_TABLE, number, items),
                    updated_at=instant(now),
                    **columns,
                )
            )
            return
        kept = {**self._items(row), **items}
        connection.execute(
            update(second_factors)
            .where(second_factors.c.id == row.id)
            .values(
                sealed=self._sealer.seal(_TABLE, row.id, kept), updated_at=instant(now), **columns
            )
        )


def _new_code() -> str:
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP)]
    return "-".join(
        "".join(letters[start : start + _GROUP]) for start in range(0, len(letters), _GROUP)
    )


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _code_hash(key: str, account: str, code: str) -> str:
    """A code as it is kept: however it was typed, under a key that is sealed."""
    plain = "".join(char for char in code.lower() if char.isalnum())
    text = f"{account}\n{plain}".encode("utf-8", "surrogatepass")
    return hmac.digest(base64.b64decode(key), text, hashlib.sha256).hex()

"""What the access log says of signing in: who, from where, what, how it went; never a secret."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection, insert

from gateway.access_log import AccessLog, canonical
from regions.access_log import central_log_outbox
from regions.instants import instant
from resolvers.users import Role

__all__ = ["Entries", "Who"]


class Who(Protocol):
    """Whom an entry names: an account or a viewer."""

    @property
    def account(self) -> str:
        """Login name."""

    @property
    def role(self) -> Role:
        """Role."""

    @property
    def unit_id(self) -> str:
        """Unit."""

    @property
    def code(self) -> str:
        """Jurisdiction."""


class Entries:
    """Writes entries of the module `sign-in`."""

    def __init__(self, log: AccessLog, clock: Callable[[], float] = time.time) -> None:
        self._log, self._clock = log, clock

    async def check(self) -> None:
        """Returns when the log is known to be writable; raises AccessLogError otherwise."""
        await self._log.check()

    @staticmethod
    def new_request() -> str:
        """A name for a request whose entry may have to be told later."""
        return f"sign-in-{os.urandom(8).hex()}"

    def owe(self, connection: Connection, operation: str, who: Who, request: str) -> None:
        """Puts into the outbox, in the connection's transaction, that an entry must be made."""
        connection.execute(
            insert(central_log_outbox).values(
                id=request,
                origin=self._log.origin,
                at=instant(self._clock()),
                account=who.account,
                operation=operation,
                request=request,
                trace="",
                position=self._log.position,
                wrote="{}",
            )
        )

    async def record(
        self,
        operation: str,
        who: Who | None,
        address: str,
        result: str,
        *,
        request: str | None = None,
    ) -> None:
        """Returns when the entry is durable; raises AccessLogError otherwise.

        `request` is that of a row `owe` put into the outbox: the entry settles it.
        """
        at = instant(self._clock())
        # A name that is no account is not kept: it may be a password typed into the wrong field.
        account = "" if who is None else who.account
        entry: dict[str, str | int] = {
            "at": at,
            "account": account,
            "address": address,
            "module": "sign-in",
            "operation": operation,
            "records": 0,
            "result": result,
            "role": "" if who is None else who.role.name,
            "unit": "" if who is None else who.unit_id,
            "code": "" if who is None else who.code,
        }
        if request is not None:
            entry["request"] = request
        await self._log.append(at, account, operation, result, canonical(entry))

"""One mutation of the gateway's own store: its key, its transaction, what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from regions.access_log import central_log_outbox
from regions.idempotency import central_idempotency
from resolvers.context import Context
from resolvers.filters import plain
from resolvers.writing.idempotency import check_key, claim, is_claimed, settle
from resolvers.writing.outbox import put_in_outbox, row_of
from resolvers.writing.values import Moment

__all__ = ["CentralWork", "CentralWriting"]

CentralWork = Callable[[Connection], dict[str, Any]]
"""Writes, and returns what is kept with the key: ids and outcomes, never a private value."""


class CentralWriting:
    """A mutation of accounts, rights and the like. Raises Refusal where the key is none.

    `account` owns the key: the viewer's, or "" for somebody without a session. The work says by
    `wrote` what it wrote: that stands in the request's entry, and in the outbox until it does.
    """

    def __init__(self, context: Context, operation: str, given: Any, *, account: str) -> None:
        self.context = context
        self.moment = Moment.this()
        self.account = account
        key = given.idempotency_key
        check_key(key)
        payload = plain(given)
        del payload["idempotencyKey"]
        made = context.stores.fingerprints
        self._operation = operation
        self._key = made.of_key(account, key)
        self._payload = made.of_payload(account, key, operation, payload)
        self._wrote: dict[str, list[Any]] = {}

    def wrote(self, kind: str, *ids: int | str) -> None:
        """Names for the access log what the work under way writes: called within it."""
        self._wrote.setdefault(kind, []).extend(ids)

    def is_repeated(self, connection: Connection) -> bool:
        """Whether the key is known already: `once` then does no work, and nothing must be refused
        for what it would cost.
        """
        return is_claimed(connection, self.account, self._key, central_idempotency)

    async def once(self, work: CentralWork) -> tuple[dict[str, Any], bool]:
        """What is kept with the key, and whether it was kept before; else `work` is done now.

        Raises Refusal (what `work` raises, and a key used for something else) and StoreError.
        """

        def run(connection: Connection) -> tuple[dict[str, Any], bool]:
            table, at = central_idempotency, self.moment.now
            kept = claim(
                connection, self.account, self._key, self._operation, self._payload, at, table
            )
            if kept is not None:
                return kept, True
            self._wrote.clear()
            result = work(connection)
            settle(connection, self.account, self._key, result, table)
            if self.context.telling is not None:
                row = row_of(
                    self.context.telling,
                    key=self._key,
                    account=self.account,
                    operation=f"mutation {self._operation}",
                    at=at,
                    wrote=self._wrote,
                )
                put_in_outbox(connection, central_log_outbox, [row])
            return result, False

        kept, repeated = await self.context.central.do(run)
        if not repeated:
            self.context.trail.note_written(self._wrote)
        return kept, repeated

"""The duty that forgets idempotency keys once nobody tries them again.

A key is kept for the days the configuration says: within them a repetition gets the first result,
after them it would be a mutation of its own. What is deleted tells nobody anything that the record
and the access log do not.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import Connection, Table, bindparam, delete, select

from regions.idempotency import central_idempotency, idempotency
from regions.instants import instant, now, seconds_of
from resolvers.central import Central
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores

__all__ = ["BATCH", "FORGET_SECONDS", "forget", "forget_keys"]

FORGET_SECONDS = 600.0

BATCH = 500
"""Keys that one transaction forgets: other writes of the store get their turn in between."""

_MOST_BATCHES = 100  # of a store in one round; what is left waits for the next
_DAY = 86_400

_log = logging.getLogger(__name__)


async def forget_keys(stores: Stores, central: Central, *, days: int) -> None:
    """Forgets the keys of all regions and of the gateway's own store that are older than `days`.

    Those of a region that does not answer are forgotten when it is back. Raises StoreError where a
    store refuses it.
    """
    before = instant(seconds_of(now()) - days * _DAY)

    def of_region(connection: Connection, _: int) -> int:
        return forget(connection, before)

    await _rounds(
        lambda: central.do(lambda connection: forget(connection, before, central_idempotency))
    )
    for store in stores.regions:
        try:
            await _rounds(partial(store.write, 0, of_region))
        except WriteFailed as failed:
            _log.debug("the keys of %s wait: %s", store.settings.code, failed.reason)


def forget(connection: Connection, before: str, table: Table = idempotency) -> int:
    """Forgets up to `BATCH` keys that were made before an instant, the oldest first; how many."""
    account, key = table.c.account, table.c.key
    oldest = select(account, key).where(table.c.created_at < before)
    rows = connection.execute(oldest.order_by(table.c.created_at).limit(BATCH)).all()
    if rows:
        connection.execute(
            delete(table).where(account == bindparam("of_account"), key == bindparam("of_key")),
            [{"of_account": row.account, "of_key": row.key} for row in rows],
        )
    return len(rows)


async def _rounds(batch: Callable[[], Awaitable[int]]) -> None:
    for _ in range(_MOST_BATCHES):
        if await batch() < BATCH:
            return

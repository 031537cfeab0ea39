"""The duty that empties messages once nobody will want them again.

What was answered so many days ago is emptied: its body goes, which is nearly all of what it takes
up. Its name, hash and reply stay on both sides, for good. They are what a second delivery is known
by, what stores compare to find one that was put back from a backup, and what such a store is mended
by; so none of that ever depends on a clock. Only a store put back from a backup older than those
days can no longer be given again what it has lost, and is told so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, func, select, update

from regions.fencing import fences
from regions.instants import instant, now, seconds_of
from regions.post import EMPTIED, post_outbox
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores

__all__ = ["BATCH", "PRUNE_SECONDS", "Pruner", "prune"]

PRUNE_SECONDS = 3_600.0

BATCH = 500
"""Messages that one transaction empties: other writes of the store get their turn in between."""

_MOST_BATCHES = 100  # of a store in one round; what is left waits for the next
_DAY = 86_400

_log = logging.getLogger(__name__)


class Pruner:
    """Empties messages of all stores that were answered `days` ago."""

    def __init__(self, stores: Stores, *, days: int) -> None:
        self._stores, self._days = stores, days
        self._done: dict[str, _Done] = {}

    async def __call__(self) -> None:
        """One round. Stores that do not answer have their turn when they are back."""
        before = instant(seconds_of(now()) - self._days * _DAY)
        for store in self._stores.regions:
            code = store.settings.code
            try:
                for _ in range(_MOST_BATCHES):
                    work = partial(_round, before=before, done=self._done.get(code))
                    count, self._done[code] = await store.write(0, work)
                    if count < BATCH:
                        break
            except WriteFailed as failed:
                _log.debug("the messages of %s wait: %s", code, failed.reason)


@dataclass(frozen=True, slots=True)
class _Done:
    """Up to which message all are empty, in a store that was put back as often as these fences
    tell: a backup has what was emptied since.
    """

    after: int
    fences: frozenset[str]


def _round(connection: Connection, _: int, *, before: str, done: _Done | None) -> tuple[int, _Done]:
    told = frozenset(one.token for one in fences(connection))
    after = done.after if done is not None and done.fences == told else 0
    count = prune(connection, before, after)
    c = post_outbox.c
    first = connection.scalar(select(func.min(c.seq)).where(c.seq > after, c.body != EMPTIED))
    last = connection.scalar(select(func.max(c.seq)))
    return count, _Done(first - 1 if first is not None else last or 0, told)


def prune(connection: Connection, before: str, after: int = 0) -> int:
    """Empties up to `BATCH` messages behind one of a number that were answered before an instant,
    the oldest first; how many.
    """
    c = post_outbox.c
    old = (
        select(c.seq)
        .where(c.seq > after, c.answered_at < before, c.body != EMPTIED)
        .order_by(c.seq)
        .limit(BATCH)
    )
    found = list(connection.scalars(old))
    if found:
        made = update(post_outbox).where(c.seq.in_(found), c.answered_at.is_not(None))
        connection.execute(made.values(body=EMPTIED))
    return len(found)

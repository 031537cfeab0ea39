"""The duty that writes down what ran out on the pathways of every region, once each (D, N113)."""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from regions.instants import now
from resolvers.pathway.storing import SWEPT, sweep
from resolvers.writing.stores import Stores, WriteFailed

__all__ = ["LAPSE_SECONDS", "record_lapses"]

LAPSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


async def record_lapses(stores: Stores) -> None:
    """Writes the lapses of all regions. Those of a region that does not answer are written when it
    is back, with the instant at which they ran out. Raises StoreError where a store refuses them.
    """

    def work(connection: Connection, _: int) -> int:
        return sweep(connection, now())

    for store in stores.regions:
        try:
            while await store.write(0, work) == SWEPT:
                pass
        except WriteFailed as failed:
            _log.debug("the lapses of %s wait: %s", store.settings.code, failed.reason)

"""The duty that writes down what ran out on the pathways and signals of every region, once each (D,
E10, E11, N113).
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from regions.instants import now
from resolvers.alerts.clocks import SWEPT as SIGNALS_SWEPT
from resolvers.alerts.clocks import sweep as sweep_signals
from resolvers.pathway.storing import SWEPT, sweep
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores

__all__ = ["LAPSE_SECONDS", "record_lapses"]

LAPSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


async def record_lapses(stores: Stores) -> None:
    """Writes the lapses of all regions. Those of a region that does not answer are written when it
    is back, with the instant at which they ran out. Raises StoreError where a store refuses them.
    """

    def pathways(connection: Connection, _: int) -> int:
        return sweep(connection, now())

    def signals(connection: Connection, _: int) -> int:
        return sweep_signals(connection, now())

    for store in stores.regions:
        try:
            while await store.write(0, pathways) == SWEPT:
                pass
            while await store.write(0, signals) == SIGNALS_SWEPT:
                pass
        except WriteFailed as failed:
            _log.debug("the lapses of %s wait: %s", store.settings.code, failed.reason)

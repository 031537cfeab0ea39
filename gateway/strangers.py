"""A limit for those without a session: each of their requests may write an entry of the access log.

A bucket of tokens for each network address, in each worker: full at first, filled at an even rate.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from regions.errors import TooManyRequests
from resolvers.networks import network_of

__all__ = ["Strangers"]

_KEPT = 10_000  # addresses; of more, those that asked longest ago begin anew

_log = logging.getLogger(__name__)


class Strangers:
    """Lets each address in `per_minute` times a minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rate = float(per_minute), per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when
        self._warned: dict[str, float] = {}

    def admit(self, address: str) -> None:
        """Counts a request. Raises TooManyRequests."""
        key, now = network_of(address), self._clock()
        tokens, at = self._buckets.pop(key, (self._most, now))
        tokens = min(self._most, tokens + (now - at) * self._rate)
        if len(self._buckets) >= _KEPT:
            self._buckets.popitem(last=False)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            self._warn(key, now)
            seconds = math.ceil((1 - tokens) / self._rate)
            raise TooManyRequests(
                f"too many requests without a session: try again in {seconds} s",
                retryAfter=seconds,
            )
        self._buckets[key] = (tokens - 1, now)

    def _warn(self, key: str, now: float) -> None:
        if now - self._warned.get(key, -math.inf) >= 60:
            if len(self._warned) >= _KEPT:
                self._warned.clear()
            self._warned[key] = now
            _log.warning("refusing requests without a session from %s: too many", key)

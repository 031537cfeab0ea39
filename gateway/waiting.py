"""A limit for connections that stay open before anybody has said whose they are.

Each costs memory and a file for the seconds it may wait. Counted in each worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from resolvers.networks import network_of

__all__ = ["Waiting"]


class Waiting:
    """Has room for `each` connections of a network address, and `most` in all."""

    def __init__(self, each: int, most: int) -> None:
        self.each, self.most = each, most
        self._of_network: Counter[str] = Counter()

    def enter(self, address: str) -> Callable[[], None] | None:
        """Takes a place: what gives it back, once, however often it is called. None: no room."""
        network = network_of(address)
        if self._of_network[network] >= self.each or self._of_network.total() >= self.most:
            self._forget(network)
            return None
        self._of_network[network] += 1
        held = True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                self._of_network[network] -= 1
                self._forget(network)

        return leave

    def _forget(self, network: str) -> None:
        if not self._of_network[network]:
            del self._of_network[network]

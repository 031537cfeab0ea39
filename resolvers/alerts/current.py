"""The rules of this moment, kept in memory: read anew when the gateway's own store has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from regions.errors import StoreError
from resolvers.alerts.rules import RuleBook

__all__ = ["CurrentRules", "no_rules"]

_log = logging.getLogger(__name__)


def no_rules() -> RuleBook:
    """Of whoever has no store of rules: nothing is watched."""
    return RuleBook()


class CurrentRules:
    """`read` gives the rules as they are; `version` differs once the store has changed. Use it from
    one thread.
    """

    def __init__(self, read: Callable[[], RuleBook], version: Callable[[], int]) -> None:
        self._read, self._version = read, version
        self._known: tuple[int, RuleBook] | None = None

    def __call__(self) -> RuleBook:
        """The rules. While their store does not answer, those last known: a card is written all the
        same, and the night finds what has no signal. Raises StoreError where none are known.
        """
        known = self._known
        try:
            version = self._version()
            if known is None or known[0] != version:
                known = self._known = (version, self._read())
        except StoreError as error:
            if known is None:
                raise
            _log.error("the rules of detection cannot be read: %s", error)
        return known[1]

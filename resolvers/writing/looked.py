"""What looks at stores found: good as long as the store does not change.

Duties look into every store again and again, mostly to find what they found before. SQLite tells
for some microseconds whether anybody has committed since (`Store.version`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["TRUSTED_SECONDS", "Looked"]

TRUSTED_SECONDS = 5.0
"""After so long a store is looked at again in any case: its file may have been written over."""

Found = TypeVar("Found")


class Looked(Generic[Found]):
    """What one duty found, by store. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[Hashable, float, Found]] = {}

    def recall(self, code: str, version: Hashable | None) -> Found | None:
        """What would be found again in a store of this version; None where that is not known."""
        kept = self._kept.get(code)
        if kept is None or kept[0] != version or self._clock() >= kept[1]:
            return None
        return kept[2]

    def keep(self, code: str, version: Hashable | None, found: Found) -> None:
        """Keeps what was found; `version` is from before the look. None is no version."""
        if version is None:
            self._kept.pop(code, None)
        else:
            self._kept[code] = (version, self._clock() + TRUSTED_SECONDS, found)

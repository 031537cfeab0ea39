"""Where a unit is: the region its code lies in, for the entries of the log (G1)."""

from __future__ import annotations

from collections.abc import Sequence

from regions.settings import RegionSettings

__all__ = ["Places"]


class Places:
    """Finds the region of a code, and remembers it."""

    def __init__(self, regions: Sequence[RegionSettings]) -> None:
        self._regions = regions
        self._known: dict[str, tuple[str, str] | None] = {}

    def of(self, code: str) -> tuple[str, str] | None:
        """Code and name of the region that a code lies in; None where that is several."""
        if code not in self._known:
            found = [region for region in self._regions if region.covers(code)]
            self._known[code] = (found[0].code, found[0].name_zh) if found else None
        return self._known[code]

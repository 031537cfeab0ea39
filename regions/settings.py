"""What the configuration says of one region."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regions.zones import CHINA, Zone, zone_of

__all__ = ["RegionSettings"]


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """One region: its codes and where its store is.

    `code` has six digits (`320100`); `prefixes` are the GB/T 2260 prefixes it is responsible for.
    The store is `path` (SQLite) or else `url` (PostgreSQL, `postgresql://…`).
    """

    code: str
    name_zh: str
    name_en: str
    prefixes: tuple[str, ...]
    path: Path | None
    url: str | None
    deadline: float  # seconds a question may wait for this region
    zone: str = CHINA  # whose days its counts are of

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.path is not None else "postgresql"

    @property
    def days(self) -> Zone:
        """The zone whose days its counts are of."""
        return zone_of(self.zone)

    def covers(self, code: str) -> bool:
        """Whether a code (2 to 12 digits) belongs to the region."""
        return code.startswith(self.prefixes)

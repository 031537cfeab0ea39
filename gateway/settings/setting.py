"""A setting: one key of the configuration file, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.settings.checks import Check

__all__ = ["Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file. A default of None means it must be given or is worked out otherwise."""

    section: str
    key: str
    attribute: str  # of gateway.config.Config, or of RegionSettings
    default: Any
    unit: str
    help: str
    check: Check

"""How large an export may be without approval, and how long its link serves."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WAITING_DAYS", "ExportLimits"]

WAITING_DAYS = 7
"""An export that nobody decided about for so long is over."""


@dataclass(frozen=True, slots=True)
class ExportLimits:
    """`approval_rows`: more rows of an account within a day need approval; `link_minutes`: how long
    a file may be fetched."""

    approval_rows: int = 1_000
    link_minutes: int = 60

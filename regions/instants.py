"""Instants as text: UTC, whole seconds, `2026-11-22T00:12:03Z`. They sort as they read."""

from __future__ import annotations

import time
from datetime import UTC, datetime

__all__ = ["instant", "now", "seconds_of"]


def instant(seconds: float) -> str:
    """The text of an instant given in seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


_this_second = (0, "")


def now() -> str:
    """This instant."""
    global _this_second
    second = int(time.time())
    known = _this_second
    if known[0] != second:
        known = _this_second = (second, instant(second))
    return known[1]


def seconds_of(text: str) -> float:
    """Seconds since 1970 of an instant or, at its first second, a day. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()

"""Entries of the gateway itself: that it starts, that it is there, that it ends."""

from __future__ import annotations

from typing import Any

from gateway.access_log.log_file import Row
from gateway.access_log.reading import canonical
from regions.instants import now

__all__ = ["system_row"]


def system_row(operation: str, result: str = "OK", **what: Any) -> Row:
    """An entry that no viewer caused: `start`, `heartbeat`, `stop`, `prune`."""
    at = now()
    entry = {
        "account": None,
        "at": at,
        "module": "gateway",
        "operation": operation,
        "result": result,
        "what": what or None,
    }
    return (at, "", operation, result, canonical(entry).decode())

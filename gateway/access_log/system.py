"""Entries of the gateway itself: that it starts, that it is there, that it ends."""

from __future__ import annotations

import os
import pwd
from typing import Any

from gateway.access_log.log_file import Row
from gateway.access_log.reading import canonical
from regions.instants import now

__all__ = ["operator", "system_row"]


def operator() -> str:
    """Whom the machine says whoever runs a command is: not what an environment variable says."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container's user without a name
        return f"uid {number}"


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

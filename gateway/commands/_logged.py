"""Commands that change rights: in the access log before they take effect."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import Connection

from gateway.access_log.starting import tell_log
from gateway.access_log.system import system_row
from gateway.commands._central import in_central
from gateway.config import load_config
from regions.keys import load_keys

__all__ = ["logged_in_central"]

_P = ParamSpec("_P")


def logged_in_central(
    config: Path,
    operation: str,
    what: dict[str, Any],
    work: Callable[Concatenate[Connection, _P], str | None],
    *arguments: _P.args,
    **more: _P.kwargs,
) -> str | None:
    """Does some work in one transaction on the gateway's own store, which is not committed unless
    the access log holds that it is: what was done (`operation`, `what`, the id that `work` returns)
    and the name the machine knows whoever did it by. Raises AccessLogError, KeysError.
    """

    def run(connection: Connection) -> str | None:
        found = work(connection, *arguments, **more)
        told = what | {"by": getpass.getuser()} | ({"id": found} if found else {})
        tell_log(loaded, keys, system_row(operation, **told))
        return found

    loaded = load_config(config)
    keys = load_keys(loaded.keys)
    return in_central(config, run)

"""Commands that change something: in the access log before they take effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from gateway.access_log.starting import tell_log
from gateway.access_log.system import operator, system_row
from gateway.commands._central import changing_central
from gateway.config import Config, load_config
from regions.keys import Keys, load_keys

__all__ = ["logged_in_central", "tell"]

_P = ParamSpec("_P")
_Result = TypeVar("_Result")


def logged_in_central(
    config: Path,
    operation: str,
    what: Mapping[str, Any] | Callable[[_Result], Mapping[str, Any]],
    work: Callable[Concatenate[Connection, _P], _Result],
    *arguments: _P.args,
    **more: _P.kwargs,
) -> _Result:
    """Does some work in one transaction on the gateway's own store, which is not committed unless
    the access log holds that it is: what was done (`operation` and `what`, which may depend on what
    `work` returns) and the name the machine knows whoever did it by. A secret is never in `what`.

    Raises AccessLogError, KeysError.
    """

    def run(connection: Connection) -> _Result:
        found = work(connection, *arguments, **more)
        tell(loaded, keys, operation, **(what(found) if callable(what) else what))
        return found

    loaded = load_config(config)
    keys = load_keys(loaded.keys, sm=loaded.sm)
    return changing_central(config, run)


def tell(config: Config, keys: Keys, operation: str, **what: Any) -> None:
    """An entry of a command, on disk before it does anything. Raises AccessLogError."""
    tell_log(config, keys, system_row(f"command {operation}", by=operator(), **what))

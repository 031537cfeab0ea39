"""The outbox: what a mutation wrote, put beside it in its own transaction, until the log has it.

So a write that took effect is known even if the process dies before its entry: the gateway looks
through the outboxes and makes the entries that are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert

from resolvers.access_log import Commitments

__all__ = ["Telling", "put_in_outbox", "row_of"]


@dataclass(frozen=True, slots=True)
class Telling:
    """How the log names this request, for whoever writes on its behalf."""

    origin: str  # of the log
    request: str
    trace: str
    commitments: Commitments
    position: int  # entries the log had at least: that of the request is behind them


def row_of(
    telling: Telling,
    *,
    key: str,
    account: str,
    operation: str,
    at: str,
    wrote: Mapping[str, Iterable[Any]],
) -> dict[str, Any]:
    """What a transaction wrote. `key` is that of the mutation, unique in a store."""
    committed = {kind: telling.commitments.of(kind, list(ids)) for kind, ids in wrote.items()}
    return {
        "id": f"{telling.request}/{key}",
        "origin": telling.origin,
        "at": at,
        "account": account,
        "operation": operation,
        "request": telling.request,
        "trace": telling.trace,
        "position": telling.position,
        "wrote": orjson.dumps(committed, option=orjson.OPT_SORT_KEYS).decode(),
    }


def put_in_outbox(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Puts rows made by `row_of`, for what one mutation wrote in a transaction, or several."""
    if rows:
        connection.execute(insert(table), rows)

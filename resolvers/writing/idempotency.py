"""Idempotency: the key is claimed in the transaction of the records, its result kept with them.

The claim is the first statement of the transaction. Two requests with one key so never write at the
same time: SQLite lets one transaction write after the other, PostgreSQL makes the second insertion
wait for the end of the first. Then the second finds the result.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.idempotency import idempotency
from resolvers.writing.refusing import Mistakes, Refusal, conflict

__all__ = ["LONGEST_KEY", "check_key", "claim", "is_claimed", "settle"]

LONGEST_KEY = 200


def check_key(key: str) -> None:
    """Raises Refusal unless the key is 1 to 200 printable characters."""
    if not (1 <= len(key) <= LONGEST_KEY and key.isprintable()):
        mistakes = Mistakes()
        mistakes.add(
            ["idempotencyKey"],
            f"an idempotency key has 1 to {LONGEST_KEY} printable characters",
            f"幂等键为 1 至 {LONGEST_KEY} 个可打印字符",
        )
        raise Refusal(mistakes.problem())


def claim(
    connection: Connection,
    account: str,
    key: str,
    operation: str,
    payload: str,
    at: str,
    table: Table = idempotency,
) -> dict[str, Any] | None:
    """Claims a key for an account: None, or the result that was kept with it.

    `key` and `payload` are fingerprints; `table` is that of the store written. Raises Refusal where
    the key served for another payload.
    """
    builder = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = builder.insert(table).values(
        account=account,
        key=key,
        operation=operation,
        payload_hash=payload,
        result="",
        created_at=at,
    )
    known = select(table.c.payload_hash, table.c.result).where(
        table.c.account == account, table.c.key == key
    )
    kept = None
    while kept is None:  # one that is forgotten between the two statements is claimed anew
        if connection.execute(new.on_conflict_do_nothing()).rowcount:
            return None
        kept = connection.execute(known).first()
    if kept.payload_hash != payload:
        raise conflict() from None
    result: dict[str, Any] = orjson.loads(kept.result)
    return result


def is_claimed(connection: Connection, account: str, key: str, table: Table) -> bool:
    """Whether the key was claimed, for whatever payload."""
    found = connection.execute(
        select(table.c.key).where(table.c.account == account, table.c.key == key)
    )
    return found.first() is not None


def settle(
    connection: Connection,
    account: str,
    key: str,
    result: dict[str, Any],
    table: Table = idempotency,
) -> None:
    """Keeps the result of a claimed key: ids and outcomes, never a private value."""
    connection.execute(
        update(table)
        .where(table.c.account == account, table.c.key == key)
        .values(result=orjson.dumps(result).decode())
    )

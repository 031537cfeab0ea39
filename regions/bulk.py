"""Many rows at once: one prepared statement, past SQLAlchemy's work per row.

For what loads and makes thousands of records; about twice as fast as Core's own insertion of many
rows. Values go to the driver as they are, so they must be what the driver takes: int, str, bytes,
None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Dialect, Insert, Select, Table, insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from regions.text import among_texts

__all__ = ["driver_text", "insert_rows", "rows_by_text"]

_KEYS_AT_ONCE = 10_000


def insert_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Inserts rows whose values stand in the order of `columns`, which is that of the table.

    Columns left out are null or have their default in the store. Raises ValueError where the
    columns stand in another order than in the table.
    """
    if rows:
        statement = _insertion(table, columns, connection.dialect.name)
        connection.exec_driver_sql(statement, list(rows))


def rows_by_text(
    connection: Connection, statement: Select[Any], column: Any, texts: Sequence[str]
) -> Iterator[Any]:
    """The rows of a statement where a text column is one of `texts`: by its index, in a few
    questions.

    Rows come in no order.
    """
    for start in range(0, len(texts), _KEYS_AT_ONCE):
        keys = orjson.dumps(texts[start : start + _KEYS_AT_ONCE]).decode()
        yield from connection.execute(statement.where(among_texts(column, keys)))


@cache
def _insertion(table: Table, columns: tuple[str, ...], dialect: str) -> str:
    return driver_text(insert(table), columns, dialect)


def driver_text(statement: Insert, columns: tuple[str, ...], dialect: str) -> str:
    """The text of an insertion for the driver itself, with parameters in the order of `columns`.

    Raises ValueError where that is not the order of the table.
    """
    known: Dialect = SQLiteDialect_aiosqlite() if dialect == "sqlite" else _POSTGRESQL()
    compiled = statement.compile(dialect=known, column_keys=list(columns))
    order = tuple(getattr(compiled, "positiontup", None) or ())
    if order != columns:
        raise ValueError(f"columns must stand in the table's order, got {columns}")
    return str(compiled)


_POSTGRESQL: Callable[[], Dialect] = PGDialect_asyncpg

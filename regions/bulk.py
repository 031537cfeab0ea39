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
from sqlalchemy import Connection, Dialect, Insert, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from regions.given_rows import over_rows, rows_text
from regions.text import among_texts
from regions.writes import Writer

__all__ = ["driver_text", "insert_rows", "put_rows", "rows_by_text"]

_KEYS_AT_ONCE = 10_000
_ROWS_AT_ONCE = 5_000  # in one statement of a server, which takes 256 MB of them


def insert_rows(
    connection: Writer,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Inserts rows whose values stand in the order of `columns`, which is that of the table.

    Columns left out are null or have their default in the store. Raises ValueError where the
    columns stand in another order than in the table.
    """
    _write(connection, table, columns, rows, replaces=False)


def put_rows(
    connection: Writer,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """As `insert_rows`, in the place of rows with the same primary keys that are there. No two of
    `rows` have the same.
    """
    _write(connection, table, columns, rows, replaces=True)


def _write(
    connection: Writer,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    replaces: bool,
) -> None:
    if not rows:
        return
    dialect = connection.dialect.name
    if dialect == "sqlite":
        connection.exec_driver_sql(_insertion(table, columns, dialect, replaces), list(rows))
        return
    statement = _of_all(table, columns, replaces)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        given = rows_text(rows[start : start + _ROWS_AT_ONCE])
        connection.exec_driver_sql(statement, (given,))


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
def _insertion(table: Table, columns: tuple[str, ...], dialect: str, replaces: bool) -> str:
    made: Any = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    return driver_text(_replacing(made, table, columns) if replaces else made, columns, dialect)


@cache
def _of_all(table: Table, columns: tuple[str, ...], replaces: bool) -> str:
    """The same of one parameter: all rows."""
    one = _insertion(table, columns, "postgresql", replaces)
    return over_rows(one, range(1, len(columns) + 1))


def _replacing(made: Any, table: Table, columns: tuple[str, ...]) -> Insert:
    keys = [column.name for column in table.primary_key]
    replaced = {name: made.excluded[name] for name in columns if name not in keys}
    statement: Insert = made.on_conflict_do_update(index_elements=keys, set_=replaced)
    return statement


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

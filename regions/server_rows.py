"""Statements on a connection to PostgreSQL, without what SQLAlchemy does for each: half of what a
statement costs this process.

The connection, its transaction and what becomes of a failure are SQLAlchemy's all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

__all__ = ["ServerRow", "ServerRows", "run_on_server"]


class ServerRow(asyncpg.Record):
    """A row as the driver makes it: its values by place, by name, and as attributes."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def _asdict(self) -> dict[str, Any]:
        """The values by name, as SQLAlchemy's rows have it."""
        return dict(self)


class ServerRows:
    """What a statement returned, with those methods of SQLAlchemy's results that we use; `rowcount`
    is how many records it wrote.
    """

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row; None: there is none."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row. Raises NoResultFound, MultipleResultsFound."""
        if len(self._rows) != 1:
            raise MultipleResultsFound if self._rows else NoResultFound
        return self._rows[0]

    def scalars(self) -> Iterator[Any]:
        """The first value of each row."""
        return (row[0] for row in self._rows)

    def scalar_one(self) -> Any:
        """The first value of the only row. Raises as `one`."""
        return self.one()[0]


def run_on_server(connection: Connection, sql: str, parameters: tuple[Any, ...]) -> Any:
    """Runs a statement with parameters as the driver takes them; returns `ServerRows`, or what is
    like them. Raises DBAPIError.
    """
    if connection._has_events or connection.engine._has_events:  # somebody listens to statements
        return connection.exec_driver_sql(sql, parameters)
    if not connection.in_transaction():
        connection.begin()
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(sql, parameters)
    except BaseException as error:
        # What it does for its own: the error by its name, and no more of a connection that broke.
        connection._handle_dbapi_exception(error, sql, parameters, cursor, None)
    rows = cursor.fetchall() if cursor.description is not None else ()
    return ServerRows(rows, cursor.rowcount)

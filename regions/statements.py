"""Statements as the drivers take them: text and positional parameters, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Delete,
    Insert,
    SelectBase,
    String,
    TextClause,
    Update,
    bindparam,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import Dialect

from regions.given_rows import over_rows, rows_text
from regions.server_rows import run_on_server
from regions.writes import Writer, Writes

__all__ = ["Prepared", "Statement", "number", "text_value"]

Clause = SelectBase | Insert | Update | Delete | TextClause

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": asyncpg.dialect(),  # type: ignore[no-untyped-call]  # the dialect has no types
}


def number(name: str) -> BindParameter[int]:
    """A whole number given when the statement is run."""
    return bindparam(name, None, BigInteger(), required=False)


def text_value(name: str) -> BindParameter[str]:
    """A text given when the statement is run."""
    return bindparam(name, None, String(), required=False)


class Statement:
    """A compiled statement. `bind` puts values into its places and keeps the rest as compiled."""

    __slots__ = ("_names", "_of_rows", "_places", "_values", "sql")

    def __init__(self, statement: Clause, dialect: str) -> None:
        compiled = statement.compile(
            dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
        )
        self._names = names = compiled.positiontup or []
        self.sql = compiled.string
        self._values = [compiled.params[name] for name in names]
        self._of_rows: dict[tuple[str, ...], tuple[str, tuple[Any, ...]]] = {}
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            self._places.setdefault(name, []).append(place)

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters in order."""
        bound = self._values.copy()
        for name, value in values.items():
            for place in self._places.get(name, ()):
                bound[place] = value
        return tuple(bound)

    def bind_all(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The same for several rows of values, which all have the same names."""
        if len(self._names) < 2 or not all(name in rows[0] for name in self._names):
            return [self.bind(row) for row in rows]
        in_order = itemgetter(*self._names)
        return [in_order(row) for row in rows]

    def over_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[Any, ...]]:
        """On PostgreSQL: the statement that does the same as this one with each of several rows of
        values, which all have the same names, and its parameters. Raises as `given_rows.over_rows`.
        """
        names = tuple(name for name in rows[0] if name in self._places)
        if names not in self._of_rows:
            varying = [self._places[name][0] + 1 for name in names]
            others = [one for place, one in enumerate(self._values, 1) if place not in varying]
            self._of_rows[names] = (over_rows(self.sql, varying), tuple(others))
        sql, others_values = self._of_rows[names]
        return sql, (rows_text([[row[name] for name in names] for row in rows]), *others_values)


class Prepared:
    """A statement that is run on connections of either kind of store, compiled once for each.

    For statements of which a transaction has many: what SQLAlchemy does for each execution of a
    statement costs several times what SQLite takes to run it. Values go to the driver as they are
    (int, str, bytes, None) and come as it gives them; `made` may be a function of the dialect's
    name.
    """

    __slots__ = ("_compiled", "_made")

    def __init__(self, made: Clause | Callable[[str], Clause]) -> None:
        self._made = made
        self._compiled: dict[str, Statement] = {}

    def run(self, connection: Connection, **values: Any) -> Any:
        """Runs it once, with values by the names of its parameters; returns SQLAlchemy's result, or
        what stands for it (`ServerRows`).
        """
        one = self._of(connection)
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(one.sql, one.bind(values))
        return run_on_server(connection, one.sql, one.bind(values))

    def run_all(self, connection: Writer, rows: Sequence[Mapping[str, Any]]) -> int:
        """Runs it with each of some values; of none nothing is done. How many records it wrote; 0
        where that is done later (`Writes`).

        It inserts, changes or deletes, and no two of the values are about the same record: a server
        executes one statement for all.
        """
        if not rows:
            return 0
        one = self._of(connection)
        if connection.dialect.name == "sqlite":
            done = connection.exec_driver_sql(one.sql, one.bind_all(rows))
            return done.rowcount if done is not None else 0
        if isinstance(connection, Writes):
            connection.exec_driver_sql(*one.over_rows(rows))
            return 0
        written: int = run_on_server(connection, *one.over_rows(rows)).rowcount
        return written

    def write(self, connection: Writer, **values: Any) -> None:
        """As `run`, of what returns nothing."""
        one = self._of(connection)
        connection.exec_driver_sql(one.sql, one.bind(values))

    def _of(self, connection: Writer) -> Statement:
        dialect = connection.dialect.name
        one = self._compiled.get(dialect)
        if one is None:
            made = self._made(dialect) if callable(self._made) else self._made
            one = self._compiled[dialect] = Statement(made, dialect)
        return one

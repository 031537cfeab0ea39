"""Statements as the drivers take them: text and positional parameters, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Delete, Insert, SelectBase, String, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import Dialect

__all__ = ["Statement", "number", "text_value"]

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

    __slots__ = ("_places", "_values", "sql")

    def __init__(self, statement: SelectBase | Insert | Delete, dialect: str) -> None:
        compiled = statement.compile(
            dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
        )
        names = compiled.positiontup or []
        self.sql = compiled.string
        self._values = [compiled.params[name] for name in names]
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

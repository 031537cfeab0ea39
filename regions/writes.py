"""Writes that go to a server together: one statement, one answer to wait for."""

from __future__ import annotations

import re
from functools import cache
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Dialect

from regions.server_rows import run_on_server

__all__ = ["Writer", "Writes"]

_PLACE = re.compile(r"\$(\d+)")


class Writes:
    """What is written in a block, of which nothing is read in it: a file has it at once, a server
    at the end of the block, in one statement. No two of them write the same row.

    It stands for the connection in functions that only write (`Writer`). What is raised in the
    block leaves the server without them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: list[tuple[str, tuple[Any, ...]]] = []

    @property
    def dialect(self) -> Dialect:
        """That of the connection."""
        return self._connection.dialect

    def exec_driver_sql(self, statement: str, parameters: Any) -> None:
        """Writes, or holds until the end of the block."""
        if self.dialect.name == "sqlite":
            self._connection.exec_driver_sql(statement, parameters)
        else:
            self._held.append((statement, parameters))

    def __enter__(self) -> Writes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        held, self._held = self._held, []
        if kind is None and held:
            statement = _of_all(tuple(one for one, _ in held))
            values = tuple(value for _, row in held for value in row)
            run_on_server(self._connection, statement, values)


Writer = Connection | Writes
"""What writes go to."""


@cache
def _of_all(statements: tuple[str, ...]) -> str:
    """Several statements as one, whose parameters are those of all in their order."""
    texts, before = [], 0
    for one in statements:
        places = set(map(int, _PLACE.findall(one)))
        moved = {str(place): f"${place + before}" for place in places}
        texts.append(_PLACE.sub(lambda found, by=moved: by[found[1]], one))  # type: ignore[misc]  # a default binds the loop's variable
        before += len(places)
    *others, last = texts
    if not others:
        return last
    named = ", ".join(f"w{number} AS ({one})" for number, one in enumerate(others))
    return f"WITH {named} {last}"

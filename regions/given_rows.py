"""One statement for many rows on PostgreSQL, which are one parameter: a JSON text.

Done once for each of some rows, a statement costs the server several times what it takes to write
a row. An array for each column would cost it as little, and the driver seven times as much.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

__all__ = ["over_rows", "rows_text"]

_PLACE = re.compile(r"\$(\d+)(?:::([A-Z]+))?")  # `$3::VARCHAR`, as the driver's dialect writes it
_KEY = re.compile(r'([\w."]+) = (\(one ->> \d+\)(?:::[A-Z]+)?(?: COLLATE "C")?)')
_ROWS = "jsonb_array_elements($1::jsonb) AS given(one)"


def over_rows(sql: str, varying: Sequence[int]) -> str:
    """A statement that inserts, changes or deletes one row, as one that does so with each of some
    rows, in their order.

    Its first parameter is what `rows_text` makes of them: of each row the values that stood at the
    places `varying`, counted from 1, in this order. The others follow in their order, and are the
    same for all rows. No two rows may be about the same record: of a change only one would count.
    Raises ValueError where the type of a value is not said, or the statement is none of these.
    """

    def value(found: re.Match[str]) -> str:
        place, kind = int(found[1]), found[2]
        if place not in varying:
            number = place + 1 - sum(one < place for one in varying)
            return f"${number}" + found[0].removeprefix(f"${place}")
        if kind is None:
            raise ValueError(f"of ${place} no type is said: {sql}")
        text = f"(one ->> {varying.index(place)})"
        if kind == "BYTEA":
            return f"decode({text}, 'hex')"
        return text if kind == "VARCHAR" else f"{text}::{kind}"

    text = _PLACE.sub(value, sql)
    if text.startswith("INSERT "):
        head, _, rest = text.partition(" VALUES (")
        values, _, tail = rest.rpartition(")")
        if " ON CONFLICT " in rest:
            values, _, tail = rest.partition(") ON CONFLICT ")
            tail = f" ON CONFLICT {tail}"
        elif tail:
            raise ValueError(f"no statement for many rows: {sql}")
        return f"{head} SELECT {values} FROM {_ROWS}{tail}"
    joining = {"UPDATE ": "FROM", "DELETE ": "USING"}.get(text[:7])
    head, where, tail = text.partition(" WHERE ")
    if joining is None or not where:
        raise ValueError(f"no statement for many rows: {sql}")
    return f"{head} {joining} {_ROWS}{where}{tail}{_by_index(tail)}"


def _by_index(conditions: str) -> str:
    """What has the server find records by an index: it knows nothing of how many rows are given,
    and would go through a table of some thousand records for them.
    """
    found = _KEY.findall(conditions)
    return "".join(f" AND {key} = ANY (ARRAY(SELECT {value} FROM {_ROWS}))" for key, value in found)


def rows_text(rows: Sequence[Sequence[Any]]) -> str:
    """Rows of values (int, float, str, bytes, None) as that parameter."""
    return orjson.dumps(rows, default=bytes.hex).decode()

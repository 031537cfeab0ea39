"""SQL that writes JSON text, the same on SQLite and PostgreSQL.

A page leaves its store as one row: the keys of its records as JSON arrays, and the records as JSON
text ready for the response. Hardly anything of it passes through the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, false, func, literal_column, or_, text, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

__all__ = [
    "GAP",
    "RECORD",
    "Text",
    "among",
    "among_selected",
    "among_texts",
    "beginning",
    "byte_length",
    "bytes_aggregate",
    "bytes_or",
    "filled",
    "number_or_null",
    "quoted",
    "string",
    "text_aggregate",
    "text_or_null",
    "under",
    "under_any",
    "written",
    "zero_bytes",
]

GAP = "\x1e"
"""Stands in a record's text where a value is put in later."""

RECORD = "\x1f"
"""Stands between two records. JSON text cannot hold either character unescaped."""

_MOST_ARGUMENTS = 90  # of one call: SQLite takes 127, PostgreSQL 100


class template(GenericFunction[str]):
    """`format(template, …)`: the arguments in place of each `%s`."""

    type = String()
    inherit_cache = True
    name = "epigate_template"


class text_aggregate(GenericFunction[str]):
    """All texts, a separator between them."""

    type = String()
    inherit_cache = True
    name = "epigate_text_aggregate"


class quoted(GenericFunction[str]):
    """Any text as a JSON string, or `null`."""

    type = String()
    inherit_cache = True
    name = "epigate_quoted"


class number_or_null(GenericFunction[str]):
    """A number as JSON text, or `null`."""

    type = String()
    inherit_cache = True
    name = "epigate_number"


class byte_length(GenericFunction[int]):
    """How many bytes a column of bytes holds, 0 where it is null."""

    inherit_cache = True
    name = "epigate_byte_length"


class bytes_or(GenericFunction[bytes]):
    """Bytes (`bytes_or(column, n)`), or n zero bytes where they are null."""

    inherit_cache = True
    name = "epigate_bytes_or"


class zero_bytes(GenericFunction[bytes]):
    """So many zero bytes."""

    inherit_cache = True
    name = "epigate_zero_bytes"


class bytes_aggregate(GenericFunction[bytes]):
    """All bytes one after the other; null of no row."""

    inherit_cache = True
    name = "epigate_bytes_aggregate"


class among(GenericFunction[bool]):
    """Whether a whole number (`among(column, keys)`) is in a JSON array."""

    inherit_cache = True
    name = "epigate_among"


class among_texts(GenericFunction[bool]):
    """Whether a text (`among_texts(column, keys)`) is in a JSON array."""

    inherit_cache = True
    name = "epigate_among_texts"


class among_selected(GenericFunction[bool]):
    """Whether a value (`among_selected(column, select)`) is one of those a statement selects: they
    are looked up before, so that an index of the column serves beside another condition.
    """

    inherit_cache = True
    name = "epigate_among_selected"


def text_or_null(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A text without characters to escape (a code, day, instant, enum) as a JSON string, or
    `null`.
    """
    quote = literal_column("'\"'", String())
    return func.coalesce(quote.op("||")(column).op("||")(quote), literal_column("'null'", String()))


class Text(NamedTuple):
    """A value as JSON text: a pattern with one `%s`, and what the store writes there.

    The quotes of a string are in the pattern, so that the store does not copy it to add them.
    """

    pattern: str
    expression: ColumnElement[Any]


def string(expression: ColumnElement[Any]) -> Text:
    """A text without characters to escape, never null, as a JSON string."""
    return Text('"%s"', expression)


def written(expression: ColumnElement[Any]) -> Text:
    """What is JSON text already, or a number that is never null."""
    return Text("%s", expression)


def filled(pattern: str, arguments: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    """The pattern with the arguments in place of each `%s`, however many there are."""
    head, *tails = pattern.split("%s")
    found: ColumnElement[str] | None = None
    for start in range(0, max(1, len(arguments)), _MOST_ARGUMENTS):
        end = start + _MOST_ARGUMENTS
        part = "".join(f"%s{tail}" for tail in tails[start:end])
        text = template(_literal(part if start else head + part), *arguments[start:end])
        found = text if found is None else found.op("||")(text)
    assert found is not None
    return found


def _literal(pattern: str) -> ColumnElement[str]:
    return literal_column("'" + pattern.replace("'", "''") + "'", String())


def under(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a code begins with a prefix, in the form the indexes serve."""
    if len(prefix) >= 6:
        return column == prefix
    if len(prefix) == 4:
        return beginning(column) == prefix
    return (column >= prefix) & (column < prefix[:-1] + chr(ord(prefix[-1]) + 1))


def under_any(column: ColumnElement[str], prefixes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a code begins with one of some prefixes; with none, no code does."""
    if "" in prefixes:
        return true()
    return or_(false(), *(under(column, prefix) for prefix in prefixes))


def beginning(column: ColumnElement[str]) -> ColumnElement[str]:
    """The first four digits of a code, as the indexes hold them."""
    return func.substr(column, text("1"), text("4"), type_=String())


def _arguments(element: Any, compiler: SQLCompiler, **more: Any) -> list[str]:
    return [compiler.process(clause, **more) for clause in element.clauses]


@compiles(template, "sqlite")
def _(element: template, compiler: SQLCompiler, **more: Any) -> str:
    return f"printf({', '.join(_arguments(element, compiler, **more))})"


@compiles(template, "postgresql")
def _(element: template, compiler: SQLCompiler, **more: Any) -> str:
    return f"format({', '.join(_arguments(element, compiler, **more))})"


@compiles(text_aggregate, "sqlite")
def _(element: text_aggregate, compiler: SQLCompiler, **more: Any) -> str:
    return f"group_concat({', '.join(_arguments(element, compiler, **more))})"


@compiles(text_aggregate, "postgresql")
def _(element: text_aggregate, compiler: SQLCompiler, **more: Any) -> str:
    return f"string_agg({', '.join(_arguments(element, compiler, **more))})"


@compiles(quoted, "sqlite")
def _(element: quoted, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_quote({_arguments(element, compiler, **more)[0]})"


@compiles(quoted, "postgresql")
def _(element: quoted, compiler: SQLCompiler, **more: Any) -> str:
    return f"coalesce(to_json({_arguments(element, compiler, **more)[0]}::text)::text, 'null')"


@compiles(number_or_null, "sqlite")
def _(element: number_or_null, compiler: SQLCompiler, **more: Any) -> str:
    return f"coalesce({_arguments(element, compiler, **more)[0]}, 'null')"


@compiles(number_or_null, "postgresql")
def _(element: number_or_null, compiler: SQLCompiler, **more: Any) -> str:
    return f"coalesce(({_arguments(element, compiler, **more)[0]})::text, 'null')"


@compiles(byte_length, "sqlite")
def _(element: byte_length, compiler: SQLCompiler, **more: Any) -> str:
    return f"coalesce(length({_arguments(element, compiler, **more)[0]}), 0)"


@compiles(byte_length, "postgresql")
def _(element: byte_length, compiler: SQLCompiler, **more: Any) -> str:
    return f"coalesce(octet_length({_arguments(element, compiler, **more)[0]}), 0)"


@compiles(zero_bytes, "sqlite")
def _(element: zero_bytes, compiler: SQLCompiler, **more: Any) -> str:
    return f"zeroblob({_arguments(element, compiler, **more)[0]})"


@compiles(zero_bytes, "postgresql")
def _(element: zero_bytes, compiler: SQLCompiler, **more: Any) -> str:
    return f"decode(repeat('00', {_arguments(element, compiler, **more)[0]}), 'hex')"


@compiles(bytes_or, "sqlite")
def _(element: bytes_or, compiler: SQLCompiler, **more: Any) -> str:
    column, count = _arguments(element, compiler, **more)
    return f"coalesce({column}, zeroblob({count}))"


@compiles(bytes_or, "postgresql")
def _(element: bytes_or, compiler: SQLCompiler, **more: Any) -> str:
    column, count = _arguments(element, compiler, **more)
    return f"coalesce({column}, decode(repeat('00', {count}), 'hex'))"


@compiles(bytes_aggregate, "sqlite")
def _(element: bytes_aggregate, compiler: SQLCompiler, **more: Any) -> str:
    # SQLite joins bytes as if they were text, as they are: it neither checks nor changes them.
    return f"CAST(group_concat({_arguments(element, compiler, **more)[0]}, '') AS BLOB)"


@compiles(bytes_aggregate, "postgresql")
def _(element: bytes_aggregate, compiler: SQLCompiler, **more: Any) -> str:
    return f"string_agg({_arguments(element, compiler, **more)[0]}, ''::bytea)"


@compiles(among, "sqlite")
def _(element: among, compiler: SQLCompiler, **more: Any) -> str:
    column, keys = _arguments(element, compiler, **more)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(among_texts, "sqlite")
def _(element: among_texts, compiler: SQLCompiler, **more: Any) -> str:
    column, keys = _arguments(element, compiler, **more)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(among_texts, "postgresql")
def _(element: among_texts, compiler: SQLCompiler, **more: Any) -> str:
    column, keys = _arguments(element, compiler, **more)
    return f"{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(({keys})::jsonb)))"


@compiles(among, "postgresql")
def _(element: among, compiler: SQLCompiler, **more: Any) -> str:
    column, keys = _arguments(element, compiler, **more)
    return f"{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(({keys})::jsonb)::bigint))"


@compiles(among_selected, "sqlite")
def _(element: among_selected, compiler: SQLCompiler, **more: Any) -> str:
    column, selected = _arguments(element, compiler, **more)
    return f"{column} IN {selected}"


@compiles(among_selected, "postgresql")
def _(element: among_selected, compiler: SQLCompiler, **more: Any) -> str:
    column, selected = _arguments(element, compiler, **more)
    return f"{column} = ANY (ARRAY{selected})"

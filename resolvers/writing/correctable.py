"""What can be corrected: every field of a record that was registered, how its text is read (B14).

A value comes as text whatever the field: a day, a name of an enum, a number, an id; a list as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
from graphql import GraphQLError

from regions.people import PERSON_ITEMS
from resolvers.catalog import RECORDS, Field, Form
from resolvers.reference import diseases, rule_packs
from resolvers.writing.linking import read_link
from resolvers.writing.people import PERSON_READERS
from resolvers.writing.places import known_code
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import NO_DISEASE, Moment, text, word
from schema.fields import Column, Constant, Group, One, PrivateSource
from schema.privacy import PrivateItem
from schema.scalars import parse_code, parse_date, parse_instant

__all__ = ["CORRECTABLE", "Correctable"]

Path = Sequence[str]
Reader = Callable[[str, Mistakes, Path, Moment], Any]


@dataclass(frozen=True, slots=True)
class Correctable:
    """A field that can be corrected: by its GraphQL name, the column or the sealed item it is.

    `item`: the private item; None where the field is a column. `required`: it cannot be emptied.
    """

    name: str
    target: str
    read: Reader
    item: PrivateItem | None = None
    required: bool = False
    link: str = ""  # the kind of record an id leads to
    listed: bool = False  # a list, kept as JSON text


def _scalar(parse: Callable[[object], str], message_zh: str) -> Reader:
    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Any:
        try:
            return parse(_unquoted(value))
        except GraphQLError as error:
            mistakes.add(path, error.message, message_zh)
            return None

    return read


def _unquoted(value: str) -> str:
    """A JSON string, as histories show values, or the text itself."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def _enum(enum: type[Enum]) -> Reader:
    names = enum.__members__

    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> str | None:
        name = _unquoted(value)
        if name in names:
            return name
        mistakes.add(path, f"one of {', '.join(names)}", f"取值为 {'、'.join(names)}")
        return None

    return read


def _enums(enum: type[Enum]) -> Reader:
    names = enum.__members__

    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> str | None:
        try:
            given = orjson.loads(value)
        except orjson.JSONDecodeError:
            given = None
        if isinstance(given, list) and all(isinstance(one, str) and one in names for one in given):
            return orjson.dumps(list(dict.fromkeys(given))).decode()
        mistakes.add(
            path,
            f"a JSON list of {', '.join(names)}",
            f"JSON 数组，元素取值为 {'、'.join(names)}",
        )
        return None

    return read


def _keys(known: Callable[[], Mapping[str, Any]], message: str, message_zh: str) -> Reader:
    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> str | None:
        key = _unquoted(value)
        if key in known():
            return key
        mistakes.add(path, message, message_zh)
        return None

    return read


def _number(value: str, mistakes: Mistakes, path: Path, _: Moment) -> int | None:
    if value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    mistakes.add(path, "a whole number", "须为整数")
    return None


def _link(kind: str) -> Reader:
    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> int | None:
        return read_link(_unquoted(value), kind, mistakes, path)

    return read


def _code(value: str, mistakes: Mistakes, path: Path, moment: Moment) -> str | None:
    code: str | None = _scalar(parse_code, "代码为六位数字")(value, mistakes, path, moment)
    return code if code is not None and known_code(code, mistakes, path) else None


def _text(longest: int) -> Reader:
    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> str | None:
        return text(value, mistakes, path, longest)

    return read


def _word(value: str, mistakes: Mistakes, path: Path, _: Moment) -> str | None:
    return word(_unquoted(value), mistakes, path)


_READERS: Mapping[str, Reader] = {  # columns whose type does not say how they are read
    "disease": _keys(diseases, *NO_DISEASE),
    "rule_pack": _keys(rule_packs, "there is no such rule pack", "没有该防控方案"),
    "code": _code,
    "residence_code": _code,
    "temperature_tenths": _number,
    "co_residents": _number,
    "co_residents_ill": _number,
    "exclusion_reason": _word,
    "laboratory": _word,
    "nationality": _text(60),
    "occupation": _text(60),
    "remarks": _text(2000),
    "seat": _text(100),
}

# Not what somebody registered: who and when it was written, what it is about.
_FIXED = {
    "Person": {"id", "region", "createdAt", "updatedAt"},
    "Case": {"id", "person", "reportedBy", "createdAt", "updatedAt"},
    "Contact": {"id", "person", "createdAt", "updatedAt"},
    "Visit": {"id", "person", "contact", "case", "code", "createdAt"},
    "Sample": {"id", "person", "contact", "case", "code", "createdAt"},
}


def _correctable(table: Any, field: Field, prefix: str = "") -> Correctable | None:
    """A field as it can be corrected; None for a relation to many, or an item of the person."""
    name, source = prefix + field.name, field.source
    if isinstance(source, PrivateSource):
        if source.of:
            return None
        read = PERSON_READERS.get(source.name) if table.name == "people" else None
        reader = read or _READERS.get(source.name, _text(500))
        return Correctable(name, source.name, reader, item=source.item)
    if isinstance(source, (Constant, One)):
        target, link = source.by, field.type_name.lower() if isinstance(source, One) else ""
        reader = _link(link) if link else _READERS[target]
        return Correctable(name, target, reader, required=not table.c[target].nullable, link=link)
    if isinstance(source, Column):
        target = field.column
        required = not table.c[target].nullable
        listed = field.form is Form.JSON
        return Correctable(name, target, _reader(table, field), required=required, listed=listed)
    return None


def _reader(table: Any, field: Field) -> Reader:
    if field.column in _READERS:
        return _READERS[field.column]
    if field.enum is not None:
        return _enums(field.enum) if field.form is Form.JSON else _enum(field.enum)
    if field.column.endswith("_at"):
        return _scalar(parse_instant, "须为带时区的 ISO 8601 时间")
    assert field.column.endswith("_on"), f"nobody says how {table.name}.{field.column} is read"
    return _scalar(parse_date, "日期格式为 YYYY-MM-DD")


def _all() -> dict[str, dict[str, Correctable]]:
    found: dict[str, dict[str, Correctable]] = {}
    for name, fixed in _FIXED.items():
        record = RECORDS[name]
        fields = found[name] = {}
        for field in record.fields.values():
            if field.name in fixed:
                continue
            parts = [(field, "")]
            if isinstance(field.source, Group):
                parts = [(part, f"{field.name}.") for part in field.fields]
            for part, prefix in parts:
                one = _correctable(record.table, part, prefix)
                if one is not None:
                    fields[one.name] = one
    return found


CORRECTABLE = _all()
"""By type of record: the fields that can be corrected, by name."""

assert set(PERSON_ITEMS) <= {one.target for one in CORRECTABLE["Person"].values()}

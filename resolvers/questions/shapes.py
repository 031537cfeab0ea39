"""Shapes: what the records of one selection look like as text, and what must be read to fill it in.

A shape is a pattern of JSON text with `%s` for what the store puts in and a gap (U+001E) for what
is put in afterwards: an unsealed item, related records, reference data, a cursor. A private item
that the viewer may nowhere see is the text `"*"` in the pattern: the statement does not mention it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from sqlalchemy import Column as TableColumn
from sqlalchemy import ColumnElement, case, false, literal_column, or_
from sqlalchemy import String as SqlString

from regions.ids import region_of
from regions.people import people
from regions.sealing import ITEMS
from regions.statements import Statement
from regions.text import (
    GAP,
    Text,
    hexadecimal,
    literal_template,
    number_or_null,
    quoted,
    string,
    template,
    text_or_null,
    under,
    written,
)
from resolvers.catalog import Field, Form, Record
from resolvers.privacy import Rule
from resolvers.questions.selection import Selected, Selector
from resolvers.reference import Reference
from schema.fields import Column, Constant, Group, Identity, Many, One, PrivateSource

__all__ = [
    "ConstantGap",
    "CursorGap",
    "ItemGap",
    "LinkGap",
    "NotPlannable",
    "Shape",
    "ShapeSet",
    "Shaper",
    "ViewRule",
]


class NotPlannable(Exception):
    """The selection is none the plan can answer; the ordinary executor does."""


@dataclass(frozen=True, slots=True)
class ViewRule:
    """A rule as it applies in one region; `always`: every record of the region is covered."""

    rule: Rule
    always: bool


@dataclass(frozen=True, slots=True)
class ItemGap:
    """An unsealed item: position `index` of the envelope (the person's or the record's own)."""

    item: str
    of_person: bool
    index: int


@dataclass(frozen=True, slots=True)
class LinkGap:
    """Related records: the link's number."""

    link: int


@dataclass(frozen=True, slots=True)
class ConstantGap:
    """Reference data, rendered by the key found at `position` of the record's keys."""

    position: int
    text: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class CursorGap:
    """The record's place in the list."""


Gap = ItemGap | LinkGap | ConstantGap | CursorGap


@dataclass(slots=True)
class Link:
    """A relation selected: the field, the type of its records and their shapes."""

    field: Field
    target: Record
    shapes: ShapeSet


@dataclass(slots=True)
class Shape:
    """A record's text and keys. `keys` are expressions that write one JSON value each."""

    record: Record
    rules: tuple[ViewRule, ...]
    shapes: ShapeSet
    pattern: list[str] = field(default_factory=list)
    arguments: list[ColumnElement[Any]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    keys: list[Text] = field(default_factory=list)
    links: list[tuple[int, ...]] = field(default_factory=list)  # per link: where its keys stand
    clear: set[str] = field(default_factory=set)  # names of fields shown in clear somewhere
    masked: set[str] = field(default_factory=set)
    statements: dict[Any, Statement] = field(default_factory=dict)  # of a link, once compiled
    back: tuple[int, ...] = ()  # of a link to many: where the keys of its parents stand
    order_at: int = -1  # of a link to many: where the moment it is ordered by stands
    joins_person: bool = False
    id_at: int = 0
    view_at: int = -1  # positions in keys, -1 where not selected
    person_at: int = -1
    person_sealed_at: int = -1
    own_sealed_at: int = -1

    def key(self, key: Text) -> int:
        """The position of a key, added unless it is there."""
        for position, known in enumerate(self.keys):
            if known.pattern == key.pattern and known.expression.compare(key.expression):
                return position
        self.keys.append(key)
        return len(self.keys) - 1

    def text(self) -> ColumnElement[str]:
        """The expression that writes the record."""
        return template(literal_template("".join(self.pattern)), *self.arguments)

    def keys_text(self) -> ColumnElement[str]:
        """The expression that writes the keys as a JSON array."""
        pattern = "[" + ",".join([key.pattern for key in self.keys]) + "]"
        return template(literal_template(pattern), *(key.expression for key in self.keys))


class ShapeSet:
    """The shapes of one selection: one for each set of rules that holds in some region.

    `order` are expressions of the keys a list is ordered by; they stand first in the keys.
    """

    def __init__(
        self,
        shaper: Shaper,
        record: Record,
        selected: Sequence[Selected],
        *,
        edges: bool = False,
        order: Sequence[Text] = (),
    ) -> None:
        self.record = record
        self.links: list[Link] = []
        self._shaper, self._selected = shaper, selected
        self._edges, self._order = edges, tuple(order)
        self._made: dict[tuple[ViewRule, ...], Shape] = {}
        self._of_region: dict[int, Shape] = {}
        self._named: tuple[int, frozenset[str], frozenset[str]] | None = None

    def of(self, region: int) -> Shape:
        """The shape of a region's records."""
        shape = self._of_region.get(region)
        if shape is None:
            rules = self._shaper.rules(self.record, region)
            shape = self._made.get(rules)
            if shape is None:
                shape = self._made[rules] = self._shaper.make(
                    self, rules, self._selected, self._edges, self._order
                )
            self._of_region[region] = shape
        return shape

    def gapless(self) -> bool:
        """Whether the records of every region come finished from the store."""
        return not any(shape.gaps for shape in self._made.values())

    def named(self) -> tuple[frozenset[str], frozenset[str]]:
        """The private fields shown in clear and those masked, over all shapes made."""
        made = sum(1 for _ in self._sets_made())
        if self._named is None or self._named[0] != made:
            clear: set[str] = set()
            masked: set[str] = set()
            for shape in self._sets_made():
                clear |= shape.clear
                masked |= shape.masked
            self._named = (made, frozenset(clear), frozenset(masked))
        return self._named[1:]

    def _sets_made(self) -> Iterator[Shape]:
        yield from self._made.values()
        for link in self.links:
            yield from link.shapes._sets_made()


class Shaper:
    """Makes shapes for one operation and viewer. `rules` gives those of a type in a region."""

    def __init__(
        self,
        selector: Selector,
        records: dict[str, Record],
        rules: Callable[[Record, int], tuple[ViewRule, ...]],
        reference: Reference,
    ) -> None:
        self._selector, self._records = selector, records
        self.rules, self._reference = rules, reference

    def make(
        self,
        shapes: ShapeSet,
        rules: tuple[ViewRule, ...],
        selected: Sequence[Selected],
        edges: bool,
        order: Sequence[Text],
    ) -> Shape:
        """The shape of records under given rules."""
        record = shapes.record
        shape = Shape(record, rules, shapes)
        shape.keys.extend(order)
        shape.id_at = len(shape.keys)
        identity = record.table.c.id
        shape.keys.append(written(quoted(identity) if record.name == "Unit" else identity))
        if edges:
            self._write_edges(shape, selected)
        else:
            self.write(shape, record.name, selected)
        return shape

    def _write_edges(self, shape: Shape, selected: Sequence[Selected]) -> None:
        record = shape.record
        edge = f"{record.name}Edge"
        shape.pattern.append("{")
        for number, one in enumerate(selected):
            self._name(shape, number, one.key)
            if one.name == "cursor":
                self._gap(shape, CursorGap(), quote=True)
            elif one.name == "node":
                self.write(shape, record.name, self._selector.below(one, record.name))
            elif one.name == "__typename":
                shape.pattern.append(_literal(edge))
            else:
                raise NotPlannable(one.name)
        shape.pattern.append("}")

    def write(self, shape: Shape, type_name: str, selected: Sequence[Selected]) -> None:
        """Adds the record's object to the pattern."""
        self._object(shape, type_name, shape.record.fields, selected)

    def _object(
        self, shape: Shape, type_name: str, fields: dict[str, Field], selected: Sequence[Selected]
    ) -> None:
        shape.pattern.append("{")
        for number, one in enumerate(selected):
            self._name(shape, number, one.key)
            if one.name == "__typename":
                shape.pattern.append(_literal(type_name))
            else:
                self._value(shape, fields[one.name], one)
        shape.pattern.append("}")

    def _name(self, shape: Shape, number: int, key: str) -> None:
        shape.pattern.append(f'{"," if number else ""}"{key}":')

    def _value(self, shape: Shape, wanted: Field, one: Selected) -> None:
        source = wanted.source
        if isinstance(source, Identity):
            shape.pattern.append(f'"{shape.record.kind}:%s"')
            shape.arguments.append(shape.record.table.c.id)
        elif isinstance(source, Column):
            self.column(shape, wanted)
        elif isinstance(source, PrivateSource):
            self.item(shape, wanted, source)
        elif isinstance(source, Group):
            inner = {field.name: field for field in wanted.fields}
            below = self._selector.below(one, wanted.type_name)
            self._object(shape, wanted.type_name, inner, below)
        elif isinstance(source, Constant):
            self._constant(shape, wanted, source, self._selector.below(one, wanted.type_name))
        else:
            self._link(shape, wanted, source, one)

    def column(self, shape: Shape, wanted: Field) -> None:
        """Adds the value of a column."""
        column = shape.record.table.c[wanted.column]
        if wanted.form is Form.PLAIN and not wanted.nullable:
            shape.pattern.append('"%s"')
            shape.arguments.append(column)
        else:
            shape.pattern.append("%s")
            shape.arguments.append(json_text(column, wanted.form, wanted.nullable))

    def item(self, shape: Shape, wanted: Field, source: PrivateSource) -> None:
        """Adds a private item: the mask, or a gap where the viewer may see some of them."""
        if not any(source.item.name in view.rule.items for view in shape.rules):
            shape.masked.add(f"{shape.record.name}.{wanted.name}")
            shape.pattern.append('"*"')
            return
        shape.clear.add(f"{shape.record.name}.{wanted.name}")
        table = shape.record.table
        of_person = bool(source.of)
        if shape.view_at < 0:
            shape.view_at = shape.key(written(_view(shape)))
        if of_person:
            shape.joins_person = True
            shape.person_at = shape.key(written(table.c.person_id))
            shape.person_sealed_at = shape.key(_sealed(shape, people.c.sealed))
        else:
            shape.own_sealed_at = shape.key(_sealed(shape, table.c.sealed))
        names = ITEMS["people" if of_person else table.name]
        self._gap(shape, ItemGap(source.item.name, of_person, names.index(source.name)))

    def _constant(
        self, shape: Shape, wanted: Field, source: Constant, below: Sequence[Selected]
    ) -> None:
        table = shape.record.table
        key: ColumnElement[Any] = quoted(table.c[source.by]) if source.by else table.c.id
        if source.by and all(one.name in ("id", "__typename") for one in below):
            values = {"id": "%s", "__typename": _literal(wanted.type_name)}
            body = ",".join(f'"{one.key}":{values[one.name]}' for one in below)
            shape.pattern.append("{" + body + "}")
            shape.arguments.extend([key] * sum(one.name == "id" for one in below))
            return
        self._gap(
            shape,
            ConstantGap(
                shape.key(written(key)), constant_text(self._reference, wanted.type_name, below)
            ),
        )

    def _link(self, shape: Shape, wanted: Field, source: One | Many, one: Selected) -> None:
        target = self._records[source.to]
        below = self._selector.below(one, target.name)
        table = shape.record.table
        only_id = all(part.name in ("id", "__typename") for part in below)
        if isinstance(source, One) and source.local and only_id and target.name != "Unit":
            values = {"id": f'"{target.kind}:%s"', "__typename": _literal(target.name)}
            body = ",".join(f'"{part.key}":{values[part.name]}' for part in below)
            shape.pattern.append("{" + body + "}")
            shape.arguments.extend([table.c[source.by]] * sum(p.name == "id" for p in below))
            return
        number = len(shape.links)
        if number == len(shape.shapes.links):
            shape.shapes.links.append(Link(wanted, target, ShapeSet(self, target, below)))
        shape.links.append(link_positions(shape, source))
        self._gap(shape, LinkGap(number))

    def _gap(self, shape: Shape, gap: Gap, *, quote: bool = False) -> None:
        shape.pattern.append(f'"{GAP}"' if quote else GAP)
        shape.gaps.append(gap)


def link_positions(shape: Shape, source: One | Many) -> tuple[int, ...]:
    """Where a record's keys for a relation stand, added to the shape's keys unless they are
    there.
    """
    table = shape.record.table
    if isinstance(source, Many):
        if source.same_person:
            return (
                shape.key(written(quoted(table.c.id_number_index))),
                shape.key(written(quoted(table.c.name_birth_index))),
            )
        return (shape.id_at,)
    column = table.c[source.by]
    if source.to == "Unit":
        return (shape.key(written(quoted(column))),)
    return (shape.key(written(number_or_null(column) if column.nullable else column)),)


def json_text(column: ColumnElement[Any], form: Form, nullable: bool) -> ColumnElement[Any]:
    """The expression that writes a column as JSON."""
    if form is Form.TEXT:
        return quoted(column)
    if form is Form.NUMBER:
        return number_or_null(column) if nullable else column
    if form is Form.JSON:
        return column
    return text_or_null(column)


def constant_text(
    reference: Reference, type_name: str, below: Sequence[Selected]
) -> Callable[[Any], str]:
    """A function from a key to the text of reference data, remembering what it wrote."""
    written: dict[Any, str] = {}

    def text(key: Any) -> str:
        if type_name == "Region":
            key = region_of(key)
        known = written.get(key)
        if known is None:
            row = reference.constant(type_name, key)
            body = {}
            for one in below:
                if one.name == "__typename":
                    body[one.key] = type_name
                elif one.name == "state":
                    body[one.key] = "ANSWERED"  # it did: the record that leads here is its own
                else:
                    body[one.key] = getattr(row, _snake(one.name))
            known = written[key] = orjson.dumps(body).decode()
        return known

    return text


def _literal(text: str) -> str:
    return f'"{text}"'


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _condition(shape: Shape, view: ViewRule) -> ColumnElement[bool] | None:
    """Whether a rule covers the row; None where it covers every row."""
    table = shape.record.table
    rule = view.rule
    if rule.reporter is not None:
        if "reporter" not in table.c:
            return false()
        return table.c.reporter == rule.reporter
    if view.always:
        return None
    if "code" not in table.c:
        return false()
    code = table.c.code
    condition = under(code, rule.prefix)
    return condition if not code.nullable else condition & code.is_not(None)


def _view(shape: Shape) -> ColumnElement[Any]:
    """A number whose bits say which rules cover the row."""
    total: Any = None
    for bit, view in enumerate(shape.rules):
        condition = _condition(shape, view)
        weight: ColumnElement[int] = literal_column(str(1 << bit))
        part = weight if condition is None else case((condition, weight), else_=literal_column("0"))
        total = part if total is None else total + part
    return cast("ColumnElement[Any]", total)


def _sealed(shape: Shape, column: TableColumn[Any]) -> Text:
    """The envelope in hexadecimal as JSON text, or null where no rule covers the row."""
    conditions = [_condition(shape, view) for view in shape.rules]
    everywhere = any(condition is None for condition in conditions)
    if everywhere and not column.nullable:
        return string(hexadecimal(column))
    text = text_or_null(hexadecimal(column))
    if everywhere:
        return written(text)
    covered = or_(*(condition for condition in conditions if condition is not None))
    return written(case((covered, text), else_=literal_column("'null'", SqlString())))

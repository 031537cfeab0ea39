"""Shaping: from a selection and a viewer's rules to the pattern of its records' text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, String, func, literal_column

from regions.ids import region_of
from regions.people import people
from regions.sealing import ITEMS
from regions.text import GAP, Text, number_or_null, quoted, text_or_null, written
from resolvers.catalog import Field, Form, Record
from resolvers.questions.same_person import seen_indexes
from resolvers.questions.selection import Selected, Selector
from resolvers.questions.shapes import (
    ConstantGap,
    CursorGap,
    Gap,
    ItemGap,
    Link,
    LinkGap,
    NotPlannable,
    Shape,
    ShapeSet,
    ViewRule,
)
from resolvers.questions.views import sealed_key, view_of
from resolvers.reference import Reference
from schema.fields import Column, Constant, Gathered, Group, Identity, Many, One, PrivateSource

__all__ = ["Shaper"]


class Shaper:
    """Makes shapes for one operation and viewer. `rules` gives those of a type in a region."""

    def __init__(
        self,
        selector: Selector,
        records: dict[str, Record],
        rules: Callable[[Record, int, bool], tuple[ViewRule, ...]],
        reference: Reference,
    ) -> None:
        self._selector, self._records = selector, records
        self._rules, self._reference = rules, reference

    def rules(self, record: Record, region: int, shared: bool) -> tuple[ViewRule, ...]:
        """The rules that hold for a type of record in a region; with shares, if `shared`."""
        return self._rules(record, region, shared)

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
                self._value(shape, type_name, fields[one.name], one)
        shape.pattern.append("}")

    def _name(self, shape: Shape, number: int, key: str) -> None:
        shape.pattern.append(f'{"," if number else ""}"{key}":')

    def _value(self, shape: Shape, owner: str, wanted: Field, one: Selected) -> None:
        source = wanted.source
        if isinstance(source, Identity):
            shape.pattern.append(f'"{shape.record.kind}:%s"')
            shape.arguments.append(shape.record.table.c.id)
        elif isinstance(source, Column):
            self.column(shape, wanted)
        elif isinstance(source, PrivateSource):
            self.item(shape, owner, wanted, source)
        elif isinstance(source, Group):
            inner = {field.name: field for field in wanted.fields}
            below = self._selector.below(one, wanted.type_name)
            self._object(shape, wanted.type_name, inner, below)
        elif isinstance(source, Constant):
            self._constant(shape, wanted, source, self._selector.below(one, wanted.type_name))
        elif isinstance(source, Gathered):
            raise NotPlannable(wanted.name)
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

    def item(self, shape: Shape, owner: str, wanted: Field, source: PrivateSource) -> None:
        """Adds a private item: the mask, or a gap where the viewer may see some of them.

        `owner` is the type that has the field: the record's, or a group's.
        """
        showing = [view for view in shape.rules if source.item.name in view.rule.items]
        if all(view.rule.shared for view in showing):  # then most records are masked, or all
            shape.masked.add(f"{owner}.{wanted.name}")
        if not showing:
            shape.pattern.append('"*"')
            return
        shape.clear.add(f"{owner}.{wanted.name}")
        table = shape.record.table
        of_person = bool(source.of)
        if shape.view is None:
            shape.view = view_of(shape)
        if of_person:
            shape.joins_person = True
            shape.person_at = shape.key(written(table.c.person_id))
            shape.person_sealed_at = sealed_key(shape, people.c.sealed)
        else:
            shape.own_sealed_at = sealed_key(shape, table.c.sealed)
        names = ITEMS["people" if of_person else table.name]
        self._gap(shape, ItemGap(source.item.name, of_person, names.index(source.name)))

    def _constant(
        self, shape: Shape, wanted: Field, source: Constant, below: Sequence[Selected]
    ) -> None:
        table = shape.record.table
        key: ColumnElement[Any] = quoted(table.c[source.by]) if source.by else table.c.id
        known = source.by and not table.c[source.by].nullable
        if known and all(one.name in ("id", "__typename") for one in below):
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
            # Seen, though nothing is read of it, and maybe not even its id is asked for.
            shape.named[target.kind] = shape.key(written(table.c[source.by]))
            return
        number = len(shape.links)
        if number == len(shape.shapes.links):
            below_it = ShapeSet(self, target, below, shared=shape.shapes.shared)
            shape.shapes.links.append(Link(wanted, target, below_it))
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
            return tuple([shape.key(text) for text in seen_indexes(shape)])
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
        return func.coalesce(column, literal_column("'null'", String())) if nullable else column
    return text_or_null(column)


def constant_text(
    reference: Reference, type_name: str, below: Sequence[Selected]
) -> Callable[[Any], str]:
    """A function from a key to the text of reference data, remembering what it wrote."""
    written: dict[Any, tuple[object, str]] = {}

    def text(key: Any) -> str:
        if key is None:
            return "null"
        if type_name == "Region":
            key = region_of(key)
        row = reference.constant(type_name, key)  # another once more is known of it
        known = written.get(key)
        if known is None or known[0] is not row:
            body = {}
            for one in below:
                if one.name == "__typename":
                    body[one.key] = type_name
                elif one.name == "state":
                    body[one.key] = "ANSWERED"  # it did: the record that leads here is its own
                else:
                    body[one.key] = getattr(row, _snake(one.name))
            known = written[key] = (row, orjson.dumps(body).decode())
        return known[1]

    return text


def _literal(text: str) -> str:
    return f'"{text}"'


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)

"""The catalog: every field of a record has a column, an item or a relation behind it."""

from __future__ import annotations

import re
from enum import Enum

import pytest
from graphql import GraphQLObjectType, get_named_type

from regions.metadata import Reveals
from regions.sealing import ITEMS
from resolvers.catalog import RECORDS, Form, Record, private_fields, record_of_kind
from resolvers.root import make_schema
from schema.fields import Column, Constant, Gathered, Group, Identity, Many, One, PrivateSource

_TYPES = make_schema()._schema.type_map
_ALL = list(RECORDS.values())


@pytest.fixture(params=_ALL, ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> Record:
    """Each type of record."""
    found: Record = request.param
    return found


def test_the_fields_are_those_of_the_schema(record: Record) -> None:
    kind = _TYPES[record.name]
    assert isinstance(kind, GraphQLObjectType)
    assert set(record.fields) == set(kind.fields)
    for name, field in record.fields.items():
        assert get_named_type(kind.fields[name].type).name
        if isinstance(field.source, (One, Many)):
            assert get_named_type(kind.fields[name].type).name == field.source.to
        if field.fields:
            inner = _TYPES[field.type_name]
            assert isinstance(inner, GraphQLObjectType)
            assert {one.name for one in field.fields} == set(inner.fields)


def test_no_field_shows_a_column_that_is_not_public(record: Record) -> None:
    for field in record.fields.values():
        for part in (field, *field.fields):
            if isinstance(part.source, Column):
                column = record.table.c[part.column]
                assert column.info["reveals"] is Reveals.NOTHING_PRIVATE, part.name


def test_a_field_without_null_has_a_column_without_null(record: Record) -> None:
    kind = _TYPES[record.name]
    assert isinstance(kind, GraphQLObjectType)
    for name, field in record.fields.items():
        required = str(kind.fields[name].type).endswith("!")
        if isinstance(field.source, Column) and required:
            assert not record.table.c[field.column].nullable, name
        if isinstance(field.source, One) and required:
            assert field.source.local, name
            assert not record.table.c[field.source.by].nullable, name
        if isinstance(field.source, PrivateSource):
            assert not required, "a sealed item may be absent"


def test_every_sealed_item_is_a_field_of_its_own_record(record: Record) -> None:
    shown = {
        part.source.name
        for field in record.fields.values()
        for part in (field, *field.fields)
        if isinstance(part.source, PrivateSource) and not part.source.of
    }
    assert shown == set(ITEMS.get(record.table.name, ()))


def test_flat_items_are_those_of_the_person(record: Record) -> None:
    person = RECORDS["Person"].fields
    for field in record.fields.values():
        if isinstance(field.source, PrivateSource) and field.source.of:
            assert "person_id" in record.table.c
            assert isinstance(person[field.name].source, PrivateSource)
            assert person[field.name].source.item is field.source.item  # type: ignore[union-attr]  # known to have it here
            assert person[field.name].source.name == field.source.name  # type: ignore[union-attr]  # known to have it here


def test_enum_values_are_stored_by_their_names(record: Record) -> None:
    for field in record.fields.values():
        for part in (field, *field.fields):
            if part.enum is not None:
                assert issubclass(part.enum, Enum)
                assert all(one.name == one.value for one in part.enum), part.name
                assert part.form in (Form.PLAIN, Form.JSON)


def test_texts_that_need_no_escaping_are_codes_days_instants_and_enums(record: Record) -> None:
    kind = _TYPES[record.name]
    assert isinstance(kind, GraphQLObjectType)
    for name, field in record.fields.items():
        if isinstance(field.source, Column) and field.form is Form.PLAIN and field.enum is None:
            scalar = get_named_type(kind.fields[name].type).name
            assert scalar in ("Date", "DateTime", "RegionCode"), name


def test_links_are_served_by_indexes(record: Record) -> None:
    for field in record.fields.values():
        source = field.source
        if not isinstance(source, Many):
            continue
        table = RECORDS[source.to].table
        names = [source.by] if source.by else ["id_number_index", "name_birth_index"]
        for name in names:
            indexed = table.c[name].index or any(name in index.columns for index in table.indexes)
            assert indexed, f"{record.name}.{field.name}"


def test_rights_open_records_of_types_that_a_right_can_name(record: Record) -> None:
    names = set(_TYPES["RecordType"].values)  # type: ignore[attr-defined]  # known to have it here
    assert record.privacy <= names
    assert record.privacy


def test_kinds_are_told_apart() -> None:
    assert len({record.kind for record in _ALL}) == len(_ALL)
    for one in _ALL:
        assert record_of_kind(one.kind) is one
        assert re.fullmatch("[a-z]+", one.kind)
    assert record_of_kind("nothing") is None


def test_every_source_is_one_that_is_known() -> None:
    kinds = (Column, Constant, Gathered, Group, Identity, Many, One, PrivateSource)
    for one in _ALL:
        assert all(isinstance(field.source, kinds) for field in one.fields.values())
    assert ("Contact", "name") in private_fields()
    assert ("Observation", "place") in private_fields()
    assert ("Contact", "level") not in private_fields()

"""Columns: paths from a record to a value."""

from __future__ import annotations

import pytest

from resolvers.exports.columns import BadColumn, ColumnKind, columns_of, selection
from resolvers.root import make_schema

SCHEMA = make_schema()._schema


def test_columns_know_what_stands_in_them() -> None:
    names = ["id", "age", "createdAt", "lastContactOn", "manner", "observation.place", "person.sex"]
    found = {column.title: column.kind for column in columns_of(SCHEMA, "Contact", names)}
    private = ColumnKind.PRIVATE
    assert list(found.values()) == [
        ColumnKind.TEXT,
        private,
        ColumnKind.INSTANT,
        ColumnKind.DAY,
        ColumnKind.TEXT,
        private,
        private,
    ]


def test_the_selection_has_each_field_once() -> None:
    names = ["disease.nameZh", "id", "disease.id", "person.residenceCode"]
    columns = columns_of(SCHEMA, "Case", names)
    assert selection(columns) == "{ disease { nameZh id } id person { residenceCode } }"


def test_values_are_found_behind_nothing() -> None:
    column, listed = columns_of(SCHEMA, "Contact", ["sourceCase.id", "manner"])
    assert column.value({"sourceCase": None}) is None
    assert column.value({"sourceCase": {"id": "case:1"}}) == "case:1"
    assert listed.value({"manner": ["SHARED_MEAL", "OTHER"]}) == "SHARED_MEAL; OTHER"


def test_a_private_number_is_text_as_the_mask_is() -> None:
    (age,) = columns_of(SCHEMA, "Case", ["age"])
    assert (age.value({"age": 36}), age.value({"age": "*"}), age.value({"age": None})) == (
        "36",
        "*",
        None,
    )


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["id"] * 61,
        ["id", "id"],
        ["sealed"],
        ["ID"],
        [""],
        ["person"],
        ["person."],
        ["id.x"],
        ["visits.id"],
        ["sourceCase.person.cases.id"],
        ["__typename"],
        ["id } } } me { account"],
    ],
)
def test_what_is_no_value_is_no_column(names: list[str]) -> None:
    with pytest.raises(BadColumn):
        columns_of(SCHEMA, "Contact", names)

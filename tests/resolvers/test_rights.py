"""The table of rights: a row for each root field, and what it says is what happens."""

from __future__ import annotations

from resolvers.rights import RIGHTS
from resolvers.root import make_schema


def test_every_root_field_has_a_row() -> None:
    schema = make_schema()._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    fields = set(schema.query_type.fields) | set(schema.mutation_type.fields)
    assert fields == set(RIGHTS)

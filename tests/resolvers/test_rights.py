"""The table of rights: a row for each root field, and what it says is what happens."""

from __future__ import annotations

from resolvers.rights import RIGHTS
from resolvers.root import make_schema


def test_every_root_field_has_a_row() -> None:
    schema = make_schema()._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert schema.subscription_type is not None
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = {name for root in roots for name in root.fields}
    assert fields == set(RIGHTS)

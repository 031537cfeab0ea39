"""The policy is that of the directives, and whatever is unclassified does not start, by name."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import GraphQLObjectType
from sqlalchemy import Column, MetaData, String, Table

from regions.errors import Unclassified
from regions.metadata import public
from resolvers.catalog import RECORDS, private_fields
from resolvers.privacy.policy import (
    check_columns,
    compile_policy,
    describe_private_fields,
    policy_version,
)
from resolvers.privacy.roles import NATIONAL_ROLES, roles_that_show
from resolvers.root import make_schema

_ROOT = Path(__file__).parents[3]


def test_the_table_is_compiled_from_the_directives_of_the_served_schema() -> None:
    table = compile_policy(make_schema()._schema)
    records = {key: item for key, item in table.items() if key in private_fields()}
    assert records == private_fields()
    assert table[("Contact", "seat")] == "SEAT"


def test_a_column_without_a_classification_is_named() -> None:
    tables = MetaData()
    Table("wards", tables, public("code"), Column("bed", String()))
    with pytest.raises(Unclassified, match=r"wards\.bed"):
        check_columns([tables])


def _starts_with(change: str) -> subprocess.CompletedProcess[str]:
    """epigate's schema made in a process of its own, after a change to the code in memory."""
    program = f"{change}\nfrom resolvers.root import make_schema\nmake_schema()"
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


_CHANGES = {
    "a column": (
        "from sqlalchemy import Column, String\n"
        "from regions.contacts import contacts\n"
        "contacts.append_column(Column('bed', String()))",
        "contacts.bed",
    ),
    "a field that says nothing": (
        "import strawberry, schema.contacts as m\n"
        "m.Contact.__strawberry_definition__.fields.append("
        "  strawberry.field(name='bed', description='Bed.', resolver=lambda: 1))\n"
        "m.Contact.__strawberry_definition__.fields[-1].python_name = 'bed'",
        "contacts: the field bed",
    ),
    "a field over a sealed column": (
        "import schema.people as m\n"
        "from regions.people import people\n"
        "from regions.metadata import Reveals\n"
        "people.c.nationality.info['reveals'] = Reveals.INTERNAL",
        "people.nationality",
    ),
    "a private field without its directive": (
        "import schema.people as m\n"
        "one = next(f for f in m.Person.__strawberry_definition__.fields"
        " if f.python_name == 'phone')\n"
        "one.directives = ()",
        "people: the field phone",
    ),
    "a directive with nothing sealed behind it": (
        "import schema.people as m\n"
        "from schema.privacy import Private, PrivateItem\n"
        "one = next(f for f in m.Person.__strawberry_definition__.fields"
        " if f.python_name == 'occupation')\n"
        "one.directives = (Private(item=PrivateItem.NAME),)",
        "people: the field occupation",
    ),
}


@pytest.mark.no_cover  # ten processes that import everything
@pytest.mark.parametrize("what", _CHANGES)
def test_the_start_fails_by_name(what: str) -> None:
    change, name = _CHANGES[what]
    started = _starts_with(change)
    assert started.returncode != 0
    assert "Unclassified" in started.stderr
    assert name in started.stderr


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_as_it_stands_it_starts() -> None:
    assert _starts_with("").returncode == 0


def test_every_private_field_says_who_may_see_it() -> None:
    types = make_schema()._schema.type_map
    for (owner, name), item in private_fields().items():
        kind = types[owner]
        assert isinstance(kind, GraphQLObjectType)
        described = kind.fields[name].description or ""
        assert described.count("Shown to: the direct reporter; ") == 1, (owner, name)
        record = RECORDS.get(owner)
        if record is not None and not record.every_item:
            for role in roles_that_show(record.privacy, item):
                assert role.name_zh in described


def test_describing_twice_says_it_once() -> None:
    schema = make_schema()
    before = schema.as_str()
    describe_private_fields(schema._schema)
    assert schema.as_str() == before


def test_the_version_follows_the_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_version()
    assert len(before) == 16
    policy_version.cache_clear()
    wider = replace(NATIONAL_ROLES["visit"], items=("NAME", "ID_NUMBER"))
    monkeypatch.setitem(NATIONAL_ROLES, "visit", wider)
    assert policy_version() != before
    policy_version.cache_clear()

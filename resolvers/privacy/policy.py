"""The policy: the table (type, field) → private item, compiled from the directives of the schema.

Compiled as the schema is made, and with it checked that nothing is left unclassified: every column
of every store says what it reveals, every field of a record is public or private, whatever holds a
mask has the directive. What fails it does not start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, cast

import orjson
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type
from sqlalchemy import MetaData

from regions.errors import Unclassified
from regions.metadata import Reveals
from regions.tables import central, log_tables, regional
from resolvers.catalog import RECORDS, private_fields
from resolvers.privacy.roles import NATIONAL_ROLES, roles_that_show
from schema.privacy import Private

__all__ = ["check_columns", "compile_policy", "describe_private_fields", "policy_version"]

_MASKS = frozenset({"PrivateString", "PrivateInt", "PrivateDate"})


def compile_policy(schema: GraphQLSchema) -> Mapping[tuple[str, str], str]:
    """(type, field) → private item, as the directives of the schema say. Raises Unclassified.

    A field of a scalar that may be a mask without a directive, one with a directive of which the
    catalog of records knows nothing, or a column without a classification: each by its name.
    """
    check_columns((regional, central, log_tables))
    found: dict[tuple[str, str], str] = {}
    for owner, name, field in _fields(schema):
        marks = _marks(field)
        masked = get_named_type(field.type).name in _MASKS
        if masked and not marks and owner in _of_records():
            raise Unclassified(f"{owner}.{name} may be a mask, but no @private(item:) says of what")
        if marks and not masked:
            raise Unclassified(
                f"{owner}.{name} is private, but its type cannot be a mask",
                hint="PrivateString, PrivateInt or PrivateDate",
            )
        if marks:
            found[(owner, name)] = marks[0].item.name
    for key in found.keys() ^ private_fields().keys():
        if key[0] in _of_records():
            raise Unclassified(f"{key[0]}.{key[1]}: the directives and the catalog differ")
    return found


def check_columns(all_tables: Iterable[MetaData]) -> None:
    """Raises Unclassified where a column does not say what it reveals."""
    for tables in all_tables:
        for table in tables.sorted_tables:
            for column in table.columns:
                if not isinstance(column.info.get("reveals"), Reveals):
                    raise Unclassified(
                        f"nobody says what the column {table.name}.{column.name} reveals",
                        hint="declare it by public, internal, sealed or blind_index of "
                        "regions/metadata.py",
                    )


def describe_private_fields(schema: GraphQLSchema) -> None:
    """Adds to the description of every private field of a record who may see it."""
    privacy = {record.name: record.privacy for record in RECORDS.values()}
    every_item = {record.name for record in RECORDS.values() if record.every_item}
    for record in RECORDS.values():
        for field in record.fields.values():
            if field.fields:
                privacy[field.type_name] = record.privacy
    for (owner, name), item in private_fields().items():
        kind = cast(GraphQLObjectType, schema.type_map[owner])
        told = _who(privacy[owner], item, owner in every_item)
        described = kind.fields[name]
        if told not in (described.description or ""):
            described.description = f"{described.description} {told}"


def _who(record_types: frozenset[str], item: str, every_item: bool) -> str:
    roles = () if every_item else roles_that_show(record_types, item)
    if not roles:
        kinds = " and ".join(sorted(record_types))
        which = "every item" if every_item else item
        return f"Shown to: the direct reporter; a dedicated privacy role of {kinds} for {which}."
    names = " and ".join(f"{role.name_zh} ({role.id})" for role in roles)
    both = "the privacy roles" if len(roles) > 1 else "the privacy role"
    return f"Shown to: the direct reporter; {both} {names}."


@cache
def policy_version() -> str:
    """The version of the policy: of what is private, of which records, and of the roles."""
    told = {
        "private": sorted(f"{owner}.{name}:{item}" for (owner, name), item in _table()),
        "records": {one.name: [sorted(one.privacy), one.every_item] for one in RECORDS.values()},
        "roles": {one.id: [one.record_type, *one.items] for one in NATIONAL_ROLES.values()},
    }
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _table() -> Iterable[tuple[tuple[str, str], str]]:
    return private_fields().items()


@cache
def _of_records() -> frozenset[str]:
    """The types of records and of their groups."""
    groups = (
        field.type_name
        for record in RECORDS.values()
        for field in record.fields.values()
        if field.fields
    )
    return frozenset({*RECORDS, *groups})


def _fields(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for owner, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not owner.startswith("__"):
            for name, field in kind.fields.items():
                yield owner, name, field


def _marks(field: GraphQLField) -> list[Private]:
    declared: Any = field.extensions.get("strawberry-definition")
    return [one for one in getattr(declared, "directives", None) or () if isinstance(one, Private)]

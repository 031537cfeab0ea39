"""How a type says where its fields come from, without knowing any store.

A field of a record is a column of its own table (`column`), a private item of a sealed envelope
(`private`), a group of columns (`group`), or a relation declared by its key (`one`, `many`).
`resolvers` reads these words (`source_of`) and binds them to tables and statements; what an
ordinary resolver must do is left to the context of the question (`Asking`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import strawberry
from strawberry.types.field import StrawberryField

from schema.privacy import Private, PrivateItem

__all__ = [
    "Asking",
    "Column",
    "Constant",
    "Gathered",
    "Group",
    "Many",
    "One",
    "PrivateSource",
    "Source",
    "column",
    "constant",
    "gathered",
    "group",
    "identity",
    "many",
    "one",
    "private",
    "same_person",
    "source_of",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the record's table; `name` is the field's own unless given."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The record's public id, `contact:123`."""


@dataclass(frozen=True, slots=True)
class PrivateSource:
    """An item of the sealed envelope of the record (`of` = "") or of its person (`of` =
    "person").
    """

    item: PrivateItem
    name: str
    of: str


@dataclass(frozen=True, slots=True)
class Group:
    """An object made of columns of the same row; `prefix` stands before their names."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Constant:
    """An object of reference data, known by the key in column `by` ("" is the record's region)."""

    by: str


@dataclass(frozen=True, slots=True)
class One:
    """A record whose id is in column `by`. `local`: always in the same store and seen with it."""

    to: str
    by: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """The records of type `to` whose column `by` names this one.

    `everywhere`: they may lie in any region, else in the record's own store. `where`: further
    columns that must have a value. `same_person`: instead of a key, the person's blind indexes.
    """

    to: str
    by: str
    everywhere: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    same_person: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """What an area finds for many records at once (`resolvers/gathered.py`); no plan answers it."""


Source = Column | Identity | PrivateSource | Group | Constant | One | Many | Gathered

_KEY = "epigate"


class Asking(Protocol):
    """What the types need of a question's context; `resolvers` provides it."""

    def related(self, record: Any, name: str) -> Any:
        """The record or records behind the relation `name` (python name) of a record."""

    def gathered(self, record: Any, name: str) -> Any:
        """What an area finds for the field `name` (python name) of a record."""


def column(description: str, *, name: str | None = None) -> Any:
    """A field that is a column of the record's table."""
    return strawberry.field(description=description, metadata={_KEY: Column(name)})


def identity() -> Any:
    """The field `id`."""
    return strawberry.field(
        description="Global id, the same in every question.", metadata={_KEY: Identity()}
    )


def private(item: PrivateItem, description: str, *, name: str, of: str = "person") -> Any:
    """A field masked as `*` for everyone without a right to see the item."""
    return strawberry.field(
        description=f"{description} `*` for whoever may not see it.",
        directives=[Private(item=item)],
        metadata={_KEY: PrivateSource(item, name, of)},
    )


def group(description: str, *, prefix: str) -> Any:
    """A field that gathers columns of the same row."""
    return strawberry.field(description=description, metadata={_KEY: Group(prefix)})


def constant(description: str, *, by: str) -> Any:
    """A field that is an object of reference data."""
    return strawberry.field(description=description, metadata={_KEY: Constant(by)})


def one(description: str, to: str, *, by: str, local: bool = False) -> Any:
    """A relation to one record."""
    return _relation(description, One(to, by, local))


def many(
    description: str,
    to: str,
    *,
    by: str,
    everywhere: bool = False,
    where: Mapping[str, str] | None = None,
) -> Any:
    """A relation to many records."""
    return _relation(description, Many(to, by, everywhere, where or {}))


def same_person(description: str) -> Any:
    """The records of the same person in other regions, found by blind index."""
    return _relation(description, Many("Person", "", everywhere=True, same_person=True))


def gathered(description: str) -> Any:
    """A field that an area finds for many records at once, in the ordinary way."""

    async def resolve(root: strawberry.Parent[Any], info: strawberry.Info) -> Any:
        asking: Asking = info.context
        return await asking.gathered(root, info.python_name)

    return strawberry.field(resolver=resolve, description=description, metadata={_KEY: Gathered()})


def source_of(declared: StrawberryField) -> Source | None:
    """Where the field comes from, or None where it is not of a record."""
    source: Source | None = declared.metadata.get(_KEY)
    return source


def _relation(description: str, source: One | Many) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: strawberry.Info) -> Any:
        asking: Asking = info.context
        return await asking.related(root, info.python_name)

    return strawberry.field(resolver=resolve, description=description, metadata={_KEY: source})

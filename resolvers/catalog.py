"""The catalog of records: each GraphQL type, its table, and where each of its fields comes from.

Made once from the declarations in `schema` and the tables in `regions`; a field whose column does
not exist, or a column that nobody has classified, stops the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, cast

from sqlalchemy import Table
from strawberry.types.base import StrawberryContainer, StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from regions.alerts import signal_events, signals
from regions.alerts_forms import (
    investigation_forms,
    investigation_occupations,
    investigations,
    signal_attachments,
    signal_cards,
    signal_clocks,
)
from regions.assist import assist_attachments, assist_people, assist_requests
from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.errors import Unclassified
from regions.metadata import Reveals
from regions.people import people
from regions.reference import units
from regions.sealing import ITEMS
from regions.transfers import transfer_people
from schema.alerts import Signal
from schema.alerts_forms import (
    AbnormalInformationCard,
    Investigation,
    InvestigationForm,
    OccupationCases,
    SignalAttachment,
    SignalClock,
    SignalEvent,
)
from schema.assist import AssistAttachment, AssistPerson, AssistRequest
from schema.care import Sample, Visit
from schema.cases import Case, Exposure
from schema.contacts import Contact
from schema.fields import (
    Column,
    Constant,
    Group,
    Many,
    One,
    PrivateSource,
    Source,
    source_of,
)
from schema.people import Correction, Person
from schema.privacy import Private
from schema.scalars import Date, DateTime, RegionCode
from schema.transfers import TransferPerson
from schema.users import Unit

__all__ = ["RECORDS", "Field", "Form", "Record", "private_fields", "record_of_kind"]


class Form(Enum):
    """How a column becomes JSON text."""

    PLAIN = "plain"  # text that needs no escaping: codes, days, instants, names of enums
    TEXT = "text"  # any text
    NUMBER = "number"
    JSON = "json"  # JSON text already


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. `form` and `column` are set for columns, `fields` for groups."""

    name: str
    python_name: str
    source: Source
    nullable: bool
    form: Form = Form.PLAIN
    column: str = ""
    enum: type[Enum] | None = None
    type_name: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A type of record. `kind` is the first part of its ids; `privacy` the record types whose
    rights open its private items (all of them are needed)."""

    name: str
    kind: str
    type: type[Any]
    table: Table
    privacy: frozenset[str]
    every_item: bool  # its private items open only to a right to every item
    order: str  # the column by which relations to many are ordered
    fields: dict[str, Field]

    @property
    def by_python_name(self) -> dict[str, Field]:
        """The fields by the names of the type's attributes."""
        return {field.python_name: field for field in self.fields.values()}


def _fields(owner: type[Any], table: Table, prefix: str = "") -> dict[str, Field]:
    found = {}
    for declared in owner.__strawberry_definition__.fields:
        field = _field(declared, table, prefix)
        found[field.name] = field
    return found


def _field(declared: StrawberryField, table: Table, prefix: str) -> Field:
    source = _classified(declared, table)
    python_name = declared.python_name
    name = declared.graphql_name or _camel(python_name)
    kind: Any = declared.type
    nullable = isinstance(kind, StrawberryOptional)
    if isinstance(kind, StrawberryOptional):
        kind = kind.of_type
    listed = isinstance(kind, StrawberryList)
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    lazy = isinstance(kind, LazyType)
    type_name: str = kind.type_name if lazy else getattr(kind, "__name__", "")
    enum: type[Enum] | None = None
    if isinstance(kind, StrawberryEnumDefinition):
        enum, type_name = cast("type[Enum]", kind.wrapped_cls), kind.name
    if isinstance(source, Column):
        column = prefix + (source.name or python_name)
        if column not in table.c:
            raise TypeError(f"{table.name} has no column {column} for the field {python_name}")
        if table.c[column].info.get("reveals") is not Reveals.NOTHING_PRIVATE:
            raise Unclassified(
                f"the field {python_name} shows the column {table.name}.{column}, which nobody "
                "says is public",
                hint="mark the column public(...), or the field private(...)",
            )
        form = _form(kind, listed, enum)
        nullable = nullable or bool(table.c[column].nullable)
        return Field(name, python_name, source, nullable, form, column, enum, type_name)
    if isinstance(source, PrivateSource):
        items = ITEMS["people" if source.of else table.name]
        if source.name not in items:
            raise TypeError(f"{table.name}: no sealed item {source.name}")
    if isinstance(source, Group):
        inner = tuple(_fields(kind, table, source.prefix).values())
        return Field(name, python_name, source, False, type_name=type_name, fields=inner)
    return Field(name, python_name, source, nullable, type_name=type_name)


def _classified(declared: StrawberryField, table: Table) -> Source:
    """Where the field comes from; of a private one, its item as the directive says. Raises
    Unclassified where the field says neither that it is private nor what public thing it shows.
    """
    source = source_of(declared)
    name = f"{table.name}: the field {declared.python_name}"
    marks = [one for one in declared.directives or () if isinstance(one, Private)]
    if source is None:
        raise Unclassified(
            f"{name} says neither that it is private nor what it shows",
            hint="declare it by a word of schema/fields.py: column, private, group, one, many ...",
        )
    if isinstance(source, PrivateSource):
        if len(marks) != 1:
            raise Unclassified(f"{name} is sealed, but no directive @private(item:) says its item")
        return replace(source, item=marks[0].item)
    if marks:
        raise Unclassified(f"{name} is marked @private, but nothing sealed is behind it")
    return source


def _form(kind: Any, listed: bool, enum: type[Enum] | None) -> Form:
    if listed or kind is bool:
        return Form.JSON
    if enum is not None or kind in (Date, DateTime, RegionCode):
        return Form.PLAIN
    return Form.NUMBER if kind in (int, float) else Form.TEXT


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


_BOTH = frozenset({"CASE", "CONTACT"})


@cache
def _records() -> dict[str, Record]:
    found = {}
    for owner, table, privacy, order in (
        (Person, people, _BOTH, "created_at"),
        (Case, cases, frozenset({"CASE"}), "created_at"),
        (Exposure, exposures, frozenset({"CASE"}), "created_at"),
        (Contact, contacts, frozenset({"CONTACT"}), "created_at"),
        (Visit, visits, frozenset({"VISIT"}), "visited_at"),
        (Sample, samples, frozenset({"SAMPLE"}), "taken_at"),
        (AssistRequest, assist_requests, frozenset({"ASSIST_REQUEST"}), "created_at"),
        (AssistPerson, assist_people, frozenset({"ASSIST_REQUEST"}), "created_at"),
        (AssistAttachment, assist_attachments, frozenset({"ASSIST_REQUEST"}), "created_at"),
        (TransferPerson, transfer_people, frozenset({"TRANSFER"}), "decided_at"),
        (Correction, corrections, _BOTH | {"VISIT", "SAMPLE"}, "corrected_at"),
        (Unit, units, _BOTH, "id"),
        (Signal, signals, _BOTH, "detected_at"),
        (SignalEvent, signal_events, _BOTH, "at"),
        (SignalClock, signal_clocks, _BOTH, "opened_at"),
        (AbnormalInformationCard, signal_cards, frozenset({"CASE"}), "filled_at"),
        (Investigation, investigations, _BOTH, "issued_at"),
        (InvestigationForm, investigation_forms, frozenset({"CASE"}), "filled_at"),
        (OccupationCases, investigation_occupations, _BOTH, "occupation"),
        (SignalAttachment, signal_attachments, frozenset({"CASE"}), "created_at"),
    ):
        name = owner.__name__
        found[name] = Record(
            name,
            name.lower(),
            owner,
            table,
            privacy,
            owner is Correction,
            order,
            _fields(owner, table),
        )
    for record in found.values():
        for field in record.fields.values():
            _check_relation(found, record, field)
    return found


def _check_relation(found: dict[str, Record], record: Record, field: Field) -> None:
    source = field.source
    if isinstance(source, One) and source.by not in record.table.c:
        raise TypeError(f"{record.name}.{field.name}: no column {source.by}")
    if isinstance(source, Many) and source.by and source.by not in found[source.to].table.c:
        raise TypeError(f"{record.name}.{field.name}: {source.to} has no column {source.by}")
    if isinstance(source, Constant) and source.by and source.by not in record.table.c:
        raise TypeError(f"{record.name}.{field.name}: no column {source.by}")


RECORDS = _records()
"""Every record type by its GraphQL name."""


def record_of_kind(kind: str) -> Record | None:
    """The record type whose ids begin with `kind`."""
    return next((record for record in RECORDS.values() if record.kind == kind), None)


@cache
def private_fields() -> Mapping[tuple[str, str], str]:
    """(type, field) → private item, for every private field of the schema."""
    found = {}
    for record in RECORDS.values():
        for one in record.fields.values():
            for part in (one, *one.fields):
                if isinstance(part.source, PrivateSource):
                    owner = record.name if part is one else one.type_name
                    found[(owner, part.name)] = part.source.item.name
    return found

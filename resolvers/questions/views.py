"""Views: a viewer's rules as SQL. The store sends an envelope only where a rule covers the record,
and with it whose the record is, by which `filling` finds the rules that do.

However many rights a viewer has in a region, they are a handful of conditions: one for the codes
of each length, one for persons, one for reporters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Column as TableColumn
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

from regions.alerts_forms import investigation_forms, signal_attachments, signal_cards
from regions.assist import assist_attachments, assist_people, assist_requests
from regions.cases import cases, exposures
from regions.person_keys import person_keys
from regions.shares import shares
from regions.statements import text_value
from regions.suites import SALT_BYTES
from regions.text import (
    Text,
    among,
    beginning,
    byte_length,
    bytes_or,
    filled,
    number_or_null,
    quoted,
    text_aggregate,
    under,
    written,
    zero_bytes,
)
from regions.transfers import transfer_people, transfers
from resolvers.assist.states import OPEN
from resolvers.filters import in_texts
from resolvers.privacy import Rule
from resolvers.questions.shapes import Shape, View
from schema.privacy import PrivateItem

__all__ = ["SHARE_UNIT", "covered", "is_shared", "sealed_key", "view_of"]

SHARE_UNIT = "share_unit"
"""The value a statement with shares is given when it is run: the viewer's unit."""


_FILED = (signal_cards, investigation_forms, signal_attachments)
"""Tables of what a unit filed on a signal: it sees its own words, whoever of it wrote them."""

_OWN_WORDS = orjson.dumps([["filed", sorted(item.name for item in PrivateItem)]]).decode()

_OPEN = sorted(state.name for state in OPEN)

_PARTS: Mapping[Table, tuple[Table, ColumnElement[bool]]] = {
    # An exposure's own code says where it happened, not whose it is.
    exposures: (cases, cases.c.id == exposures.c.case_id),
    transfer_people: (
        transfers,
        and_(
            transfers.c.id == transfer_people.c.transfer_id,
            transfers.c.side == transfer_people.c.side,
        ),
    ),
}
"""Records that are part of another and judged by it."""


def covered(table: Table, rules: Iterable[Rule]) -> ColumnElement[bool]:
    """Whether one of the rules covers the row of a table that has what they ask for."""
    reporters: set[str] = set()
    everybody: set[str] = set()  # prefixes
    persons: dict[int, set[str]] = {}
    rules = tuple(rules)
    for rule in rules:
        if rule.shared:
            continue
        if rule.reporter is not None:
            reporters.add(rule.reporter)
        elif rule.person is None:
            everybody.add(rule.prefix)
        else:
            persons.setdefault(rule.person, set()).add(rule.prefix)
    found: list[ColumnElement[bool]] = []
    if any(rule.shared for rule in rules):
        found.append(is_shared(table))
    if reporters:
        found.append(_one_of(table.c.reporter, reporters))
    if "code" in table.c:
        found += _under_any(table, everybody)
        column = _person(table)
        alike: dict[frozenset[str], list[int]] = {}
        for person, prefixes in persons.items():
            alike.setdefault(frozenset(prefixes), []).append(person)
        for within_any, those in alike.items() if column is not None else ():
            within = or_(false(), *_under_any(table, within_any))
            found.append(and_(among(column, literal(orjson.dumps(those).decode())), within))
    return found[0] if len(found) == 1 else or_(false(), *found)


def is_shared(table: Table) -> ColumnElement[bool]:
    """Whether the person of a row is shared with the viewer's unit, here and now; of a letter and
    its people, whether the unit holds it and it is open (C1); of what was filed on a signal,
    whether the unit did.
    """
    unit = text_value(SHARE_UNIT)
    if table in _FILED:
        return table.c.reporter_unit == unit
    if table is assist_requests:
        return _holds(unit)
    if table is assist_people:
        return and_(table.c.holder_unit == unit, table.c.open == 1)
    if table is assist_attachments:
        return _attached(table, unit)
    person = _person(table)
    assert person is not None
    return exists(select(literal_column("1")).where(_open_to(person)).correlate(table))


def _holds(unit: ColumnElement[str]) -> ColumnElement[bool]:
    c = assist_requests.c
    return and_(c.side == "RECEIVED", c.to_unit == unit, c.state.in_(_OPEN))


def _attached(table: Table, unit: ColumnElement[str]) -> ColumnElement[bool]:
    """An attachment is seen with its letter, or with the person whom alone it is about."""
    people = assist_people.c
    one: ColumnElement[int] = literal_column("1")
    letter = select(one).where(assist_requests.c.id == table.c.request_id, _holds(unit))
    person = select(one).where(
        people.request_id == table.c.request_id,
        people.position == table.c.position,
        people.holder_unit == unit,
        people.open == 1,
    )
    alone = or_(table.c.position.is_(None), exists(person.correlate(table)))
    return and_(exists(letter.correlate(table)), alone)


def _open_to(person: TableColumn[Any]) -> ColumnElement[bool]:
    return and_(
        shares.c.unit_id == text_value(SHARE_UNIT),
        shares.c.person_id == person,
        shares.c.ended_at.is_(None),
    )


def _shares_of(table: Table) -> Text:
    """The open shares of a row's person with the viewer's unit: `[["assist:7",["NAME"]],…]`."""
    if table in (assist_requests, assist_people, assist_attachments):
        return _held(table)
    if table in _FILED:
        own: ColumnElement[Any] = literal_column(f"'{_OWN_WORDS}'", String())
        return written(case((is_shared(table), own), else_=literal_column("'[]'", String())))
    person = _person(table)
    assert person is not None
    one = filled("[%s,%s]", [quoted(shares.c.source), shares.c["items"]])
    found = select(text_aggregate(one, literal_column("','"))).where(_open_to(person))
    text = found.correlate(table).scalar_subquery()
    return Text("[%s]", func.coalesce(text, literal_column("''", String())))


def _held(table: Table) -> Text:
    """What the letter of a row lets the viewer's unit see, in the form of shares."""
    items: ColumnElement[Any]
    if table is assist_requests:
        items = table.c.shared_items
    else:
        letter = assist_requests.c.id == table.c.request_id
        found = select(assist_requests.c.shared_items).where(letter)
        items = found.correlate(table).scalar_subquery()
    one = filled('[["assist:%s",%s]]', [table.c.number, items])
    return written(case((is_shared(table), one), else_=literal_column("'[]'", String())))


def _under_any(table: Table, prefixes: Iterable[str]) -> list[ColumnElement[bool]]:
    column, by_length = table.c.code, dict[int, set[str]]()
    for prefix in prefixes:
        by_length.setdefault(len(prefix), set()).add(prefix)
    found: list[ColumnElement[bool]] = []
    for length, those in sorted(by_length.items()):
        if length == 0:
            found.append(true())
        elif length == 2:  # there are some thirty provinces
            found += [under(column, prefix) for prefix in sorted(those)]
        else:
            found.append(_one_of(column if length == 6 else beginning(column), those))
    return found


def _one_of(column: ColumnElement[Any], values: set[str]) -> ColumnElement[bool]:
    ordered = sorted(values)
    return column == ordered[0] if len(ordered) == 1 else in_texts(column, ordered)


def _person(table: Table) -> TableColumn[Any] | None:
    return table.c.id if table.name == "people" else table.c.get("person_id")


def _condition(shape: Shape) -> ColumnElement[bool]:
    table, rules = shape.record.table, [view.rule for view in shape.rules]
    whole = _PARTS.get(table)
    if whole is None:
        return covered(table, rules)
    judged, part = whole
    inside: Select[Any] = select(literal_column("1")).where(part, covered(judged, rules))
    return exists(inside.correlate(table))


def view_of(shape: Shape) -> View:
    """Where the keys stand that say which rules cover a row; adds them to the shape."""
    rules = [view.rule for view in shape.rules if not view.always]
    apart = [rule for rule in rules if not rule.shared]
    own = shape.record.table
    judged, part = _PARTS.get(own, (own, None))

    def key(wanted: bool, column: TableColumn[Any] | None, number: bool = False) -> int:
        if not wanted or column is None:
            return -1
        value: ColumnElement[Any] = column
        if part is not None:
            value = select(column).where(part).correlate(own).scalar_subquery()
        text = number_or_null(value) if number else quoted(value)
        return shape.key(written(text))

    return View(
        key(any(rule.reporter is None for rule in apart), judged.c.get("code")),
        key(any(rule.reporter is not None for rule in rules), judged.c.get("reporter")),
        key(any(rule.person is not None for rule in rules), _person(judged), number=True),
        shape.key(_shares_of(own)) if any(rule.shared for rule in rules) else -1,
    )


def sealed_key(shape: Shape, column: TableColumn[Any]) -> int:
    """The key in whose place the envelope of a column comes; empty where no rule covers the row.

    The salt of the person whose record it is comes with it.
    """
    if shape.salt_at < 0:
        salt = _covered_bytes(shape, person_keys.c.salt, SALT_BYTES)
        shape.salt_at = shape.sealed_key(written(literal_column(str(SALT_BYTES))), salt)
    length: ColumnElement[Any] = byte_length(column)
    if not _everywhere(shape):
        length = case((_condition(shape), length), else_=literal_column("0"))
    return shape.sealed_key(written(length), _covered_bytes(shape, column, 0))


def _covered_bytes(shape: Shape, column: TableColumn[Any], otherwise: int) -> ColumnElement[Any]:
    """Bytes where a rule covers the row and there are any, so many zero bytes otherwise."""
    count: ColumnElement[int] = literal_column(str(otherwise))
    # Of the person's envelope there is always one; of a salt or a record's own there may be none.
    found: ColumnElement[Any] = bytes_or(column, count) if _may_lack(column) else column
    if _everywhere(shape):
        return found
    return case((_condition(shape), found), else_=zero_bytes(count))


def _may_lack(column: TableColumn[Any]) -> bool:
    return bool(column.nullable) or column is person_keys.c.salt


def _everywhere(shape: Shape) -> bool:
    return any(view.always for view in shape.rules)

"""`correct`: any registered field, with its history, a reason, and the daily counts (B14, F12).

A viewer for whom items are masked may correct one of them; the others are opened and sealed again
inside the store's transaction and stay as they are. Such a viewer never learns what was there
before: not by the answer, not by whether the new value is the old one, not by a check against a
hidden value.

A system administrator may correct wrongly entered tracing data (A3): public fields of contacts,
visits and samples. The administrator opens no record for it, so the answer holds none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from regions.corrections import corrections
from regions.ids import hold_ids
from regions.index_keys import read_state
from regions.people import INDEX_SETS
from regions.person_keys import MISSING, salts_of
from regions.person_sealing import PeopleSealers
from regions.sealing import ITEMS, PersonSealer
from regions.statistics import apply_counts, change_of
from resolvers.alerts.rules import RuleBook
from resolvers.alerts.single_case import signal_cards
from resolvers.assist.following import amend_letters
from resolvers.assist.rows import Who as Corresponding
from resolvers.context import Context
from resolvers.observed import Follows, follow_disease
from resolvers.pathway.correcting import follow_correction
from resolvers.pathway.storing import Who
from resolvers.questions.rows import scope_condition
from resolvers.transfers.cards import Corrected, tell_card
from resolvers.transfers.custodians import (
    Elsewhere,
    guard,
    kept_elsewhere,
    not_custodian,
    not_custodians,
)
from resolvers.users import Role
from resolvers.writing.changes import Wanted, check_code, read_wanted
from resolvers.writing.correctable import Correctable
from resolvers.writing.joining import shown
from resolvers.writing.linking import Linked
from resolvers.writing.people import agree_on_county
from resolvers.writing.refusing import Mistakes, forbidden, not_found
from resolvers.writing.rules import apply_rules
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing, Wrote
from schema.writing.correcting import CorrectInput, CorrectPayload, IgnoredChange

__all__ = ["correct"]

_IGNORED = {
    "MASK_GIVEN": (
        "`*` stands for a hidden value and never overwrites it",
        "“*”代表被掩码的值，不会覆盖原值",
    ),
    "UNCHANGED": ("the field has this value already", "该字段已是此值"),
}


_UNOPENED = frozenset({Role.SYSTEM_ADMINISTRATOR})
_TRACING = frozenset({"Contact", "Visit", "Sample"})


@dataclass(slots=True)
class _Made:
    """What a correction changes in a row."""

    columns: dict[str, Any] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=dict)
    entries: list[tuple[Correctable, Any, Any]] = field(default_factory=list)  # field, old, new
    unchanged: list[str] = field(default_factory=list)


async def correct(context: Context, given: CorrectInput, path: str) -> CorrectPayload:
    """Corrects a record. Raises Refusal."""
    writing = Writing(context, "correct", given, path, unopened=_UNOPENED)
    opens = writing.viewer.role not in _UNOPENED
    mistakes = Mistakes()
    links = Linked(mistakes)
    wanted = read_wanted(given, writing, mistakes, links)
    if not opens:
        _require_tracing(wanted)
    card = wanted.record.name == "Case"  # corrected where it was reported, wherever its person is
    store, seen = await writing.locate(
        wanted.record.table, wanted.number, "id", own=card, links=links.all
    )
    check_code(wanted, writing, store, mistakes)
    links.judge(seen)
    mistakes.stop()

    book = writing.stores.rules()

    def work(connection: Connection, first: int, wrote: Wrote) -> dict[str, Any]:
        return _write(connection, writing, store, wanted, book, first, wrote)

    kept, repeated = await writing.once(store, len(wanted.values), work)
    if not opens:
        told = [_ignored(name, code) for name, code in kept["ignored"] if code == "MASK_GIVEN"]
        return CorrectPayload(record=None, corrections=[], ignored=told, repeated=repeated)
    record = await writing.read_one(wanted.record.name, wanted.number, store)
    history = []
    if kept["corrections"]:
        ours = {f"correction:{number}" for number in kept["corrections"]}
        every = await context.records.related(record, "history")
        history = [one for one in every if one.id in ours]
    ignored = [_ignored(name, code) for name, code in kept["ignored"]]
    return CorrectPayload(record=record, corrections=history, ignored=ignored, repeated=repeated)


def _require_tracing(wanted: Wanted) -> None:
    """Raises Refusal unless only public fields of tracing data are changed (A3)."""
    private = [one.name for one, _ in wanted.values if one.item is not None]
    if wanted.record.name not in _TRACING or private:
        raise forbidden(
            "a system administrator corrects tracing data alone: fields of contacts, visits and "
            "samples that are not private",
            "系统管理员只能更正密接、随访、采样的非隐私项",
        )


def _ignored(name: str, code: str) -> IgnoredChange:
    message, message_zh = _IGNORED[code]
    return IgnoredChange(field=name, code=code, message=message, message_zh=message_zh)


def _write(
    connection: Connection,
    writing: Writing,
    store: Store,
    wanted: Wanted,
    book: RuleBook,
    first: int,
    wrote: Wrote,
) -> dict[str, Any]:
    """Corrects the record in the transaction; returns what is kept. Raises Refusal."""
    record, table = wanted.record, wanted.record.table
    if table.name == "cases":
        hold_ids(connection, store.settings.code)  # signals and letters need some, behind the count
    scoped = scope_condition(writing.question, table, writing.region(store))
    where = (table.c.id == wanted.number, *scoped)
    away: Mapping[int, Elsewhere] = {}
    if table.name not in ("people", "cases"):
        # The person before the record, as in every step of a transfer: else each would wait for
        # the other.
        whose = connection.execute(select(table.c.person_id).where(*where)).scalar()
        if whose is not None:
            away = not_custodians(connection, store.settings.code, [whose])
    found = connection.execute(select(table).where(*where).with_for_update()).mappings().first()
    if found is None:
        raise not_found("id")
    row = dict(found)
    viewer = writing.viewer
    if viewer.role is Role.DIRECT_REPORTER and row["reporter"] != viewer.account:
        raise forbidden(
            "a direct reporter corrects the records of the own account only",
            "直报用户只能更正本人账号报告的记录",
        )
    opened: dict[str, Any] = {}
    person = row["id"] if table.name == "people" else row["person_id"]
    if table.name == "people":
        guard(connection, store.settings.code, [person])
    elif table.name == "cases" and row["kept_in"] is not None:
        raise kept_elsewhere(person, row["kept_in"])
    for one in away.values():
        raise not_custodian(one)
    if row["sealed"] is not None:
        salt = salts_of(connection, [person]).get(person, MISSING)
        opened = dict(store.sealer.open(table.name, wanted.number, row["sealed"], salt))
    may_see = shown(viewer, record.name, row["code"], row["reporter"])
    made = _compare(wanted, row, opened, may_see)
    after = row | made.columns
    mistakes = Mistakes()
    _check_index(wanted, may_see, mistakes)
    if table.name == "people" and "residence_area" in made.items:
        county = after["residence_code"]
        agree_on_county(made.items, county, mistakes, wanted.paths["residence_area"])
    apply_rules(table.name, after, mistakes, wanted.paths, writing.moment, made.columns)
    mistakes.stop()
    if not shown(viewer, record.name, after["code"], row["reporter"]) <= may_see:
        raise forbidden(
            "this county would show you items of the record that are masked for you",
            "改到该县（区）会使您看到现被掩码的内容，不允许",
        )
    ids = list(range(first, first + len(made.entries)))
    if ids:
        at = writing.moment.now
        sealer = PeopleSealers(connection, store.sealer).of(person)
        _update(connection, store, sealer, wanted, row, opened, made, at)
        entries = zip(ids, made.entries, strict=True)
        rows = [
            _entry(writing, sealer, wanted, row, number, *entry) | {"person_id": person}
            for number, entry in entries
        ]
        connection.execute(insert(corrections), rows)
        who = Who(viewer.account, viewer.unit_id, at)
        if table.name == "cases":
            apply_counts(connection, change_of(row, after, store.settings.days))
            tell_card(connection, store, Corrected(row, after, ids, who), writing.trace)
            _follow_card(connection, writing, store, row, after, wrote)
            raised = signal_cards(connection, store.settings, book, [after], at)
            if raised:
                wrote["signal"] = raised
        follow_correction(connection, table.name, row, after, who)
        told = Corresponding(*writing.reporter, at, writing.trace)
        about = (record.name, wanted.number)
        amend_letters(connection, store, *about, made.columns, made.items, told)
        wrote[record.kind], wrote["correction"] = [wanted.number], ids
    return {
        "corrections": ids,
        "ignored": [
            *((name, "MASK_GIVEN") for name in wanted.masked),
            *((name, "UNCHANGED") for name in made.unchanged),
        ],
    }


def _follow_card(
    connection: Connection,
    writing: Writing,
    store: Store,
    row: Mapping[str, Any],
    after: Mapping[str, Any],
    wrote: Wrote,
) -> None:
    """Lets the contacts of a case follow a corrected disease."""
    if row["disease"] == after["disease"]:
        return
    viewer = writing.viewer
    follows = Follows(
        of="case",
        ids=(row["id"],),
        was=row["disease"],
        now=after["disease"],
        by=(viewer.account, viewer.unit_id, writing.moment.now),
        regions=tuple(one.settings.code for one in writing.stores.regions),
    )
    changed = follow_disease(connection, store, follows, writing.trace)
    if changed:
        wrote["contact"] = changed


def _check_index(wanted: Wanted, may_see: frozenset[str], mistakes: Mistakes) -> None:
    """Name and birth date are found together, by one index: neither is given beside a hidden other.

    With a name of one's own on the record, the duplicate check would tell its birth date: a few
    thousand dates can be tried (leak channel 17).
    """
    given = {one.target: one for one, value in wanted.values if value is not None}
    for name, other in (("name", "birth_date"), ("birth_date", "name")):
        known = other in given or other.upper() in may_see
        if wanted.record.name == "Person" and name in given and not known:
            mistakes.add(
                wanted.paths[name],
                "name and birthDate are corrected together where the other one is masked for you: "
                "give both",
                "另一项对您掩码时，姓名与出生日期须同时填写",
            )


def _compare(
    wanted: Wanted,
    row: Mapping[str, Any],
    opened: Mapping[str, Any],
    may_see: frozenset[str],
) -> _Made:
    """What really changes. For a hidden item nobody is told whether its value was the same."""
    made = _Made()
    for one, value in wanted.values:
        old = row[one.target] if one.item is None else opened.get(one.target)
        if old == value and (one.item is None or one.item.name in may_see):
            made.unchanged.append(one.name)
            continue
        (made.columns if one.item is None else made.items)[one.target] = value
        made.entries.append((one, old, value))
    return made


def _update(
    connection: Connection,
    store: Store,
    sealer: PersonSealer,
    wanted: Wanted,
    row: Mapping[str, Any],
    opened: Mapping[str, Any],
    made: _Made,
    at: str,
) -> None:
    table = wanted.record.table
    values = dict(made.columns)
    if made.items:
        items = dict.fromkeys(ITEMS[table.name]) | dict(opened) | made.items
        values["sealed"] = sealer.seal(table.name, wanted.number, items)
        if table.name == "people":
            columns = chain.from_iterable(INDEX_SETS)
            indexes = store.indexer.columns(items, read_state(connection))
            values |= zip(columns, indexes, strict=True)
    if "version" in table.c:
        values |= {"version": row["version"] + 1, "updated_at": at}
    connection.execute(update(table).where(table.c.id == wanted.number).values(values))


def _entry(
    writing: Writing,
    sealer: PersonSealer,
    wanted: Wanted,
    row: Mapping[str, Any],
    number: int,
    one: Correctable,
    old: Any,
    new: Any,
) -> dict[str, Any]:
    """One line of the record's history."""
    sealed = {"reason": wanted.reason}
    public: dict[str, str | None] = {"old_value": None, "new_value": None}
    if one.item is None:
        public = {"old_value": _json(one, old), "new_value": _json(one, new)}
    else:
        sealed |= {"old": orjson.dumps(old).decode(), "new": orjson.dumps(new).decode()}
    return public | {
        "id": number,
        "record_type": wanted.record.name.upper(),
        "record_id": wanted.number,
        "field": one.name,
        "item": one.item.name if one.item else None,
        "sealed": sealer.seal("corrections", number, sealed),
        "corrected_by": writing.viewer.account,
        "unit_id": writing.viewer.unit_id,
        "reporter": row["reporter"],
        "corrected_at": writing.moment.now,
    }


def _json(one: Correctable, value: Any) -> str:
    """A column's value as JSON: an id as clients know it, a list as it stands."""
    if one.link and value is not None:
        return f'"{one.link}:{value}"'
    if one.listed:
        return str(value)
    return orjson.dumps(value).decode()

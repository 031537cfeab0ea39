"""`registerContacts`: up to 1,000 rows, each in the region of its county (B1 to B3, B12, C6).

Every region has its own transaction and its own claim of the idempotency key. A region that is
down costs its own rows alone; the same request with the same key registers them later and doubles
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.contacts import CONTACT_ITEMS, contacts
from regions.index_keys import read_state
from regions.people import people
from regions.person_sealing import PeopleSealers
from resolvers.context import Context
from resolvers.pathway.beginning import begin_contacts, is_for, is_isolated
from resolvers.pathway.storing import Who
from resolvers.reference import diseases, rule_packs
from resolvers.writing.joining import joined_people
from resolvers.writing.linking import Linked
from resolvers.writing.people import PEOPLE_COLUMNS, NewPerson, person_row
from resolvers.writing.persons import note_stranger, person_of
from resolvers.writing.places import county_store, require_jurisdiction
from resolvers.writing.probing import note_registered
from resolvers.writing.refusing import Mistakes, Refusal, conflict, retold, told
from resolvers.writing.rules import apply_rules
from resolvers.writing.stores import Store
from resolvers.writing.values import NO_DISEASE, item, word
from resolvers.writing.writing import Writing, Wrote
from schema.writing.contacts import (
    ContactInput,
    ContactRow,
    ObservationInput,
    RegisterContactsInput,
    RegisterContactsPayload,
)
from schema.writing.problems import IdempotencyConflict, NotFoundProblem, Problem

__all__ = ["MOST_ROWS", "register_contacts"]

MOST_ROWS = 1000

_COLUMNS = tuple(
    column.name
    for column in contacts.columns
    if column.name not in ("source_key", "source_hash", "kept_in")
)
_LONGEST = {"remarks": 2000, "seat": 100}
_PATHS: Mapping[str, list[str]] = {
    "level": ["level"],
    "first_contact_on": ["firstContactOn"],
    "last_contact_on": ["lastContactOn"],
    "symptom_onset_on": ["symptomOnsetOn"],
    "observation_started_on": ["observation", "startedOn"],
    "observation_due_on": ["observation", "dueOn"],
    "observation_released_on": ["observation", "releasedOn"],
}


@dataclass(slots=True)
class _Row:
    """One row on its way."""

    index: int
    mistakes: Mistakes
    links: Linked
    store: Store | None = None
    person: NewPerson | int | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    items: dict[str, str | None] = field(default_factory=dict)
    problem: Problem | None = None
    duplicate: bool | None = None
    checked: bool = True
    begins: bool | None = None  # whether its pathway does

    @property
    def stands(self) -> bool:
        """Whether nothing speaks against the row so far."""
        return self.problem is None


@dataclass(slots=True)
class _Outcome:
    """What became of a row: the contact's id, or a problem."""

    problem: Problem | None = None
    contact: int = 0
    duplicate: bool | None = None
    checked: bool = True
    repeated: bool = False


async def register_contacts(
    context: Context, given: RegisterContactsInput, path: str
) -> RegisterContactsPayload:
    """Registers contacts, each row for itself. Raises Refusal."""
    writing = Writing(context, "registerContacts", given, path)
    if not 1 <= len(given.rows) <= MOST_ROWS:
        mistakes = Mistakes()
        text, text_zh = f"give 1 to {MOST_ROWS:,} rows", f"每次 1 至 {MOST_ROWS} 行"
        mistakes.add(["rows"], text, text_zh)
        mistakes.stop()
    rows = [_read(writing, index, one) for index, one in enumerate(given.rows)]
    standing = [row for row in rows if row.stands]
    await note_registered(context, [row.person for row in standing])
    seen = await writing.look(
        [row.person.indexes for row in standing if isinstance(row.person, NewPerson)],
        [link for row in standing for link in row.links.all],
    )
    earlier: set[str] = set()
    for row in standing:
        row.checked = row.links.judge(seen)
        if row.columns["disease"] is None:
            found = (seen.diseases.get(link) for link in row.links.all)  # the case comes first
            row.columns["disease"] = next((one for one in found if one is not None), None)
        _decide_pathway(row)
        _conclude(row)
        if row.stands:
            row.duplicate = True
            if isinstance(row.person, NewPerson):
                mine = {one for one in row.person.indexes if one is not None}
                row.duplicate = True if mine & earlier else seen.duplicate(row.person.indexes)
                earlier |= mine
    outcomes = {row.index: _Outcome(row.problem) for row in rows}
    if any(row.stands for row in rows):
        by_region: dict[str, list[_Row]] = {}
        for row in rows:
            if row.store is not None:
                by_region.setdefault(row.store.settings.code, []).append(row)
        for some in await asyncio.gather(*(_register(writing, one) for one in by_region.values())):
            outcomes.update(some)
    if all(isinstance(one.problem, IdempotencyConflict) for one in outcomes.values()):
        raise conflict()
    return await _payload(writing, outcomes)


def _read(writing: Writing, index: int, given: ContactInput) -> _Row:
    """A row checked by itself."""
    mistakes = Mistakes(["rows", str(index)])
    row = _Row(index, mistakes, Linked(mistakes))
    row.store = county_store(writing.stores, given.code, mistakes, ["code"])
    try:
        if row.store is not None:
            require_jurisdiction(writing.viewer, given.code)
    except Refusal as refusal:
        row.problem = refusal.problem
        row.store = None
        return row
    row.person = person_of(given, writing, mistakes, [])
    watched = given.observation or ObservationInput()
    if given.rule_pack not in rule_packs():
        known = ", ".join(rule_packs())
        mistakes.add(
            ["rulePack"], f"there is no such rule pack: {known}", f"没有该防控方案：{known}"
        )
    if given.disease is not None and given.disease not in diseases():
        mistakes.add(["disease"], *NO_DISEASE)
    row.columns = {
        "disease": given.disease,
        "level": given.level.name,
        "route": given.route.name,
        "source_case_id": row.links.add(given.source_case, "case", ["sourceCase"]),
        "parent_contact_id": row.links.add(given.parent_contact, "contact", ["parentContact"]),
        "relation_to_case": _name(given.relation_to_case),
        "manner": _names(given.manner),
        "frequency": _name(given.frequency),
        "first_contact_on": given.first_contact_on,
        "last_contact_on": given.last_contact_on,
        "observation_mode": _name(watched.mode),
        "observation_started_on": watched.started_on,
        "observation_due_on": watched.due_on,
        "observation_released_on": watched.released_on,
        "symptom_onset_on": given.symptom_onset_on,
        "symptoms": None if given.symptoms is None else _names(given.symptoms),
        "outcome": given.outcome.name,
        "traced": given.traced.name,
        "exclusion_reason": word(given.exclusion_reason, mistakes, ["exclusionReason"]),
        "code": given.code,
        "rule_pack": given.rule_pack,
    }
    private = {
        "place": (given.place, ["place"]),
        "seat": (given.seat, ["seat"]),
        "observation_place": (watched.place, ["observation", "place"]),
        "destination": (given.destination, ["destination"]),
        "remarks": (given.remarks, ["remarks"]),
    }
    row.items = {
        name: item(value, mistakes, path, _LONGEST.get(name, 500))
        for name, (value, path) in private.items()
    }
    apply_rules("contacts", row.columns, mistakes, _PATHS, writing.moment)
    row.begins = given.begin_pathway
    if given.begin_pathway and not is_isolated(row.columns):
        mistakes.add(
            ["beginPathway"],
            "by these rules nobody is isolated who is not found, was released or excluded, or is "
            "of this level",
            "按该方案，未追踪到、已解除、已排除或该级别的接触者不隔离，流程不能开始",
        )
    _conclude(row)
    return row


def _decide_pathway(row: _Row) -> None:
    """Unless it was said, the pathway begins where the rules are for the contact's disease."""
    if row.begins is None:
        row.begins = is_isolated(row.columns) and is_for(row.columns)


def _conclude(row: _Row) -> None:
    if row.mistakes.found:
        row.problem = row.mistakes.problem()


def _name(value: Any) -> str | None:
    return None if value is None else str(value.name)


def _names(values: Iterable[Any] | None) -> str:
    return orjson.dumps([one.name for one in dict.fromkeys(values or ())]).decode()


async def _register(writing: Writing, rows: Sequence[_Row]) -> dict[int, _Outcome]:
    """The rows of one region: registered, or with a problem."""
    store = rows[0].store
    assert store is not None
    new = sum(row.stands for row in rows)
    ids = new + sum(row.stands and isinstance(row.person, NewPerson) for row in rows)

    def work(connection: Connection, first: int, wrote: Wrote) -> dict[str, Any]:
        return _write(connection, writing, store, rows, first, wrote)

    try:
        kept, repeated = await writing.once(store, ids, work)
    except Refusal as refusal:
        return {row.index: _Outcome(row.problem or refusal.problem) for row in rows}
    return {row.index: _outcome(kept["rows"][str(row.index)], repeated) for row in rows}


def _outcome(kept: Mapping[str, Any], repeated: bool) -> _Outcome:
    if "problem" in kept:
        return _Outcome(retold(kept["problem"]), repeated=repeated)
    return _Outcome(None, kept["contact"], kept["duplicate"], kept["checked"], repeated)


def _write(
    connection: Connection,
    writing: Writing,
    store: Store,
    rows: Sequence[_Row],
    first: int,
    wrote: Wrote,
) -> dict[str, Any]:
    """Writes the rows that stand; returns what is kept of all."""
    refused = joined_people(
        connection,
        writing.question,
        writing.region(store),
        {
            (row.person, "Contact", row.columns["code"])
            for row in rows
            if row.stands and isinstance(row.person, int)
        },
    )
    at, reporter = writing.moment.now, writing.reporter
    known = [row.person for row in rows if row.stands and isinstance(row.person, int)]
    sealers, state = PeopleSealers(connection, store.sealer, known), read_state(connection)
    kept: dict[str, Any] = {}
    new_people: list[tuple[Any, ...]] = []
    new_contacts: list[tuple[Any, ...]] = []
    beginning: list[Mapping[str, Any]] = []
    for row in rows:
        problem = row.problem
        if isinstance(row.person, int) and row.stands:
            refusal = refused.get((row.person, "Contact", row.columns["code"]))
            problem = refusal.problem if refusal else None
            if isinstance(problem, NotFoundProblem):
                note_stranger(row.person, store, row.mistakes, [])
                _conclude(row)
                problem = row.problem or problem
        if problem is not None:
            kept[str(row.index)] = {"problem": told(problem)}
            continue
        if isinstance(row.person, NewPerson):
            person_id, first = first, first + 1
            code = row.columns["code"]
            indexes = store.indexer.columns(row.person.items, state)
            sealer = sealers.new(person_id)
            made = person_row(row.person, person_id, sealer, indexes, code, reporter, at)
            new_people.append(made)
        else:
            assert row.person is not None
            person_id = row.person
        contact_id, first = first, first + 1
        made_contact = _contact_row(sealers, row, contact_id, person_id, reporter, at)
        new_contacts.append(tuple([made_contact[name] for name in _COLUMNS]))
        if row.begins:
            beginning.append(made_contact)
        kept[str(row.index)] = {
            "contact": contact_id,
            "duplicate": row.duplicate,
            "checked": row.checked,
        }
    insert_rows(connection, people, PEOPLE_COLUMNS, new_people)
    sealers.write()
    insert_rows(connection, contacts, _COLUMNS, new_contacts)
    begin_contacts(connection, beginning, Who(*reporter, at))
    wrote["person"] = [one[0] for one in new_people]
    wrote["contact"] = [one[0] for one in new_contacts]
    return {"rows": kept}


def _contact_row(
    sealers: PeopleSealers,
    row: _Row,
    contact_id: int,
    person_id: int,
    reporter: tuple[str, str],
    at: str,
) -> dict[str, Any]:
    sealed = None
    if any(row.items[name] is not None for name in CONTACT_ITEMS):
        sealed = sealers.seal(person_id, "contacts", contact_id, row.items)
    return row.columns | {
        "id": contact_id,
        "person_id": person_id,
        "sealed": sealed,
        "reporter": reporter[0],
        "reporter_unit": reporter[1],
        "created_at": at,
        "updated_at": at,
        "version": 1,
    }


async def _payload(writing: Writing, outcomes: Mapping[int, _Outcome]) -> RegisterContactsPayload:
    """The outcomes with their contacts as the viewer may see them."""
    ids = [one.contact for one in outcomes.values() if one.contact]
    found = await writing.read_back("Contact", ids)
    rows = []
    for index, one in sorted(outcomes.items()):
        problem = one.problem
        if one.contact and one.contact not in found:
            problem = writing.unread(one.contact).problem
        rows.append(
            ContactRow(
                index=index,
                contact=found.get(one.contact),
                duplicate=one.duplicate,
                links_checked=one.checked,
                repeated=one.repeated,
                problem=problem,
            )
        )
        if problem is not None and problem.code not in writing.question.trail.problems:
            writing.question.trail.problems.append(problem.code)
    registered = len(ids)
    return RegisterContactsPayload(
        rows=rows,
        registered=registered,
        rejected=len(rows) - registered,
        repeated=registered > 0 and all(one.repeated for one in outcomes.values() if one.contact),
    )

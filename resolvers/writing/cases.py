"""`registerCase`: person, case, exposures and the daily count in one transaction (B4, B8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from regions.bulk import insert_rows
from regions.cases import cases, exposures
from regions.ids import hold_ids
from regions.index_keys import read_state
from regions.people import people
from regions.person_sealing import PeopleSealers
from regions.statistics import apply_counts, change_of
from resolvers.alerts.single_case import signal_cards
from resolvers.assist.following import raise_case
from resolvers.assist.rows import Who as Corresponding
from resolvers.context import Context
from resolvers.reference import diseases
from resolvers.writing.joining import joined_people
from resolvers.writing.linking import Linked
from resolvers.writing.people import PEOPLE_COLUMNS, NewPerson, person_row
from resolvers.writing.persons import note_stranger, person_of
from resolvers.writing.places import county_store, known_code, require_jurisdiction
from resolvers.writing.probing import note_registered
from resolvers.writing.refusing import Mistakes
from resolvers.writing.rules import apply_rules
from resolvers.writing.stores import Store
from resolvers.writing.units import have_unit
from resolvers.writing.values import NO_DISEASE, Moment, item
from resolvers.writing.writing import Writing, Wrote
from schema.writing.cases import ExposureInput, RegisterCaseInput, RegisterCasePayload
from schema.writing.problems import NotFoundProblem

__all__ = ["register_case"]

_MOST_EXPOSURES = 50
_REMARKS = 2000
_PATHS: Mapping[str, list[str]] = {
    "onset_on": ["onsetOn"],
    "diagnosed_at": ["diagnosedAt"],
    "reported_at": ["reportedAt"],
    "outcome": ["outcome"],
    "outcome_on": ["outcomeOn"],
    "died_on": ["diedOn"],
}


async def register_case(
    context: Context, given: RegisterCaseInput, path: str
) -> RegisterCasePayload:
    """Registers a case. Raises Refusal."""
    writing = Writing(context, "registerCase", given, path)
    mistakes, moment = Mistakes(), writing.moment
    store = county_store(writing.stores, given.code, mistakes, ["code"])
    if store is not None:
        require_jurisdiction(writing.viewer, given.code)
    person = person_of(given, writing, mistakes, [])
    links = Linked(mistakes)
    case = _case(given, moment, mistakes)
    remarks = item(given.remarks, mistakes, ["remarks"], _REMARKS)
    exposed = [
        _exposure(one, links, moment, mistakes, ["exposures", str(number)])
        for number, one in enumerate(given.exposures or ())
    ]
    if len(exposed) > _MOST_EXPOSURES:
        text = f"at most {_MOST_EXPOSURES} exposures"
        mistakes.add(["exposures"], text, f"暴露史最多 {_MOST_EXPOSURES} 条")
    mistakes.stop()
    assert store is not None
    assert person is not None

    new = isinstance(person, NewPerson)
    await note_registered(context, [person])
    seen = await writing.look([person.indexes] if isinstance(person, NewPerson) else [], links.all)
    links.judge(seen)
    mistakes.stop()
    duplicate = seen.duplicate(person.indexes) if isinstance(person, NewPerson) else True
    book = writing.stores.rules()

    def work(connection: Connection, first: int, wrote: Wrote) -> dict[str, Any]:
        if given.disease in book.singly:
            hold_ids(connection, store.settings.code)  # its signal needs some, behind the count
        sealers = PeopleSealers(connection, store.sealer)
        ids = _ids(connection, writing, store, sealers, person, given.code, first, wrote)
        person_id, case_id = ids
        wrote["case"] = [case_id]
        have_unit(connection, writing.viewer)
        sealed = None
        if remarks:
            sealed = sealers.seal(person_id, "cases", case_id, {"remarks": remarks})
        row = case | {
            "id": case_id,
            "person_id": person_id,
            "unit_id": writing.viewer.unit_id,
            "sealed": sealed,
            "reporter": writing.viewer.account,
            "reporter_unit": writing.viewer.unit_id,
            "created_at": moment.now,
            "updated_at": moment.now,
        }
        connection.execute(insert(cases).values(row))
        if exposed:
            wrote["exposure"] = list(range(case_id + 1, case_id + 1 + len(exposed)))
            rows = [
                _exposure_row(sealers, number, one, row)
                for number, one in zip(wrote["exposure"], exposed, strict=True)
            ]
            connection.execute(insert(exposures), rows)
        apply_counts(connection, change_of(None, row, store.settings.days))
        told = Corresponding(*writing.reporter, moment.now, writing.trace)
        raise_case(connection, store, case_id, person_id, given.disease, told)
        raised = signal_cards(connection, store.settings, book, [row], moment.now)
        if raised:
            wrote["signal"] = raised
        return {"case": case_id, "duplicate": duplicate}

    kept, repeated = await writing.once(store, new + 1 + len(exposed), work)
    found = await writing.read_one("Case", kept["case"])
    return RegisterCasePayload(case=found, duplicate=kept["duplicate"], repeated=repeated)


def _case(given: RegisterCaseInput, moment: Moment, mistakes: Mistakes) -> dict[str, Any]:
    """The columns of the case that the input says."""
    if given.disease not in diseases():
        mistakes.add(["disease"], *NO_DISEASE)
    outcome = given.outcome.name if given.outcome else ("DIED" if given.died_on else None)
    case: dict[str, Any] = {
        "disease": given.disease,
        "classification": given.classification.name,
        "origin": given.origin.name,
        "found_by": given.found_by.name if given.found_by else None,
        "code": given.code,
        "onset_on": given.onset_on,
        "diagnosed_at": given.diagnosed_at,
        "reported_at": given.reported_at or moment.now,
        "outcome": outcome,
        "outcome_on": given.outcome_on,
        "died_on": given.died_on,
    }
    apply_rules("cases", case, mistakes, _PATHS, moment)
    return case


def _exposure(
    given: ExposureInput, links: Linked, moment: Moment, mistakes: Mistakes, path: list[str]
) -> dict[str, Any]:
    if given.code is not None:
        known_code(given.code, mistakes, [*path, "code"])
    row = {
        "kind": given.kind.name if given.kind else None,
        "code": given.code,
        "started_on": given.started_on,
        "ended_on": given.ended_on,
        "place": item(given.place, mistakes, [*path, "place"], 500),
        "source_case_id": links.add(given.source_case, "case", [*path, "sourceCase"]),
    }
    paths = {"started_on": [*path, "startedOn"], "ended_on": [*path, "endedOn"]}
    apply_rules("exposures", row, mistakes, paths, moment)
    return row


def _exposure_row(
    sealers: PeopleSealers, number: int, exposed: Mapping[str, Any], case: Mapping[str, Any]
) -> dict[str, Any]:
    row = dict(exposed)
    place, person = row.pop("place"), case["person_id"]
    return row | {
        "id": number,
        "person_id": person,
        "case_id": case["id"],
        "sealed": sealers.seal(person, "exposures", number, {"place": place}) if place else None,
        "created_at": case["created_at"],
    }


def _ids(
    connection: Connection,
    writing: Writing,
    store: Store,
    sealers: PeopleSealers,
    person: NewPerson | int,
    code: str,
    first: int,
    wrote: Wrote,
) -> tuple[int, int]:
    """The ids of the person and the case; writes the person if new. Raises Refusal."""
    if isinstance(person, NewPerson):
        at = writing.moment.now
        indexes = store.indexer.columns(person.items, read_state(connection))
        sealer = sealers.new(first)
        row = person_row(person, first, sealer, indexes, code, writing.reporter, at)
        insert_rows(connection, people, PEOPLE_COLUMNS, [row])
        sealers.write()
        wrote["person"] = [first]
        return first, first + 1
    region = writing.region(store)
    for refusal in joined_people(
        connection, writing.question, region, [(person, "Case", code)]
    ).values():
        if isinstance(refusal.problem, NotFoundProblem):
            mistakes = Mistakes()
            note_stranger(person, store, mistakes, [])
            mistakes.stop()
        raise refusal
    return person, first

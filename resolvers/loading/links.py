"""Writing links between cases: the person a case exposed becomes its contact (who exposed whom)."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from regions.bulk import insert_rows
from regions.cases import EXPOSURE_ITEMS, exposures
from regions.contacts import contacts
from regions.ids import take_ids
from regions.person_sealing import PeopleSealers
from resolvers.loading.contacts import CONTACT_COLUMNS, contact_row
from resolvers.loading.records import Written, new_rows, seal
from resolvers.loading.rows import FIELDS, Rejection, Row
from resolvers.loading.stores import Found, Store
from resolvers.transfers.custodians import not_custodians

__all__ = ["CASE_COLUMNS", "Link", "route_between", "write_links"]

CASE_COLUMNS = ("id", "person_id", "code", "reported_at", "disease")
"""What must be known of both cases of a link."""

_EXPOSURE_COLUMNS = (
    "id",
    "person_id",
    "case_id",
    "source_case_id",
    "kind",
    "code",
    "started_on",
    "ended_on",
    "sealed",
    "source_key",
    "source_hash",
    "created_at",
)
_CONTACT = FIELDS["contact"]
_EXPOSURE = FIELDS["exposure"]
_PUBLIC = len(_EXPOSURE) - len(EXPOSURE_ITEMS)
_FILLED = ("kind", "code", "started_on", "ended_on")
_IDS_AT_ONCE = 5_000


@dataclass(slots=True)
class Link:
    """A row of a list of links, and the two cases it names (`CASE_COLUMNS`)."""

    row: Row
    case: Found
    person: Found


@dataclass(slots=True)
class _Exposures:
    """The exposures of the people of a batch, by their case, and what is to become of them."""

    by_case: dict[int, list[dict[str, Any]]]
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)
    new: list[tuple[Any, ...]] = field(default_factory=list)


def route_between(case_code: str, person_code: str) -> str:
    """How a contact of a case of one place comes to be known in another (B3)."""
    if case_code[:2] != person_code[:2]:
        return "OTHER_PROVINCE"
    if case_code[:4] != person_code[:4]:
        return "OTHER_CITY"
    return "OWN_SCREENING" if case_code == person_code else "OTHER_COUNTY"


def write_links(
    connection: Connection,
    store: Store,
    links: Sequence[Link],
    *,
    id_column: str,
    pretended: Mapped[str, str],
    dry_run: bool,
) -> Written:
    """Writes contacts of the region's people and who exposed them, in the connection's transaction.

    The first exposure of the person's own case that has no source yet gets this one; where there is
    none, or the link brings its own place, an exposure is added.
    """
    written = Written()
    by_key = {link.row.key: link for link in links}
    rows = [link.row for link in links]
    new = new_rows(connection, contacts, rows, id_column, pretended, written)
    _refuse(connection, store, [by_key[row.key] for row in new], id_column, written)
    if not new or dry_run:
        return written
    fresh = [by_key[row.key] for row in new]
    known = _Exposures(_of_cases(connection, [link.person.row.id for link in fresh]))
    next_id = take_ids(connection, store.code, 2 * len(fresh))
    persons = [link.person.row.person_id for link in fresh]
    sealers = PeopleSealers(connection, store.sealer, persons)
    contact_rows = []
    for link in fresh:
        person, row = link.person.row, link.row
        exposure = _place_source(sealers, known, link, next_id + 1)
        values = row.values["contact"]
        _default(values, "route", route_between(link.case.row.code, person.code))
        _default(values, "first_contact_on", exposure["started_on"])
        _default(values, "last_contact_on", exposure["ended_on"])
        row.links, row.disease = (link.case.row.id, None), link.case.row.disease
        created = values[_CONTACT["registered_at"]] or person.reported_at
        contact_rows.append(
            contact_row(sealers, next_id, person.person_id, row, person.code, str(created))
        )
        next_id += 2  # the second is the exposure's, if one is added
    insert_rows(connection, contacts, CONTACT_COLUMNS, contact_rows)
    insert_rows(connection, exposures, _EXPOSURE_COLUMNS, known.new)
    if known.changed:
        connection.execute(_CHANGE, list(known.changed.values()))
    written.records.update(contacts=len(contact_rows), exposures=len(known.new))
    written.wrote = {
        "contact": [row[0] for row in contact_rows],
        "exposure": [row[0] for row in known.new],
    }
    return written


def _refuse(
    connection: Connection, store: Store, links: Sequence[Link], id_column: str, written: Written
) -> None:
    """Takes links back out whose person the region does not answer for (any more)."""
    away = not_custodians(connection, store.code, {link.person.row.person_id for link in links})
    written.new[:] = [link.row for link in links if link.person.row.person_id not in away]
    written.rejections += [
        Rejection(link.row.line, id_column, link.row.id, "NOT_CUSTODIAN")
        for link in links
        if link.person.row.person_id in away
    ]
    written.loaded = len(written.new)


_CHANGE = (
    update(exposures)
    .where(exposures.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("source_case_id", *_FILLED)})
)


def _of_cases(connection: Connection, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    columns = (exposures.c[name] for name in ("id", "case_id", "source_case_id", *_FILLED))
    statement = select(*columns).order_by(exposures.c.id)
    found: dict[int, list[dict[str, Any]]] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = exposures.c.case_id.in_(wanted[start : start + _IDS_AT_ONCE])
        for row in connection.execute(statement.where(some)).mappings():
            found.setdefault(row["case_id"], []).append(dict(row))
    return found


def _place_source(
    sealers: PeopleSealers, known: _Exposures, link: Link, new_id: int
) -> dict[str, Any]:
    """Notes the source with one of the person's exposures; returns that exposure."""
    person, row = link.person.row, link.row
    values = row.values.get("exposure") or [None] * len(_EXPOSURE)
    items = values[_PUBLIC:]
    there = known.by_case.setdefault(person.id, [])
    free = next((one for one in there if one["source_case_id"] is None), None)
    if free is not None and not any(items):
        free["source_case_id"] = link.case.row.id
        for name in _FILLED:
            free[name] = free[name] or values[_EXPOSURE[name]]
        changed = {f"new_{name}": free[name] for name in ("source_case_id", *_FILLED)}
        known.changed[free["id"]] = {"of": free["id"], **changed}
        return free
    # Nothing said of when and where, it was as the person's first exposure says.
    model = there[0] if there else dict.fromkeys(_FILLED)
    added = {name: values[_EXPOSURE[name]] or model[name] for name in _FILLED if name != "kind"}
    added |= {"id": new_id, "kind": values[_EXPOSURE["kind"]], "source_case_id": link.case.row.id}
    there.append(added)
    known.new.append(
        (
            new_id,
            person.person_id,
            person.id,
            link.case.row.id,
            *(added[name] for name in _FILLED),
            seal(sealers, person.person_id, "exposures", new_id, items),
            row.key,
            row.hash,
            person.reported_at,
        )
    )
    return added


def _default(values: list[Any], name: str, value: Any) -> None:
    at = _CONTACT[name]
    if values[at] is None:
        values[at] = value

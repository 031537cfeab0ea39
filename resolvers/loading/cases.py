"""Writing cases: a person, a case and, where anything is known of it, an exposure for each row."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.cases import CASE_ITEMS, EXPOSURE_ITEMS, cases, exposures
from regions.ids import take_ids
from regions.instants import now
from regions.person_sealing import PeopleSealers
from regions.statistics import COUNTED, apply_counts
from regions.zones import Zone
from resolvers.alerts.single_case import signal_cards
from resolvers.loading.notices import Notices
from resolvers.loading.records import (
    PeopleWriter,
    Written,
    known_people,
    new_rows,
    seal,
)
from resolvers.loading.rows import FIELDS, Row
from resolvers.loading.stores import Store

__all__ = ["write_cases"]

_CASE_COLUMNS = (
    "id",
    "person_id",
    "disease",
    "classification",
    "origin",
    "found_by",
    "code",
    "onset_on",
    "diagnosed_at",
    "reported_at",
    "unit_id",
    "hospital",
    "outcome",
    "outcome_on",
    "died_on",
    "sealed",
    "reporter_unit",
    "source_key",
    "source_hash",
    "created_at",
    "updated_at",
    "version",
)
_DISEASE = _CASE_COLUMNS.index("disease")
_EXPOSURE_COLUMNS = (
    "id",
    "person_id",
    "case_id",
    "kind",
    "code",
    "started_on",
    "ended_on",
    "sealed",
    "source_key",
    "source_hash",
    "created_at",
)
_AT = FIELDS["case"]
_CLASSIFICATION, _REPORTED = _AT["classification"], _AT["reported_at"]
_CASE_PUBLIC = len(FIELDS["case"]) - len(CASE_ITEMS)
_EXPOSURE_PUBLIC = len(FIELDS["exposure"]) - len(EXPOSURE_ITEMS)


def write_cases(
    connection: Connection,
    store: Store,
    rows: Sequence[Row],
    *,
    id_column: str,
    pretended: Mapped[str, str],
    notices: Notices,
    dry_run: bool,
) -> Written:
    """Writes the rows not loaded before, and their daily counts, in the connection's transaction.

    Ids are taken in the order of the list: a load that was interrupted and run again gives the
    same.
    """
    written = Written()
    new = new_rows(connection, cases, rows, id_column, pretended, written)
    if not new or dry_run:
        return written
    exposed = [_has_exposure(row) for row in new]
    next_id = take_ids(connection, store.code, 2 * len(new) + sum(exposed))
    people_rows, case_rows, exposure_rows = [], [], []
    writer, zone = PeopleWriter.of(connection, store), store.settings.days
    for row, has_exposure in zip(new, exposed, strict=True):
        created: Any = row.values["case"][_REPORTED]
        person_id, case_id = next_id, next_id + 1
        next_id += 2
        people_rows.append(writer.row(person_id, row, created))
        case_rows.append(_case_row(writer.sealers, zone, case_id, person_id, row, created, written))
        if has_exposure:
            exposure_rows.append(
                _exposure_row(writer.sealers, next_id, case_id, person_id, row, created)
            )
            next_id += 1
    prepared = list(zip(new, people_rows, strict=True))
    known_people(connection, prepared, notices, writer.state)
    writer.write(connection, people_rows)
    insert_rows(connection, cases, _CASE_COLUMNS, case_rows)
    insert_rows(connection, exposures, _EXPOSURE_COLUMNS, exposure_rows)
    apply_counts(connection, written.counts)
    singly = store.book.singly
    cards = (
        dict(zip(_CASE_COLUMNS, row, strict=True)) for row in case_rows if row[_DISEASE] in singly
    )
    raised = signal_cards(connection, store.settings, store.book, cards, now())
    written.records.update(
        people=len(people_rows),
        cases=len(case_rows),
        exposures=len(exposure_rows),
    )
    if raised:
        written.records["signals"] += len(raised)
    written.wrote = {
        "person": [row[0] for row in people_rows],
        "case": [row[0] for row in case_rows],
        "exposure": [row[0] for row in exposure_rows],
        "signal": raised,
    }
    return written


def _has_exposure(row: Row) -> bool:
    values = row.values.get("exposure")
    return values is not None and values.count(None) < len(values)


def _case_row(
    sealers: PeopleSealers,
    zone: Zone,
    case_id: int,
    person_id: int,
    row: Row,
    created: str,
    written: Written,
) -> tuple[Any, ...]:
    values: Any = row.values["case"]
    (
        disease,
        classification,
        origin,
        found_by,
        onset_on,
        diagnosed_at,
        reported_at,
        unit_id,
        hospital,
        outcome,
        outcome_on,
        died_on,
    ) = values[:_CASE_PUBLIC]
    unit = f"cdc-{row.code}"
    if classification in COUNTED:
        cell = disease, row.code, zone.day(reported_at)
        counted, died = written.counts.get(cell, (0, 0))
        written.counts[cell] = counted + 1, died + (outcome == "DIED" or died_on is not None)
    return (
        case_id,
        person_id,
        disease,
        classification,
        origin,
        found_by,
        row.code,
        onset_on,
        diagnosed_at,
        reported_at,
        unit_id or unit,
        hospital,
        outcome,
        outcome_on,
        died_on,
        seal(sealers, person_id, "cases", case_id, values[_CASE_PUBLIC:]),
        unit,
        row.key,
        row.hash,
        created,
        created,
        1,
    )


def _exposure_row(
    sealers: PeopleSealers, exposure_id: int, case_id: int, person_id: int, row: Row, created: str
) -> tuple[Any, ...]:
    values = row.values["exposure"]
    return (
        exposure_id,
        person_id,
        case_id,
        *values[:_EXPOSURE_PUBLIC],
        seal(sealers, person_id, "exposures", exposure_id, values[_EXPOSURE_PUBLIC:]),
        row.key,
        row.hash,
        created,
    )

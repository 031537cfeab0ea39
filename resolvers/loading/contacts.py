"""Writing contacts: a person and a contact for each row, linked to a case and a parent contact."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.contacts import CONTACT_ITEMS, contacts
from regions.ids import take_ids
from regions.person_sealing import PeopleSealers
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
from resolvers.loading.values import Value

__all__ = ["CONTACT_COLUMNS", "contact_row", "registered_at", "write_contacts"]

CONTACT_COLUMNS = (
    "id",
    "person_id",
    "level",
    "route",
    "source_case_id",
    "parent_contact_id",
    "relation_to_case",
    "manner",
    "frequency",
    "first_contact_on",
    "last_contact_on",
    "observation_mode",
    "observation_started_on",
    "observation_due_on",
    "observation_released_on",
    "symptom_onset_on",
    "outcome",
    "traced",
    "exclusion_reason",
    "code",
    "rule_pack",
    "sealed",
    "reporter_unit",
    "source_key",
    "source_hash",
    "created_at",
    "updated_at",
    "version",
    "disease",
)
"""The columns `contact_row` fills, in its order."""

_AT = FIELDS["contact"]
_ROUTE = _AT["route"]
_SOURCE_CASE, _PARENT, _DISEASE = _AT["source_case"], _AT["parent_contact"], _AT["disease"]
_BEFORE_CODE = _AT["exclusion_reason"] + 1
_RULE_PACK, _REGISTERED = _AT["rule_pack"], _AT["registered_at"]
_FIRST, _LAST = _AT["first_contact_on"], _AT["last_contact_on"]
_PUBLIC = len(FIELDS["contact"]) - len(CONTACT_ITEMS)
_OWN = "OWN_SCREENING"


def registered_at(values: Sequence[Value]) -> str | None:
    """When a contact was registered; by default its last day of contact, or else its first."""
    if values[_REGISTERED] is not None:
        return str(values[_REGISTERED])
    day = values[_LAST] or values[_FIRST]
    return f"{day}T00:00:00Z" if day else None


def write_contacts(
    connection: Connection,
    store: Store,
    rows: Sequence[Row],
    *,
    id_column: str,
    pretended: Mapped[str, str],
    notices: Notices,
    dry_run: bool,
) -> Written:
    """Writes the rows not loaded before, their links being ids, in the connection's transaction."""
    written = Written()
    new = new_rows(connection, contacts, rows, id_column, pretended, written)
    if not new or dry_run:
        return written
    first = take_ids(connection, store.code, 2 * len(new))
    people_rows, contact_rows = [], []
    writer = PeopleWriter.of(connection, store)
    for number, row in enumerate(new):
        person_id, contact_id = first + 2 * number, first + 2 * number + 1
        values = row.values["contact"]
        created = registered_at(values) or ""
        people_rows.append(writer.row(person_id, row, created))
        contact_rows.append(
            contact_row(writer.sealers, contact_id, person_id, row, row.code, created)
        )
    prepared = list(zip(new, people_rows, strict=True))
    known_people(connection, prepared, notices, writer.state)
    writer.write(connection, people_rows)
    insert_rows(connection, contacts, CONTACT_COLUMNS, contact_rows)
    written.records.update(people=len(people_rows), contacts=len(contact_rows))
    written.wrote = {
        "person": [row[0] for row in people_rows],
        "contact": [row[0] for row in contact_rows],
    }
    return written


def contact_row(
    sealers: PeopleSealers, contact_id: int, person_id: int, row: Row, code: str, created: str
) -> tuple[Any, ...]:
    """The values of a contact's row, its links those of the row."""
    values = row.values["contact"].copy()
    values[_ROUTE] = values[_ROUTE] or _OWN
    values[_SOURCE_CASE], values[_PARENT] = row.links
    return (
        contact_id,
        person_id,
        *values[:_BEFORE_CODE],
        code,
        values[_RULE_PACK],
        seal(sealers, person_id, "contacts", contact_id, values[_PUBLIC:]),
        f"cdc-{code}",
        row.key,
        row.hash,
        created,
        created,
        1,
        values[_DISEASE] or row.disease,
    )

"""Sealing again, under the newest key and the suite in use, in short transactions (F10).

A batch is done or not done: whatever interrupts, the same command goes on where envelopes still
need an older key. People who have no key of their own get one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)

from regions.metadata import Reveals, central, regional
from regions.person_keys import ERASED, MISSING, ensure_salts
from regions.sealing import ERASED_ENVELOPE, Sealer, needs

__all__ = ["BATCH", "Counted", "count_envelopes", "count_others", "reseal_batch", "sealed_tables"]

BATCH = 500
"""Envelopes of one transaction: some 10 ms."""

_LARGE: Mapping[str, int] = {"assist_contents": 8, "signal_contents": 8}
"""Of tables with large envelopes: how many are in memory at once."""


def sealed_tables(*, of_regions: bool) -> tuple[Table, ...]:
    """The tables with envelopes: those of every region's store, or of the gateway's own."""
    metadata = regional if of_regions else central
    return tuple(
        table
        for table in metadata.sorted_tables
        if any(column.info.get("reveals") is Reveals.SEALED for column in table.columns)
    )


def reseal_batch(
    connection: Connection, sealer: Sealer, table: Table, after: int, *, most: int = BATCH
) -> tuple[int, int | None]:
    """Seals the next envelopes of a table anew; how many, and the id of the last.

    The id is None where none is left behind `after`. Raises EnvelopeError where one does not open:
    nothing of the batch is changed then.
    """
    of_person = table.metadata is regional
    person = (table.c.id if table.name == "people" else table.c.person_id) if of_person else None
    columns = [table.c.id, table.c.sealed] + ([] if person is None else [person.label("person")])
    rows = connection.execute(
        select(*columns)
        .where(table.c.id > after, *_others(table, sealer))
        .order_by(table.c.id)
        .limit(min(most, _LARGE.get(table.name, most)))
        .with_for_update()
    ).all()
    if not rows:
        return 0, None
    ids, envelopes = [row.id for row in rows], [bytes(row.sealed) for row in rows]
    whose = [row.person for row in rows] if of_person else []
    salts = ensure_salts(connection, [one for one in whose if one is not None])
    own = [salts.get(one, MISSING) for one in whose] or [MISSING] * len(ids)
    opened = sealer.open_many(table.name, ids, envelopes, own)
    changed = []
    for number, salt, parts in zip(ids, own, opened, strict=True):
        texts = [part.encode() for part in parts]
        if salt == ERASED:
            envelope = ERASED_ENVELOPE
        elif salt == MISSING:
            envelope = sealer.seal_parts(table.name, number, texts)
        else:
            envelope = sealer.person(salt).seal_parts(table.name, number, texts)
        changed.append({"of": number, "envelope": envelope})
    statement = update(table).where(table.c.id == bindparam("of"))
    connection.execute(statement.values(sealed=bindparam("envelope")), changed)
    return len(rows), ids[-1]


def count_others(connection: Connection, sealer: Sealer, table: Table) -> int:
    """How many envelopes of a table are to be sealed anew."""
    where = _others(table, sealer)
    return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _others(table: Table, sealer: Sealer) -> list[ColumnElement[bool]]:
    """The condition that an envelope is sealed otherwise than it would be now."""
    nobodys, head = sealer.heads
    if table.metadata is not regional:
        head = nobodys
    begins = func.substr(table.c.sealed, 1, len(head), type_=LargeBinary())
    found: list[ColumnElement[bool]] = [
        table.c.sealed.is_not(None),
        begins.not_in([literal(head), literal(ERASED_ENVELOPE)]),
    ]
    person = table.c.get("person_id")
    if table.metadata is regional and person is not None and person.nullable:
        # Of a letter's people some are on record in no store: those have no key of their own.
        found.append(or_(person.is_not(None), begins != literal(nobodys)))
    return found


@dataclass(slots=True)
class Counted:
    """Envelopes of a store by the number of their key and whether they need a person's, too."""

    by_key: Counter[tuple[int, str, bool]] = field(default_factory=Counter)
    erased: int = 0

    @property
    def keys(self) -> Mapping[int, int]:
        """The number of envelopes that need a key, by its number."""
        found: Counter[int] = Counter()
        for (number, _, _), count in self.by_key.items():
            found[number] += count
        return found


def count_envelopes(connection: Connection, *, of_regions: bool) -> Counted:
    """The envelopes of a store, by what they need. Reads every table with envelopes once."""
    found = Counted()
    for table in sealed_tables(of_regions=of_regions):
        head = func.substr(table.c.sealed, 1, 2, type_=LargeBinary())
        statement = select(head, func.count()).where(table.c.sealed.is_not(None)).group_by(head)
        for begins, count in connection.execute(statement):
            need = needs(bytes(begins))
            if need is None:
                found.erased += count
            else:
                number, of_person = need
                suite = "SM4-GCM" if bytes(begins)[0] % 2 == 0 else "AES-256-GCM"
                found.by_key[(number, suite, of_person)] += count
    return found

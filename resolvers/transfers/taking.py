"""What the receiver keeps of a transfer and of its people's parts of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select, update

from regions.bulk import insert_rows
from regions.erasing import erase_person
from regions.statements import Prepared
from regions.text import among
from regions.transfers import transfer_people
from resolvers.post.messages import Message
from resolvers.transfers.applying import Work
from resolvers.transfers.bodies import KEEP_TRANSFER, transfer_of
from resolvers.transfers.dossier import Dossier
from resolvers.transfers.ledger import ids_array
from resolvers.transfers.parcels import PARTS, Marks, sealed_marks

__all__ = ["erase_all", "keep_parts", "keep_transfer"]


def keep_transfer(connection: Connection, message: Message, code: str, at: str) -> None:
    """This side's record of the transfer, unless it is there. `code` is the county here."""
    KEEP_TRANSFER.run_all(connection, [transfer_of(message, code, at)])


def keep_parts(
    work: Work,
    parts: Mapping[int, tuple[int, str, str | None]],
    marks: Marks,
    *,
    reason: str | None = None,
) -> None:
    """The people's parts at this side: epoch, outcome and hash of what came, and the remarks;
    `reason` is the code given for the outcome.
    """
    c = transfer_people.c
    known = {
        row.person_id: row.id
        for row in work.connection.execute(
            select(c.id, c.person_id).where(
                c.transfer_id == work.transfer,
                c.side == "RECEIVED",
                among(c.person_id, ids_array(parts)),
            )
        )
    }
    missing = sorted(set(parts) - {*known})
    first = work.take(len(missing)) if missing else 0
    numbers = {person: first + i for i, person in enumerate(missing)}
    sealed = sealed_marks(work.connection, work.store, numbers, marks)
    rows = []
    for person in missing:
        epoch, outcome, hashed = parts[person]
        what = (numbers[person], work.transfer, "RECEIVED", person, epoch, outcome, reason, hashed)
        rows.append((*what, None, sealed.get(person)))
    insert_rows(work.connection, transfer_people, PARTS, rows)
    again = [
        {"at_id": known[person], "to": epoch, "now": outcome, "why": reason, "hashed": hashed}
        for person, (epoch, outcome, hashed) in sorted(parts.items())
        if person in known
    ]
    _PART.run_all(work.connection, again)


_PART = Prepared(
    update(transfer_people)
    .where(transfer_people.c.id == bindparam("at_id"))
    .values(
        epoch=bindparam("to"),
        outcome=bindparam("now"),
        reason_code=bindparam("why"),
        dossier_hash=bindparam("hashed"),
    )
)


def erase_all(connection: Connection, dossier: Dossier, came: Collection[int], at: str) -> None:
    """Erases whoever was erased where a dossier comes from, of those it brings."""
    for person in dossier.erased & set(came):
        erase_person(connection, person, at)

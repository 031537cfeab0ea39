"""Who may write what concerns a person: custody, looked at in the transaction of the write (D).

A store that is not a person's custodian keeps rows as evidence, or as a preview of what is offered.
No write may touch them: it would be lost, or answer for somebody whom another region answers for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BindParameter, Connection, literal, select

from regions.fencing import require_whole
from regions.people import people
from regions.text import among
from regions.transfers import custody, transfers
from resolvers.writing.refusing import Refusal
from resolvers.writing.refusing import not_custodian as refused

__all__ = ["Elsewhere", "guard", "kept_elsewhere", "not_custodian", "not_custodians"]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What this store says of a person whom it may not write about.

    `custodian` is the region that answers for the person (six digits), `unit` the unit there.
    """

    person: int
    state: str
    custodian: str
    unit: str | None
    since: str | None


_SAID: Mapping[str, tuple[str, str]] = {
    "RELEASING": (
        "the person is offered to another unit: until that is accepted, refused or taken back, "
        "only visits and samples can be recorded",
        "该人员正在转出，在对方接收、拒收或撤回之前只能登记随访和采样",
    ),
    "HANDED": (
        "the person was handed over: region {custodian} answers for the person, and writes what "
        "concerns the person",
        "该人员已移交，由 {custodian} 负责登记",
    ),
    "PENDING": (
        "the person is offered to this region, and not yet handed over: region {custodian} answers "
        "for the person",
        "该人员正待转入，尚由 {custodian} 负责",
    ),
    "CLOSED": (
        "the person was offered to this region and stayed: region {custodian} answers for the "
        "person",
        "该人员未转入本地区，仍由 {custodian} 负责",
    ),
    "FENCED": (
        "this store was restored from an older backup and is behind: region {custodian} answers "
        "for the person",
        "本地区数据库由较早的备份恢复，该人员现由 {custodian} 负责",
    ),
}
_CARD = (
    "the card of a case stays with the institution that reported it: region {custodian} corrects "
    "it",
    "病例报告卡由首次报告单位订正，在 {custodian}",
)


def guard(
    connection: Connection, here: str, persons: Collection[int], *, adding: bool = False
) -> None:
    """Raises Refusal unless this store (`here`, its region's six digits) answers for all of some
    people, and holds them so until the transaction ends; StoreRestored where it cannot say.

    `adding` is of visits and samples: while a person is offered they may still be added, and go
    along (SORMAS 9771).
    """
    for one in not_custodians(connection, here, persons, adding=adding).values():
        raise not_custodian(one)


def not_custodians(
    connection: Connection, here: str, persons: Collection[int], *, adding: bool = False
) -> dict[int, Elsewhere]:
    """Those of some people on record here whom this store may not write about, and why.

    Their rows are locked against a handoff until the transaction ends: what is written goes along.
    Raises StoreRestored: a store that was put back may have handed over any of them since.
    """
    if not persons:
        return {}
    require_whole(connection, here)
    ids = _array(persons)
    locked = (
        select(people.c.id, people.c.kept_in)
        .where(among(people.c.id, ids))
        .order_by(people.c.id)
        .with_for_update(read=True)
    )
    kept = {row.id: row.kept_in for row in connection.execute(locked)}
    # A statement of its own: it must see what was committed while the rows were waited for.
    known = {
        row.person_id: row
        for row in connection.execute(select(custody).where(among(custody.c.person_id, ids)))
    }
    found = {}
    for person, where in kept.items():
        row = known.get(person)
        state = "OWNED" if row is None else row.state
        if where is None and (state == "OWNED" or (adding and state == "RELEASING")):
            continue
        if state == "OWNED":  # by custody it is ours, by its row it is not: nobody writes
            state = "HANDED"
        away = state != "RELEASING"
        peer = (row.peer if row is not None else None) or where or here
        found[person] = Elsewhere(
            person=person,
            state=state,
            custodian=peer if away else here,
            unit=None if away or row is None else row.unit_id,
            since=None if row is None else row.since,
        )
    return _with_units(connection, found, known)


def _with_units(
    connection: Connection, found: Mapping[int, Elsewhere], known: Mapping[int, Any]
) -> dict[int, Elsewhere]:
    """The same, with the unit on the other side of the transfer."""
    wanted = {
        person: known[person].transfer_id
        for person, one in found.items()
        if one.state != "RELEASING" and person in known and known[person].transfer_id
    }
    if not wanted:
        return dict(found)
    sides = connection.execute(
        select(transfers.c.id, transfers.c.side, transfers.c.from_unit, transfers.c.to_unit).where(
            transfers.c.id.in_(sorted(set(wanted.values())))
        )
    )
    units = {(row.id, row.side): row for row in sides}
    told = dict(found)
    for person, transfer in wanted.items():
        one = found[person]
        side = "SENT" if one.state == "HANDED" else "RECEIVED"
        row = units.get((transfer, side))
        if row is not None:
            unit = row.to_unit if one.state == "HANDED" else row.from_unit
            told[person] = Elsewhere(person, one.state, one.custodian, unit, one.since)
    return told


def not_custodian(one: Elsewhere) -> Refusal:
    """The refusal of a write about a person whom this store does not answer for."""
    message, message_zh = (text.format(custodian=one.custodian) for text in _SAID[one.state])
    return _refusal(one, message, message_zh)


def kept_elsewhere(person: int, custodian: str) -> Refusal:
    """The refusal to correct a copy of a case: its card is corrected where it was reported (B8)."""
    message, message_zh = (text.format(custodian=custodian) for text in _CARD)
    return _refusal(Elsewhere(person, "OWNED", custodian, None, None), message, message_zh)


def _refusal(one: Elsewhere, message: str, message_zh: str) -> Refusal:
    return refused(
        message,
        message_zh,
        person=f"person:{one.person}",
        custodian=one.custodian,
        unit=one.unit,
        state=one.state,
        since=one.since,
    )


def _array(numbers: Iterable[int]) -> BindParameter[str]:
    return literal(orjson.dumps(sorted(set(numbers))).decode())

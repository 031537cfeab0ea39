"""What one store says of custody, transfers and messages: read for the check over all stores.

People whom nothing ever happened to are counted, not read: made in this store, living in it, with
no row of custody. All others are read, with their rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import orjson
from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from regions.cases import cases
from regions.corrections import corrections
from regions.ids import NUMBER_BITS, first_id
from regions.people import people
from regions.post import post_inbox, post_outbox
from regions.transfers import custody, transfer_people, transfers
from resolvers.transfers.cards import CARD
from resolvers.transfers.dossier import OF_THE_PLACE, OF_THE_STORE

__all__ = [
    "ANSWERS",
    "Box",
    "Card",
    "Entrusted",
    "Part",
    "Survey",
    "Waiting",
    "answered_after",
    "cards",
    "in_inbox",
    "in_outbox",
    "present",
    "received_after",
    "survey",
]

T = TypeVar("T")

_CHUNK = 500

ANSWERS = ("OWNED", "RELEASING")
"""States of custody in which a store answers for the person."""


@dataclass(frozen=True, slots=True)
class Entrusted:
    """A row of custody."""

    state: str
    epoch: int
    peer: str | None
    transfer: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A person's part of a transfer, by one side."""

    outcome: str
    epoch: int
    dossier: str | None
    from_region: str
    to_region: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has no reply."""

    id: str
    topic: str
    subject: str
    from_region: str
    to_region: str
    since: str
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Box:
    """A message as a box has it: hash and reply."""

    hash: str
    reply: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """The card of a case, or a copy of it: its person, where the card itself is (None: here), its
    version, and a hash of what it says, private items and what belongs to the place left out.
    """

    person: int
    kept_in: str | None
    version: int
    hash: str


@dataclass(slots=True)
class Survey:
    """What a store says. `plain` counts the people it does not name; `kept_in` has all others that
    are in the store, `custody` their rows; `parts` are keyed by transfer, side and person. `copies`
    are the copies of cards of those it answers for, by case; of the cases `on_the_way` it has a
    correction to tell.
    """

    region: str
    plain: int = 0
    kept_in: dict[int, str | None] = field(default_factory=dict)
    custody: dict[int, Entrusted] = field(default_factory=dict)
    parts: dict[tuple[str, str, int], Part] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    copies: dict[int, Card] = field(default_factory=dict)
    on_the_way: set[int] = field(default_factory=set)


def survey(connection: Connection, region: str) -> Survey:
    """Reads a store, in one transaction."""
    found = Survey(region)
    made_here = _made_here(region)
    has_custody = exists().where(custody.c.person_id == people.c.id)
    plain = and_(made_here, people.c.kept_in.is_(None), ~has_custody)
    count = select(func.count()).select_from(people)
    found.plain = connection.execute(count.where(plain)).scalar_one()
    others = or_(~made_here, people.c.kept_in.is_not(None), has_custody)
    for row in connection.execute(select(people.c.id, people.c.kept_in).where(others)):
        found.kept_in[row.id] = row.kept_in
    for held in connection.execute(select(custody)):
        found.custody[held.person_id] = Entrusted(
            held.state, held.epoch, held.peer, held.transfer_id
        )
    p = transfer_people.c
    parts = select(
        *(p.transfer_id, p.side, p.person_id, p.outcome, p.epoch, p.dossier_hash),
        *(transfers.c.from_region, transfers.c.to_region),
    ).join(transfers, and_(transfers.c.id == p.transfer_id, transfers.c.side == p.side))
    for part in connection.execute(parts):
        found.parts[(part.transfer_id, part.side, part.person_id)] = Part(
            part.outcome, part.epoch, part.dossier_hash, part.from_region, part.to_region
        )
    o = post_outbox.c
    waiting = select(post_outbox).where(o.answered_at.is_(None)).order_by(o.seq)
    found.waiting = [
        Waiting(
            row.id,
            row.topic,
            row.subject,
            region,
            row.to_region,
            row.created_at,
            row.attempts,
            row.last_error,
        )
        for row in connection.execute(waiting)
    ]
    told = select(o.body).where(o.answered_at.is_(None), o.topic == CARD)
    found.on_the_way = {orjson.loads(body)["case"] for body in connection.scalars(told)}
    theirs = select(custody.c.person_id).where(custody.c.state.in_(ANSWERS))
    found.copies = _cards(
        connection, and_(cases.c.kept_in.is_not(None), cases.c.person_id.in_(theirs))
    )
    return found


def cards(connection: Connection, ids: Collection[int]) -> dict[int, Card]:
    """Those of some cases that are in the store, by their ids."""
    found: dict[int, Card] = {}
    for some in chunks(sorted(ids)):
        found |= _cards(connection, cases.c.id.in_(some))
    return found


def _cards(connection: Connection, of: ColumnElement[bool]) -> dict[int, Card]:
    c = corrections.c
    history: dict[int, list[int]] = {}
    lines = select(c.record_id, c.id).where(
        c.record_type == "CASE", c.record_id.in_(select(cases.c.id).where(of))
    )
    for case, line in connection.execute(lines.order_by(c.id)):
        history.setdefault(case, []).append(line)
    found = {}
    for row in connection.execute(select(*_SAID, cases.c.kept_in).where(of)).mappings():
        said = [row[name] for name in _SAID_NAMES]
        digest = sha256(orjson.dumps([said, history.get(row["id"], [])])).hexdigest()[:16]
        found[row["id"]] = Card(row["person_id"], row["kept_in"], row["version"], digest)
    return found


_SAID = [
    column
    for column in cases.columns
    if column.name not in OF_THE_PLACE | OF_THE_STORE and column.name != "sealed"
]
_SAID_NAMES = [column.name for column in _SAID]


def present(connection: Connection, ids: Collection[int]) -> set[int]:
    """Those of some people that are in the store."""
    found: set[int] = set()
    for some in chunks(sorted(ids)):
        found.update(connection.scalars(select(people.c.id).where(people.c.id.in_(some))))
    return found


def answered_after(
    connection: Connection, to: str, after: int, size: int
) -> tuple[dict[str, Box], int]:
    """Up to `size` answered messages to a region behind a number, and the number of the last."""
    o = post_outbox.c
    query = (
        select(o.id, o.seq, o.hash, o.reply)
        .where(o.to_region == to, o.answered_at.is_not(None), o.seq > after)
        .order_by(o.seq)
        .limit(size)
    )
    rows = connection.execute(query).all()
    return {row.id: Box(row.hash, row.reply) for row in rows}, rows[-1].seq if rows else after


def received_after(connection: Connection, sender: str, after: str, size: int) -> dict[str, Box]:
    """Up to `size` messages received from a region behind an id, in the order of their ids."""
    i = post_inbox.c
    query = select(i.id, i.hash, i.reply).where(i.from_region == sender, i.id > after)
    rows = connection.execute(query.order_by(i.id).limit(size))
    return {row.id: Box(row.hash, row.reply) for row in rows}


def in_inbox(connection: Connection, sender: str, ids: Collection[str]) -> dict[str, Box]:
    """Those of some messages of a region that are in the receiver's inbox."""
    i = post_inbox.c
    found: dict[str, Box] = {}
    for some in chunks(ids):
        query = select(i.id, i.hash, i.reply).where(i.from_region == sender, i.id.in_(some))
        found.update((row.id, Box(row.hash, row.reply)) for row in connection.execute(query))
    return found


def in_outbox(connection: Connection, to: str, ids: Collection[str]) -> dict[str, Box]:
    """Those of some messages to a region that are in the sender's outbox."""
    o = post_outbox.c
    found: dict[str, Box] = {}
    for some in chunks(ids):
        query = select(o.id, o.hash, o.reply).where(o.to_region == to, o.id.in_(some))
        found.update((row.id, Box(row.hash, row.reply)) for row in connection.execute(query))
    return found


def chunks(of: Iterable[T]) -> Iterator[list[T]]:
    """Some at a time."""
    some: list[T] = []
    for one in of:
        some.append(one)
        if len(some) == _CHUNK:
            yield some
            some = []
    if some:
        yield some


def _made_here(region: str) -> ColumnElement[bool]:
    first = first_id(region)
    return people.c.id.between(first, first + (1 << NUMBER_BITS) - 1)

"""A side's copy of a letter in its store's transaction: rows, people, what is noted of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, bindparam, case, select, update

from regions.assist import assist_copies, assist_events, assist_people, assist_requests
from regions.bulk import insert_rows
from regions.ids import take_ids
from regions.person_sealing import PeopleSealers
from regions.statements import Prepared
from resolvers.assist.states import OPEN, State
from resolvers.writing.envelopes import sealed_items
from resolvers.writing.stores import Store

__all__ = [
    "RECEIVED",
    "SENT",
    "Copy",
    "Ids",
    "Who",
    "sealed_letter",
    "write_copies",
    "write_people",
]

SENT, RECEIVED = "SENT", "RECEIVED"
_EVENTS = tuple(column.name for column in assist_events.columns)
_PEOPLE = tuple(column.name for column in assist_people.columns)
_OPEN = frozenset(state.name for state in OPEN)


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something, and when. Account and unit are None for the system."""

    account: str | None
    unit_id: str | None
    at: str
    trace: str


class Ids:
    """Ids of records, taken in the transaction that uses them."""

    def __init__(self, connection: Connection, store: Store) -> None:
        self._connection, self._region = connection, store.settings.code

    def take(self, count: int = 1) -> int:
        """The first of so many."""
        return take_ids(self._connection, self._region, count)


@dataclass(slots=True)
class Copy:
    """One side's copy of a letter. `people` are those that were loaded, by position.

    What is set in `row` and in a person is written by `save`. `keys` are of the events noted since.
    """

    connection: Connection
    store: Store
    row: dict[str, Any]
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    spread_to: str | None = None  # the state that all its people were given together
    onward: list[str] = field(default_factory=list)  # numbers of letters that carry it on
    _noted: list[tuple[Any, ...]] | None = None  # events that are written together
    _next: int = 0  # the id of the next of them
    _before: dict[str, Any] = field(default_factory=dict)
    _people_before: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = dict(self.row)

    @classmethod
    def find(
        cls, connection: Connection, store: Store, number: str, side: str, *, lock: bool = True
    ) -> Copy | None:
        """A side's copy by the letter's number, locked unless it is only read."""
        c = assist_requests.c
        asked = select(assist_requests).where(c.number == number, c.side == side)
        if lock:
            asked = asked.with_for_update()
        return cls._of(connection, store, connection.execute(asked).first())

    @classmethod
    def of_id(cls, connection: Connection, store: Store, request_id: int) -> Copy:
        """A copy by its id, which is there; locked."""
        asked = select(assist_requests).where(assist_requests.c.id == request_id)
        asked = asked.with_for_update()
        found = cls._of(connection, store, connection.execute(asked).one())
        assert found is not None
        return found

    @classmethod
    def _of(cls, connection: Connection, store: Store, row: Row[Any] | None) -> Copy | None:
        return None if row is None else cls(connection, store, dict(row._mapping))

    @property
    def id(self) -> int:
        """The id of the copy's row."""
        number: int = self.row["id"]
        return number

    @property
    def number(self) -> str:
        """The letter's number."""
        text: str = self.row["number"]
        return text

    @property
    def state(self) -> State:
        """Its state."""
        return State[self.row["state"]]

    def load(self, positions: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """People of the letter, by position where given; those there are."""
        asked = select(assist_people).where(assist_people.c.request_id == self.id)
        if positions is not None:
            wanted = sorted(set(positions))
            asked = asked.where(assist_people.c.position.in_(wanted))
        for found in self.connection.execute(asked.order_by(assist_people.c.position)):
            position = found.position
            if position not in self.people:
                self.people[position] = dict(found._mapping)
                self._people_before[position] = dict(found._mapping)
        if positions is None:
            return [self.people[position] for position in sorted(self.people)]
        return [self.people[position] for position in wanted if position in self.people]

    def states(self) -> list[State]:
        """The states of all its people, as they stand now."""
        c = assist_people.c
        stored = self.connection.execute(
            select(c.position, c.state).where(c.request_id == self.id)
        ).all()
        return [
            State[self.people[position]["state"] if position in self.people else state]
            for position, state in stored
        ]

    def note(
        self,
        event: str,
        phase: str,
        who: Who,
        *,
        person: Mapping[str, Any] | None = None,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Notes an event that happens in this store now; its key is kept for the other side."""
        if self._noted is None:
            number = Ids(self.connection, self.store).take()
        else:
            number, self._next = self._next, self._next + 1
        key = str(number)  # ids are one in the whole country
        self.keys.append(key)
        row = {
            "id": number,
            "request_id": self.id,
            "number": self.number,
            "key": key,
            "position": person["position"] if person is not None else None,
            "event": event,
            "phase": phase,
            "state": (person or self.row)["state"],
            "version": self.row["version"],
            "actor": who.account,
            "unit_id": who.unit_id,
            "region": self.store.settings.code,
            "reason_code": reason,
            "detail": orjson.dumps(dict(detail or {}), option=orjson.OPT_SORT_KEYS).decode(),
            "code": self.row["code"],
            "at": who.at,
            "created_at": who.at,
        }
        made = tuple(row[name] for name in _EVENTS)
        if self._noted is None:
            insert_rows(self.connection, assist_events, _EVENTS, [made])
        else:
            self._noted.append(made)

    @contextmanager
    def noting(self, most: int) -> Iterator[None]:
        """Within it up to so many events are noted, and written together at its end."""
        self._next, self._noted = Ids(self.connection, self.store).take(max(most, 1)), []
        noted = self._noted
        try:
            yield
        finally:
            self._noted = None
        insert_rows(self.connection, assist_events, _EVENTS, noted)

    def take_events(self, events: Sequence[Mapping[str, Any]], at: str) -> list[str]:
        """Enters events of the other side, or of a letter that carries this one on; the keys of
        those that were not known.
        """
        known = set(
            self.connection.execute(
                select(assist_events.c.key).where(
                    assist_events.c.request_id == self.id,
                    assist_events.c.key.in_([one["key"] for one in events]),
                )
            ).scalars()
        )
        new = [one for one in events if one["key"] not in known]
        if new:
            first = Ids(self.connection, self.store).take(len(new))
            own = {"request_id": self.id, "code": self.row["code"], "created_at": at}
            rows = [dict(one) | own | {"id": first + i} for i, one in enumerate(new)]
            made = [tuple(row[name] for name in _EVENTS) for row in rows]
            insert_rows(self.connection, assist_events, _EVENTS, made)
        return [one["key"] for one in new]

    def events(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """Events by their keys, as they travel."""
        c = assist_events.c
        asked = (
            select(assist_events)
            .where(c.request_id == self.id, c.key.in_(list(keys)))
            .order_by(c.at, c.id)
        )
        return [dict(one._mapping) for one in self.connection.execute(asked)]

    def save(self, at: str) -> list[int]:
        """Writes what was set; the positions of people that changed."""
        changed = []
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}  # by the columns that changed
        for position, person in self.people.items():
            before = self._people_before.get(position, {})
            new = {name: value for name, value in person.items() if value != before.get(name)}
            if not new:
                continue
            changed.append(position)
            new["updated_at"] = person["updated_at"] = at
            alike.setdefault(tuple(new), []).append(_given(person["id"], new))
            self._people_before[position] = dict(person)
        for names, rows in alike.items():
            _change(assist_people, names).run_all(self.connection, rows)
        new = {name: value for name, value in self.row.items() if value != self._before.get(name)}
        if new or changed:
            new["updated_at"] = self.row["updated_at"] = at
            changing = _change(assist_requests, tuple(new))
            changing.run(self.connection, **_given(self.id, new))
            self._before = dict(self.row)
        return changed

    def spread(self, state: State) -> None:
        """Gives its people the letter's state, but for those whom another letter carries on."""
        gone = State.FORWARDED.name
        self.spread_to = state.name
        for person in self.people.values():
            if person["state"] != gone:
                person["state"] = state.name
        c = assist_people.c
        self.connection.execute(
            update(assist_people)
            .where(
                c.request_id == self.id,
                c.position.not_in(list(self.people)),
                c.state != gone,
            )
            .values(state=state.name)
        )

    def open_people(self) -> None:
        """Sets whether the holder sees what is shared: while the letter and the person are open."""
        holds = self.row["side"] == RECEIVED and self.row["state"] in _OPEN
        c = assist_people.c
        for person in self.people.values():
            person["open"] = int(holds and person["state"] != State.FORWARDED.name)
        gone = c.state == State.FORWARDED.name
        self.connection.execute(
            update(assist_people)
            .where(c.request_id == self.id, c.position.not_in(list(self.people)))
            .values(open=case((gone, 0), else_=int(holds)))
        )


@cache
def _change(table: Table, names: tuple[str, ...]) -> Prepared:
    """Sets some columns of a row."""
    given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return Prepared(update(table).where(table.c.id == bindparam("row")).values(given))


def _given(number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"row": number} | {f"new_{name}": value for name, value in values.items()}


def sealed_letter(
    connection: Connection, store: Store, row: Mapping[str, Any], items: Mapping[str, Any]
) -> bytes | None:
    """The envelope of a letter's own items."""
    sealers = PeopleSealers(connection, store.sealer)
    return sealed_items(sealers, store, assist_requests, row, items)


def write_people(
    connection: Connection,
    store: Store,
    rows: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
) -> None:
    """Writes new people of a letter; `items` are theirs in clear."""
    known = {row["person_id"] for row in rows if row["person_id"] is not None}
    sealers = PeopleSealers(connection, store.sealer, known)
    made = []
    for row, own in zip(rows, items, strict=True):
        sealed = sealed_items(sealers, store, assist_people, row, own)
        whole = dict(row) | {"sealed": sealed}
        made.append(tuple(whole[name] for name in _PEOPLE))
    insert_rows(connection, assist_people, _PEOPLE, made)


def write_copies(connection: Connection, copy: Copy, units: Iterable[str], at: str) -> None:
    """Writes which units above get a copy."""
    known = set(
        connection.execute(
            select(assist_copies.c.unit_id).where(assist_copies.c.number == copy.number)
        ).scalars()
    )
    rows = [(copy.number, unit, copy.id, at) for unit in dict.fromkeys(units) if unit not in known]
    insert_rows(connection, assist_copies, ("number", "unit_id", "request_id", "created_at"), rows)

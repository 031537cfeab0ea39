"""People of letters who are erased: where a letter has nobody on record, it has them typed in.

What is typed into a letter is sealed with the store's key, since there is no person's key, and so
outlasts the erasing of one. Somebody is the same in all copies of a letter and in those that carry
it on: the first letter's number and the position say who. Whom a letter is about is found by the
records that its issuer or receiver has, and by the ID number. Somebody who was typed in without one
is erased where the order names the letter and the position; where the telephone, or name and birth
date, are those of a person who is erased, the place is told to whoever orders it (`alike`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Table, select, tuple_, update

from regions.assist import assist_attachments, assist_contents, assist_people, assist_requests
from regions.blind_index import BlindIndexer
from regions.person_keys import MISSING
from regions.sealing import ERASED_ENVELOPE, Sealer

__all__ = ["Named", "erase_named", "named_in_letters", "places_in_letters"]

T = TypeVar("T")

_AT_ONCE = 2_000  # people of letters opened at once
_IN_ONE = 200  # named in one statement
_LETTERS, _PEOPLE, _FILES = assist_requests.c, assist_people.c, assist_attachments.c


@dataclass(frozen=True, slots=True)
class Named:
    """Whom letters name: `people` by the number of the first letter and the position, `cases` by
    that number alone, where the index case is meant.
    """

    people: frozenset[tuple[str, int]] = frozenset()
    cases: frozenset[str] = frozenset()
    alike: frozenset[tuple[str, int]] = frozenset()  # perhaps the person: not erased by themselves

    def __or__(self, other: Named) -> Named:
        people = self.people | other.people
        alike = (self.alike | other.alike) - people
        return Named(people, self.cases | other.cases, alike)


def places_in_letters(
    connection: Connection, places: Collection[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, int | None]]:
    """Of places in letters, by number and position (0: the index case), those that this store
    knows: the number of the first letter of the chain, and the person where one is on record here.
    """
    found: dict[tuple[str, int], tuple[str, int | None]] = {}
    for number, position in sorted(places):
        asked = select(_LETTERS.root_number, _LETTERS.person_id).where(_LETTERS.number == number)
        if position:
            asked = (
                select(_LETTERS.root_number, _PEOPLE.person_id)
                .join(assist_people, _PEOPLE.request_id == _LETTERS.id)
                .where(_LETTERS.number == number, _PEOPLE.position == position)
            )
        rows = connection.execute(asked).all()
        if rows:
            person = next((row.person_id for row in rows if row.person_id is not None), None)
            found[(number, position)] = (rows[0].root_number, person)
    return found


def named_in_letters(
    connection: Connection,
    sealer: Sealer,
    indexer: BlindIndexer,
    persons: Collection[int],
    numbers: Collection[str],
    others: Collection[str] = (),
) -> Named:
    """Where the letters of this store name a person, by the person's records and by blind indexes
    of the ID number; and where perhaps, by those (`others`) of telephone, or name and birth date.
    """
    wanted = sorted(set(persons))
    people = select(_LETTERS.root_number, _PEOPLE.position).join(
        assist_people, _PEOPLE.request_id == _LETTERS.id
    )
    known = connection.execute(people.where(_PEOPLE.person_id.in_(wanted)))
    found = {(row[0], row[1]) for row in known}
    cases = connection.execute(select(_LETTERS.root_number).where(_LETTERS.person_id.in_(wanted)))
    roots = frozenset(cases.scalars())
    alike: set[tuple[str, int]] = set()
    if numbers or others:
        typed = dict(_typed(connection, sealer, indexer, frozenset(numbers), frozenset(others)))
        rows = people.add_columns(_PEOPLE.id).where(_PEOPLE.person_id.is_(None))
        for some in _parts(sorted(typed)):
            for row in connection.execute(rows.where(_PEOPLE.id.in_(some))):
                (found if typed[row[2]] else alike).add((row[0], row[1]))
    return Named(frozenset(found), roots, frozenset(alike - found))


def _typed(
    connection: Connection,
    sealer: Sealer,
    indexer: BlindIndexer,
    numbers: frozenset[str],
    others: frozenset[str],
) -> Iterable[tuple[int, bool]]:
    """People of letters who are nobody's record here, and have one of these ID numbers (True), or
    no ID number and one of the other indexes.
    """
    indexers = indexer.every()
    after = 0
    while True:
        rows = connection.execute(
            select(_PEOPLE.id, _PEOPLE.sealed)
            .where(
                _PEOPLE.id > after,
                _PEOPLE.person_id.is_(None),
                _PEOPLE.sealed.is_not(None),
                _PEOPLE.sealed != ERASED_ENVELOPE,
            )
            .order_by(_PEOPLE.id)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        after = rows[-1].id
        opened = sealer.open_named(
            assist_people.name,
            [row.id for row in rows],
            [bytes(row.sealed) for row in rows],
            [MISSING] * len(rows),
        )
        for row, items in zip(rows, opened, strict=True):
            text = items.get("id_number")
            if text:
                if any(one.id_number(str(text)) in numbers for one in indexers):
                    yield row.id, True
            elif others & {index for one in indexers for index in one.person(items)[1:]}:
                yield row.id, False


def erase_named(connection: Connection, named: Named) -> int:
    """Erases what letters of this store say of them, files that are about them alone too; how many
    envelopes were there. Done again, it changes nothing more.
    """
    count = 0
    for some in _parts(sorted(named.people)):
        roots = sorted({root for root, _ in some})
        letters = connection.execute(
            select(_LETTERS.id, _LETTERS.root_number).where(_LETTERS.root_number.in_(roots))
        ).all()
        at: dict[str, list[int]] = {}
        for root, position in some:
            at.setdefault(root, []).append(position)
        places = [(row.id, position) for row in letters for position in at[row.root_number]]
        for these in _parts(places):
            who = tuple_(_PEOPLE.request_id, _PEOPLE.position).in_(these)
            count += _erase(connection, assist_people, who)
            of_them = tuple_(_FILES.request_id, _FILES.position).in_(these)
            files = list(connection.execute(select(_FILES.id).where(of_them)).scalars())
            count += _erase(connection, assist_attachments, of_them)
            count += _erase(connection, assist_contents, assist_contents.c.id.in_(files))
    for numbers in _parts(sorted(named.cases)):
        count += _erase(connection, assist_requests, _LETTERS.root_number.in_(numbers))
    return count


def _erase(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    done = connection.execute(
        update(table)
        .where(which, table.c.sealed.is_not(None), table.c.sealed != ERASED_ENVELOPE)
        .values(sealed=ERASED_ENVELOPE)
    )
    return done.rowcount


def _parts(every: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at a time as a statement takes."""
    for start in range(0, len(every), _IN_ONE):
        yield every[start : start + _IN_ONE]

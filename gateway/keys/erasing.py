"""Erasing a person in every region: asked by one account, confirmed and done by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select, update

from gateway.access_log.reading import canonical
from gateway.access_log.starting import tell_log
from gateway.access_log.system import operator
from gateway.accounts import COMMAND_LINE
from gateway.config import Config
from gateway.keys.stores import KeyStore, key_stores
from regions.blind_index import BlindIndexer
from regions.erasing import erase_person, numbers_of, on_record, others_of, same_number
from regions.erasures import erasures
from regions.errors import Forbidden, InvalidInput, NotFound, RegionUnavailable
from regions.ids import region_of
from regions.instants import now
from regions.keys import Keys
from resolvers.access_log import Commitments
from resolvers.assist.erasing import Named, erase_named, named_in_letters, places_in_letters
from resolvers.transfers.telling import tell_erased
from resolvers.users import Role
from resolvers.users.accounts import find_account, is_usable
from resolvers.users.persons import same_person
from resolvers.writing.stores import Store, Stores

__all__ = ["Erased", "ask_erasure", "confirm_erasure"]


@dataclass(frozen=True, slots=True)
class Erased:
    """An order: its number, the person's records, and by region the envelopes that were erased;
    `alike` are places in letters where somebody was typed in who may be the person.
    """

    number: int
    people: tuple[int, ...]
    envelopes: dict[str, int]
    away: tuple[str, ...] = ()
    alike: tuple[tuple[str, int], ...] = ()


async def ask_erasure(
    config: Config,
    keys: Keys,
    people: Sequence[int],
    reason: str,
    by: str,
    *,
    letters: Sequence[tuple[str, int]] = (),
    module: str = COMMAND_LINE,
) -> Erased:
    """Orders that a person be erased, after finding the person's records in all regions by the ID
    number. `letters` are places (number, position) where the person was typed in.

    `by` is an account that was proven to be its holder's: by a session, or `on_machine`. The order
    is not kept unless the access log holds that it is. Raises RegionUnavailable where a region
    cannot say whether it knows the person, NotFound, Forbidden, InvalidInput, AccessLogError.
    """
    if not reason.strip():
        raise InvalidInput("an erasure needs a reason", argument="reason")
    if not people and not letters:
        raise InvalidInput("an erasure is of somebody: name a record, or a place in a letter")
    stores, away = await key_stores(config, keys)
    try:
        own = stores[-1]
        await own.do(lambda connection: _require_administrator(connection, by))
        if away:
            raise RegionUnavailable(
                f"{', '.join(away)} may know the person, and do not answer",
                hint="a person is erased in all regions or in none: try again when all answer",
            )
        found, numbers = await _records(stores[:-1], people)
        named = await _named(stores[:-1], keys, found, numbers)
        named |= await _placed(stores[:-1], letters, found)

        def keep(connection: Connection) -> int:
            number = _keep(connection, own, found, named, reason.strip(), by)
            _log(config, keys, "askErasure", by, (found, named), module)  # before this commits
            return number

        alike = tuple(sorted(named.alike))
        return Erased(await own.do(keep), tuple(found), {}, alike=alike)
    finally:
        await _close(stores)


async def confirm_erasure(
    config: Config, keys: Keys, number: int, by: str, *, module: str = COMMAND_LINE
) -> Erased:
    """Erases the person of an order, or goes on with it. It is in the access log first.

    Raises NotFound, Forbidden, InvalidInput where records of the person came since it was asked.
    """
    stores, away = await key_stores(config, keys)
    try:
        own = stores[-1]
        people, named, begun = await own.do(lambda connection: _asked(connection, own, number, by))
        if not begun:  # else the indexes by which letters were found are erased
            numbers = await _numbers(stores[:-1], people, strict=not away)
            if not away:
                await _refuse_others(stores[:-1], people)
            named |= await _named(stores[:-1], keys, people, numbers)

        def confirm(connection: Connection) -> None:
            _confirm(connection, own, number, named, by)
            _log(config, keys, "erasePerson", by, (people, named), module)  # before this commits

        await own.do(confirm)
        at, envelopes, regions = now(), {}, Stores(config.regions, keys)
        for store in stores[:-1]:
            region = regions.of_region(store.code)
            assert region is not None
            erased = await store.do(
                lambda connection, region=region: _erase(  # type: ignore[misc]  # a default binds the loop's variable
                    connection, region, people, named, number, at
                )
            )
            if erased is not None:
                envelopes[store.code] = erased
        missing = tuple(sorted(away))  # the person may have been handed over, or offered, to any
        if not missing:
            done = update(erasures).where(erasures.c.id == number).values(done_at=at)
            await own.do(lambda connection: connection.execute(done))
        return Erased(number, tuple(people), envelopes, missing)
    finally:
        await _close(stores)


def _erase(
    connection: Connection,
    region: Store,
    people: Sequence[int],
    named: Named,
    number: int,
    at: str,
) -> int | None:
    """The envelopes that were erased; None where the store has nobody of them on record, nor in a
    letter.

    Regions that a person was exchanged with are told: what is on its way brings nobody back.
    """
    here = on_record(connection, people)
    for person in here:
        tell_erased(connection, region, person, trace=f"erasure-{number}", at=at)
    count = sum(erase_person(connection, person, at) for person in here)
    count += erase_named(connection, named)
    return count if here or count else None


async def _numbers(
    stores: Sequence[KeyStore], people: Sequence[int], *, strict: bool = True
) -> set[str]:
    """The blind indexes of the person's ID number. Raises NotFound where somebody named is not on
    record, unless their region may be away.
    """
    by_code = {store.code: store for store in stores}
    indexes: set[str] = set()
    for person in people:
        store = by_code.get(region_of(person))
        known = None
        if store is not None:
            known = await store.do(lambda connection, one=person: numbers_of(connection, one))  # type: ignore[misc]  # a default binds the loop's variable
        if known is None and strict:
            raise NotFound(f"there is no person:{person}", argument="person")
        indexes |= known or set()
    return indexes


async def _records(stores: Sequence[KeyStore], people: Sequence[int]) -> tuple[list[int], set[str]]:
    """The records of the person everywhere: those named, and those of the same ID number; and the
    indexes of that.
    """
    indexes = await _numbers(stores, people)
    found = dict.fromkeys(people)
    for store in stores:
        found |= dict.fromkeys(await store.do(lambda connection: same_number(connection, indexes)))
    return list(found), indexes


async def _named(
    stores: Sequence[KeyStore], keys: Keys, people: Sequence[int], numbers: set[str]
) -> Named:
    """Where letters name the person, in any region."""
    indexer, found = BlindIndexer(keys.index), Named()
    others: set[str] = set()
    for store in stores:
        mine = [person for person in people if region_of(person) == store.code]
        for person in mine:
            others |= await store.do(lambda connection, one=person: others_of(connection, one))  # type: ignore[misc]  # a default binds the loop's variable
    for store in stores:
        found |= await store.do(
            lambda connection, store=store: named_in_letters(  # type: ignore[misc]  # a default binds the loop's variable
                connection, store.sealer, indexer, people, numbers, others
            )
        )
    return found


async def _placed(
    stores: Sequence[KeyStore], letters: Sequence[tuple[str, int]], people: Sequence[int]
) -> Named:
    """Whom places in letters name, who were typed in there. Raises NotFound where no store has such
    a place, InvalidInput where somebody else is on record there.
    """
    roots: dict[tuple[str, int], str] = {}
    for store in stores:
        known = await store.do(lambda connection: places_in_letters(connection, letters))
        for place, (root, person) in known.items():
            roots[place] = root
            if person is not None and person not in people:
                raise InvalidInput(
                    f"{place[0]}:{place[1]} is on record as person:{person}",
                    hint="name that record: whoever is on record is erased by the record",
                    argument="letters",
                )
    for number, position in letters:
        if (number, position) not in roots:
            raise NotFound(f"no letter {number} names anybody at {position}", argument="letters")
    named = {(root, position) for (_, position), root in roots.items() if position}
    cases = {root for (_, position), root in roots.items() if not position}
    return Named(frozenset(named), frozenset(cases))


async def _refuse_others(stores: Sequence[KeyStore], people: Sequence[int]) -> None:
    """Raises InvalidInput where the person has records that nobody was shown."""
    found, _ = await _records(stores, people)
    others = [one for one in found if one not in people]
    if others:
        named = ", ".join(f"person:{one}" for one in others)
        raise InvalidInput(
            f"records of the person came since this erasure was asked for: {named}",
            hint="ask for the erasure again, so that they are in it",
            argument="number",
        )


def _require_administrator(connection: Connection, account: str) -> None:
    found = find_account(connection, account)
    usable = found is not None and is_usable(connection, account)
    if found is None or not usable or found.role is not Role.SECURITY_ADMINISTRATOR:
        raise Forbidden(
            f"{account} is no active security administrator",
            hint="a person is erased by two security administrators: one asks, another confirms",
        )


def _keep(
    connection: Connection,
    own: KeyStore,
    people: Sequence[int],
    named: Named,
    reason: str,
    by: str,
) -> int:
    number = 1 + (connection.execute(select(func.max(erasures.c.id))).scalar() or 0)
    connection.execute(
        insert(erasures).values(
            id=number,
            people=orjson.dumps(list(people)).decode(),
            asked_by=by,
            asked_at=now(),
            sealed=_sealed(own, number, reason, named),
        )
    )
    return number


def _sealed(own: KeyStore, number: int, reason: str, named: Named) -> bytes:
    letters = {"people": sorted(named.people), "cases": sorted(named.cases)}
    items = {"reason": reason, "letters": orjson.dumps(letters).decode()}
    return own.sealer.seal("erasures", number, items)


def _opened(own: KeyStore, number: int, sealed: bytes) -> tuple[str, Named]:
    items = own.sealer.open("erasures", number, sealed)
    told = orjson.loads(str(items.get("letters") or '{"people": [], "cases": []}'))
    people = frozenset((root, position) for root, position in told["people"])
    return str(items.get("reason") or ""), Named(people, frozenset(told["cases"]))


def _asked(
    connection: Connection, own: KeyStore, number: int, by: str
) -> tuple[list[int], Named, bool]:
    """The records of an order, where letters name the person, and whether it was confirmed."""
    row = connection.execute(select(erasures).where(erasures.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no erasure {number}", argument="number")
    _require_administrator(connection, by)
    asked, confirming = find_account(connection, row.asked_by), find_account(connection, by)
    if row.asked_by == by or same_person(asked, confirming):
        raise Forbidden(
            f"{row.asked_by} asked for this erasure",
            hint="another security administrator confirms it, who is another person",
        )
    people: list[int] = orjson.loads(row.people)
    _, named = _opened(own, number, bytes(row.sealed))
    return people, named, row.confirmed_at is not None


def _confirm(connection: Connection, own: KeyStore, number: int, named: Named, by: str) -> None:
    open_order = (erasures.c.id == number, erasures.c.confirmed_at.is_(None))
    sealed = connection.execute(select(erasures.c.sealed).where(*open_order)).scalar()
    if sealed is None:
        return
    reason, _ = _opened(own, number, bytes(sealed))
    values = {
        "confirmed_by": by,
        "confirmed_at": now(),
        "sealed": _sealed(own, number, reason, named),
    }
    connection.execute(update(erasures).where(*open_order).values(values))


def _log(
    config: Config,
    keys: Keys,
    operation: str,
    by: str,
    whom: tuple[Sequence[int], Named],
    module: str,
) -> None:
    """An entry of what is done, on disk before it is done."""
    at, (people, named) = now(), whom
    what: dict[str, Any] = Commitments(keys.log).told({"wrote": {"person": list(people)}})
    places = [*((root, 0) for root in named.cases), *named.people]
    if places:
        what["letters"] = [f"{root}:{position}" for root, position in sorted(places)]
    if module == COMMAND_LINE:
        what["by"] = operator()
    entry = {
        "account": by,
        "at": at,
        "module": module,
        "operation": operation,
        "result": "OK",
        "what": what,
    }
    tell_log(config, keys, (at, by, operation, "OK", canonical(entry).decode()))


async def _close(stores: Sequence[KeyStore]) -> None:
    for store in stores:
        await store.engine.dispose()

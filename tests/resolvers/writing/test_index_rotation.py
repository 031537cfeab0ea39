"""While index keys change, nobody on record is missed: neither by the duplicate check, nor by a
registration, nor by a search, whatever phase each region is in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from regions.blind_index import BlindIndexer
from regions.index_keys import Phase, read_state
from regions.index_rotation import begin, begin_clearing, clear_batch, fill_batch
from regions.key_ring import Key, KeyRing
from regions.keys import Keys
from regions.sealing import Sealer
from regions.settings import RegionSettings
from tests.answering import grant, viewer
from tests.resolvers.writing.making import (
    NATIONAL,
    Writer,
    case_input,
    id_number,
    new_key,
    person,
)
from tests.stores import Stores, in_store

CHECK = "query ($c: PersonSearch!) { checkDuplicate(candidate: $c) { exists } }"
FIND = "query ($s: PersonSearch!) { people(search: $s) { matches { id elsewhere { id } } } }"
SEEING = viewer(grants=[grant("000000")], account="seeing")
PLACES = ("320102", "500103")


class Change:
    """A change of keys over two stores, one transaction at a time."""

    def __init__(self, regions: list[RegionSettings], ring: KeyRing, keys: Keys) -> None:
        self.regions, self.keys, self.indexer = regions, keys, BlindIndexer(ring)
        self.target = 1

    def states(self) -> list[Any]:
        return [in_store(region, read_state) for region in self.regions]

    def step(self, number: int, most: int) -> None:
        """One transaction of the change in one store, as far as the others allow it."""
        region, states = self.regions[number], self.states()
        phase = states[number].phase
        work: Callable[[Connection], Any]
        if phase is Phase.SINGLE:
            if any(state.key == self.target for state in states) and not states[number].key:
                raise AssertionError("a store was left behind")
            work = lambda store: begin(store, self.target)  # noqa: E731  # three of one kind, chosen between
        elif phase is Phase.BOTH:
            sealer = Sealer(self.keys.sealing, region.code)
            work = lambda store: fill_batch(store, sealer, self.indexer, most=most)  # noqa: E731  # three of one kind, chosen between
        elif phase is Phase.FILLED:
            if any(one.phase in (Phase.SINGLE, Phase.BOTH) for one in states if not self.done(one)):
                return
            work = begin_clearing
        else:
            work = lambda store: clear_batch(store, most=most)  # noqa: E731  # three of one kind, chosen between
        in_store(region, work)

    def done(self, state: Any) -> bool:
        return bool(state.phase is Phase.SINGLE and state.key == self.target)


@pytest.fixture(params=["sqlite", "postgresql"])
def changing(request: pytest.FixtureRequest, stores: Stores) -> Iterator[tuple[Writer, Change]]:
    ring = KeyRing({0: Key(b"a" * 32), 1: Key(b"b" * 32, sm3=True), 2: Key(b"c" * 32)})
    sealing, cursor, log, signing = (bytes([number]) * 32 for number in (1, 3, 4, 5))
    keys = Keys(sealing, ring, cursor, log, signing)  # type: ignore[arg-type]  # wrong or wider on purpose
    regions = [stores.make(request.param, code) for code in ("3201", "5001")]
    for region in regions:
        in_store(region, lambda store: None)
    writer = Writer(regions, keys)
    yield writer, Change(regions, ring, keys)
    writer.close()


def found(writer: Writer, candidate: dict[str, Any]) -> Any:
    asked = writer.ask(CHECK, NATIONAL, {"c": candidate})
    assert asked.errors == []
    return asked.data["checkDuplicate"]["exists"]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_nobody_is_missed_at_any_moment(changing: tuple[Writer, Change]) -> None:
    writer, change = changing
    chance = random.Random(5)
    known: list[dict[str, Any]] = []
    for rounds, target in ((0, 1), (1, 2)):
        change.target = target
        while not all(change.done(state) for state in change.states()):
            doing = chance.random()
            if doing < 0.35 or len(known) < 4:
                made = person(idNumber=id_number(), birthDate="1990-01-02", sex="M")
                given = case_input(person=made, code=chance.choice(PLACES))
                told = writer.do("registerCase", NATIONAL, given)
                assert told["__typename"] == "RegisterCasePayload", told
                assert told["duplicate"] is False
                known.append({"id": told["case"]["person"]["id"], **made})
            elif doing < 0.45:
                one = chance.choice(known)
                one["phone"] = f"139{chance.randrange(10**8):08}"
                changes = [{"field": "phone", "value": one["phone"]}]
                given = {"id": one["id"], "changes": changes, "reason": "a new phone"}
                told = writer.do("correct", NATIONAL, given | {"idempotencyKey": new_key()})
                assert told["__typename"] == "CorrectPayload", told
            else:
                change.step(chance.randrange(2), most=chance.randrange(1, 6))
            one = chance.choice(known)
            assert found(writer, {"idNumber": one["idNumber"]}) is True
            assert found(writer, {"phone": one["phone"]}) is True
            name = {"name": one["name"], "birthDate": one["birthDate"]}
            assert found(writer, name) is True
            if chance.random() < 0.2:
                search = {"s": {"idNumber": one["idNumber"]}}
                matches = writer.ask(FIND, SEEING, search).data["people"]["matches"]
                assert [match["id"] for match in matches] == [one["id"]]
        assert {state.used for state in change.states()} == {1 - rounds}
    for one in known:
        assert found(writer, {"idNumber": one["idNumber"]}) is True
    assert found(writer, {"idNumber": id_number()}) is False


def test_the_same_person_elsewhere_is_seen_in_every_phase(
    changing: tuple[Writer, Change],
) -> None:
    writer, change = changing
    made = person(idNumber=id_number(), birthDate="1990-01-02", sex="M")
    for code in PLACES:
        given = case_input(person=made, code=code)
        told = writer.do("registerCase", NATIONAL, given)
        assert told["__typename"] == "RegisterCasePayload", told
    chance = random.Random(3)
    while not all(change.done(state) for state in change.states()):
        search = {"s": {"idNumber": made["idNumber"]}}
        matches = writer.ask(FIND, SEEING, search).data["people"]["matches"]
        ids = {match["id"] for match in matches}
        assert len(ids) == 2
        for match in matches:
            assert {one["id"] for one in match["elsewhere"]} == ids - {match["id"]}
        change.step(chance.randrange(2), most=1)

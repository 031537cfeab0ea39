"""Erasing a person: nothing private is left, nothing else changes, copies do not open either."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from regions.erasing import erase_person, numbers_of, same_number
from regions.errors import EnvelopeError, PersonErased
from regions.keys import Keys
from regions.people import INDEX_SETS, people
from regions.person_keys import ERASED, person_keys
from regions.person_sealing import PeopleSealers
from regions.resealing import sealed_tables
from regions.sealing import ERASED_ENVELOPE, Sealer
from regions.settings import RegionSettings
from regions.tables import regional
from tests.records import make_population
from tests.sealed import all_salts
from tests.stores import in_store

AT = "2026-11-27T10:00:00Z"


def dump(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in regional.sorted_tables:
        rows = connection.execute(select(table).order_by(*table.primary_key.columns))
        found[table.name] = [dict(row) for row in rows.mappings()]
    return found


def test_everything_private_goes_and_nothing_else(
    store_settings: RegionSettings, keys: Keys
) -> None:
    population = make_population({store_settings.code: 12}, keys)
    population.write(store_settings)
    before, salts = in_store(store_settings, dump), all_salts(store_settings)
    owners = {
        row["person_id"]
        for row in before["contacts"]
        if row["sealed"] and row["person_id"] in salts
    }
    person = min(owners)
    count = in_store(store_settings, lambda store: erase_person(store, person, AT))
    after = in_store(store_settings, dump)
    assert count > 1
    gone = 0
    for table in regional.sorted_tables:
        if table is person_keys:
            continue
        for old, new in zip(before[table.name], after[table.name], strict=True):
            mine = old["id"] == person if table is people else old.get("person_id") == person
            changed = {name for name in old if old[name] != new[name]}
            if not mine:
                assert not changed
                continue
            assert changed <= {"sealed", *INDEX_SETS[0], *INDEX_SETS[1]}
            if table is people:
                assert {new[name] for names in INDEX_SETS for name in names} == {None}
            if old.get("sealed"):
                gone += 1
                assert bytes(new["sealed"]) == ERASED_ENVELOPE
    assert gone == count
    kept = {row["person_id"]: row for row in after["person_keys"]}
    assert (bytes(kept[person]["salt"]), kept[person]["erased_at"]) == (ERASED, AT)
    assert {one: bytes(row["salt"]) for one, row in kept.items() if one != person} == {
        one: salt for one, salt in salts.items() if one != person
    }
    # A copy of an envelope from before opens with the salt alone, and that is gone.
    sealer = Sealer(keys.sealing, store_settings.code)
    (copy,) = (bytes(row["sealed"]) for row in before["people"] if row["id"] == person)
    assert sealer.open("people", person, copy, salts[person])["id_type"] == "RESIDENT_ID"
    for salt in (b"s" * 32, bytes(32)):
        with pytest.raises(EnvelopeError):
            sealer.open("people", person, copy, salt)
    assert set(sealer.open("people", person, copy, ERASED).values()) == {None}
    # Once is enough, and the moment is the first.
    assert in_store(store_settings, lambda store: erase_person(store, person, "2027")) == 0
    assert in_store(store_settings, dump) == after


def test_a_person_without_a_key_of_his_own_is_erased_too(
    store_settings: RegionSettings, keys: Keys
) -> None:
    population = make_population({store_settings.code: 6}, keys)
    population.write(store_settings)
    salts = all_salts(store_settings)
    person = next(row["id"] for row in population.of(people) if row["id"] not in salts)
    assert in_store(store_settings, lambda store: erase_person(store, person, AT)) >= 1
    left = in_store(
        store_settings,
        lambda store: [
            bytes(row.sealed)
            for table in sealed_tables(of_regions=True)
            for row in store.execute(
                select(table.c.sealed).where(
                    (table.c.id if table is people else table.c.person_id) == person,
                    table.c.sealed.is_not(None),
                )
            )
        ],
    )
    assert set(left) == {ERASED_ENVELOPE}

    def seal(connection: Connection) -> None:
        PeopleSealers(connection, Sealer(keys.sealing, store_settings.code)).of(person)

    with pytest.raises(PersonErased):
        in_store(store_settings, seal)


def test_a_persons_records_are_found_by_the_number(
    store_settings: RegionSettings, keys: Keys
) -> None:
    population = make_population({store_settings.code: 12}, keys)
    population.write(store_settings)
    rows = [row for row in population.of(people) if row["id_number_index"]]
    by_number: dict[str, list[int]] = {}
    for row in rows:
        by_number.setdefault(row["id_number_index"], []).append(row["id"])
    index, ids = max(by_number.items(), key=lambda one: len(one[1]))
    assert len(ids) > 1
    assert in_store(store_settings, lambda store: numbers_of(store, ids[0])) == frozenset({index})
    found = in_store(store_settings, lambda store: same_number(store, {index}))
    assert sorted(found) == sorted(ids)
    assert in_store(store_settings, lambda store: same_number(store, ())) == []
    assert in_store(store_settings, lambda store: numbers_of(store, 1)) is None

"""Sealing anew: everything stays readable, whatever interrupts, on both kinds of store."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from regions.errors import EnvelopeError
from regions.key_ring import Key, KeyRing
from regions.keys import Keys
from regions.people import people
from regions.person_keys import ERASED, MISSING, person_keys
from regions.resealing import count_envelopes, count_others, reseal_batch, sealed_tables
from regions.sealing import ERASED_ENVELOPE, Sealer
from regions.settings import RegionSettings
from tests.records import Population, make_population
from tests.sealed import all_salts
from tests.stores import in_store

NEW = b"n" * 32


@pytest.fixture
def filled(store_settings: RegionSettings, keys: Keys) -> Population:
    """A store with some people who have keys of their own and some who have not."""
    population = make_population({store_settings.code: 12}, keys)
    population.write(store_settings)
    return population


def rings(keys: Keys) -> dict[str, KeyRing]:
    first = keys.sealing.find(0)
    assert first is not None
    known = {0: first, 1: Key(NEW)}
    return {"AES": KeyRing(known), "SM4": KeyRing(known, sm4=True)}


def batches(settings: RegionSettings, sealer: Sealer, most: int) -> Generator[int]:
    """Seals anew, one transaction each; yields how many it did."""
    for table in sealed_tables(of_regions=True):
        after: int | None = -1
        while after is not None:

            def work(connection: Connection, table: Any = table, after: int = after) -> Any:
                return reseal_batch(connection, sealer, table, after, most=most)

            done, after = in_store(settings, work)
            if done:
                yield done


def opened(settings: RegionSettings, sealer: Sealer) -> dict[tuple[str, int], Any]:
    """What every envelope holds."""
    salts = all_salts(settings)

    def read(connection: Connection) -> dict[tuple[str, int], Any]:
        found = {}
        for table in sealed_tables(of_regions=True):
            for row in connection.execute(select(table)).mappings():
                if row["sealed"] is not None:
                    person = row["id"] if table is people else row["person_id"]
                    salt = salts.get(person, MISSING)
                    items = sealer.open(table.name, row["id"], bytes(row["sealed"]), salt)
                    found[(table.name, row["id"])] = items
        return found

    return in_store(settings, read)


@pytest.mark.parametrize("suite", ["AES", "SM4"])
def test_everything_is_sealed_anew_and_says_the_same(
    store_settings: RegionSettings, keys: Keys, filled: Population, suite: str
) -> None:
    sealer = Sealer(rings(keys)[suite], store_settings.code)
    before = opened(store_settings, sealer)
    assert len(before) > 30
    done = list(batches(store_settings, sealer, 7))
    assert sum(done) == len(before)
    assert max(done) == 7
    assert opened(store_settings, sealer) == before
    counted = in_store(store_settings, lambda store: count_envelopes(store, of_regions=True))
    name = {"AES": "AES-256-GCM", "SM4": "SM4-GCM"}[suite]
    assert dict(counted.by_key) == {(1, name, True): len(before)}
    assert dict(counted.keys) == {1: len(before)}
    with pytest.raises(EnvelopeError):  # nothing needs the old key, everything the new one
        opened(store_settings, Sealer(keys.sealing, store_settings.code))
    alone = Sealer(KeyRing({1: Key(NEW)}), store_settings.code)
    assert opened(store_settings, alone) == before
    assert list(batches(store_settings, sealer, 7)) == []


def test_it_goes_on_where_it_was_interrupted(
    store_settings: RegionSettings, keys: Keys, filled: Population
) -> None:
    sealer = Sealer(rings(keys)["AES"], store_settings.code)
    before = opened(store_settings, sealer)
    steps = batches(store_settings, sealer, 5)
    first = next(steps) + next(steps)
    steps.close()
    assert opened(store_settings, sealer) == before
    left = in_store(
        store_settings,
        lambda store: sum(
            count_others(store, sealer, table) for table in sealed_tables(of_regions=True)
        ),
    )
    assert left == len(before) - first
    assert first + sum(batches(store_settings, sealer, 5)) == len(before)
    assert opened(store_settings, sealer) == before


def test_a_batch_with_an_envelope_that_does_not_open_changes_nothing(
    store_settings: RegionSettings, keys: Keys, filled: Population
) -> None:
    sealer = Sealer(rings(keys)["AES"], store_settings.code)
    ids = sorted(row["id"] for row in filled.of(people))

    def spoil(connection: Connection) -> None:
        wrong = update(people).where(people.c.id == ids[3]).values(sealed=b"\x01\x00" + b"x" * 40)
        connection.execute(wrong)

    in_store(store_settings, spoil)
    with pytest.raises(EnvelopeError) as raised:
        in_store(store_settings, lambda store: reseal_batch(store, sealer, people, -1))
    assert raised.value.details == {"table": "people", "record": ids[3]}
    counted = in_store(store_settings, lambda store: count_envelopes(store, of_regions=True))
    assert set(counted.keys) == {0}


def test_an_erased_person_stays_erased(
    store_settings: RegionSettings, keys: Keys, filled: Population
) -> None:
    one = filled.of(people)[0]["id"]

    def erase(connection: Connection) -> None:
        connection.execute(person_keys.delete().where(person_keys.c.person_id == one))
        row = {"person_id": one, "salt": ERASED, "erased_at": "2026-01-01T00:00:00Z"}
        connection.execute(insert(person_keys), row)

    in_store(store_settings, erase)
    sealer = Sealer(rings(keys)["AES"], store_settings.code)
    list(batches(store_settings, sealer, 50))
    left = in_store(
        store_settings,
        lambda store: store.execute(select(people.c.sealed).where(people.c.id == one)).scalar(),
    )
    assert left is not None
    assert bytes(left) == ERASED_ENVELOPE
    assert set(opened(store_settings, sealer)[("people", one)].values()) == {None}
